//! Open sessions, page by page.
//!
//! ```json
//! {"Sessions":[{"UCCName":"…","CorrelationId":"…","RecordingState":1,"MarkingState":0,"SavingState":0,
//!   "Allowed":["Start","Stop","…"],"Changing":["Stop","…"]}],"Next":"…"}
//! ```
//!
//! `Allowed` are the actions by which an agent would be answered with success, `Changing` those of them that would
//! change something. Both are the core's answer, as of now. A session with a recorder has a `Recorder` besides, see
//! `admin::recorded`.
//!
//! Sessions that have ended, and whose recorder is still being stopped, are on the page as well, in a list of their own,
//! `Closing`, which is there if they are: without states, so that none of them can be taken for an open one.
//!
//! `limit` is 1 to 1000, by default 100. `Next` is `null` on the last page, else what `after` must say to get the next
//! one. A session that stays open is on exactly one page, whatever begins and ends meanwhile. `ucc` keeps to one UCC, `id`
//! to ids that begin so; with `ucc` a page may have fewer sessions than `limit`, even none, and still a `Next`: no request
//! looks at more than [`SCANNED`] of them.

use core::ops::ControlFlow;
use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;
use percent_encoding::percent_decode_str;
use recording_core::state::ActionSet;
use recording_core::wire::{CorrelationId, UccName, UccNameBuf};
use recording_core::{Action, State};
use serde_json::{Map, Value, json};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::recorded;
use crate::service::Service;
use crate::store::{Session, SessionKey, Store, StoreError};
use crate::{log, reply};

/// How many sessions a page has by default.
pub const DEFAULT_LIMIT: usize = 100;

/// How many sessions a page may have.
pub const MAX_LIMIT: usize = 1000;

/// How many sessions are looked at for one page.
pub const SCANNED: usize = 20_000;

/// What a page holds, and what stands before the next one.
type Page = (Vec<(SessionKey, Session)>, Option<SessionKey>);

/// One page is made at a time: however many are asked for, they take one thread, and none of those that serve the API.
static MAKING: Semaphore = Semaphore::const_new(1);

pub(super) async fn answer<S: Store>(service: &Arc<Service<S>>, query: Option<&str>) -> Response {
    let wanted = match Wanted::read(query.unwrap_or_default()) {
        Ok(wanted) => wanted,
        Err(text) => return reply::invalid(StatusCode::BAD_REQUEST, text),
    };
    let making = MAKING.acquire().await;
    let service = Arc::clone(service);
    // A page of a thousand takes milliseconds, for which others would wait on this thread.
    let made = spawn_blocking(move || {
        let page = Handle::current().block_on(wanted.find(service.store())).map(|page| write(&service, page));
        drop(making);
        page
    });
    match made.await {
        Ok(Ok(page)) => reply::json(StatusCode::OK, page.into()),
        Ok(Err(error)) => {
            log::store_failed("list", &error);
            reply::store_unavailable()
        }
        Err(_) => reply::store_unavailable(),
    }
}

/// What a page is asked for.
struct Wanted {
    limit: usize,
    /// The page begins after this one.
    after: Option<SessionKey>,
    /// The greatest id of the page.
    last: CorrelationId,
    ucc: Option<UccNameBuf>,
}

impl Wanted {
    fn read(query: &str) -> Result<Self, &'static str> {
        let (mut limit, mut after, mut ucc) = (DEFAULT_LIMIT, None, None);
        let (mut first, mut last) = (0, u128::MAX);
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
                Some(("ucc", name)) => {
                    // As forms and most libraries write a space.
                    let name = name.replace('+', " ");
                    let name = percent_decode_str(&name).decode_utf8().ok();
                    let name = name.and_then(|name| UccNameBuf::new(&name).ok());
                    ucc = Some(name.ok_or("The parameter ucc is not the name of a UCC.")?);
                }
                Some(("id", beginning)) => {
                    (first, last) = range(beginning).ok_or("The parameter id is not the beginning of a GUID.")?;
                }
                _ => {}
            }
        }
        // The page begins behind whatever stands before its first id.
        let before =
            first.checked_sub(1).and_then(|id| Some(SessionKey::new(greatest()?, CorrelationId::from_u128(id))));
        Ok(Self { limit, after: after.max(before), last: CorrelationId::from_u128(last), ucc })
    }

    async fn find(&self, store: &impl Store) -> Result<Page, StoreError> {
        // One more than is shown tells whether there is another page.
        let step = if self.ucc.is_some() { MAX_LIMIT } else { self.limit + 1 };
        let (mut found, mut after) = (Vec::new(), self.after.clone());
        for _ in 0..SCANNED.div_ceil(step) {
            let batch = store.page(after.as_ref(), step).await?;
            let more = batch.len() == step;
            after = batch.last().map(|(key, _)| key.clone());
            if let ControlFlow::Break(next) = self.take(batch, &mut found) {
                return Ok((found, next));
            }
            if !more {
                return Ok((found, None));
            }
        }
        Ok((found, after))
    }

    /// Takes what is wanted, and tells when there is enough, and what the page ends with if others follow.
    fn take(
        &self,
        batch: Vec<(SessionKey, Session)>,
        found: &mut Vec<(SessionKey, Session)>,
    ) -> ControlFlow<Option<SessionKey>> {
        for (key, session) in batch {
            if key.correlation_id > self.last {
                return ControlFlow::Break(None);
            }
            if self.ucc.as_ref().is_some_and(|ucc| *ucc != key.ucc) {
                continue;
            }
            if found.len() == self.limit {
                return ControlFlow::Break(found.last().map(|(key, _)| key.clone()));
            }
            found.push((key, session));
        }
        ControlFlow::Continue(())
    }
}

/// The first and the last id that begin with these hexadecimal digits; hyphens do not count.
fn range(beginning: &str) -> Option<(u128, u128)> {
    let digits: String = beginning.chars().filter(|&char| char != '-').collect();
    if digits.is_empty() || digits.len() > 32 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let open = 128 - 4 * digits.len() as u32;
    let first = u128::from_str_radix(&digits, 16).ok()?.checked_shl(open)?;
    Some((first, first | u128::MAX.checked_shr(128 - open).unwrap_or(0)))
}

/// The name that sorts after all others.
fn greatest() -> Option<UccName<'static>> {
    const LAST: &str = "\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\
        \u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}";
    UccName::new(LAST).ok()
}

fn write<S: Store>(service: &Service<S>, (sessions, next): Page) -> String {
    let (open, closing): (Vec<_>, Vec<_>) = sessions.iter().partition(|(_, session)| session.state().is_some());
    let rows =
        |of: Vec<&(SessionKey, Session)>| of.into_iter().map(|(key, session)| row(service, key, session)).collect();
    let (open, closing): (Vec<_>, Vec<_>) = (rows(open), rows(closing));
    let mut page = json!({ "Sessions": open, "Next": next.as_ref().map(cursor) });
    if !closing.is_empty() {
        page["Closing"] = json!(closing);
    }
    page.to_string()
}

/// What the list has of a session.
pub(super) fn row<S: Store>(service: &Service<S>, key: &SessionKey, session: &Session) -> Map<String, Value> {
    let names = |actions: ActionSet| actions.iter().map(|action| json!(action.name())).collect::<Value>();
    let mut row = match session.state() {
        None => Map::new(),
        Some(state) => {
            let (allowed, changing) = actions(service, key, session, state);
            let mut row = written(state);
            row.insert("Allowed".to_owned(), names(allowed));
            row.insert("Changing".to_owned(), names(changing));
            row
        }
    };
    row.insert("UCCName".to_owned(), json!(key.ucc.as_str()));
    row.insert("CorrelationId".to_owned(), json!(key.correlation_id.hyphenated().as_str()));
    if let Some(bound) = session.bound() {
        if let Some(disposition) = bound.kept.closing() {
            row.insert("Disposition".to_owned(), json!(disposition.name()));
        }
        row.insert("Recorder".to_owned(), recorded::object(service, key, bound));
    }
    row
}

/// What an agent may do, and what of that would change something.
fn actions<S: Store>(
    service: &Service<S>,
    key: &SessionKey,
    session: &Session,
    state: State,
) -> (ActionSet, ActionSet) {
    match (service.settings(key.ucc.to_ref()), session.bound()) {
        (None, _) => (ActionSet::EMPTY, ActionSet::EMPTY),
        (Some(settings), None) => (settings.allowed(state), settings.changing(state)),
        (Some(settings), Some(bound)) => {
            let can = |action| service.recorders().is_possible(&bound.binding.recorder, action);
            let is_possible = can(Action::Start);
            let (allowed, changing) =
                (bound.kept.allowed(&settings, is_possible), bound.kept.changing(&settings, is_possible));
            if can(Action::Pause) {
                (allowed, changing)
            } else {
                (allowed.without(Action::Pause), changing.without(Action::Pause))
            }
        }
    }
}

/// The three states as the core writes them.
fn written(state: State) -> Map<String, Value> {
    let mut buffer = [0; State::DOCUMENT_LEN];
    state.write(&mut buffer).ok().and_then(|document| serde_json::from_slice(document).ok()).unwrap_or_default()
}

/// Where a page ended, as text that needs no escape in JSON nor in a query: the id, then the name in hexadecimal.
fn cursor(key: &SessionKey) -> String {
    let name: String = key.ucc.as_str().bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("{}.{name}", key.correlation_id)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_reached_by_each_of_its_beginnings() {
        let id = 0x1d6c_6a58_6739_4f0c_98ff_0968_292c_8c30_u128;
        let text = format!("{id:032x}");
        for digits in 1..=32 {
            let (first, last) = range(&text[..digits]).unwrap_or_default();
            assert!((first..=last).contains(&id));
            assert!(first.trailing_zeros() >= 128 - 4 * digits as u32);
            assert_eq!(last - first, u128::MAX.checked_shr(4 * digits as u32).unwrap_or(0));
        }
        assert_eq!(range("1D6C6A58-67"), range("1d6c6a5867"));
        for wrong in ["", "-", "x", "1d6c 6", "+1", &"0".repeat(33)] {
            assert_eq!(range(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn no_name_stands_behind_the_greatest() -> Result<(), recording_core::wire::FieldError> {
        let greatest = greatest().map(UccName::as_str).unwrap_or_default();
        assert_eq!(greatest.len(), UccName::MAX_LEN);
        // A longer one is none, and no other character is greater.
        assert!(greatest.chars().all(|char| char == char::MAX));
        Ok(())
    }
}
