//! The server as a client sees it: real HTTP over ports that the system chooses.

#![allow(unreachable_pub)] // nothing of a test is reached from anywhere

mod support;
mod transitions;
mod vectors;
