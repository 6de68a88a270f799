//! What the server says on its standard output when it has started.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::io::{self, Write};

use recording_core::wire::SetRequest;

use super::values::StoreKind;
use crate::demo;
use crate::server::{Addresses, Running};
use crate::store::Store;

/// Says where it listens, and in a demo world, with its sessions in this store, what to try.
pub(super) fn print<S: Store>(out: &mut impl Write, running: &Running<S>, demo: Option<&StoreKind>) -> io::Result<()> {
    let (Addresses { api, admin }, protection) = (running.addresses(), running.protection());
    let scheme = |tls: &Option<_>| if tls.is_some() { "https" } else { "http" };
    let (api_scheme, admin_scheme) = (scheme(&protection.api_tls), scheme(&protection.admin_tls));
    writeln!(out, "API    {api_scheme}://{}{}", reachable(api), also(api))?;
    writeln!(out, "admin  {admin_scheme}://{}{}", reachable(admin), also(admin))?;
    if let Some(store) = demo {
        let kept = if *store == StoreKind::Memory { "nothing is kept when it ends" } else { "its sessions are kept" };
        let (base, set) = (format!("{api_scheme}://{}", reachable(api)), SetRequest::TARGET);
        // What curl needs to be let in: a place for the token.
        let token = if protection.api.wants_token() { " -H \"Authorization: Bearer $TOKEN\"" } else { "" };
        let (ucc, session, agent) = (demo::UCC, demo::SESSION, demo::AGENT);
        let state = format!("curl {base}/attendantservice/api/recording/{ucc}/{session}{token}");
        let body = format!(
            r#"{{"Action":"Pause","RequesterSipUri":"{agent}","CorrelationId":"{session}","UCCName":"{ucc}"}}"#
        );
        let page = reachable(admin);
        writeln!(out, "\nNo --config was given, so this is a demo world; {kept}. No recorder is connected to it:")?;
        writeln!(out, "what is paused is the state that it keeps and publishes.")?;
        writeln!(out, "\nOpen {admin_scheme}://{page}/ in a browser, or try in another terminal:")?;
        writeln!(out, "\n  # read the state of the recording: 1 is started\n  {state}")?;
        writeln!(
            out,
            "\n  # set it to paused, as a payment system does before a card number is spoken\n  curl {base}{set}{token} -H 'Content-Type: application/json' -d '{body}'"
        )?;
        writeln!(out, "\n  # read it again: 3 is paused\n  {state}\n")?;
    }
    out.flush()
}

/// What is to be said of an address besides the one that is printed.
const fn also(address: SocketAddr) -> &'static str {
    if address.ip().is_unspecified() { " (and at every other address of this machine)" } else { "" }
}

/// An address that a client on this machine can use.
pub(super) const fn reachable(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), address.port()),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), address.port()),
        _ => address,
    }
}
