//! TLS: whom to trust, and who we are.

use core::fmt;
use std::sync::Arc;

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// gRPC is HTTP/2, and etcd speaks both.
const HTTP_2: &[u8] = b"h2";

/// What its pages for people and monitors are read with.
const HTTP_1: &[u8] = b"http/1.1";

/// TLS 1.2 and 1.3, with certificates of the operator's choice alone: none of the system's are trusted.
#[derive(Clone)]
pub struct Tls(Arc<ClientConfig>);

/// Why certificates or a key cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidTls(String);

impl Tls {
    /// Trusts members whose certificates lead to one of `authorities`; `identity` is the certificate, with those that lead to
    /// its root, and the key that this side shows. All are PEM.
    ///
    /// # Errors
    ///
    /// If there is no certificate or key in one of them, or it cannot be used.
    pub fn new(authorities: &[u8], identity: Option<(&[u8], &[u8])>) -> Result<Self, InvalidTls> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(authorities, "the certificate authority")? {
            roots.add(certificate).map_err(|error| wrong("the certificate authority", &error))?;
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong("TLS", &error))?
            .with_root_certificates(roots);
        let mut config = match identity {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => {
                let chain = certificates(chain, "the client certificate")?;
                let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| wrong("the client's key", &error))?;
                builder
                    .with_client_auth_cert(chain, key)
                    .map_err(|error| wrong("the client certificate and its key", &error))?
            }
        };
        config.alpn_protocols = vec![HTTP_2.to_vec()];
        Ok(Self(Arc::new(config)))
    }

    pub(crate) fn connector(&self) -> TlsConnector {
        self.0.clone().into()
    }

    pub(crate) fn connector_of_pages(&self) -> TlsConnector {
        let mut config = (*self.0).clone();
        config.alpn_protocols = vec![HTTP_1.to_vec()];
        Arc::new(config).into()
    }
}

fn certificates(pem: &[u8], what: &str) -> Result<Vec<CertificateDer<'static>>, InvalidTls> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match all {
        Ok(all) if all.is_empty() => Err(InvalidTls(format!("{what}: there is no certificate in PEM"))),
        Ok(all) => Ok(all),
        Err(error) => Err(wrong(what, &error)),
    }
}

/// Errors of the parser and of rustls name no contents.
fn wrong(what: &str, error: &dyn fmt::Display) -> InvalidTls {
    InvalidTls(format!("{what}: {error}"))
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

impl fmt::Display for InvalidTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for InvalidTls {}
