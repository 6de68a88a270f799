//! Serde for every wire type: written as the core's own writer writes, read as its own reader reads.
//!
//! The borrowed types are written, the owned ones written and read.

mod de;
mod ser;
