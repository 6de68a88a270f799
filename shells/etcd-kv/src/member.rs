//! One member and the connection to it.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::connection::Connection;
use crate::dial::dial;
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::options::Options;

/// For how long a member is asked last after it failed.
const SHUNNED: Duration = Duration::from_secs(1);

/// One member and the connection to it, which is made when it is needed.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) endpoint: Endpoint,
    link: Mutex<Link>,
    /// Milliseconds since `born` until which it is asked last.
    shunned_until: AtomicU64,
    born: Instant,
}

#[derive(Debug, Default)]
struct Link {
    connection: Option<Connection>,
    failed: Option<(Instant, Error)>,
}

impl Member {
    pub(crate) fn new(endpoint: Endpoint) -> Self {
        Self { endpoint, link: Mutex::default(), shunned_until: AtomicU64::new(0), born: Instant::now() }
    }

    /// The connection. All who ask while it is being made wait for that one attempt, so that a dead member costs
    /// each of them one time-out, and not one for each before it.
    pub(crate) async fn connection(&self, options: &Options) -> Result<Connection, Error> {
        let asked = Instant::now();
        let mut link = self.link.lock().await;
        if let Some(connection) = link.connection.as_ref().filter(|connection| !connection.is_closed()) {
            return Ok(connection.clone());
        }
        if let Some((_, error)) = link.failed.as_ref().filter(|(at, _)| *at >= asked) {
            return Err(error.clone());
        }
        link.connection = None;
        match dial(&self.endpoint, options).await {
            Ok(connection) => Ok(link.connection.insert(connection).clone()),
            Err(error) => {
                link.failed = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    /// Has later requests ask other members first, for a while.
    pub(crate) fn shun(&self) {
        self.shunned_until.store(self.now() + millis(SHUNNED), Ordering::Relaxed);
    }

    /// It answered.
    pub(crate) fn answered(&self) {
        self.shunned_until.store(0, Ordering::Relaxed);
    }

    pub(crate) fn is_shunned(&self) -> bool {
        self.now() < self.shunned_until.load(Ordering::Relaxed)
    }

    fn now(&self) -> u64 {
        millis(self.born.elapsed())
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
