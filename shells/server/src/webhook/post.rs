//! Posts over HTTP, signed as Standard Webhooks has it.

use core::future::Future;
use core::pin::Pin;
use core::time::Duration;
use std::time::SystemTime;

use axum::http::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use axum::http::{Method, Request, StatusCode, Uri};
use http_body_util::Full;

use super::hook::{Answer, Transport};
use super::message::{Message, unix_seconds};
use super::options::WebhookConfig;
use super::queue::Failed;
use super::secret::Secrets;
use crate::outgoing::{self, Authorities, Proxies};

/// How many bytes of an answer's body are read, so that its connection can be used again. Nothing in it matters.
const MOST_BYTES: usize = 16 * 1024;

#[derive(Debug)]
pub(super) struct Poster {
    url: Uri,
    secrets: Secrets,
    client: outgoing::Client,
}

impl Poster {
    /// Reads the files that the webhook names.
    pub(super) fn new(config: &WebhookConfig) -> Result<Self, String> {
        let secrets = Secrets::load(&config.secret_file).map_err(|reason| format!("secret_file: {reason}"))?;
        let asks_by_tls = config.url.scheme_str() == Some("https") || config.ca_file.is_some();
        let client = outgoing::Client::new(outgoing::Settings {
            authorities: if asks_by_tls { Authorities::of(config.ca_file.clone()) } else { Authorities::None },
            proxies: Proxies::of_environment(),
            connect_within: config.give_up_after,
            give_up_after: config.give_up_after,
            most_bytes: MOST_BYTES,
            redirects: 0,
            may_go: outgoing::is_safe,
        });
        let client = client.map_err(|error| format!("ca_file: {error}"))?;
        Ok(Self { url: config.url.clone(), secrets, client })
    }

    fn request(&self, Message { id, body }: &Message) -> Result<Request<Full<bytes::Bytes>>, axum::http::Error> {
        let seconds = unix_seconds();
        Request::builder()
            .method(Method::POST)
            .uri(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", seconds)
            .header("webhook-signature", self.secrets.sign(id, seconds, body))
            .body(Full::new(body.clone()))
    }
}

impl Transport for Poster {
    fn post(&self, message: Message) -> Pin<Box<dyn Future<Output = Answer> + Send + '_>> {
        Box::pin(async move {
            let not_sent = |reason: String| Answer::Failed(Failed { is_answer: false, wait: None }, reason);
            match self.request(&message) {
                Ok(request) => match self.client.send_for_status(request).await {
                    Ok((status, headers)) => answer(status, &headers, SystemTime::now()),
                    Err(failed) => not_sent(failed.to_string()),
                },
                Err(error) => not_sent(error.to_string()),
            }
        })
    }
}

/// What a receiver's answer says.
fn answer(status: StatusCode, headers: &HeaderMap, now: SystemTime) -> Answer {
    if status.is_success() {
        return Answer::Taken;
    }
    if status == StatusCode::GONE {
        return Answer::Gone;
    }
    let failed = Failed { is_answer: true, wait: retry_after(headers, now) };
    let note = if status.is_redirection() { ": redirects are not followed" } else { "" };
    Answer::Failed(failed, format!("status {}{note}", status.as_u16()))
}

/// How long the receiver wants no post, by either form of `Retry-After`.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // One that does not fit is longer than anything that is honoured.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::from(u32::MAX)).min(u64::from(u32::MAX))));
    }
    httpdate::parse_http_date(value).ok().map(|at| at.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_has_two_forms() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        for (value, wait) in [
            ("0", Some(0)),
            (" 120 ", Some(120)),
            ("99999999999999999999999999", Some(u64::from(u32::MAX))),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(0)),
            ("Sun, 06 Nov 1994 08:51:37 GMT", Some(120)),
            ("Sun, 06 Nov 1994 08:40:00 GMT", Some(0)),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, value.parse().expect("a value"))]);
            assert_eq!(retry_after(&headers, now), wait.map(Duration::from_secs), "{value:?}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }

    /// Every status there is.
    #[test]
    fn only_2xx_is_taken_and_only_410_is_final() {
        for code in 100..1000 {
            let status = StatusCode::from_u16(code).expect("a status");
            match (code, answer(status, &HeaderMap::new(), SystemTime::now())) {
                (200..300, Answer::Taken) | (410, Answer::Gone) => {}
                (200..300 | 410, other) => panic!("{code}: {other:?}"),
                (_, Answer::Failed(Failed { is_answer: true, wait: None }, text)) => {
                    assert!(text.contains(&code.to_string()), "{text}");
                    assert_eq!(text.contains("redirects"), (300..400).contains(&code), "{text}");
                }
                (_, other) => panic!("{code}: {other:?}"),
            }
        }
    }
}
