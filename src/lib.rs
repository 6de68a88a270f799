//! The heart of a call-recording control API: the states of a recorder, the seven actions that change them, the checks
//! before and the wire format around, as one deterministic crate without I/O.
//!
//! A payment system asks for a pause while a card number is spoken, and for a start after. This crate decides what each
//! request does and how it is answered; a *shell* around it (a server, a gateway, a program in C)
//! carries the bytes and keeps the states.
//!
//! # The shell contract
//!
//! The core never reads a clock, does I/O, allocates, logs, draws random numbers or keeps anything global: the same
//! request and the same facts give the same answer, byte for byte. What it leaves to its shell is this loop:
//!
//! 1. Take method, target and content type of a request: [`Head::read`]. A [`Rejection`] is written as it is (step 7).
//! 2. If the head [wants a body](Head::wants_body), read at most [`SetRequest::BODY_MAX`] and one bytes of it, then
//!    [`Head::request`].
//! 3. Look up the facts that the request asks for: [`SetFacts`], [`StateFacts`] or the [`Settings`] alone. None of them
//!    has a default, so none can be forgotten.
//! 4. Decide: [`SetRequest::decide`], [`StateRequest::decide`], [`CapabilitiesRequest::decide`].
//! 5. If there is a [`Pending`] change, store its new state, provided that the stored one still is
//!    [`from`](Pending::from): else back to step 3. If it cannot be stored, [`not_stored`](Pending::not_stored) is the
//!    answer.
//! 6. Say so: [`Pending::stored`] gives out the event, which is published, and the reply. Events of one session are
//!    published in the order of its changes.
//! 7. Write the reply with its [status](Reply::status), [`CONTENT_TYPE`], [`CACHE_CONTROL`] and, if there is one,
//!    [`allow`](Reply::allow). To a `HEAD` send no body.
//!
//! > **No reply says success before its state is stored.**
//!
//! The types hold it: a new state comes out only inside a [`Pending`], and its reply and event only out of
//! [`Pending::stored`].
//!
//! ```
//! use std::collections::HashMap;
//! use recording_core::*;
//!
//! # fn main() -> Result<(), Box<dyn core::error::Error>> {
//! let settings = Settings {
//!     recording_api_licensed: true,
//!     use_audio_recording: true,
//!     agent_can_edit_audio_recording: true,
//!     save_recording_by_default: false,
//!     repeats: Repeats::Accept,
//! };
//! let agent = SipUriBuf::new("sip:agent@domain.com")?;
//! let mut store = HashMap::from([(
//!     (UccNameBuf::new("ucc-demo-name")?, CorrelationId::parse("1d6c6a58-6739-4f0c-98ff-0968292c8c30")?),
//!     State::INITIAL.with_recording(Recording::Started),
//! )]);
//!
//! // 1. and 2. Bytes to a request.
//! let body = br#"{"Action":"Pause","RequesterSipUri":"sip:agent@domain.com",
//!     "CorrelationId":"1d6c6a58-6739-4f0c-98ff-0968292c8c30","UCCName":"ucc-demo-name"}"#;
//! let mut scratch = Scratch::new();
//! let head = Head::read(b"POST", b"/attendantservice/api/recording/set", Some(b"application/json"))?;
//! let Request::Set(set) = head.request(body, &mut scratch)? else { panic!("a set") };
//!
//! // 3. The facts.
//! let key = (UccNameBuf::from(set.ucc), set.correlation_id);
//! let facts = SetFacts {
//!     settings,
//!     requester_is_agent: set.requester == agent.borrow(),
//!     session: store.get(&key).copied(),
//! };
//!
//! // 4. The decision.
//! let mut published = Vec::new();
//! let reply = match set.decide(Some(facts)) {
//!     SetDecision::Answer(answer) => answer.reply,
//!     SetDecision::Store(pending) => {
//!         // 5. Store, 6. say so and publish.
//!         store.insert(key, pending.to());
//!         let stored = pending.stored();
//!         published.push(stored.event);
//!         stored.reply
//!     }
//! };
//!
//! // 7. The reply to bytes.
//! let mut buffer = [0; Reply::MAX_LEN];
//! assert_eq!(
//!     reply.write(&mut buffer)?,
//!     br#"{"CorrelationId":"1d6c6a58-6739-4f0c-98ff-0968292c8c30","RecordingState":3,"MarkingState":0,"SavingState":0,"ErrorMessage":null,"UCCName":"ucc-demo-name"}"#,
//! );
//! assert_eq!(published[0].action, Action::Pause);
//! # Ok(())
//! # }
//! ```
//!
//! A shell without a database uses a [`Desk`], which does steps 3 to 6 in fixed memory.
//!
//! # The transition
//!
//! [`State::apply`] is one exhaustive `match`, compiled to a table. Three independent axes; an action touches its own.
//!
#![doc = include_str!("../docs/transitions.md")]
//!
#![doc = include_str!("../docs/states.svg")]
//!
//! What lies behind each rule, and its source, is in [`docs/protocol.md`]: the API's page (page), an older edition of it
//! (older), or chosen here. The chosen ones are marked `OURS`, in the code too: if you have a live system, check those
//! first.
//!
//! [`docs/protocol.md`]: https://github.com/recording-core/recording-core/blob/main/docs/protocol.md
//!
//! # JSON, and who reads it
//!
//! What comes from strangers (bodies, and replies to a client) is read by a strict, non-recursive reader of bounded depth
//! ([`json`]). serde is for what it does best: programs that speak it already (feature `serde`: every wire type is
//! `Serialize`, its owned form `Deserialize`), and, with `serde-json-core`, the provisioning document of a gateway
//! ([`provisioning`]), which the strict reader checks first. serde-json-core alone does not read bodies here, for reasons
//! that a test shows one by one (`tests/division.rs`): it recurses under unknown keys, skips values without
//! parsing them, hands escapes over as they stand, and loses the reason of an error.
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `serde` | by the next | `Serialize` and `Deserialize` for the wire types |
//! | `serde-json-core` | yes | [`provisioning`], and `serde` |
//! | `arbitrary` | no | `Arbitrary` for what a fuzzer wants to make; for hosts only, since the crate of that name needs `std` |
//!
//! There is no `std` feature: the crate is `no_std` always, without `alloc`, and forbids unsafe code.
//!
//! # What it does not do
//!
//! It keeps and decides the recording's state: a reply says what state is stored. It does not touch audio and asks no
//! recorder; a shell that has its recorder confirm before it calls [`Pending::stored`] can say more. It keeps no owner of a
//! pause: anybody's Start resumes. It makes nobody compliant with anything by itself.

#![no_std]
#![forbid(unsafe_code)]
// On docs.rs each item says which feature it needs.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    not(test),
    warn(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable)
)]

/// The README's examples, run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod action;
#[cfg(feature = "arbitrary")]
mod arbitrary_impls;
mod bytes;
mod codes;
mod decision;
mod desk;
mod error;
mod event;
mod field;
pub mod json;
mod members;
mod owned;
#[cfg(feature = "serde-json-core")]
pub mod provisioning;
mod refusal;
mod rejection;
mod reply;
mod request;
#[cfg(feature = "serde")]
mod serde_impls;
mod settings;
mod sink;
mod state;
#[cfg(test)]
mod testing;
pub mod trace;
mod transition;

pub use action::{Action, ActionSet};
pub use codes::UnknownCode;
pub use decision::{Answer, Pending, SetDecision, SetFacts, StateFacts, Stored};
pub use desk::index;
pub use desk::{BeginFault, Begun, Desk, Directory, DirectoryError, Ended, Handled, NotBegun, Session, UccKey};
pub use error::{BufferTooSmall, ErrorType, Expected, Fault, Field, FieldError};
pub use event::Event;
pub use field::{CorrelationId, IdText, SipUri, SipUriBuf, UccName, UccNameBuf};
pub use owned::{CapabilitiesReplyBuf, ErrorMessageBuf, ErrorReplyBuf, EventBuf, SetRequestBuf, StateReplyBuf};
pub use refusal::Refusal;
pub use rejection::{Allow, ReadError, Rejection};
pub use reply::{CACHE_CONTROL, CONTENT_TYPE, CapabilitiesReply, ErrorMessage, ErrorReply, Reply, StateReply};
pub use request::{CapabilitiesRequest, Head, Request, Scratch, SetRequest, StateRequest};
pub use settings::{Disposition, Repeats, Settings};
pub use state::{Marking, Recording, Saving, State};
pub use transition::{Outcome, Reason};
