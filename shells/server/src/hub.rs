//! The hub that tells listeners of changes: what it is called, how its events are written, who gets which.
//!
//! The protocol is [`signalr_hub`]'s; here is what it carries. `docs/events.md` is for those who listen.

use core::net::IpAddr;
use std::collections::HashSet;
use std::sync::Arc;

use axum::http::request::Parts;
use bytes::Bytes;
use recording_core::Event;
use recording_core::wire::{UccName, UccNameBuf};
use serde_json::Value;
use signalr_hub::{Argument, Call, CallError, CallResult, Methods, Publication};
use tracing::warn;

use crate::auth::Principal;
use crate::events::{Backlog, Entry, Lost, Published};
use crate::net::Client;

/// Where the hub is.
pub const PATH: &str = "/attendantservice/hubs/recording";

/// How many UCCs one listener may name. OURS: what it names is kept for it, so there must be an end.
pub const MOST_NAMES: usize = 1024;

/// The hub of recording events; a clone is the same one.
pub type RecordingHub = signalr_hub::Hub<Listening>;

/// How the keys of an event are written in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EventCase {
    /// As the API's page spells them: `UccName`.
    #[default]
    Pascal,
    /// As .NET writes them if it is not told otherwise: `uccName`.
    Camel,
}

impl EventCase {
    /// The event as JSON.
    pub(crate) fn json(self, event: &Published) -> Bytes {
        match self {
            // The core's own bytes.
            Self::Pascal => event.json.clone(),
            Self::Camel => {
                let (ucc, id, action) = (Value::from(event.ucc.as_str()), event.correlation_id, event.action.code());
                format!(r#"{{"uccName":{ucc},"correlationId":"{id}","stateAction":{action}}}"#).into()
            }
        }
    }
}

/// The event as MessagePack. Its keys are written as on the page, whatever JSON does: so .NET does it, too.
fn message_pack(event: &Published) -> Vec<u8> {
    let id = event.correlation_id.to_string();
    let members: [(_, rmpv::Value); 3] = [
        ("UccName", event.ucc.as_str().into()),
        ("CorrelationId", id.as_str().into()),
        ("StateAction", event.action.code().into()),
    ];
    let map = rmpv::Value::Map(members.into_iter().map(|(key, value)| (key.into(), value)).collect());
    let mut bytes = Vec::new();
    // Writing to memory does not fail.
    let _ = rmpv::encode::write_value(&mut bytes, &map);
    bytes
}

/// What the hub offers: everybody gets every event, until they say otherwise.
#[derive(Debug, Default)]
pub struct Listening {
    case: EventCase,
}

/// Which UCCs a listener wants to hear of.
///
/// OURS: the page has no such methods. After `Subscribe(x)` the events of x come, after `Unsubscribe(x)` none of them do;
/// the first `Subscribe` of a connection ends that it gets everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Interest {
    /// All UCCs but these.
    AllBut(HashSet<UccNameBuf>),
    /// These UCCs alone.
    Only(HashSet<UccNameBuf>),
}

impl Default for Interest {
    fn default() -> Self {
        Self::AllBut(HashSet::new())
    }
}

impl Interest {
    /// Whether it is in this UCC.
    #[must_use]
    pub fn is_in(&self, ucc: &UccNameBuf) -> bool {
        match self {
            Self::AllBut(names) => !names.contains(ucc),
            Self::Only(names) => names.contains(ucc),
        }
    }

    fn subscribe(&mut self, ucc: UccNameBuf) -> Result<(), CallError> {
        match self {
            Self::AllBut(_) => {
                *self = Self::Only(HashSet::from([ucc]));
                Ok(())
            }
            Self::Only(names) => add(names, ucc),
        }
    }

    fn unsubscribe(&mut self, ucc: UccNameBuf) -> Result<(), CallError> {
        match self {
            Self::AllBut(names) => add(names, ucc),
            Self::Only(names) => {
                names.remove(&ucc);
                Ok(())
            }
        }
    }
}

fn add(names: &mut HashSet<UccNameBuf>, ucc: UccNameBuf) -> Result<(), CallError> {
    if names.len() >= MOST_NAMES && !names.contains(&ucc) {
        return Err(CallError::Refused(format!("A connection may name at most {MOST_NAMES} UCCs.")));
    }
    names.insert(ucc);
    Ok(())
}

/// OURS: whether there is such a UCC is not said. A stranger learns nothing, and one may be added later.
fn ucc(call: Call<'_>) -> Result<UccNameBuf, CallError> {
    let [Value::String(name)] = call.arguments else { return Err(CallError::BadArguments) };
    UccName::new(name).map(UccNameBuf::from).map_err(|_| CallError::BadArguments)
}

impl Listening {
    /// How the keys of events are written.
    pub(crate) const fn case(&self) -> EventCase {
        self.case
    }
}

impl Methods for Listening {
    type Listener = Interest;
    type Topic = UccNameBuf;

    fn call(&self, interest: &mut Interest, call: Call<'_>) -> CallResult {
        // Without case, as .NET compares the names of methods.
        if call.target.eq_ignore_ascii_case("Subscribe") {
            interest.subscribe(ucc(call)?)?;
        } else if call.target.eq_ignore_ascii_case("Unsubscribe") {
            interest.unsubscribe(ucc(call)?)?;
        } else {
            return Err(CallError::UnknownMethod);
        }
        Ok(None)
    }

    fn wants(&self, interest: &Interest, ucc: &UccNameBuf) -> bool {
        interest.is_in(ucc)
    }

    /// A token's bearer; without tokens, an address, for IPv6 the network of a site.
    fn caller(&self, request: &Parts) -> Option<String> {
        if let Some(principal) = request.extensions.get::<Principal>() {
            return Some(format!("token {}", principal.name()));
        }
        let address = request.extensions.get::<Client>()?.peer().ip().to_canonical();
        Some(match address {
            IpAddr::V4(address) => format!("address {address}"),
            IpAddr::V6(address) => format!("network {:x}", u128::from(address) >> 64),
        })
    }
}

/// How many events are passed on together: those that wait anyway. Long enough that what no listener wants costs little,
/// and short enough that nothing else waits for it.
const TOGETHER: usize = 32;

/// A hub that writes its events so.
#[must_use]
pub fn new(case: EventCase, options: signalr_hub::HubOptions) -> RecordingHub {
    RecordingHub::new(Listening { case }, options)
}

/// Passes the events on, in their order, until the server is gone.
pub(crate) async fn pass_on(events: Arc<Backlog>, hub: RecordingHub) {
    while let Some(entries) = events.take(TOGETHER).await {
        let mut together = Vec::with_capacity(entries.len());
        for entry in entries {
            match entry {
                Entry::Event(event) => together.push(event),
                Entry::Lost(lost) => {
                    publish(&hub, &together);
                    together.clear();
                    // No listener may believe that it has heard everything that it wants.
                    let uccs = match lost {
                        Lost::Of(uccs) => {
                            uccs.iter().for_each(|ucc| hub.send_away_from(ucc));
                            uccs.len()
                        }
                        Lost::Any => {
                            hub.send_away();
                            0
                        }
                    };
                    warn!(target: "recording", uccs, "events were lost before the hub had them: their listeners must reconnect");
                }
            }
        }
        publish(&hub, &together);
        tokio::task::yield_now().await;
    }
}

fn publish(hub: &RecordingHub, events: &[Published]) {
    hub.publish_all(
        events,
        |event| &event.ucc,
        |event| {
            let json = hub.methods().case.json(event);
            Publication::new(Event::NAME, &[Argument { json: &json, message_pack: &message_pack(event) }])
        },
    );
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use recording_core::Action;
    use recording_core::wire::CorrelationId;
    use tower_service::Service as _;

    use super::*;
    use crate::events::Events;
    use crate::session::SessionKey;
    use crate::store::{Made, Revision, Watcher as _};

    async fn asks(router: &Router, method: &str, target: &str, body: impl Into<Body>) -> String {
        let request = Request::builder().method(method).uri(target).body(body.into()).expect("a request");
        let Ok(response) = router.clone().call(request).await;
        let body = to_bytes(response.into_body(), 1 << 20).await.expect("a body");
        String::from_utf8(body.to_vec()).expect("text")
    }

    async fn listener(router: &Router, ucc: &str) -> String {
        let negotiated: Value =
            serde_json::from_str(&asks(router, "POST", "/hub/negotiate", "").await).expect("a document");
        let target = format!("/hub?id={}", negotiated["connectionId"].as_str().expect("an id"));
        assert_eq!(asks(router, "GET", &target, "").await, "");
        asks(router, "POST", &target, "{\"protocol\":\"json\",\"version\":1}\u{1e}".to_owned()).await;
        assert_eq!(asks(router, "GET", &target, "").await, "{}\u{1e}");
        if !ucc.is_empty() {
            let call =
                format!(r#"{{"type":1,"invocationId":"1","target":"Subscribe","arguments":["{ucc}"]}}{}"#, '\u{1e}');
            asks(router, "POST", &target, call).await;
            assert_eq!(asks(router, "GET", &target, "").await, "{\"type\":3,\"invocationId\":\"1\"}\u{1e}");
        }
        target
    }

    /// Events that were lost before the hub had them: the listeners that want them hear of the loss after what came before
    /// it, and of nothing after it. Others hear nothing of it at all.
    #[tokio::test]
    async fn a_gap_is_never_hidden_and_is_nobody_elses() {
        const CLOSE: &str = "{\"type\":7,\"allowReconnect\":true}\u{1e}";
        let hub = new(EventCase::Pascal, signalr_hub::HubOptions::default());
        let router = hub.router("/hub");
        let (all, flooded, quiet) =
            (listener(&router, "").await, listener(&router, "flooded").await, listener(&router, "quiet").await);

        let events = Events::new();
        let backlog = events.backlog();
        let publish = |ucc: &str, action: Action| {
            let ucc = UccName::new(ucc).expect("a name");
            events.publish(&Event { ucc, correlation_id: CorrelationId::from_u128(1), action });
        };
        // More than fit, of a UCC that the quiet one does not want.
        publish("quiet", Action::Start);
        (0..Events::KEPT + 100).for_each(|_| publish("flooded", Action::Pause));
        drop(events);
        pass_on(backlog, hub.clone()).await;
        for target in [&all, &flooded] {
            let mut heard = String::new();
            while !heard.ends_with(CLOSE) {
                let more = asks(&router, "GET", target, "").await;
                assert!(!more.is_empty(), "no order to reconnect");
                heard.push_str(&more);
            }
        }
        assert_eq!(asks(&router, "GET", &quiet, "").await.matches("StateAction").count(), 1);
        assert_eq!(hub.counters().long_polling, 3, "nothing of theirs was swept yet");
        // It is still there, and hears on.
        let events = Events::new();
        let backlog = events.backlog();
        let ucc = UccName::new("quiet").expect("a name");
        events.publish(&Event { ucc, correlation_id: CorrelationId::from_u128(1), action: Action::Stop });
        drop(events);
        pass_on(backlog, hub.clone()).await;
        assert!(asks(&router, "GET", &quiet, "").await.contains("\"StateAction\":2"));
    }

    /// A store that cannot exclude that it has missed changes says so by one call, however often: every listener hears what came
    /// before the gap, then the order to reconnect and nothing after it, whatever it wants. Those that come later hear on.
    #[tokio::test]
    async fn a_gap_of_anything_sends_every_listener_away() {
        const CLOSE: &str = "{\"type\":7,\"allowReconnect\":true}\u{1e}";
        const MADE: Made = Made { revision: Revision(1), by_this_server: true };
        let hub = new(EventCase::Pascal, signalr_hub::HubOptions::default());
        let router = hub.router("/hub");
        let listeners = [listener(&router, "").await, listener(&router, "one").await, listener(&router, "other").await];
        let key = |ucc: &str| SessionKey::new(UccName::new(ucc).expect("a name"), CorrelationId::from_u128(1));
        let events = Events::new();
        let backlog = events.backlog();
        events.changed(&key("one"), Action::Pause, MADE);
        (0..1000).for_each(|_| events.missed());
        events.changed(&key("one"), Action::Start, MADE);
        events.changed(&key("other"), Action::Stop, MADE);
        drop(events);
        pass_on(backlog, hub.clone()).await;
        for (target, before) in listeners.iter().zip([1, 1, 0]) {
            let heard = asks(&router, "GET", target, "").await;
            assert!(heard.ends_with(CLOSE) && heard.matches(CLOSE).count() == 1, "{heard}");
            assert_eq!(heard.matches("\"StateAction\":3").count(), before, "{heard}");
            assert_eq!(heard.matches("StateAction").count(), before, "nothing after the gap: {heard}");
        }
        let later = listener(&router, "other").await;
        let events = Events::new();
        let backlog = events.backlog();
        events.changed(&key("other"), Action::Start, MADE);
        drop(events);
        pass_on(backlog, hub.clone()).await;
        assert!(asks(&router, "GET", &later, "").await.contains("\"StateAction\":1"));
    }
}
