//! The options that say who may do what.

#![allow(rustdoc::bare_urls, reason = "comments of options are printed as help")]
#![allow(clippy::doc_markdown)] // the comments of options are what --help prints

use core::net::SocketAddr;
use core::time::Duration;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use tracing::warn;

use super::usage::UsageError;
use super::values::{self, Rate};
use crate::auth::guard::Guard;
use crate::auth::hosts::Hosts;
use crate::auth::issuer::{self, Issuer, MAX_AGE, discovery};
use crate::auth::jwt::{Jwts, Rules, Source};
use crate::auth::origins::Origins;
use crate::auth::rate::Rates;
use crate::auth::{FileError, FromFile};
use crate::net::{Tls, TlsFiles};
use crate::server::{Addresses, Protection};

// What the command line says of protection. By default there is none, and none is needed on a loopback address. This is no
// doc comment: clap would take it for the program's description.
#[derive(Debug, Args)]
#[command(next_help_heading = "Authentication and TLS (not needed on loopback addresses)")]
pub(super) struct ProtectionOptions {
    /// Certificate chain in PEM: the API is served by TLS, HTTP/1.1 and HTTP/2
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// Private key of --tls-cert in PEM
    #[arg(long, value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// Serve the admin's port by TLS as well, with the same certificate; --probe does not work then
    #[arg(long)]
    admin_tls: bool,
    /// Bearer tokens for the API and its events. A line for each: a name, the token's SHA-256 in hex, and 'api' or 'hub' if
    /// it is valid for one of them only
    #[arg(long, value_name = "FILE")]
    tokens: Option<PathBuf>,
    /// The same for the admin's port; only /healthz, /readyz and the console's files need no token
    #[arg(long, value_name = "FILE")]
    admin_tokens: Option<PathBuf>,
    /// Accept JWTs as well, signed by a key of this issuer: RS256 to PS512, ES256, ES384 or EdDSA. The server fetches the
    /// keys (OpenID Connect Discovery) and keeps them fresh. The URL is exactly what the issuer calls itself, and 'iss' must
    /// be the same; http:// is for loopback addresses only. The environment names the proxy (HTTPS_PROXY, NO_PROXY)
    #[arg(long, value_name = "URL", value_parser = values::checked(issuer))]
    oidc_issuer: Option<String>,
    /// Certificates in PEM of the authorities that are trusted for --oidc-issuer [default: those of the system]
    #[arg(long, value_name = "FILE")]
    oidc_ca: Option<PathBuf>,
    /// How old the keys of --oidc-issuer may become while they cannot be fetched. After that JWTs are answered with 503
    #[arg(long, value_name = "SECONDS", default_value_t = MAX_AGE.as_secs())]
    #[arg(value_parser = values::number::<u64>(30..=604_800))]
    oidc_max_age: u64,
    /// Instead of --oidc-issuer: the keys are in this JWKS. A program that fetches them ends with SIGHUP to the server
    #[arg(long, value_name = "FILE")]
    jwks: Option<PathBuf>,
    /// What 'iss' of a JWT must be; with --oidc-issuer that is the issuer's URL
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    jwt_issuer: Option<String>,
    /// What 'aud' of a JWT must be or contain
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    jwt_audience: Option<String>,
    /// Accept only JWTs that were given this scope or role: a word of 'scope', 'scp' or 'roles'. Needed where the issuer gives
    /// tokens of the audience to any of its clients, as Entra ID does
    #[arg(long, value_name = "WORD", value_parser = values::checked(scope))]
    jwt_scope: Option<String>,
    /// How much the clocks of the JWT's issuer and of the server may differ
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = values::number::<u64>(0..=3600))]
    jwt_leeway: u64,
    /// Bind each JWT to one agent: a set's RequesterSipUri must be what this claim of its JWT says
    #[arg(long, value_name = "CLAIM", value_parser = NonEmptyStringValueParser::new())]
    jwt_requester_claim: Option<String>,
    /// Origin whose pages may call the API and listen to its events, as in https://desk.example or capacitor://localhost;
    /// may be repeated
    #[arg(long, value_name = "ORIGIN", value_parser = values::checked(origin))]
    cors_origin: Vec<String>,
    /// Requests each second for each token, or for each address if there are no tokens; more are answered with 429. Invalid
    /// tokens and frames of HTTP/2 without a request are limited as well, unless it is off. Behind a proxy without tokens all
    /// clients are one address
    #[arg(long, value_name = "NUMBER|off", default_value_t, value_parser = values::rate())]
    rate: Rate,
    /// Answer requests for this host as well, as a proxy passes them on; may be repeated. On a loopback address without
    /// tokens only localhost and loopback addresses are answered for and others get 421, so that no web page reaches the
    /// server by a name of its own. With --insecure these are the only hosts
    #[arg(long, value_name = "HOST", value_parser = values::checked(host))]
    allow_host: Vec<String>,
    /// Listen on any address without TLS or tokens, as behind a proxy that has both; the log warns of each address that
    /// other machines can reach
    #[arg(long)]
    insecure: bool,
}

fn origin(text: &str) -> Result<String, String> {
    Origins::default().add(text).map(|()| text.to_owned()).map_err(str::to_owned)
}

fn issuer(text: &str) -> Result<String, String> {
    discovery::check(text).map(|()| text.to_owned())
}

fn scope(text: &str) -> Result<String, String> {
    let is_word = !text.is_empty() && !text.contains(char::is_whitespace);
    is_word.then(|| text.to_owned()).ok_or_else(|| "one word, as the issuer writes it".to_owned())
}

fn host(text: &str) -> Result<String, String> {
    Hosts::default().add(text).map(|()| text.to_owned()).map_err(str::to_owned)
}

impl ProtectionOptions {
    /// Whether how often each caller may call is limited.
    pub(super) const fn limits_rates(&self) -> bool {
        self.rate.0.is_some()
    }

    /// The issuer whose keys are fetched, if there is one.
    pub(super) fn issuer(&self) -> Option<issuer::Options> {
        Some(issuer::Options {
            issuer: self.oidc_issuer.clone()?,
            authorities: self.oidc_ca.clone(),
            max_age: Duration::from_secs(self.oidc_max_age),
            is_only_way: self.tokens.is_none(),
        })
    }

    /// Whether JWTs are accepted.
    const fn takes_jwts(&self) -> bool {
        self.jwks.is_some() || self.oidc_issuer.is_some()
    }

    /// Refuses two sources of keys, and addresses that are not safe.
    pub(super) fn check(&self, addresses: Addresses) -> Result<(), UsageError> {
        if let Some(issuer) = &self.oidc_issuer {
            if self.jwks.is_some() {
                return Err(UsageError::new("--jwks and --oidc-issuer: the keys come from one of them"));
            }
            if self.jwt_issuer.as_ref().is_some_and(|iss| iss != issuer) {
                return Err(UsageError::new(format!(
                    "--jwt-issuer: with --oidc-issuer the 'iss' of a JWT must be '{issuer}'"
                )));
            }
        }
        if self.insecure {
            return Ok(());
        }
        let api = [
            (self.tls_cert.is_some(), "--tls-cert FILE and --tls-key FILE"),
            (self.tokens.is_some() || self.takes_jwts(), "--tokens FILE, --oidc-issuer URL or --jwks FILE"),
        ];
        let admin = [
            (self.tls_cert.is_some(), "--tls-cert FILE and --tls-key FILE"),
            (self.admin_tls, "--admin-tls"),
            (self.admin_tokens.is_some(), "--admin-tokens FILE"),
        ];
        is_safe("--listen", addresses.api, &api)?;
        is_safe("--admin", addresses.admin, &admin)
    }

    /// Says in the log what `--insecure` has left open.
    pub(super) fn warn(&self, Addresses { api, admin }: Addresses) {
        for (option, address, has_tls, has_tokens) in [
            ("--listen", api, self.tls_cert.is_some(), self.tokens.is_some() || self.takes_jwts()),
            ("--admin", admin, self.admin_tls, self.admin_tokens.is_some()),
        ] {
            let missing = match (has_tls, has_tokens) {
                (true, true) => continue,
                (true, false) => "tokens",
                (false, true) => "TLS",
                (false, false) => "TLS and tokens",
            };
            if !address.ip().to_canonical().is_loopback() {
                let text = if has_tokens || !self.allow_host.is_empty() {
                    "--insecure: other machines reach this address, and what is missing must be seen to elsewhere"
                } else {
                    "--insecure: other machines reach this address, and so does any web page in a browser there, unless \
                     --allow-host names the hosts to answer for; what is missing must be seen to elsewhere"
                };
                warn!(target: "recording", option, %address, missing, "{text}");
            }
        }
    }

    /// Reads the files.
    pub(super) fn load(&self) -> Result<Protection, String> {
        let tls = match (&self.tls_cert, &self.tls_key) {
            (Some(certificate), Some(key)) => {
                let files = TlsFiles { certificate: certificate.clone(), key: key.clone() };
                Some(Arc::new(Tls::load(files).map_err(|error| error.to_string())?))
            }
            _ => None,
        };
        let (api, admin) = self.guards().map_err(|error| error.to_string())?;
        Ok(Protection {
            admin_tls: tls.clone().filter(|_| self.admin_tls),
            api_tls: tls,
            api: Arc::new(api),
            admin: Arc::new(admin),
        })
    }

    fn guards(&self) -> Result<(Guard, Guard), FileError> {
        // Each was checked when it was read.
        let (mut origins, mut hosts) = (Origins::default(), Hosts::default());
        for origin in &self.cors_origin {
            let _ = origins.add(origin);
        }
        for host in &self.allow_host {
            let _ = hosts.add(host);
        }
        let tokens_of = |file: &Option<PathBuf>| file.clone().map(FromFile::load).transpose();
        let rules = Rules {
            issuer: self.oidc_issuer.clone().or_else(|| self.jwt_issuer.clone()).unwrap_or_default(),
            audience: self.jwt_audience.clone().unwrap_or_default(),
            leeway: self.jwt_leeway,
            scope: self.jwt_scope.clone(),
            requester_claim: self.jwt_requester_claim.clone(),
        };
        let keys = match self.issuer() {
            Some(issuer) => Some(Source::Issuer(Arc::new(Issuer::new(issuer)?))),
            None => self.jwks.clone().map(FromFile::load).transpose()?.map(Source::File),
        };
        let api = Guard {
            tokens: tokens_of(&self.tokens)?,
            jwts: keys.map(|keys| Jwts::new(rules, keys)),
            origins,
            hosts: hosts.clone(),
            rates: self.rate.0.map(Rates::per_second),
        };
        let admin = Guard { tokens: tokens_of(&self.admin_tokens)?, hosts, ..Guard::default() };
        Ok((api, admin))
    }
}

/// Refuses an address that others can reach, unless it has all that it needs.
fn is_safe(option: &str, address: SocketAddr, needed: &[(bool, &str)]) -> Result<(), UsageError> {
    let missing: Vec<_> = needed.iter().filter(|(is_there, _)| !is_there).map(|(_, what)| *what).collect();
    if address.ip().to_canonical().is_loopback() || missing.is_empty() {
        return Ok(());
    }
    let missing = missing.join(", ");
    Err(UsageError::new(format!(
        "{option} {address} can be reached from other machines: it needs {missing}, or --insecure"
    )))
}
