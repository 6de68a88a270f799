//! The hub from outside: the machine by itself, and its transports over loopback.

#![allow(unreachable_pub)] // nothing of a test is reached from anywhere

mod bounds;
mod hardened;
mod machine;
mod messages;
mod negotiation;
mod splits;
mod support;
mod sweeping;
mod transports;
mod traps;
mod unknown_ids;
