//! Certificates of this test alone, and a client that trusts them.

use std::sync::Arc;

use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::process::File;
use crate::support::PATIENCE;

/// A certificate for `localhost`, and its key, as files.
pub struct Certificate {
    pub certificate: File,
    pub key: File,
    der: CertificateDer<'static>,
}

impl Certificate {
    /// The files' names begin with `name`, so that tests do not share them.
    pub fn new(name: &str) -> Self {
        let (certificate, key) = Self::pem();
        let der = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
        let certificate = File::new(&format!("{name}.crt"), &certificate);
        let key = File::new(&format!("{name}.key"), &key);
        Self { certificate, key, der }
    }

    pub fn pem() -> (String, String) {
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        (cert.pem(), KeyPair::serialize_pem(&signing_key))
    }

    /// Another certificate and key in the same files.
    pub fn renew(&mut self) {
        let (certificate, key) = Self::pem();
        self.der = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
        std::fs::write(self.certificate.path(), certificate).unwrap();
        std::fs::write(self.key.path(), key).unwrap();
    }

    pub fn options(&self) -> [&str; 4] {
        ["--tls-cert", self.certificate.path(), "--tls-key", self.key.path()]
    }

    /// Speaks TLS over `stream`, trusting this certificate alone.
    pub async fn try_connect<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        protocols: &[&[u8]],
    ) -> std::io::Result<TlsStream<S>> {
        connect(&self.der, stream, protocols).await
    }
}

/// Speaks TLS over `stream` with `localhost`, trusting this certificate alone.
pub async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
    trusted: &CertificateDer<'static>,
    stream: S,
    protocols: &[&[u8]],
) -> std::io::Result<TlsStream<S>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    let connector = TlsConnector::from(Arc::new(config));
    timeout(PATIENCE, connector.connect(ServerName::try_from("localhost").unwrap(), stream)).await.unwrap()
}
