//! TLS: the certificate and its key, read from files and exchanged while serving.

use core::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{Error as PemError, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::ServerConfig;
use tokio_rustls::rustls::{self, InconsistentKeys};

use super::der;
use super::key_kind::{self, USABLE};
use super::pem::{self, Section};
use crate::place;
use crate::reloadable::Reloadable;

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
    current: Reloadable<ServerConfig>,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// If one cannot be read, is no such PEM, or the two do not belong together.
    pub fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let current = Reloadable::new(read(&files)?);
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
    let (chain, private) = (read_chain(certificate)?, read_key(key)?);
    let kind = key_kind::of(&private);
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, private))
        .map_err(|error| unusable(files, error, kind))?;
    config.alpn_protocols = vec![HTTP_2.to_vec(), HTTP_1_1.to_vec()];
    Ok(config)
}

/// All certificates of the file: as many as it says that it has.
fn read_chain(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let bytes = bytes(file)?;
    let sections = sections(file, &bytes)?;
    let number = pem::certificates(&sections).map_err(|reason| wrong(file, &reason))?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let chain = chain.map_err(|error| no_pem(file, "certificate", &error))?;
    if chain.len() != number {
        return Err(wrong(file, &format!(" of {number} certificates only {} can be read", chain.len())));
    }
    // Only the first one is read before it is served. Clients read all, and end the handshake if they cannot.
    let certificates = sections.iter().filter(|section| section.label == pem::CERTIFICATE);
    match certificates.zip(&chain).find(|(_, certificate)| !der::is_certificate(certificate)) {
        None => Ok(chain),
        Some((section, _)) => {
            let line = section.line;
            Err(wrong(file, &format!("{line}: this certificate is damaged: lines are missing, twice or changed")))
        }
    }
}

fn read_key(file: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let bytes = bytes(file)?;
    pem::one_key(&sections(file, &bytes)?).map_err(|reason| wrong(file, &reason))?;
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| no_pem(file, "private key", &error))
}

fn sections<'a>(file: &Path, bytes: &'a [u8]) -> Result<Vec<Section<'a>>, TlsError> {
    pem::sections(bytes).map_err(|(line, reason)| wrong(file, &format!("{line}: {reason}")))
}

/// What comes after the colon is a line's number, or a space and the reason.
fn wrong(file: &Path, reason: &str) -> TlsError {
    TlsError(format!("{}:{reason}", file.display()))
}

fn bytes(file: &Path) -> Result<Vec<u8>, TlsError> {
    place::read(file).map_err(|error: io::Error| TlsError(format!("{}: cannot be read: {error}", file.display())))
}

/// Never says what the file holds: it may be a key.
fn no_pem(file: &Path, what: &str, error: &PemError) -> TlsError {
    let reason = match error {
        PemError::NoItemsFound => "there is none",
        PemError::MissingSectionEnd { .. } => "a section does not end",
        PemError::IllegalSectionStart { .. } => "a section does not begin as it must",
        PemError::Base64Decode(_) => "a section is not base64",
        _ => "it cannot be read as PEM",
    };
    TlsError(format!("{}: no {what} in PEM: {reason}", file.display()))
}

fn unusable(files: &TlsFiles, error: rustls::Error, kind: Option<String>) -> TlsError {
    let TlsFiles { certificate, key } = files;
    TlsError(match (error, kind) {
        (rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch), _) => {
            format!("{}: is not the key of the certificate in {}", key.display(), certificate.display())
        }
        (rustls::Error::InvalidCertificate(error), _) => {
            format!("{}: bad certificate: {error:?}", certificate.display())
        }
        (_, Some(kind)) => format!("{}: {kind} cannot be used; {USABLE}", key.display()),
        (error, None) => format!("{}: cannot be used: {error}", key.display()),
    })
}
