//! Whose certificates are trusted.

use core::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tracing::warn;

use crate::place;

/// A file of authorities that cannot be used.
#[derive(Debug)]
pub struct AuthorityError {
    /// Which one.
    pub file: PathBuf,
    /// Why not.
    pub reason: String,
}

impl fmt::Display for AuthorityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file.display(), self.reason)
    }
}

impl core::error::Error for AuthorityError {}

/// Who vouches for those whom the server asks.
#[derive(Debug, Clone)]
pub(crate) enum Authorities {
    /// No one: nothing is asked by TLS.
    None,
    /// Those whom the system trusts.
    System,
    /// Those whose certificates are in this file.
    File(PathBuf),
}

impl Authorities {
    /// Those of a file if there is one, else the system's.
    pub(crate) fn of(file: Option<PathBuf>) -> Self {
        file.map_or(Self::System, Self::File)
    }
}

/// TLS with these.
pub(super) fn config(authorities: &Authorities) -> Result<ClientConfig, AuthorityError> {
    let roots = match authorities {
        Authorities::None => RootCertStore::empty(),
        Authorities::System => of_system(),
        Authorities::File(file) => of_file(file)?,
    };
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let failed =
        |error: tokio_rustls::rustls::Error| AuthorityError { file: PathBuf::new(), reason: error.to_string() };
    let config = config.with_safe_default_protocol_versions().map_err(failed)?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

fn of_file(file: &Path) -> Result<RootCertStore, AuthorityError> {
    let failed = |reason: String| AuthorityError { file: file.to_owned(), reason };
    let text = place::read(file).map_err(|error| failed(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let certificate = certificate.map_err(|error| failed(error.to_string()))?;
        roots.add(certificate).map_err(|error| failed(error.to_string()))?;
    }
    if roots.is_empty() { Err(failed("there is no certificate in it".to_owned())) } else { Ok(roots) }
}

/// What cannot be read of the system's is missing from them: a server that needs it is not trusted.
fn of_system() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        let text = "this system has no certificates of authorities: no server is trusted by TLS";
        warn!(target: "recording", "{text}");
    }
    roots
}
