//! What comes before a Record.
//!
//! Packets that came while the recorder stood still wait in its sockets. It writes them after a `start recording`, although
//! they were sent in the pause: 12,656 packets in one measurement. A recorder that answers two pings at once, a tenth of a
//! second apart, has read what came before the first.

use tokio::time::{Instant, sleep};

use super::bencode::Value;
use super::link::Link;
use super::options::{FAST, GUARD_TRIES, PINGS_APART};

/// Waits until the recorder keeps up. `false` if it does not within the given number of tries.
pub(super) async fn keeps_up(link: &Link, tries: u32) -> bool {
    for _ in 0..tries {
        if fast_ping(link).await {
            sleep(PINGS_APART).await;
            if fast_ping(link).await {
                return true;
            }
        }
    }
    false
}

/// The same, before a Record.
pub(super) async fn before_record(link: &Link) -> Result<(), String> {
    if keeps_up(link, GUARD_TRIES).await {
        return Ok(());
    }
    Err(format!("it does not answer pings within {} ms", FAST.as_millis()))
}

async fn fast_ping(link: &Link) -> bool {
    let began = Instant::now();
    let ping = Value::dictionary([("command", Value::text("ping"))]);
    match link.ask(&ping, FAST).await {
        Some(heard) => heard.at.duration_since(began) <= FAST,
        None => false,
    }
}
