//! What the server says on its standard output when it has started.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::io::{self, Write};

use recording_core::SetRequest;

use crate::demo;
use crate::server::Addresses;

/// Says where it listens, and in the demo world what to try.
pub(super) fn print(out: &mut impl Write, addresses: Addresses, is_demo: bool) -> io::Result<()> {
    let Addresses { api, admin } = addresses;
    writeln!(out, "API    http://{api}")?;
    writeln!(out, "admin  http://{admin}")?;
    if is_demo {
        let (base, set) = (reachable(api), SetRequest::TARGET);
        let (ucc, session, agent) = (demo::UCC, demo::SESSION, demo::AGENT);
        let state = format!("curl http://{base}/attendantservice/api/recording/{ucc}/{session}");
        let body = format!(
            r#"{{"Action":"Pause","RequesterSipUri":"{agent}","CorrelationId":"{session}","UCCName":"{ucc}"}}"#
        );
        let page = reachable(admin);
        writeln!(out, "\nThis is a demo world; nothing is kept when it ends. Open http://{page}/ in a browser,")?;
        writeln!(out, "or try in another terminal:")?;
        writeln!(out, "\n  # read the state of the recording: 1 is started\n  {state}")?;
        writeln!(
            out,
            "\n  # pause it, as before card data is spoken\n  curl http://{base}{set} -H 'Content-Type: application/json' -d '{body}'"
        )?;
        writeln!(out, "\n  # read it again: 3 is paused\n  {state}\n")?;
    }
    out.flush()
}

/// An address that a client on this machine can use.
pub(super) const fn reachable(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), address.port()),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), address.port()),
        _ => address,
    }
}
