//! What a listener wants to see of its clients, and what its clients want to see of it: tokens and certificates.

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::address::Address;

/// How long any one exchange may take, unless somebody says otherwise.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A listener, and how to be let in there.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Where it is.
    pub address: Address,
    /// What is shown there.
    pub token: Option<Token>,
    /// Whom to believe that it is the one, where it speaks TLS.
    pub trust: Option<Trust>,
    /// How long any one exchange may take, as a whole.
    pub patience: Duration,
}

/// A listener that asks for nothing.
impl From<Address> for Endpoint {
    fn from(address: Address) -> Self {
        Self { address, token: None, trust: None, patience: PATIENCE }
    }
}

/// A bearer token. It is printed nowhere: commands to copy read it from its file.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// The file.
    pub file: String,
    value: String,
}

/// The file alone.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("file", &self.file).finish_non_exhaustive()
    }
}

impl Token {
    /// Reads a file that holds a token and nothing else but white space around it.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in one line.
    pub fn read(file: &str) -> Result<Self, String> {
        // What is no file may be the token itself: it is not repeated.
        let unread = |error| format!("FILE: {error} (the path of a file is wanted, whose contents are the token)");
        let text = std::fs::read_to_string(file).map_err(unread)?;
        let value = text.trim_ascii();
        // RFC 6750, 2.1.
        let is_token = |byte| matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=');
        if value.is_empty() || !value.bytes().all(is_token) {
            return Err(format!("{file}: not one bearer token and nothing else"));
        }
        Ok(Self { file: file.into(), value: value.into() })
    }

    /// The value of the `Authorization` header.
    #[must_use]
    pub fn header(&self) -> String {
        format!("Bearer {}", self.value)
    }
}

/// Whose certificates are believed.
#[derive(Debug, Clone)]
pub struct Trust {
    /// The file of certificates that are believed; `None` for those of this system.
    pub file: Option<String>,
    pub(crate) config: Arc<ClientConfig>,
}

impl Trust {
    /// Believes the certificates of a PEM file, or those that this system believes.
    ///
    /// # Errors
    ///
    /// If there are none, in one line.
    pub fn new(file: Option<&str>) -> Result<Self, String> {
        let provider = Arc::new(ring::default_provider());
        let mut roots = RootCertStore::empty();
        let mut given = Vec::new();
        if let Some(file) = file {
            let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
            given = read.map_err(|error| format!("{file}: {error}"))?;
            for certificate in &given {
                ParsedCertificate::try_from(certificate).map_err(|error| format!("{file}: {error}"))?;
                // What can be no authority may still be the server's own.
                let _ = roots.add(certificate.clone());
            }
        } else {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        if roots.is_empty() && given.is_empty() {
            return Err(format!("{}: no certificate is there", file.unwrap_or("this system")));
        }
        let chain = if roots.is_empty() {
            None
        } else {
            let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
            Some(verifier.build().map_err(|error| error.to_string())?)
        };
        let believed = Believed { given, chain, algorithms: provider.signature_verification_algorithms };
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(believed))
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { file: file.map(Into::into), config: Arc::new(config) })
    }
}

/// Believes a server whose certificate is one of those that were given, and else as the Web does.
///
/// The certificate that `openssl req -x509` makes is that of an authority, and names no host as certificates do today: no
/// chain ends in it, but giving this very certificate is enough. That its key is the server's is checked for
/// it as for any other.
#[derive(Debug)]
struct Believed {
    given: Vec<CertificateDer<'static>>,
    chain: Option<Arc<WebPkiServerVerifier>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Believed {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let is_given = self.given.iter().any(|given| given.as_ref() == end_entity.as_ref());
        match &self.chain {
            _ if is_given => Ok(ServerCertVerified::assertion()),
            Some(chain) => chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now),
            None => Err(rustls::CertificateError::UnknownIssuer.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::{Token, Trust};

    #[test]
    fn files_that_hold_no_token_or_certificate() {
        let file = std::env::temp_dir().join(format!("recording-conformance-token-{}", std::process::id()));
        let path = file.to_str().unwrap();
        // A token that is given in place of its file is not repeated.
        for pasted in ["eyJhbGciOi.JIUzI1/NiJ9-secret", "rc_secret", &"secret".repeat(2000), "a\nsecret"] {
            let told = Token::read(pasted).unwrap_err();
            assert!(!told.contains("secret") && told.contains("a file") && told.lines().count() == 1, "{told}");
        }
        for (text, token) in
            [("", None), ("a b", None), ("a\nb", None), ("ä", None), (" a.b-c_/+~==\n", Some("a.b-c_/+~=="))]
        {
            std::fs::write(&file, text).unwrap();
            let read = Token::read(path);
            assert_eq!(
                read.clone().ok().map(|token| token.header()),
                token.map(|token| format!("Bearer {token}")),
                "{text}"
            );
            assert!(!format!("{read:?}").contains("a.b-c"), "a token is printed");
            let told = Trust::new(Some(path)).unwrap_err();
            assert!(told.starts_with(path) && told.lines().count() == 1, "{told}");
        }
        std::fs::remove_file(file).unwrap();
    }
}
