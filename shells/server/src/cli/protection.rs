//! The options that say who may do what.

use core::net::SocketAddr;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use lexopt::Parser;
use tracing::warn;

use super::options::{UsageError, number, text, wrong};
use crate::auth::guard::Guard;
use crate::auth::hosts::Hosts;
use crate::auth::jwt::{Jwts, Rules};
use crate::auth::origins::Origins;
use crate::auth::rate::{self, Rates};
use crate::auth::tokens;
use crate::auth::{FileError, FromFile};
use crate::net::{Tls, TlsFiles};
use crate::server::{Addresses, Protection};

/// How many seconds the clocks of a JWT's issuer and of the server may differ, if nothing else is said.
const LEEWAY: u64 = 60;

/// What the command line says of protection. By default there is none, and none is needed on a loopback address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProtectionOptions {
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    admin_tls: bool,
    tokens: Option<PathBuf>,
    admin_tokens: Option<PathBuf>,
    jwks: Option<PathBuf>,
    issuer: Option<String>,
    audience: Option<String>,
    leeway: Option<u64>,
    requester_claim: Option<String>,
    origins: Origins,
    hosts: Hosts,
    rate: Rating,
    insecure: bool,
}

/// How many requests a second each caller may send; `None` is as many as come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rating(Option<u32>);

impl Default for Rating {
    fn default() -> Self {
        Self(Some(rate::USUAL))
    }
}

impl Rating {
    fn read(value: &OsString) -> Result<Self, UsageError> {
        const MOST: u32 = 1_000_000;
        if value == "off" {
            return Ok(Self(None));
        }
        let number = value.to_str().and_then(|text| text.parse().ok()).filter(|number| (1..=MOST).contains(number));
        let number = number.ok_or_else(|| wrong("--rate", value, format_args!("off or a number from 1 to {MOST}")))?;
        Ok(Self(Some(number)))
    }
}

impl ProtectionOptions {
    /// Whether how often each caller may call is limited.
    pub(super) const fn limits_rates(&self) -> bool {
        self.rate.0.is_some()
    }

    /// Takes the option, if it is one of these; else says that it is none.
    pub(super) fn take(&mut self, option: &str, parser: &mut Parser) -> Result<bool, UsageError> {
        match option {
            "tls-cert" => self.certificate = Some(parser.value()?.into()),
            "tls-key" => self.key = Some(parser.value()?.into()),
            "admin-tls" => self.admin_tls = true,
            "tokens" => self.tokens = Some(token_file("--tokens", parser)?),
            "admin-tokens" => self.admin_tokens = Some(token_file("--admin-tokens", parser)?),
            "jwks" => self.jwks = Some(parser.value()?.into()),
            "jwt-issuer" => self.issuer = Some(text("--jwt-issuer", parser)?),
            "jwt-audience" => self.audience = Some(text("--jwt-audience", parser)?),
            "jwt-leeway" => self.leeway = Some(number("--jwt-leeway", parser, 0..=3600)?),
            "jwt-requester-claim" => self.requester_claim = Some(text("--jwt-requester-claim", parser)?),
            "cors-origin" => {
                let value = parser.value()?;
                let origin = value.to_str().unwrap_or_default();
                self.origins.add(origin).map_err(|expected| wrong("--cors-origin", &value, expected))?;
            }
            "allow-host" => {
                let value = parser.value()?;
                let host = value.to_str().unwrap_or_default();
                self.hosts.add(host).map_err(|expected| wrong("--allow-host", &value, expected))?;
            }
            "rate" => self.rate = Rating::read(&parser.value()?)?,
            "insecure" => self.insecure = true,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// What does not go together, and what is not safe.
    pub(super) fn check(&self, addresses: Addresses) -> Result<(), UsageError> {
        let needs = |option: &str, other: &str| Err(UsageError::new(format!("{option} needs {other}")));
        match self {
            Self { certificate: Some(_), key: None, .. } => return needs("--tls-cert", "--tls-key FILE"),
            Self { certificate: None, key: Some(_), .. } => return needs("--tls-key", "--tls-cert FILE"),
            Self { certificate: None, admin_tls: true, .. } => {
                return needs("--admin-tls", "--tls-cert FILE and --tls-key FILE");
            }
            _ => {}
        }
        if self.jwks.is_some() {
            if self.issuer.is_none() {
                return needs("--jwks", "--jwt-issuer TEXT");
            }
            if self.audience.is_none() {
                return needs("--jwks", "--jwt-audience TEXT");
            }
        } else {
            let rules = [
                ("--jwt-issuer", self.issuer.is_some()),
                ("--jwt-audience", self.audience.is_some()),
                ("--jwt-leeway", self.leeway.is_some()),
                ("--jwt-requester-claim", self.requester_claim.is_some()),
            ];
            if let Some((option, _)) = rules.iter().find(|(_, is_said)| *is_said) {
                return needs(option, "--jwks FILE");
            }
        }
        if self.insecure {
            return Ok(());
        }
        let api = [
            (self.certificate.is_some(), "--tls-cert FILE and --tls-key FILE"),
            (self.tokens.is_some() || self.jwks.is_some(), "--tokens FILE or --jwks FILE"),
        ];
        let admin = [
            (self.certificate.is_some(), "--tls-cert FILE and --tls-key FILE"),
            (self.admin_tls, "--admin-tls"),
            (self.admin_tokens.is_some(), "--admin-tokens FILE"),
        ];
        is_safe("--listen", addresses.api, &api)?;
        is_safe("--admin", addresses.admin, &admin)
    }

    /// Says in the log what `--insecure` has left open.
    pub(super) fn warn(&self, Addresses { api, admin }: Addresses) {
        for (option, address, has_tls, has_tokens) in [
            ("--listen", api, self.certificate.is_some(), self.tokens.is_some() || self.jwks.is_some()),
            ("--admin", admin, self.admin_tls, self.admin_tokens.is_some()),
        ] {
            let missing = match (has_tls, has_tokens) {
                (true, true) => continue,
                (true, false) => "tokens",
                (false, true) => "TLS",
                (false, false) => "TLS and tokens",
            };
            if !address.ip().to_canonical().is_loopback() {
                let text = if has_tokens || !self.hosts.is_empty() {
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
        let tls = match (&self.certificate, &self.key) {
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
        let tokens_of = |file: &Option<PathBuf>| file.clone().map(FromFile::load).transpose();
        let rules = Rules {
            issuer: self.issuer.clone().unwrap_or_default(),
            audience: self.audience.clone().unwrap_or_default(),
            leeway: self.leeway.unwrap_or(LEEWAY),
            requester_claim: self.requester_claim.clone(),
        };
        let keys = self.jwks.clone().map(FromFile::load).transpose()?;
        let api = Guard {
            tokens: tokens_of(&self.tokens)?,
            jwts: keys.map(|keys| Jwts::new(rules, keys)),
            origins: self.origins.clone(),
            hosts: self.hosts.clone(),
            rates: self.rate.0.map(Rates::per_second),
        };
        let admin = Guard { tokens: tokens_of(&self.admin_tokens)?, hosts: self.hosts.clone(), ..Guard::default() };
        Ok((api, admin))
    }
}

/// A file of tokens. A token itself is not repeated in an error.
fn token_file(option: &str, parser: &mut Parser) -> Result<PathBuf, UsageError> {
    let value = parser.value()?;
    if value.to_str().is_some_and(tokens::is_token) {
        let text = "takes a file with the line that --make-token prints, and not the token itself";
        return Err(UsageError::new(format!("{option} {text}")));
    }
    Ok(value.into())
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
