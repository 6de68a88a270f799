//! The heart of a call-recording control API: the states of a recorder, the seven actions that change them, the checks
//! before each change and the wire format, as one deterministic crate without I/O.
//!
//! A payment system pauses the recorder of a call while a card number is spoken, and starts it again after. This crate
//! decides what each request does and how it is answered; a *shell* around it (a server, a gateway, a program in C)
//! carries the bytes and keeps the states.
//!
//! | module | what is in it |
//! |---|---|
//! | [`state`] | states, actions, the transition, settings of a UCC |
//! | [`wire`] | requests, replies, events and their fields, from bytes and to bytes |
//! | [`decide`] | the decision about a request: checks, reply, new state, event |
//! | [`recorder`] | a recorder in the loop: orders, confirmations and holds around the 36 states |
//! | [`desk`] | sessions and directory in fixed memory, for shells without a database |
//!
//! # The shell contract
//!
//! The core never reads a clock, does I/O, allocates, logs, draws random numbers or keeps anything global: the same
//! request and the same facts give the same answer, byte for byte. The shell runs this loop:
//!
//! 1. Take method, target and content type of a request: [`Head::read`](wire::Head::read). A
//!    [`Rejection`](wire::Rejection) is written as it is (step 7).
//! 2. If the head [wants a body](wire::Head::wants_body), read at most
//!    [`MAX_BODY_LEN`](wire::SetRequest::MAX_BODY_LEN) and one bytes of it, then [`Head::request`](wire::Head::request).
//! 3. Look up the facts that the request asks for: [`SetFacts`](decide::SetFacts), [`StateFacts`](decide::StateFacts) or
//!    the [`Settings`] alone. None of them has a default, so none can be forgotten.
//! 4. Decide: [`SetRequest::decide`](wire::SetRequest::decide), [`StateRequest::decide`](wire::StateRequest::decide) or
//!    [`CapabilitiesRequest::decide`](wire::CapabilitiesRequest::decide).
//! 5. If there is a [`PendingChange`](decide::PendingChange), store its new state, provided that the stored one is still
//!    the [`expected`](decide::PendingChange::expected) one: else go back to step 3. If it cannot be stored, the answer is
//!    [`abort`](decide::PendingChange::abort), a 503.
//! 6. [`commit`](decide::PendingChange::commit) releases the event, which is published, and the reply. Publish the events
//!    of one session in the order of its changes.
//! 7. Write the reply with its [status](Reply::status), [`CONTENT_TYPE`](wire::CONTENT_TYPE),
//!    [`CACHE_CONTROL`](wire::CACHE_CONTROL) and, if there is one, [`allow`](Reply::allow). To a `HEAD` send no body.
//!
//! > **No reply says success before its state is stored.**
//!
//! The types enforce it: a new state comes out only inside a [`PendingChange`](decide::PendingChange), and its reply and
//! event only out of [`commit`](decide::PendingChange::commit).
//!
//! ```
//! use std::collections::HashMap;
//!
//! use recording_core::decide::{Decision, SetFacts};
//! use recording_core::state::{RecordingState, RepeatPolicy};
//! use recording_core::wire::{CorrelationId, Head, SipUriBuf, UccNameBuf};
//! use recording_core::{Action, Reply, Request, Scratch, Settings, State};
//!
//! # fn main() -> Result<(), Box<dyn core::error::Error>> {
//! let settings = Settings {
//!     recording_api_licensed: true,
//!     use_audio_recording: true,
//!     agent_can_edit_audio_recording: true,
//!     save_recording_by_default: false,
//!     repeats: RepeatPolicy::Accept,
//! };
//! let agent = SipUriBuf::new("sip:agent@domain.com")?;
//! let mut store = HashMap::from([(
//!     (UccNameBuf::new("ucc-demo-name")?, CorrelationId::parse("1d6c6a58-6739-4f0c-98ff-0968292c8c30")?),
//!     State::INITIAL.with_recording(RecordingState::Started),
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
//!     requester_is_agent: set.requester == agent.to_ref(),
//!     session: store.get(&key).copied(),
//! };
//!
//! // 4. The decision.
//! let mut published = Vec::new();
//! let reply = match set.decide(Some(facts)) {
//!     Decision::Reply(decided) => decided.reply,
//!     Decision::Change(pending) => {
//!         // 5. Store, 6. publish and answer.
//!         store.insert(key, pending.new_state());
//!         let committed = pending.commit();
//!         published.push(committed.event);
//!         committed.reply
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
//! [`State::apply`] is one exhaustive `match`, compiled to a table of 32 bytes. There are three independent axes; an
//! action changes its own.
//!
#![doc = include_str!("../docs/transitions.md")]
//!
#![doc = include_str!("../docs/states.svg")]
//!
//! # Protocol
//!
//! Every rule is in [docs/protocol.md], with its reason and its source: the API's page (page), an older edition of it
//! (older), or chosen here. The chosen ones are marked `OURS`, in the code too: check those first if you have a live system.
//!
//! [docs/protocol.md]: https://github.com/recording-core/recording-core/blob/main/docs/protocol.md
//!
//! # Which code reads what
//!
//! Bytes from strangers (bodies, and replies to a client) are read by a strict, non-recursive JSON reader of bounded depth
//! ([`wire::json`]). serde is for programs that already use it (feature `serde`: every wire type is `Serialize`, its owned
//! form `Deserialize`), and, with `serde-json-core`, for the provisioning document of a gateway
#![cfg_attr(feature = "serde-json-core", doc = "([`desk::provisioning`]), which the strict reader checks first.")]
#![cfg_attr(not(feature = "serde-json-core"), doc = "(`desk::provisioning`), which the strict reader checks first.")]
//! serde-json-core alone does not read bodies here, for reasons that a test shows one by one (`tests/division.rs`): it
//! recurses under unknown keys, skips values without parsing them, returns escapes as they are written, and loses the reason
//! of an error.
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `serde` | enabled by `serde-json-core` | `Serialize` and `Deserialize` for the wire types |
//! | `serde-json-core` | yes | `desk::provisioning`, and `serde` |
//! | `defmt` | no | `defmt::Format` for states, actions, fields, requests, replies, events and errors |
//! | `arbitrary` | no | `Arbitrary` for what a fuzzer wants to make; for hosts only, since the crate of that name needs `std` |
//!
//! There is no `std` feature: the crate is always `no_std`, without `alloc`, and forbids unsafe code.
//!
//! # What it does not do
//!
//! It keeps and decides the recording's state. It does not touch audio, does not wait for a recorder's confirmation, and
//! makes nobody compliant with anything by itself.

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

#[cfg(feature = "arbitrary")]
mod arbitrary_impls;
pub mod decide;
#[cfg(feature = "defmt")]
mod defmt_impls;
pub mod desk;
mod pieces;
pub mod recorder;
mod scan;
pub mod state;
#[cfg(test)]
mod testing;
pub mod wire;

pub use desk::{Desk, Directory, Session};
pub use state::{Action, Settings, State};
pub use wire::{Event, Reply, Request, Scratch};
