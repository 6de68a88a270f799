//! Open sessions, page by page.
//!
//! ```json
//! {"Sessions":[{"UCCName":"…","CorrelationId":"…","RecordingState":1,"MarkingState":0,"SavingState":0}],"Next":"…"}
//! ```
//!
//! `limit` is 1 to 1000, by default 100. `Next` is `null` on the last page, else what `after` must say to get the next
//! one. A session that stays open is on exactly one page, whatever begins and ends meanwhile.

use core::fmt::Write as _;

use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use recording_core::{CorrelationId, State, UccName};

use crate::service::Service;
use crate::store::{SessionKey, Store};
use crate::{audit, reply};

/// How many sessions a page has if nobody says.
pub const DEFAULT_LIMIT: usize = 100;

/// How many sessions a page may have.
pub const MAX_LIMIT: usize = 1000;

pub(super) async fn answer<S: Store>(service: &Service<S>, query: Option<&str>) -> Response {
    let (limit, after) = match read(query.unwrap_or_default()) {
        Ok(page) => page,
        Err(text) => return reply::invalid(StatusCode::BAD_REQUEST, text),
    };
    // One more than is shown tells whether there is another page.
    match service.store().page(after.as_ref(), limit + 1).await {
        Ok(sessions) => reply::json(StatusCode::OK, write(&sessions, limit)),
        Err(error) => {
            audit::store_failed("list", &error);
            reply::store_unavailable()
        }
    }
}

fn read(query: &str) -> Result<(usize, Option<SessionKey>), &'static str> {
    let (mut limit, mut after) = (DEFAULT_LIMIT, None);
    for parameter in query.split('&') {
        match parameter.split_once('=') {
            Some(("limit", number)) => {
                limit = number
                    .parse()
                    .ok()
                    .filter(|limit| (1..=MAX_LIMIT).contains(limit))
                    .ok_or("The parameter limit is not a number from 1 to 1000.")?;
            }
            Some(("after", cursor)) => {
                after = Some(key(cursor).ok_or("The parameter after is not what a page gave as Next.")?);
            }
            _ => {}
        }
    }
    Ok((limit, after))
}

fn write(sessions: &[(SessionKey, State)], limit: usize) -> Bytes {
    let shown = sessions.get(..limit).unwrap_or(sessions);
    let mut page = String::from(r#"{"Sessions":["#);
    for (count, (key, state)) in shown.iter().enumerate() {
        page.push_str(if count == 0 { r#"{"UCCName":""# } else { r#",{"UCCName":""# });
        push_escaped(&mut page, key.ucc.as_str());
        page.push_str(r#"","CorrelationId":""#);
        page.push_str(key.correlation_id.text().as_str());
        page.push_str(r#"","#);
        push_state(&mut page, *state);
    }
    page.push_str(r#"],"Next":"#);
    match shown.last() {
        Some((last, _)) if shown.len() < sessions.len() => {
            page.push('"');
            push_cursor(&mut page, last);
            page.push('"');
        }
        _ => page.push_str("null"),
    }
    page.push('}');
    page.into()
}

/// The inside of a JSON string. A name has no control characters, so there is nothing else to escape.
fn push_escaped(page: &mut String, name: &str) {
    for char in name.chars() {
        if matches!(char, '"' | '\\') {
            page.push('\\');
        }
        page.push(char);
    }
}

/// The three states and the brace behind them, as the core writes them.
fn push_state(page: &mut String, state: State) {
    let mut buffer = [0; State::WRITTEN_LEN];
    let document = state.write(&mut buffer).ok().and_then(|document| core::str::from_utf8(document).ok());
    page.push_str(document.and_then(|document| document.strip_prefix('{')).unwrap_or("}"));
}

/// Where a page ended, as text that needs no escape in JSON nor in a query: the id, then the name in hexadecimal.
fn push_cursor(page: &mut String, key: &SessionKey) {
    page.push_str(key.correlation_id.text().as_str());
    page.push('.');
    for byte in key.ucc.as_str().bytes() {
        // Writing into a `String` cannot fail.
        let _ = write!(page, "{byte:02x}");
    }
}

fn key(cursor: &str) -> Option<SessionKey> {
    let (id, name) = cursor.split_once('.')?;
    let correlation_id = CorrelationId::parse(id).ok()?;
    let (pairs, rest) = name.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let bytes = pairs.iter().map(|&[high, low]| Some((digit(high)? << 4 | digit(low)?) as u8));
    let name = String::from_utf8(bytes.collect::<Option<_>>()?).ok()?;
    let ucc = UccName::new(&name).ok().filter(|_| rest.is_empty())?;
    Some(SessionKey::new(ucc, correlation_id))
}
