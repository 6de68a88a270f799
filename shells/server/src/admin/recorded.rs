//! What is shown of a session's recorder.
//!
//! ```json
//! {"Name":"proxy","Call":"b2f9…","Resume":"holders","Holds":["sip:agent@domain.com"],"HoldsOfNoAgent":0,
//!  "Pending":{"Order":"Pause","IsRepeat":false,"Since":"2026-11-30T01:02:03.004Z","TimesSent":4,"LastError":"…"},
//!  "PausedSince":null,"SilenceConfirmed":null,"Overdue":false,"FoundRecording":null}
//! ```
//!
//! `Pending` is `null` if nothing is pending. What is pending is not reached: the session's states are those that are stored.

use core::fmt::Write as _;
use core::time::Duration;
use std::time::UNIX_EPOCH;

use axum::http::StatusCode;
use axum::response::Response;
use humantime::format_rfc3339_millis;
use recording_core::recorder::Order;
use recording_core::wire::UccName;
use serde_json::{Map, Value, json};
use tokio::time::timeout;

use crate::recorder::{Driver, Entered, View, unknown};
use crate::reply;
use crate::service::Service;
use crate::session::{Bound, SessionKey};
use crate::store::Store;

/// How long a request for one session waits for the names of its files.
const FILES_WAIT: Duration = Duration::from_secs(2);

/// A moment as text; `None` if it is beyond what can be written.
fn at(unix_ms: u64) -> Option<String> {
    let mut text = String::new();
    write!(text, "{}", format_rfc3339_millis(UNIX_EPOCH.checked_add(Duration::from_millis(unix_ms))?)).ok()?;
    Some(text)
}

/// The session's recorder.
pub(super) fn object<S: Store>(service: &Service<S>, key: &SessionKey, bound: &Bound) -> Value {
    let driver = service.recorders().driver(key);
    let view = driver.as_deref().map_or_else(|| only_stored(bound), Driver::view);
    let mut object = shown(bound, &view);
    let (holds, others) = holders(service, key.ucc.to_ref(), bound);
    object.insert("Holds".to_owned(), json!(holds));
    object.insert("HoldsOfNoAgent".to_owned(), json!(others));
    object.insert("Call".to_owned(), json!(driver.map(|driver| driver.call().id.clone())));
    Value::Object(object)
}

/// What is known of a session that this server has not driven yet.
fn only_stored(bound: &Bound) -> View {
    View { order: bound.kept.order(), is_closing: bound.kept.closing().is_some(), ..View::default() }
}

fn shown(bound: &Bound, view: &View) -> Map<String, Value> {
    let pending = view.order.map(|order| {
        json!({
            "Order": order.name(),
            // By what is stored, as the states next to it: what the view says may be a moment older.
            "IsRepeat": order != Order::Record && order.target().axis() == bound.kept.state().recording(),
            "Since": view.ordered_at_ms.and_then(at),
            "TimesSent": view.times_sent,
            "LastError": view.last_error,
        })
    });
    // A pause is counted from its confirmation.
    let silence = view.silence_confirmed_at_ms.max(bound.kept.paused_since_ms());
    Map::from_iter([
        ("Name".to_owned(), json!(bound.binding.recorder)),
        ("Resume".to_owned(), json!(bound.kept.resume().to_string())),
        ("Pending".to_owned(), json!(pending)),
        ("PausedSince".to_owned(), json!(bound.kept.paused_since_ms().and_then(at))),
        ("SilenceConfirmed".to_owned(), json!(silence.and_then(at))),
        ("Overdue".to_owned(), json!(view.is_overdue)),
        ("FoundRecording".to_owned(), json!(view.found_recording_at_ms.and_then(at))),
    ])
}

/// The agents that hold the session, as the directory writes them, and how many holds are of no agent, and do not count. One of
/// whom only what is kept is known may be an agent by a pattern: it counts.
fn holders<S: Store>(service: &Service<S>, ucc: UccName<'_>, bound: &Bound) -> (Vec<String>, usize) {
    let directory = service.directory().current();
    let ucc = directory.ucc(ucc);
    let counting = bound.kept.holds().iter().filter(|&holder| service.holder_counts(ucc, holder));
    let shown = |holder| service.holder_uri(ucc, holder).unwrap_or_else(|| unknown(holder));
    let mut holds: Vec<_> = counting.map(shown).collect();
    holds.sort_unstable();
    let others = bound.kept.holds().len() - holds.len();
    (holds, others)
}

/// The call's files, as far as they are known; `null` if they are not known in time.
pub(super) async fn files<S: Store>(service: &Service<S>, key: &SessionKey) -> Value {
    let Some(driver) = service.recorders().driver(key) else { return Value::Null };
    let Some(Entered { recorder, .. }) = service.recorders().entered(&driver.call().binding.recorder) else {
        return Value::Null;
    };
    timeout(FILES_WAIT, recorder.files(driver.call())).await.map_or(Value::Null, |files| json!(files))
}

/// All recorders by name. Those that the config in force does not have are among them as long as they have sessions.
pub(super) fn all<S: Store>(service: &Service<S>) -> Response {
    let counts = service.recorders().sessions_of_each();
    let mut recorders = service.recorders().all();
    recorders.retain(|(name, entered)| entered.is_configured || counts.contains_key(name));
    recorders.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    let recorders: Vec<_> = recorders
        .into_iter()
        .map(|(name, entered)| {
            let condition = entered.recorder.condition().borrow().clone();
            let capabilities = entered.recorder.capabilities();
            json!({
                "Name": name,
                "Configured": entered.is_configured,
                "Answers": condition.answers,
                "Usable": condition.usable.as_ref().map(Result::is_ok),
                "Reason": condition.usable.and_then(Result::err),
                "CanPause": capabilities.can_pause,
                "Restarts": condition.restarts,
                "SelfTestsPassed": condition.self_tests_passed,
                "SelfTestsFailed": condition.self_tests_failed,
                "Sessions": counts.get(&name).copied().unwrap_or_default(),
            })
        })
        .collect();
    reply::json(StatusCode::OK, json!({ "Recorders": recorders }).to_string().into())
}

/// What is wrong with recorders of the config, by their name, a sentence for each. A reason may hold paths, and a client that asks
/// whether the server is ready needs no token: so it is not here.
pub(super) fn warnings<S: Store>(service: &Service<S>) -> Vec<String> {
    let mut recorders = service.recorders().all();
    recorders.retain(|(_, entered)| entered.is_configured);
    recorders.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    recorders
        .into_iter()
        .filter_map(|(name, entered)| {
            let condition = entered.recorder.condition();
            let condition = condition.borrow();
            if matches!(condition.usable, Some(Err(_))) {
                Some(format!("The recorder '{name}' is not used, for the reason that GET /recorders has."))
            } else {
                (!condition.answers).then(|| format!("The recorder '{name}' does not answer."))
            }
        })
        .collect()
}
