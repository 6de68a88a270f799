//! Requests to a recorder: over HTTP/1.1, with TLS if its URL says so, each bounded in time and bytes.

use core::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderValue, Method, Request, StatusCode, Uri};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::timeout;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::options::{MOST_BYTES, Options};

/// A file that a recorder needs and that cannot be used.
#[derive(Debug)]
pub struct ClientError {
    /// Which one.
    pub file: PathBuf,
    /// Why not.
    pub reason: String,
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file.display(), self.reason)
    }
}

impl core::error::Error for ClientError {}

pub(super) struct Client {
    options: Options,
    authorization: Option<HeaderValue>,
    pool: Pool<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("url", &self.options.url).finish_non_exhaustive()
    }
}

impl Client {
    pub(super) fn new(options: Options) -> Result<Self, ClientError> {
        let authorization = options.token_file.as_deref().map(token).transpose()?;
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls(&options)?).https_or_http().enable_http1();
        let pool = Pool::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector.build());
        Ok(Self { options, authorization, pool })
    }

    /// Asks, and reads the whole reply. The error is for people.
    pub(super) async fn ask(
        &self,
        method: Method,
        query: &str,
        body: Option<Vec<u8>>,
    ) -> Result<(StatusCode, Vec<u8>), String> {
        let after = self.options.give_up_after;
        match timeout(after, self.exchange(method, query, body)).await {
            Ok(reply) => reply,
            Err(_) => Err(format!("no reply within {} ms", after.as_millis())),
        }
    }

    async fn exchange(
        &self,
        method: Method,
        query: &str,
        body: Option<Vec<u8>>,
    ) -> Result<(StatusCode, Vec<u8>), String> {
        let url = format!("{}{query}", self.options.url);
        let url: Uri = url.parse().map_err(|error| format!("the URL is invalid: {error}"))?;
        let mut request = Request::builder().method(method).uri(url).header(ACCEPT, "application/json");
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let request = request.body(Full::from(body.unwrap_or_default())).map_err(|error| error.to_string())?;
        let reply = self.pool.request(request).await.map_err(|error| whole(&error))?;
        let (head, body) = reply.into_parts();
        let body = Limited::new(body, MOST_BYTES).collect().await;
        let body = body.map_err(|error| format!("the reply is cut or too long: {error}"))?;
        Ok((head.status, body.to_bytes().to_vec()))
    }
}

/// An error with its causes, which say what has happened.
fn whole(error: &dyn core::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

fn token(file: &Path) -> Result<HeaderValue, ClientError> {
    let failed = |reason: String| ClientError { file: file.to_owned(), reason };
    let text = std::fs::read_to_string(file).map_err(|error| failed(error.to_string()))?;
    let text = text.trim();
    if text.is_empty() {
        return Err(failed("there is no token in it".to_owned()));
    }
    let mut value = HeaderValue::try_from(format!("Bearer {text}"))
        .map_err(|_| failed("the token has a character that no header may have".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

fn tls(options: &Options) -> Result<ClientConfig, ClientError> {
    let mut roots = RootCertStore::empty();
    match &options.ca_file {
        Some(file) => {
            let failed = |reason: String| ClientError { file: file.clone(), reason };
            let found = CertificateDer::pem_file_iter(file).map_err(|error| failed(error.to_string()))?;
            for certificate in found {
                let certificate = certificate.map_err(|error| failed(error.to_string()))?;
                roots.add(certificate).map_err(|error| failed(error.to_string()))?;
            }
            if roots.is_empty() {
                return Err(failed("there is no certificate in it".to_owned()));
            }
        }
        // What cannot be read of the system's is missing from them; a recorder that needs it is refused.
        None if options.url.scheme_str() == Some("https") => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        None => {}
    }
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let failed = |error| ClientError { file: PathBuf::new(), reason: io::Error::other(error).to_string() };
    Ok(config.map_err(failed)?.with_root_certificates(roots).with_no_client_auth())
}
