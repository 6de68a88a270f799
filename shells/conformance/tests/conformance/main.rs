//! The tool against servers: ours, and wrong ones.

mod events;
mod ours;
mod planted;
mod program;
mod protected;
mod wrong_server;
