//! An HTTP server around [`recording_core`]: a thin shell that carries requests to the core's decision, keeps the
//! sessions, and publishes what changed. It decides nothing about recording itself.
//!
//! | module | what it does |
//! |---|---|
//! | [`directory`] | the UCCs with their settings and agents, exchanged as a whole on reload |
//! | [`config`] | reads a directory from TOML; errors have line and key |
//! | [`store`] | where sessions are kept: a trait of read with revision and compare-and-set, in memory and in a file |
//! | [`audit`] | the audit trail: a line for every decision, and no change without one |
//! | [`service`] | the loop: facts, decision, compare-and-set, reply and event |
//! | [`calls`] | call control: sessions begun and ended |
//! | [`recorder`] | the recorders: the port, and what it talks to |
//! | [`session`], [`caller`] | words that all of them share |
//! | [`reloadable`] | a value in force that is exchanged as a whole |
//! | [`events`] | the channel that published events go to |
//! | [`hub`] | the events that listeners get, over SignalR |
//! | [`webhook`] | the same events, posted to addresses of the config |
//! | [`api`] | the recording API as an `axum::Router` |
//! | [`admin`] | begin, end and list sessions; health, metrics, the console |
//! | [`metrics`] | what is counted, for Prometheus |
//! | [`net`] | accepts connections and holds each to its limits |
//! | [`openapi`] | the API as an `OpenAPI` document, made of the core's types |
//! | [`auth`] | who may call: bearer tokens, what each is good for, how often |
//! | [`issuer`] | how the keys of an issuer of JWTs are |
//! | [`server`] | both listeners together, started and stopped |
//! | [`demo`] | the world of a server without a config |
//! | [`cli`] | options, signals, exit codes |
//!
//! > No reply says success before its state is stored.

#![forbid(unsafe_code)]

pub mod admin;
mod agents_watch;
pub mod api;
pub mod audit;
pub mod auth;
mod body;
pub mod caller;
pub mod calls;
pub mod cli;
pub mod config;
pub mod demo;
pub mod directory;
mod ended;
pub mod events;
pub mod fingerprint;
mod health;
pub mod hub;
pub mod issuer;
mod log;
mod mask;
pub mod metrics;
pub mod net;
mod occurrence;
pub mod openapi;
mod outgoing;
mod output;
mod place;
mod reason;
pub mod recorder;
pub mod reloadable;
mod reply;
pub mod server;
pub mod service;
pub mod session;
mod session_locks;
pub mod store;
mod store_error;
mod tasks;
mod watching;
pub mod webhook;
