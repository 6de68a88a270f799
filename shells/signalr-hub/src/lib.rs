//! The server's side of [ASP.NET Core SignalR](https://learn.microsoft.com/aspnet/core/signalr/introduction): events for
//! many listeners, and methods that they may call. It knows nothing of what the events are about.
//!
//! At its heart is a machine without I/O, clock or tasks, [`Connection`]: bytes, times and events go in, bytes and the
//! next deadline come out. Around it stand the transports for [axum]: WebSockets, server-sent events and long polling.
//!
//! | spoken | not spoken |
//! |---|---|
//! | negotiation in versions 0 and 1 | redirects to other servers |
//! | JSON and MessagePack, handshakes of versions 0 to 2 | other protocols |
//! | calls of methods, with or without an answer | streams, in either direction; they are answered with an error |
//! | events for all, or for those who want them | calls of clients that are answered |
//! | keep-alive, closing with the order to reconnect | stateful reconnect: declined, as clients allow |
//!
//! ```no_run
//! use signalr_hub::{Argument, Call, CallError, CallResult, Hub, Methods, HubOptions, Publication};
//!
//! /// Everybody gets everything, and there is one method.
//! struct News;
//!
//! impl Methods for News {
//!     type Listener = ();
//!     type Topic = ();
//!
//!     fn call(&self, _: &mut (), call: Call<'_>) -> CallResult {
//!         match (call.target, call.arguments) {
//!             ("Echo", [value]) => Ok(Some(value.clone())),
//!             ("Echo", _) => Err(CallError::BadArguments),
//!             _ => Err(CallError::UnknownMethod),
//!         }
//!     }
//!
//!     fn wants(&self, _: &(), _: &()) -> bool {
//!         true
//!     }
//! }
//!
//! # async fn run(listener: tokio::net::TcpListener) {
//! let hub = Hub::new(News, HubOptions::default());
//! let router: axum::Router = hub.router("/hubs/news");
//! // Serve the router; and whenever there is something to tell:
//! hub.publish(&(), &Publication::new("Told", &[Argument { json: b"1", message_pack: &[1] }]));
//! // At the end of the server:
//! hub.close();
//! # }
//! ```
//!
//! Who may listen is decided in front of the hub: a layer sees each of its requests. What the hub looks at is only
//! which pages open WebSockets ([`HubOptions::origins`]), because browsers leave that to the server.
//!
//! > Every listener gets the events that it wants in the order in which they were published, without a gap, until it is
//! > ordered to reconnect; and none can hold up the publisher or another listener.
//!
//! With long polling that holds as far as the network tells: a client that does not read an answer which the network took,
//! and polls again, has missed what was in it.
//!
//! > What all listeners together cost is at most [`Limits::most_kept`] for each place that [`HubOptions::connections`] has,
//! > and as much again for what is negotiated and not opened, whatever they send and however little they read.

#![forbid(unsafe_code)]

/// The README's example, run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod budget;
mod connection;
mod counters;
mod handshake;
mod hub;
mod limits;
mod message;
mod meters;
pub mod negotiate;
mod opened;
mod options;
mod places;
mod record;
mod server_name;
mod slot;
mod transport;

pub use connection::{Call, CallResult, Carrier, Connection, Delivery, End};
pub use counters::Counters;
pub use handshake::Protocol;
pub use hub::{Hub, Methods};
pub use limits::Limits;
pub use message::{Argument, CallError, Publication};
pub use opened::GivenUp;
pub use options::HubOptions;
pub use server_name::{NotAServerName, ServerName};
pub use slot::Transport;
pub use transport::OriginAllowed;
