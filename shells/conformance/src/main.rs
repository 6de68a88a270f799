//! Drives any server that speaks the recording API and reports where it differs.
fn main() {}
