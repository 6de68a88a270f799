//! Requests to a recorder, each bounded in time and bytes.

use std::path::Path;

use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderValue, Method, Request, StatusCode, Uri};
use bytes::Bytes;
use http_body_util::Full;

use super::options::{MOST_BYTES, Options};
use crate::outgoing::{self, Authorities, AuthorityError, Proxies};

/// A file that a recorder needs and that cannot be used.
pub type ClientError = AuthorityError;

#[derive(Debug)]
pub(super) struct Client {
    url: Uri,
    authorization: Option<HeaderValue>,
    client: outgoing::Client,
}

impl Client {
    pub(super) fn new(options: Options) -> Result<Self, ClientError> {
        let authorization = options.token_file.as_deref().map(token).transpose()?;
        let asks_by_tls = options.url.scheme_str() == Some("https") || options.ca_file.is_some();
        let client = outgoing::Client::new(outgoing::Settings {
            authorities: if asks_by_tls { Authorities::of(options.ca_file) } else { Authorities::None },
            // Orders go straight to the recorder: a proxy could keep one back.
            proxies: Proxies::none(),
            connect_within: options.give_up_after,
            give_up_after: options.give_up_after,
            most_bytes: MOST_BYTES,
            redirects: 0,
            may_go: |_| Ok(()),
        })?;
        Ok(Self { url: options.url, authorization, client })
    }

    /// Asks, and reads the whole reply. The error is for people.
    pub(super) async fn ask(
        &self,
        method: Method,
        query: &str,
        body: Option<Vec<u8>>,
    ) -> Result<(StatusCode, Bytes), String> {
        let url = format!("{}{query}", self.url);
        let url: Uri = url.parse().map_err(|error| format!("the URL is invalid: {error}"))?;
        let mut request = Request::builder().method(method).uri(url).header(ACCEPT, "application/json");
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let request = request.body(Full::from(body.unwrap_or_default())).map_err(|error| error.to_string())?;
        let reply = self.client.send(request).await.map_err(|failed| failed.to_string())?;
        Ok((reply.status, reply.body))
    }
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
