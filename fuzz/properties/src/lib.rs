//! What the fuzz targets check, as plain functions that ordinary tests call too.
//!
//! Each of [`TARGETS`] takes any bytes and panics when its property fails. What they compare with shares no code
//! with the core: `serde_json`, made as strict as the protocol wants it, and the naive model of the tests.
//!
//! `cargo xtask fuzz` runs them under libFuzzer for a minute each; `../replay/tests/corpora.rs` replays what that found worth keeping.

#![forbid(unsafe_code)]

mod body;
mod client;
mod desk;
mod made;
mod provisioning;
mod recorder;
mod request;
pub mod seeds;
mod spelling;
mod strict;
mod world;

pub use body::body;
pub use client::client;
pub use desk::{Reached, desk, desk_reaching};
pub use made::made_request;
pub use provisioning::provisioning;
pub use recorder::recorder;
pub use request::request;

/// Panics when its property fails for these bytes.
pub type Property = fn(&[u8]);

/// Every property, by the name of its fuzz target and of the directory of its corpus.
pub const TARGETS: [(&str, Property); 7] = [
    ("body", body),
    ("request", request),
    ("made_request", made_request),
    ("desk", desk),
    ("client", client),
    ("provisioning", provisioning),
    ("recorder", recorder),
];
