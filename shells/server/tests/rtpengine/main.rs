//! The adapter with a real rtpengine. `cargo xtask recorder` installs it and runs these.

mod adapter;
mod self_test;
mod support;
