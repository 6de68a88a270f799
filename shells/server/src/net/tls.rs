//! TLS: the certificate and its key, read from files and exchanged while serving.

use core::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::ServerConfig;
use tokio_rustls::rustls::{self, InconsistentKeys};

use crate::shared::Shared;

/// What is spoken inside, the better first. A client that names neither is refused, one that names nothing gets the
/// last.
pub(super) const HTTP_2: &[u8] = b"h2";
const HTTP_1_1: &[u8] = b"http/1.1";

/// Where the certificate and its key are, both in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The server's certificate first, then those that lead to its root.
    pub certificate: PathBuf,
    /// The private key of the first certificate: PKCS #8, PKCS #1 or SEC 1.
    pub key: PathBuf,
}

/// What is wrong with the files, in one line that names the one at fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsError(String);

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for TlsError {}

/// TLS 1.2 and 1.3 with what the files hold. There is no early data, so nothing that was sent can be sent again by a
/// stranger.
#[derive(Debug)]
pub struct Tls {
    files: TlsFiles,
    current: Shared<ServerConfig>,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// If one cannot be read, is no such PEM, or the two do not belong together.
    pub fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let current = Shared::new(read(&files)?);
        Ok(Self { files, current })
    }

    /// The files.
    #[must_use]
    pub const fn files(&self) -> &TlsFiles {
        &self.files
    }

    /// Reads the files again. Connections that are open go on with what they began with.
    ///
    /// # Errors
    ///
    /// As for [`load`](Self::load); then what was in force stays so.
    pub fn reload(&self) -> Result<(), TlsError> {
        self.current.replace(read(&self.files)?);
        Ok(())
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        self.current.current().into()
    }
}

fn read(files: &TlsFiles) -> Result<ServerConfig, TlsError> {
    let TlsFiles { certificate, key } = files;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes(certificate)?).collect();
    let chain = chain.map_err(|error| no_pem(certificate, "certificate", &error))?;
    if chain.is_empty() {
        return Err(no_pem(certificate, "certificate", &pem::Error::NoItemsFound));
    }
    let private = PrivateKeyDer::from_pem_slice(&bytes(key)?).map_err(|error| no_pem(key, "private key", &error))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, private))
        .map_err(|error| unusable(files, error))?;
    config.alpn_protocols = vec![HTTP_2.to_vec(), HTTP_1_1.to_vec()];
    Ok(config)
}

fn bytes(file: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(file).map_err(|error: io::Error| TlsError(format!("{}: cannot be read: {error}", file.display())))
}

/// Never says what the file holds: it may be a key.
fn no_pem(file: &Path, what: &str, error: &pem::Error) -> TlsError {
    let reason = match error {
        pem::Error::NoItemsFound => "there is none",
        pem::Error::MissingSectionEnd { .. } => "a section does not end",
        pem::Error::IllegalSectionStart { .. } => "a section does not begin as it must",
        pem::Error::Base64Decode(_) => "a section is not base64",
        _ => "it cannot be read as PEM",
    };
    TlsError(format!("{}: no {what} in PEM: {reason}", file.display()))
}

fn unusable(files: &TlsFiles, error: rustls::Error) -> TlsError {
    let TlsFiles { certificate, key } = files;
    TlsError(match error {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            format!("{}: is not the key of the certificate in {}", key.display(), certificate.display())
        }
        rustls::Error::InvalidCertificate(error) => format!("{}: bad certificate: {error:?}", certificate.display()),
        error => format!("{}: cannot be used: {error}", key.display()),
    })
}
