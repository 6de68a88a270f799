//! The body and the state reply, by each crate as its documentation does it.
//!
//! The others are given an easier task: their strings stay strings, unchecked and borrowed, where ours come out as a
//! checked GUID, SIP URI and name; and their id is a string to begin with, where ours writes one out of a number.

use core::fmt;

use recording_core::wire::{CorrelationId, SetRequest, StateReply};
use recording_core::{Action, Reply, Scratch};
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize};

/// An action by its id or its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnyAction(pub Action);

impl<'de> Deserialize<'de> for AnyAction {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IdOrName;

        impl Visitor<'_> for IdOrName {
            type Value = AnyAction;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the id or the name of an action")
            }

            fn visit_u64<E: de::Error>(self, id: u64) -> Result<AnyAction, E> {
                let action = u8::try_from(id).ok().and_then(Action::from_code);
                action.map(AnyAction).ok_or_else(|| E::custom("no such id"))
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<AnyAction, E> {
                Action::from_name(name).map(AnyAction).ok_or_else(|| E::custom("no such name"))
            }
        }

        deserializer.deserialize_any(IdOrName)
    }
}

/// A body as serde has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Body<'a, A = AnyAction> {
    /// What is asked.
    pub action: A,
    /// Who asks.
    pub requester_sip_uri: &'a str,
    /// Which session.
    pub correlation_id: &'a str,
    /// Which UCC.
    #[serde(rename = "UCCName")]
    pub ucc_name: &'a str,
}

impl<'a, A> Body<'a, A> {
    fn with<B>(self, action: B) -> Body<'a, B> {
        let Self { requester_sip_uri, correlation_id, ucc_name, .. } = self;
        Body { action, requester_sip_uri, correlation_id, ucc_name }
    }
}

/// A state reply as serde has it.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct StateBody<'a> {
    correlation_id: &'a str,
    recording_state: u8,
    marking_state: u8,
    saving_state: u8,
    error_message: Option<ErrorBody<'a>>,
    #[serde(rename = "UCCName")]
    ucc_name: &'a str,
}

/// The error of a reply.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ErrorBody<'a> {
    error_type: i32,
    message: &'a str,
}

/// The page's reply.
pub const PAGE: StateBody<'static> = StateBody {
    correlation_id: "1d6c6a58-6739-4f0c-98ff-0968292c8c30",
    recording_state: 0,
    marking_state: 1,
    saving_state: 1,
    error_message: None,
    ucc_name: "ucc-demo-name",
};

/// Ours, with every check of the specification.
#[inline]
pub fn ours<'a>(body: &'a [u8], scratch: &'a mut Scratch) -> Option<SetRequest<'a>> {
    SetRequest::read(body, scratch).ok()
}

/// serde_json.
#[inline]
pub fn serde_json(body: &[u8]) -> Option<Body<'_>> {
    serde_json::from_slice(body).ok()
}

/// serde-json-core: it has no `deserialize_any`, so an id is tried first and a name then.
#[inline]
pub fn serde_json_core(body: &[u8]) -> Option<Body<'_>> {
    if let Ok((body, _)) = serde_json_core::from_slice::<Body<'_, u8>>(body) {
        return Some(body.with(AnyAction(Action::from_code(body.action)?)));
    }
    let (body, _) = serde_json_core::from_slice::<Body<'_, &str>>(body).ok()?;
    Some(body.with(AnyAction(Action::from_name(body.action)?)))
}

/// sonic-rs.
#[inline]
pub fn sonic_rs(body: &[u8]) -> Option<Body<'_>> {
    sonic_rs::from_slice(body).ok()
}

/// simd-json works in place, so that it gets a copy.
#[inline]
pub fn simd_json<'a>(body: &[u8], copy: &'a mut Vec<u8>) -> Option<Body<'a>> {
    copy.clear();
    copy.extend_from_slice(body);
    simd_json::from_slice(copy).ok()
}

/// jiter hands strings out of itself; what is kept is where they are in the body.
#[inline]
pub fn jiter(body: &[u8]) -> Option<Body<'_>> {
    fn string<'a>(body: &'a [u8], jiter: &mut jiter::Jiter<'_>) -> Option<&'a str> {
        let len = jiter.next_str().ok()?.len();
        let end = jiter.current_index() - 1;
        str::from_utf8(body.get(end - len..end)?).ok()
    }

    let mut jiter = jiter::Jiter::new(body);
    let (mut action, mut requester, mut id, mut ucc) = (None, None, None, None);
    let mut key = jiter.next_object_bytes().ok()?;
    while let Some(name) = key {
        match name {
            b"Action" => {
                action = if jiter.peek().ok()? == jiter::Peek::String {
                    Action::from_name(jiter.known_str().ok()?)
                } else {
                    let jiter::NumberInt::Int(id) = jiter.next_int().ok()?;
                    u8::try_from(id).ok().and_then(Action::from_code)
                };
            }
            b"RequesterSipUri" => requester = string(body, &mut jiter),
            b"CorrelationId" => id = string(body, &mut jiter),
            b"UCCName" => ucc = string(body, &mut jiter),
            _ => jiter.next_skip().ok()?,
        }
        key = jiter.next_key_bytes().ok()?;
    }
    jiter.finish().ok()?;
    Some(Body { action: AnyAction(action?), requester_sip_uri: requester?, correlation_id: id?, ucc_name: ucc? })
}

/// Ours.
#[inline]
pub fn write_ours(reply: &StateReply<'_>, buffer: &mut [u8; Reply::MAX_LEN]) -> usize {
    reply.write(buffer).map_or(0, <[u8]>::len)
}

/// serde_json.
#[inline]
pub fn write_serde_json(reply: &StateBody<'_>, buffer: &mut [u8]) -> usize {
    let whole = buffer.len();
    let mut rest = buffer;
    serde_json::to_writer(&mut rest, reply).map_or(0, |()| whole - rest.len())
}

/// serde-json-core.
#[inline]
pub fn write_serde_json_core(reply: &StateBody<'_>, buffer: &mut [u8]) -> usize {
    serde_json_core::to_slice(reply, buffer).unwrap_or(0)
}

/// sonic-rs.
#[inline]
pub fn write_sonic_rs(reply: &StateBody<'_>, buffer: &mut Vec<u8>) -> usize {
    buffer.clear();
    sonic_rs::to_writer(&mut *buffer, reply).map_or(0, |()| buffer.len())
}

/// simd-json.
#[inline]
pub fn write_simd_json(reply: &StateBody<'_>, buffer: &mut Vec<u8>) -> usize {
    buffer.clear();
    simd_json::serde::to_writer(&mut *buffer, reply).map_or(0, |()| buffer.len())
}

/// Whether a body says what ours says.
#[must_use]
pub fn agrees(ours: &SetRequest<'_>, theirs: &Body<'_>) -> bool {
    theirs.action.0 == ours.action
        && theirs.requester_sip_uri == ours.requester.as_str()
        && CorrelationId::parse(theirs.correlation_id) == Ok(ours.correlation_id)
        && theirs.ucc_name == ours.ucc.as_str()
}
