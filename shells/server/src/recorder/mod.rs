//! The recorder in the loop: no success is answered that a recorder has not confirmed.
//!
//! What an input means is the core's to say, in [`recording_core::recorder`]. Here is who carries it out.

pub mod port;
pub mod rtpengine;
