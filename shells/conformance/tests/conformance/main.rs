//! The tool against servers: ours, and wrong ones.

mod ours;
mod planted;
mod program;
mod wrong_server;
