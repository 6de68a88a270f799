//! What is counted of recorders.

use core::fmt;
use core::sync::atomic::AtomicU64;
use core::time::Duration;

use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::registry::Unit;
use recording_core::recorder::{Order, Outcome};

use super::exposition::{MetricsWriter, count};
use super::histogram::Histogram;
use super::one_more;

/// What became of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answered {
    CarriedOut,
    Confirmed,
    NotCarriedOut,
    NotConfirmed,
    NoSuchCall,
}

impl Answered {
    const ALL: [Self; 5] =
        [Self::CarriedOut, Self::Confirmed, Self::NotCarriedOut, Self::NotConfirmed, Self::NoSuchCall];

    const fn name(self) -> &'static str {
        match self {
            Self::CarriedOut => "carried out",
            Self::Confirmed => "repeat confirmed",
            Self::NotCarriedOut => "not carried out",
            Self::NotConfirmed => "not confirmed",
            Self::NoSuchCall => "no such call",
        }
    }

    const fn of(outcome: Outcome) -> Option<Self> {
        match outcome {
            Outcome::CarriedOut => Some(Self::CarriedOut),
            Outcome::Confirmed => Some(Self::Confirmed),
            // A silent recorder was found recording: its repeat was not carried out.
            Outcome::NotCarriedOut | Outcome::Alarm | Outcome::Reported | Outcome::Again => Some(Self::NotCarriedOut),
            Outcome::NotConfirmed => Some(Self::NotConfirmed),
            Outcome::NoSuchCall => Some(Self::NoSuchCall),
            _ => None,
        }
    }
}

/// Counters of all recorders together.
#[derive(Debug)]
pub struct RecorderCounters {
    orders: [[AtomicU64; Answered::ALL.len()]; Order::ALL.len()],
    /// From sending to the recorder's word.
    confirmations: [Histogram; Order::ALL.len()],
    alarms: AtomicU64,
    overdue: AtomicU64,
}

impl RecorderCounters {
    pub(super) fn new() -> Self {
        Self {
            orders: Default::default(),
            confirmations: [const { Histogram::of_times() }; Order::ALL.len()],
            alarms: AtomicU64::new(0),
            overdue: AtomicU64::new(0),
        }
    }

    /// An input has come to this.
    pub(super) fn outcome(&self, order: Option<Order>, outcome: Outcome) {
        if outcome == Outcome::Alarm {
            one_more(Some(&self.alarms));
        }
        if let (Some(at), Some(answered)) = (order.and_then(place), Answered::of(outcome)) {
            one_more(self.orders.get(at).and_then(|outcomes| outcomes.get(answered as usize)));
        }
    }

    pub(super) fn overdue(&self) {
        one_more(Some(&self.overdue));
    }

    /// A recorder said what it is doing, so long after it was asked.
    pub(crate) fn confirmed(&self, order: Order, after: Duration) {
        if let Some(histogram) = place(order).and_then(|at| self.confirmations.get(at)) {
            histogram.time(after);
        }
    }

    pub(super) fn write(&self, writer: &mut MetricsWriter<'_>) -> fmt::Result {
        let orders = Order::ALL.iter().zip(&self.orders).flat_map(|(order, outcomes)| {
            let labels = move |answered: &Answered| [("order", order.name()), ("outcome", answered.name())];
            Answered::ALL.iter().zip(outcomes).map(move |(answered, value)| (labels(answered), count(value)))
        });
        writer.counters("recorder_orders", "What became of orders to recorders", orders)?;
        let labels: Vec<_> = Order::ALL.iter().map(|order| [("order", order.name())]).collect();
        writer.histograms(
            "recorder_confirmation",
            "From sending an order to the recorder's reply that says what it is doing",
            Some(&Unit::Seconds),
            labels.iter().map(<[_; 1]>::as_slice).zip(&self.confirmations),
        )?;
        let help = "Recorders that were found recording in a session that was silent";
        writer.counter("recorder_alarms", help, count(&self.alarms))?;
        writer.counter("overdue_pauses", "Pauses that reached their limit", count(&self.overdue))
    }
}

fn place(order: Order) -> Option<usize> {
    Order::ALL.iter().position(|&known| known == order)
}

/// What was looked up of recorders for this answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct RecorderLevels {
    /// Sessions with an order that is not confirmed.
    pub(crate) unconfirmed: usize,
    /// Sessions whose pause has reached its limit.
    pub(crate) overdue: usize,
    /// Holds of all sessions.
    pub(crate) holds: usize,
    /// Sessions that have ended, and whose recorder is still being stopped.
    pub(crate) closing: usize,
    /// Each recorder of the config.
    pub(crate) recorders: Vec<RecorderLevel>,
}

/// What was looked up of one recorder.
#[derive(Debug, Clone)]
pub(crate) struct RecorderLevel {
    pub(crate) name: Box<str>,
    pub(crate) answers: bool,
    pub(crate) is_usable: bool,
    pub(crate) restarts: u64,
    pub(crate) self_tests: [u64; 2],
}

impl RecorderLevels {
    pub(crate) fn write(&self, writer: &mut MetricsWriter<'_>) -> fmt::Result {
        let help = "Sessions with an order that their recorder has not confirmed";
        writer.gauge("unconfirmed_orders", help, None, self.unconfirmed as f64)?;
        let help = "Sessions whose pause has reached its limit";
        writer.gauge("overdue_sessions", help, None, self.overdue as f64)?;
        writer.gauge("holds", "Holds of all sessions", None, self.holds as f64)?;
        let help = "Sessions that have ended, and whose recorder is still being stopped";
        writer.gauge("closing_sessions", help, None, self.closing as f64)?;
        // A family without a sample is none that Prometheus' parsers like.
        if self.recorders.is_empty() {
            return Ok(());
        }
        self.gauges(writer, "recorder_answers", "1 if the recorder answers, else 0", |level| level.answers)?;
        let help = "1 if the recorder may be used: it has passed its self-test, if it has one, else 0";
        self.gauges(writer, "recorder_usable", help, |level| level.is_usable)?;
        let of = |value: fn(&RecorderLevel) -> u64| {
            self.recorders.iter().map(move |level| ([("recorder", level.name.to_string())], value(level)))
        };
        writer.counters("recorder_restarts", "Restarts of recorders that were seen", of(|level| level.restarts))?;
        let tests = self.recorders.iter().flat_map(|level| {
            ["passed", "failed"].into_iter().zip(level.self_tests).map(move |(result, value)| {
                ([("recorder", level.name.to_string()), ("result", result.to_owned())], value)
            })
        });
        writer.counters("recorder_self_tests", "Self-tests of recorders", tests)
    }

    fn gauges(
        &self,
        writer: &mut MetricsWriter<'_>,
        name: &str,
        help: &str,
        value: fn(&RecorderLevel) -> bool,
    ) -> fmt::Result {
        let MetricsWriter(encoder): &mut MetricsWriter<'_> = writer;
        let encoder: &mut DescriptorEncoder<'_> = encoder;
        let mut family = encoder.encode_descriptor(name, help, None, prometheus_client::metrics::MetricType::Gauge)?;
        for level in &self.recorders {
            let labels = [("recorder", &*level.name)];
            family.encode_family(&labels)?.encode_gauge(&u64::from(value(level)))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The arrays are indexed by what these say.
    #[test]
    fn numbers_are_places() {
        assert!(Answered::ALL.iter().enumerate().all(|(at, &answered)| answered as usize == at));
    }
}
