//! The server with a recorder that does what the test says.

mod faults;
mod life;
mod metrics;
mod names;
mod reading;
mod scripted;
mod set;
mod storm;
mod weather;
