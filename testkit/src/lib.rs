//! What people who link `recording-core`, or who speak its API from elsewhere, test with.
//!
//! | module | what it holds |
//! |---|---|
//! | [`strategies`] | proptest strategies: states, actions, settings, requests valid and nearly valid, hostile bodies |
//! | [`naive`] | a second implementation of every decision, which shares no code with the core |
//! | [`machine`] | the whole API as a `ReferenceStateMachine` of proptest-state-machine |
//! | [`plan`], [`step`], [`render`], [`wrong`] | what a test may ask, as symbols that shrink, and as bytes |
//! | [`transport`], [`http`] | what carries requests: anything that can send bytes and begin and end sessions |
//! | [`model`], [`judge`], [`rules`] | what must come back, held against what came, rule by rule |
//! | [`drive`], [`explore`] | runs a sequence; makes sequences up from a seed and shrinks those that diverge |
//! | [`faults`], [`faulty`] | named wrong behaviours, and a server in this process that has one of them |
//! | [`vendor`] | servers that somebody else might have written, without the core |
//!
//! A server under test is anything that implements [`transport::Transport`]:
//!
//! ```
//! use recording_testkit::explore::{Options, explore};
//! use recording_testkit::faulty::FaultyDesk;
//! use recording_testkit::faults::Fault;
//! use recording_testkit::plan::Plan;
//! use std::sync::Arc;
//!
//! let plan = Arc::new(Plan::full());
//! let mut server = FaultyDesk::new(&plan, Some(Fault::PauseNotStored));
//! let options = Options { cases: 64, ..Options::default() };
//! let report = explore(&mut server, &plan, &options, &mut |_| {}).unwrap();
//! // Begin, pause, read: no shorter sequence shows it.
//! assert!(report.findings[0].steps.len() <= 3);
//! ```

#![forbid(unsafe_code)]

/// The README's example, run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod attribute;
pub mod drive;
pub mod explore;
pub mod faults;
pub mod faulty;
pub mod http;
pub mod judge;
pub mod machine;
pub mod model;
pub mod plan;
pub mod render;
mod reply;
pub mod rules;
mod shrink;
mod spoil;
pub mod step;
pub mod strategies;
pub mod transport;
pub mod vendor;
pub mod wrong;

// The core's own tests judge by the same model.
pub use recording_test_support::naive;
