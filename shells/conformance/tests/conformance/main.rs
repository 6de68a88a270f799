//! The tool against servers: ours, and wrong ones.

mod events;
mod foreign;
mod hostile;
mod ours;
mod planted;
mod program;
mod protected;
mod wrong_server;
