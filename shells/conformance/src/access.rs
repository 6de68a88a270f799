//! What a listener wants to see of its clients, and what its clients want to see of it: tokens and certificates.

use core::fmt;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use crate::address::Address;

/// A listener, and how to be let in there.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Where it is.
    pub address: Address,
    /// What is shown there.
    pub token: Option<Token>,
    /// Whom to believe that it is the one, where it speaks TLS.
    pub trust: Option<Trust>,
}

/// A listener that asks for nothing.
impl From<Address> for Endpoint {
    fn from(address: Address) -> Self {
        Self { address, token: None, trust: None }
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
        let text = std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
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
        let mut roots = RootCertStore::empty();
        if let Some(file) = file {
            let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
            let certificates = read.map_err(|error| format!("{file}: {error}"))?;
            for certificate in certificates {
                roots.add(certificate).map_err(|error| format!("{file}: {error}"))?;
            }
        } else {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        if roots.is_empty() {
            return Err(format!("{}: no certificate is there", file.unwrap_or("this system")));
        }
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { file: file.map(Into::into), config: Arc::new(config) })
    }
}

#[cfg(test)]
mod tests {
    use super::{Token, Trust};

    #[test]
    fn files_that_hold_no_token_or_certificate() {
        let file = std::env::temp_dir().join(format!("recording-conformance-token-{}", std::process::id()));
        let path = file.to_str().unwrap();
        assert!(Token::read(path).unwrap_err().starts_with(path));
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
