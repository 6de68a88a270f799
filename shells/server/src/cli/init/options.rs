//! The options of `init`.

#![allow(clippy::doc_markdown)] // the comments of options are what --help prints

use core::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::cli::values;

const ABOUT: &str = "Writes into DIR, a new directory or an empty one, what a server with TLS and tokens needs: a config with \
comments, a certificate and its key, tokens for the API, its events and the admin, and a script that starts the server. Then \
prints what each file is for. It overwrites nothing, and if something fails, nothing is left.";

const TEMPLATE: &str = "{before-help}Usage: recording-server init DIR [OPTIONS]\n\n{all-args}\n";

// What to write. This is no doc comment: clap would take it for the program's description.
#[derive(Debug, Args)]
#[command(before_help = ABOUT, help_template = TEMPLATE, max_term_width = 120, args_override_self = true)]
pub(in super::super) struct InitOptions {
    /// Directory that is written: a new one, or an empty one
    #[arg(value_name = "DIR")]
    pub(super) dir: PathBuf,
    /// Name or IP address by which clients call the server; may be repeated. The certificate is for these, and for localhost,
    /// 127.0.0.1 and ::1. With --tls-cert, a name that it is for
    #[arg(long, value_name = "NAME", value_parser = values::checked(host))]
    pub(super) host: Vec<ServerName<'static>>,
    /// Certificate chain in PEM that the server uses in place of a self-signed one. It stays where it is, so that it can be
    /// renewed there
    #[arg(long, value_name = "FILE", requires = "tls_key", requires = "host")]
    pub(super) tls_cert: Option<PathBuf>,
    /// Private key of --tls-cert in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(super) tls_key: Option<PathBuf>,
    /// Days for which a self-signed certificate is valid
    #[arg(long, value_name = "NUMBER", default_value_t = 365, value_parser = values::number::<u32>(1..=825))]
    #[arg(conflicts_with = "tls_cert")]
    pub(super) days: u32,
    /// Address of the recording API and its events
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:8443", value_parser = values::checked(with_port))]
    pub(super) listen: SocketAddr,
}

fn host(text: &str) -> Result<ServerName<'static>, String> {
    let name = ServerName::try_from(text.to_owned());
    name.map_err(|_| {
        "a name as in recording.example (other letters as xn--…), or an IP address without a port".to_owned()
    })
}

/// An address at which clients find the server again: its port is not a random one.
fn with_port(text: &str) -> Result<SocketAddr, String> {
    let address = values::address(text)?;
    if address.port() == 0 { Err("an address with a port that clients know".to_owned()) } else { Ok(address) }
}
