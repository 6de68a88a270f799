//! The body of a request, as much of it as may come in the time it has.
//!
//! `http_body_util::Limited` counts. Its `Collected` is not used: it keeps every piece for itself, and a body may come in 2048
//! pieces of one byte, each of which keeps the buffer that it was read into. The time is kept here, because it began with the
//! head.

use core::time::Duration;

use axum::BoxError;
use axum::body::Body;
use axum::http::header::{CONTENT_ENCODING, EXPECT};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use http_body::Body as _;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use recording_core::wire::SetRequest;
use tokio::time::{Instant, timeout_at};

use crate::caller::RequestLine;
use crate::net::Client;
use crate::{log, reply};

/// What the core is shown of a body that is too large: one byte more than any call takes, so that it says so.
const TOO_LARGE: &[u8] = &[b' '; SetRequest::MAX_BODY_LEN + 1];

/// How long a body that is not wanted is waited for, so that the connection can be used again.
const UNWANTED_WAIT: Duration = Duration::from_millis(500);

/// The text of a 408.
pub(crate) const TOO_LATE: &str = "The request took too long to arrive.";

/// Whether a body says that it is encoded (`Content-Encoding`), which is not decoded here.
pub(crate) fn is_encoded(headers: &HeaderMap) -> bool {
    let codings = headers.get_all(CONTENT_ENCODING).iter().flat_map(|line| line.as_bytes().split(|&byte| byte == b','));
    codings.map(<[u8]>::trim_ascii).any(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case(b"identity"))
}

/// What came of a body.
pub(crate) enum Received {
    /// All of it, or [`TOO_LARGE`].
    Body {
        /// The bytes.
        bytes: Bytes,
        /// Whether that was all.
        whole: bool,
    },
    /// What to answer instead.
    Failed(Response),
}

/// Reads a body. Asks for it first (`100 Continue`), if the client waits for that.
pub(crate) async fn read(body: Body, parts: &Parts, client: Option<&Client>) -> Received {
    // A length that is too large anyway need not be waited for.
    if body.size_hint().lower() > SetRequest::MAX_BODY_LEN as u64 {
        return Received::Body { bytes: Bytes::from_static(TOO_LARGE), whole: false };
    }
    let line = || RequestLine::of(parts, client.map(Client::peer));
    let deadline = client.map_or_else(|| Instant::now() + crate::net::Limits::default().request, Client::deadline);
    match timeout_at(deadline, collect(body)).await {
        Ok(Ok(body)) => {
            if let Some(client) = client {
                client.arrived();
            }
            let whole = body.is_some();
            Received::Body { bytes: body.unwrap_or(Bytes::from_static(TOO_LARGE)), whole }
        }
        Ok(Err(_)) => failed(line(), StatusCode::BAD_REQUEST, "The body broke off or is not framed as HTTP says."),
        Err(_) => failed(line(), StatusCode::REQUEST_TIMEOUT, TOO_LATE),
    }
}

fn failed(line: RequestLine<'_>, status: StatusCode, reason: &'static str) -> Received {
    log::not_arrived(line, status.as_u16(), reason);
    Received::Failed(reply::and_close(reply::invalid(status, reason)))
}

/// The whole body, or nothing if it is too large.
async fn collect(body: Body) -> Result<Option<Bytes>, BoxError> {
    let mut body = Limited::new(body, SetRequest::MAX_BODY_LEN);
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = match frame {
            Ok(frame) => frame,
            Err(error) if error.is::<LengthLimitError>() => return Ok(None),
            Err(error) => return Err(error),
        };
        // What is not data is trailers, which mean nothing here.
        let Ok(data) = frame.into_data() else { continue };
        // Most bodies come in one piece, and stay in it.
        if first.is_empty() && all.is_empty() {
            first = data;
        } else {
            if all.is_empty() {
                all.extend_from_slice(&first);
            }
            all.extend_from_slice(&data);
        }
    }
    Ok(Some(if all.is_empty() { first } else { all.freeze() }))
}

/// Gets a body that means nothing out of the way. Says whether that succeeded; if not, the connection must end.
pub(crate) async fn discard(body: Body, headers: &HeaderMap, client: Option<&Client>) -> bool {
    if body.is_end_stream() {
        return true;
    }
    // Whoever waits for a `100 Continue` must not get one for a body that nobody wants.
    if headers.contains_key(EXPECT) || body.size_hint().lower() > SetRequest::MAX_BODY_LEN as u64 {
        return false;
    }
    let mut deadline = Instant::now() + UNWANTED_WAIT;
    if let Some(client) = client {
        deadline = deadline.min(client.deadline());
    }
    matches!(timeout_at(deadline, collect(body)).await, Ok(Ok(Some(_))))
}
