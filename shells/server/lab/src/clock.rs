//! One clock for everything that is compared: nanoseconds since this process first looked.

use core::time::Duration;
use std::{sync::LazyLock, time::Instant};

static FIRST: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Nanoseconds by a clock that never goes back.
#[must_use]
pub fn now() -> u64 {
    u64::try_from(FIRST.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// A time span in milliseconds, for people.
#[must_use]
pub fn milliseconds(nanoseconds: u64) -> f64 {
    Duration::from_nanos(nanoseconds).as_secs_f64() * 1000.0
}
