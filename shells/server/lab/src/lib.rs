//! A laboratory for recorders: a real rtpengine, calls with packets that can be recognised, and disturbances.
//!
//! The server answers a Pause with success only when its recorder has confirmed it. Here that is held against packets: each
//! carries its number and the time at which it was sent, the recorder's files are read afterwards, and each packet is put
//! into a class by what the payment system had been answered at that time. A packet that was sent between the reply to a
//! Pause and the next Start is forbidden in any file.
//!
//! Nothing of the server's code is used: the programs are run as they are, and asked by HTTP.

pub mod calls;
pub mod clock;
pub mod direct;
pub mod drive;
pub mod media;
pub mod ng;
pub mod process;
pub mod proxy;
pub mod rtpengine;
pub mod server;
pub mod spool;
pub mod verdict;

pub use rtpengine::{Rtpengine, Settings};
