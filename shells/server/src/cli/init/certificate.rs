//! The server's certificate: made here, or one that there is already.

use core::time::Duration;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use tokio_rustls::rustls::client::verify_server_name;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::server::ParsedCertificate;

use super::{InitError, InitOptions};
use crate::net::TlsFiles;
use crate::place;

/// What this machine is always called.
const LOCAL: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// How much a client's clock may be slow.
const EARLIER: Duration = Duration::from_secs(3600);

pub(super) enum Certificate {
    /// A self-signed one.
    Made {
        /// In PEM.
        certificate: String,
        /// In PEM.
        key: String,
        /// What it is for.
        names: Vec<String>,
        /// The last day on which it is valid, as `2027-11-30`.
        until: String,
    },
    /// One that stays where it is.
    Given(TlsFiles),
}

impl Certificate {
    /// The certificate that these options ask for.
    ///
    /// # Errors
    ///
    /// If a given one cannot be read, or is not for a name that was given.
    pub(super) fn of(options: &InitOptions) -> Result<Self, InitError> {
        match (&options.tls_cert, &options.tls_key) {
            (Some(certificate), Some(key)) => {
                for name in &options.host {
                    is_for(certificate, name)?;
                }
                // As they are called, not where links lead: a renewal changes the link.
                let whole = |path: &Path| {
                    std::path::absolute(path)
                        .map_err(|error| InitError::Refused(format!("{}: {error}", path.display())))
                };
                Ok(Self::Given(TlsFiles { certificate: whole(certificate)?, key: whole(key)? }))
            }
            _ => Self::make(options, SystemTime::now()),
        }
    }

    /// A self-signed certificate for the names of the options and this machine.
    pub(super) fn make(options: &InitOptions, now: SystemTime) -> Result<Self, InitError> {
        let mut names: Vec<String> = options.host.iter().map(|name| name.to_str().into_owned()).collect();
        names.extend(LOCAL.map(str::to_owned));
        let mut seen = std::collections::HashSet::new();
        names.retain(|name| seen.insert(name.to_ascii_lowercase()));
        let failed = |error: rcgen::Error| InitError::Failed(format!("no certificate can be made: {error}"));

        let mut params = CertificateParams::new(names.clone()).map_err(failed)?;
        let epoch = date_time_ymd(1970, 1, 1);
        let now = epoch + now.duration_since(UNIX_EPOCH).unwrap_or_default();
        params.not_before = now - EARLIER;
        params.not_after = now + Duration::from_secs(u64::from(options.days) * 86_400);
        let until = params.not_after.date().to_string();
        params.distinguished_name = DistinguishedName::new();
        // At most 64 characters, by X.520: what counts are the alternative names.
        let common = names.iter().find(|name| name.len() <= 64).map_or("localhost", String::as_str);
        params.distinguished_name.push(DnType::CommonName, common);
        // It signs no others: some clients take a certificate that may for no server's.
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = params.self_signed(&key).map_err(failed)?.pem();
        Ok(Self::Made { certificate, key: key.serialize_pem(), names, until })
    }
}

/// That the certificate of this file is for this name.
fn is_for(file: &Path, name: &ServerName<'_>) -> Result<(), InitError> {
    let refused = |reason: String| InitError::Refused(format!("{}: {reason}", file.display()));
    let bytes = place::read(file).map_err(|error| refused(format!("cannot be read: {error}")))?;
    let first = CertificateDer::pem_slice_iter(&bytes).next();
    let first = first.and_then(Result::ok).ok_or_else(|| refused("no certificate in PEM".to_owned()))?;
    let parsed = ParsedCertificate::try_from(&first).map_err(|error| refused(format!("bad certificate: {error}")))?;
    verify_server_name(&parsed, name).map_err(|_| refused(format!("the certificate is not for {}", name.to_str())))
}
