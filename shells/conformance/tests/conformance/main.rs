//! The tool against servers: ours, and wrong ones.

mod events;
mod foreign;
mod hostile;
mod ours;
mod planted;
mod program;
mod protected;
#[path = "../../../../testkit/tests/vendor/mod.rs"]
mod vendor;
mod wrong_server;
