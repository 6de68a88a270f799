//! The clocks that the machine is given.

use std::sync::LazyLock;
use std::time::{SystemTime, UNIX_EPOCH};

use recording_core::recorder::Moment;
use tokio::time::Instant;

/// From here uptime is counted.
static ORIGIN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// This moment.
pub(super) fn now() -> Moment {
    let uptime = Instant::now().saturating_duration_since(*ORIGIN);
    Moment { uptime_ms: u64::try_from(uptime.as_millis()).unwrap_or(u64::MAX), unix_ms: unix_ms() }
}

/// Milliseconds since 1970.
pub(super) fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
