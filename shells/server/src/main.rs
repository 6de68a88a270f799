//! An HTTP server around `recording-core`.
fn main() {}
