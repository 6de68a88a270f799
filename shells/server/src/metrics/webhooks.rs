//! What is counted of webhooks. Their names come from the config, so a label may have them.

use core::fmt;
use core::time::Duration;

use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

use super::MetricsWriter;

/// Why an event was not posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WebhookDropped {
    /// As much waited as may.
    Full,
    /// It has waited too long.
    Expired,
    /// The receiver answered 410.
    Gone,
    /// The server or the webhook ended.
    Ended,
}

impl WebhookDropped {
    pub(crate) const ALL: [Self; 4] = [Self::Full, Self::Expired, Self::Gone, Self::Ended];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Expired => "expired",
            Self::Gone => "gone",
            Self::Ended => "ended",
        }
    }
}

/// How one webhook stands.
#[derive(Debug, Clone)]
pub(crate) struct WebhookLevel {
    pub(crate) name: Box<str>,
    pub(crate) delivered: u64,
    pub(crate) retried: u64,
    /// By [`WebhookDropped`].
    pub(crate) dropped: [u64; WebhookDropped::ALL.len()],
    pub(crate) queue_bytes: usize,
    pub(crate) queued: usize,
    pub(crate) oldest: Duration,
    pub(crate) answers: bool,
}

/// Writes how webhooks stand.
pub(crate) fn write(levels: &[WebhookLevel], writer: &mut MetricsWriter<'_>) -> fmt::Result {
    // A family without a sample is none that Prometheus' parsers like.
    if levels.is_empty() {
        return Ok(());
    }
    let of = |value: fn(&WebhookLevel) -> u64| {
        levels.iter().map(move |level| ([("webhook", level.name.to_string())], value(level)))
    };
    writer.counters("webhook_delivered", "Events that receivers have taken", of(|level| level.delivered))?;
    writer.counters("webhook_retried", "Posts that were tried again", of(|level| level.retried))?;
    let dropped = levels.iter().flat_map(|level| {
        let reasons = WebhookDropped::ALL.into_iter().zip(level.dropped);
        reasons.map(|(why, value)| ([("webhook", level.name.to_string()), ("reason", why.name().to_owned())], value))
    });
    writer.counters("webhook_dropped", "Events that were not posted", dropped)?;
    let mut gauge = |name: &str, help: &str, unit: Option<&Unit>, value: fn(&WebhookLevel) -> f64| {
        let mut family = writer.0.encode_descriptor(name, help, unit, MetricType::Gauge)?;
        levels
            .iter()
            .try_for_each(|level| family.encode_family(&[("webhook", &*level.name)])?.encode_gauge(&value(level)))
    };
    let help = "1 if the last post was taken, or none was tried yet, else 0";
    gauge("webhook_answers", help, None, |level| f64::from(u8::from(level.answers)))?;
    gauge("webhook_queue", "What waits to be posted", Some(&Unit::Bytes), |level| level.queue_bytes as f64)?;
    gauge("webhook_queue_events", "Events that wait to be posted", None, |level| level.queued as f64)?;
    let help = "For how long the oldest event has waited";
    gauge("webhook_oldest", help, Some(&Unit::Seconds), |level| level.oldest.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The array is indexed by what this says.
    #[test]
    fn numbers_are_places() {
        assert!(WebhookDropped::ALL.iter().enumerate().all(|(at, &why)| why as usize == at));
    }
}
