//! A small client of etcd v3, for programs that keep their state in it: ranges, transactions, watches, the state of a
//! member, and users with passwords.
//!
//! It differs from others of its kind in two things. Which member is asked is decided here, with one connection for each, so
//! that a dead member costs one time-out and no more. And each [`Error`] has an [`Outcome`]: whether the change that was
//! asked for was certainly not made, or may have been made all the same.
//!
//! It needs no `protoc`: the messages are written by hand, each with the numbers of etcd's own description.

mod call;
mod client;
mod connection;
mod dial;
mod endpoint;
mod error;
mod member;
pub mod messages;
mod options;
mod status;
mod tls;
mod token;
mod version;
mod watch;

pub use client::{Client, Counts};
pub use endpoint::{Endpoint, InvalidEndpoint};
pub use error::{Error, Kind, Outcome};
pub use options::{Credentials, Options};
pub use tls::{InvalidTls, Tls};
pub use watch::{News, Watch};
