//! Drives any server that speaks the recording API with sequences that `recording-testkit` makes up and shrinks, and
//! reports rule by rule where it differs.
//!
//! | module | what it does |
//! |---|---|
//! | [`address`] | base URLs |
//! | [`access`] | tokens and certificates |
//! | [`http`] | HTTP/1.1 over one connection that is kept, every byte of a request as it was made up |
//! | [`hub`] | a listener to the events of a SignalR hub |
//! | [`curl`] | requests as commands to copy |
//! | [`plain`] | what a server said, as a terminal may be given it |
//! | [`report`] | the table, each divergence with its commands, the JSON |
//! | [`cli`] | options, progress, exit codes |

#![forbid(unsafe_code)]

pub mod access;
pub mod address;
pub mod cli;
mod connection;
pub mod curl;
pub mod http;
pub mod hub;
pub mod plain;
mod probe;
pub mod report;
