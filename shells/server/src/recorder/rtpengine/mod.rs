//! An rtpengine as a recorder: `ng`, its control protocol, over UDP.
//!
//! What was measured of it, and what this adapter does about that:
//!
//! | rtpengine | this adapter |
//! |---|---|
//! | carries out commands that wait in its socket, after the sender gave up, and in any order | one command of a call at a time, until it has landed |
//! | answers a cookie that it has seen, within 30 s, without carrying anything out | a cookie for each command, made of what outlives this process; nothing is sent after 15 s |
//! | writes packets that waited in its sockets | two fast pings before a Record |
//! | answers `ok` whatever it does with the packets | a self-test of each instance |
//! | forgets calls, and whether it recorded them, when it is started again | its uptime, every second |
//!
//! Its replies are what this adapter reports, and nothing is concluded from files: in the recorder's folder `tmp` a file of a
//! call exists while it is recorded, but also in a native pause and after the recorder was killed.

mod bencode;
mod call_id;
mod command;
mod guard;
mod landing;
mod link;
mod options;
mod orders;
mod self_test;
#[cfg(test)]
mod tests;
mod turns;
mod uptime;
mod watching;

use core::future::Future;
use std::panic::resume_unwind;
use std::sync::Arc;

use recording_core::recorder::{Channel, Number, Order};
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::{Map, Value};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinHandle, spawn_blocking};
use tokio_util::sync::CancellationToken;

pub use options::{Options, PauseMode};

use super::port::{Call, Capabilities, Condition, Outcome, Recorder, Work};
use crate::session::SessionKey;
use orders::Orders;

/// An rtpengine.
#[derive(Debug)]
pub struct Rtpengine {
    orders: Arc<Orders>,
    tasks: Vec<tokio::task::AbortHandle>,
}

/// The tasks of a recorder. All of them must live as long as it does.
#[derive(Debug)]
pub struct Alive {
    receives: JoinHandle<()>,
    watches: JoinHandle<()>,
    tests: JoinHandle<()>,
}

impl Alive {
    /// Ends when one of the tasks has ended, which is a defect, and says which and why. Never ends because the recorder was
    /// dropped.
    pub async fn ended(self) -> String {
        let (task, ended) = tokio::select! {
            ended = self.receives => ("receiving", ended),
            ended = self.watches => ("watching", ended),
            ended = self.tests => ("testing", ended),
        };
        match ended {
            Err(error) if error.is_cancelled() => core::future::pending().await,
            Err(error) => format!("{task}: {error}"),
            Ok(()) => format!("{task}: it came to an end"),
        }
    }
}

impl Rtpengine {
    /// Begins to look for the recorder, which need not be there. `store_id` is that of the store which keeps the sessions.
    ///
    /// Must be called in a runtime. The tasks end when the recorder is dropped.
    ///
    /// # Errors
    ///
    /// If there are no random numbers.
    pub fn start(options: Options, store_id: u64) -> std::io::Result<(Self, Alive)> {
        let mut nonce = [0; 8];
        SystemRandom::new().fill(&mut nonce).map_err(|_| std::io::Error::other("there are no random numbers"))?;
        Ok(Self::run(Orders::new(options, store_id, u64::from_be_bytes(nonce))))
    }

    fn run(orders: Orders) -> (Self, Alive) {
        let orders = Arc::new(orders);
        let alive = {
            let [receives, watches, tests] = [(); 3].map(|()| Arc::clone(&orders));
            Alive {
                receives: tokio::spawn(async move { receives.link.run().await }),
                watches: tokio::spawn(async move {
                    watching::watch(&watches.link, &watches.options.name, &watches.condition).await;
                }),
                tests: tokio::spawn(async move {
                    self_test::keep_testing(&tests.link, &tests.options, &tests.condition).await;
                }),
            }
        };
        let tasks = [&alive.receives, &alive.watches, &alive.tests].map(JoinHandle::abort_handle).to_vec();
        (Self { orders, tasks }, alive)
    }

    /// Whether this can be the address of a recorder: `host:port`.
    #[must_use]
    pub fn is_address(address: &str) -> bool {
        let Some((host, port)) = address.rsplit_once(':') else { return false };
        let is_host = host.strip_prefix('[').map_or_else(
            || !host.is_empty() && !host.contains([':', ' ', '/']),
            |ip| ip.strip_suffix(']').is_some_and(|ip| ip.parse::<core::net::Ipv6Addr>().is_ok()),
        );
        is_host && port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port != 0)
    }
}

impl Drop for Rtpengine {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
        // No reply would ever be received for them.
        self.orders.over.cancel();
    }
}

/// Does work to its end, whether or not it is waited for: a command is outstanding until it has landed, also if the session
/// that sent it is over.
async fn to_the_end<T: Send + 'static>(over: CancellationToken, work: impl Future<Output = T> + Send + 'static) -> T {
    match tokio::spawn(over.run_until_cancelled_owned(work)).await.map_err(JoinError::try_into_panic) {
        Ok(Some(done)) => done,
        Err(Ok(panic)) => resume_unwind(panic),
        // The recorder was dropped, or the runtime is being taken down, and this future with it.
        Ok(None) | Err(Err(_)) => core::future::pending().await,
    }
}

impl Recorder for Rtpengine {
    fn capabilities(&self) -> Capabilities {
        // A read-back of this adapter says that the recorder records, or nothing: see [`Orders::read_back`].
        Capabilities { channel: Channel::Drained, is_read_back_trusted: true, can_pause: true }
    }

    fn condition(&self) -> watch::Receiver<Condition> {
        self.orders.condition.subscribe()
    }

    fn place(&self) -> &str {
        &self.orders.options.address
    }

    fn call_id(&self, key: &SessionKey, call: &Map<String, Value>) -> Result<Box<str>, String> {
        call_id::call_id(key, call)
    }

    fn carry_out<'a>(&'a self, call: &'a Call, order: Order, number: Number) -> Work<'a, Outcome> {
        let (orders, call) = (Arc::clone(&self.orders), call.clone());
        Box::pin(to_the_end(self.orders.over.clone(), async move { orders.carry_out(&call, order, number).await }))
    }

    fn drain<'a>(&'a self, call: &'a Call, number: Number) -> Work<'a, ()> {
        let (orders, call) = (Arc::clone(&self.orders), call.clone());
        Box::pin(to_the_end(self.orders.over.clone(), async move { orders.drain(&call, number).await }))
    }

    fn read_back<'a>(&'a self, call: &'a Call) -> Work<'a, Outcome> {
        Box::pin(self.orders.read_back(&call.id))
    }

    fn files<'a>(&'a self, call: &'a Call) -> Work<'a, Vec<String>> {
        let Some(recording_dir) = self.orders.options.recording_dir.clone() else {
            return Box::pin(core::future::ready(Vec::new()));
        };
        let id = call.id.clone();
        Box::pin(async move {
            let found = spawn_blocking(move || call_id::files(&recording_dir, &id)).await;
            found.unwrap_or_default()
        })
    }
}
