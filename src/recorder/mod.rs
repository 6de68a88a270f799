//! The recorder in the loop: what is ordered, what counts as confirmed, and what clients see in the meantime.
//!
//! [`decide`](crate::decide) changes a session's state when a request asks for it. That is all there is to a session without
//! a recorder. For one that has a recorder this module is put around it: a change of the recorder's axis becomes an [`Order`],
//! and a success is answered only after the recorder has confirmed it. All of it is OURS; the rules are in
//! [docs/recorder.md].
//!
//! [docs/recorder.md]: https://github.com/recording-core/recording-core/blob/main/docs/recorder.md
//!
//! > **No stored state says that a session is silent while one of our orders may be making its recorder record. No reply
//! > said so to a caller whose pause no client has ended since.**
//!
//! # How a shell drives it
//!
//! A [`Machine`] is one session. Requests go into [`set`](Machine::set), everything else into [`step`](Machine::step); what
//! comes out is a [`Step`]. If it is to be stored, nothing else of it can be had before [`stored`](PendingStep::stored):
//! neither event nor [`Sending`] nor [`Answers`] nor the session itself. Then publish, send, answer, in this order.
//!
//! What a store that does not know says is [`unknown`](PendingStep::unknown), and the session must be read again.
//!
//! ```
//! use recording_core::recorder::{
//!     Channel, Done, Epoch, Holder, Input, Machine, Moment, Reported, RecorderState, ResumePolicy, SetFacts, Step, Verdict,
//! };
//! use recording_core::state::{RecordingState, RepeatPolicy};
//! use recording_core::wire::{CorrelationId, SetRequest, SipUri, UccName};
//! use recording_core::{Action, Settings, State};
//!
//! /// Stores what is to be stored.
//! fn done<R>(step: Step<R>, store: &mut Vec<u8>) -> Done<R> {
//!     match step {
//!         Step::Store(pending) => {
//!             *store = pending.to_store().map_or(Vec::new(), |kept| kept.to_bytes().to_vec());
//!             pending.stored()
//!         }
//!         Step::Done(done) => done,
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn core::error::Error>> {
//! # let settings = Settings {
//! #     recording_api_licensed: true,
//! #     use_audio_recording: true,
//! #     agent_can_edit_audio_recording: true,
//! #     save_recording_by_default: false,
//! #     repeats: RepeatPolicy::Accept,
//! # };
//! let mut store = Vec::new();
//! let at = Moment { uptime_ms: 1_000, unix_ms: 1_700_000_000_000 };
//! let started = State::INITIAL.with_recording(RecordingState::Started);
//! let epoch = Epoch::new(1).ok_or("an epoch")?;
//! let begun = done(Machine::begin(started, ResumePolicy::Anyone, epoch, Channel::Ordered), &mut store);
//! let machine = begun.machine.ok_or("a session")?;
//!
//! // A request for a pause becomes an order, which is stored and sent. The request waits.
//! let pause = SetRequest {
//!     action: Action::Pause,
//!     requester: SipUri::new("sip:agent@domain.com")?,
//!     correlation_id: CorrelationId::parse("1d6c6a58-6739-4f0c-98ff-0968292c8c30")?,
//!     ucc: UccName::new("ucc-demo-name")?,
//! };
//! let facts =
//!     SetFacts { settings, requester_is_agent: true, requester: Holder::from_index(0), is_possible: true };
//! let step = machine.set(&pause, &facts, |_| true).map_err(|_| "numbers")?;
//! let ordered = done(step, &mut store);
//! let (Some(sending), Verdict::Wait(waiting)) = (ordered.sending, ordered.reply) else { panic!("an order") };
//! assert_eq!(State::from_byte(store[0]), Some(started));
//!
//! // The recorder confirms. That is stored, and then the request is answered.
//! let reply = Input::Reply { number: sending.number, reported: Reported::Is(RecorderState::Paused) };
//! let machine = ordered.machine.ok_or("a session")?;
//! let confirmed = done(machine.step(reply, at).map_err(|_| "numbers")?, &mut store);
//! let answers = confirmed.answers.ok_or("an answer")?;
//! assert!(answers.include(&waiting));
//! assert_eq!(waiting.answer(&answers.answer).error, None);
//! assert_eq!(State::from_byte(store[0]).map(State::recording), Some(RecordingState::Paused));
//! # Ok(())
//! # }
//! ```

#![allow(
    clippy::result_large_err,
    reason = "what was not done is given back, and there is no allocator to box it with"
)]

mod actions;
mod answer;
mod draft;
mod due;
mod holds;
mod kept;
mod machine;
mod order;
mod set;
mod step;

pub use answer::{Answer, Answers, NotDone, Waiting};
pub use due::Due;
pub use holds::{Holder, Holds, ResumePolicy};
pub use kept::{Kept, KeptError};
pub use machine::{Flight, Input, Machine, NumbersUsedUp, ReadBack, Reported};
pub use order::{Channel, Epoch, Moment, Number, Order, RecorderState, Sending};
pub use set::{SetFacts, Verdict};
pub use step::{Done, Outcome, PendingStep, Reread, Step};
