//! The adapter against a scripted rtpengine, in virtual time.

mod bench;
mod commands;
mod daemon;
mod instances;
mod landing;
mod self_test;
