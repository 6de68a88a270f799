//! The counters as text, in the two forms that Prometheus takes.

use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, NoLabelSet, prometheus_text, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};
use recording_core::Action;

use super::accept::accepted;
use super::{Call, Commits, Histogram, Metrics, Outcome, STATUSES};
use crate::output;
use crate::reason::Reason;

/// What was looked up for this answer.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Levels {
    /// Sessions that are open; `None` if the store does not answer.
    pub(crate) open_sessions: Option<usize>,
    /// UCCs of the directory in force.
    pub(crate) uccs: usize,
    /// Agents of the lists and files of all of them.
    pub(crate) agents: usize,
    /// Patterns of all of them.
    pub(crate) agent_patterns: usize,
    /// Files of agents whose content is not in force.
    pub(crate) bad_agents_files: usize,
    /// What `/readyz` says.
    pub(crate) ready: bool,
}

/// How the text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Prometheus' own, 0.0.4: for everyone.
    Prometheus,
    /// For those who ask for it.
    OpenMetrics,
}

impl Format {
    /// What the lines of `Accept` ask for. `OpenMetrics` is for those who name it and like it as well as the other one, or
    /// better; who takes neither gets the one for everyone.
    pub(crate) fn accepted(accept: &[&[u8]]) -> Self {
        let open = accepted(accept, "application/openmetrics-text", "1.0.0");
        let plain = accepted(accept, "text/plain", "0.0.4");
        let asked = open.weight > plain.weight || (open.is_named && open.weight > 0 && open.weight == plain.weight);
        if asked { Self::OpenMetrics } else { Self::Prometheus }
    }

    pub(crate) const fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => prometheus_text::CONTENT_TYPE,
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// Writes everything. `Err` only if a name is none that the form allows, which a test rules out.
pub(crate) fn write(collector: impl Collector, format: Format) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("recording");
    registry.register_collector(Box::new(collector));
    let mut page = String::new();
    match format {
        Format::Prometheus => prometheus_text::encode(&mut page, &registry)?,
        Format::OpenMetrics => text::encode(&mut page, &registry)?,
    }
    Ok(page)
}

/// Writes families of metrics.
pub(crate) struct MetricsWriter<'a>(pub(crate) DescriptorEncoder<'a>);

type Label = [(&'static str, &'static str)];

impl MetricsWriter<'_> {
    pub(crate) fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        family.encode_counter::<NoLabelSet, _, f64>(&value, None)
    }

    pub(crate) fn gauge(&mut self, name: &str, help: &str, unit: Option<&Unit>, value: f64) -> fmt::Result {
        self.0.encode_descriptor(name, help, unit, MetricType::Gauge)?.encode_gauge(&value)
    }

    pub(crate) fn counters<L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (L, u64)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, value) in values {
            family.encode_family(&labels)?.encode_counter::<NoLabelSet, _, f64>(&value, None)?;
        }
        Ok(())
    }

    pub(crate) fn histograms<'h>(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
        values: impl IntoIterator<Item = (&'h Label, &'h Histogram)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, unit, MetricType::Histogram)?;
        for (labels, histogram) in values {
            let (buckets, sum) = histogram.read();
            let count = buckets.iter().map(|bucket| bucket.1).sum();
            if labels.is_empty() {
                family.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)?;
            } else {
                family.encode_family(&labels)?.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)?;
            }
        }
        Ok(())
    }
}

pub(super) fn count(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

impl Commits {
    /// Writes what is counted here.
    pub(crate) fn write(&self, writer: &mut MetricsWriter<'_>) -> fmt::Result {
        let help = "How long the store took to commit a group of changes to the disk";
        writer.histograms("store_commit", help, Some(&Unit::Seconds), [(&[][..], &self.times)])?;
        let help = "How many changes the store committed together";
        writer.histograms("store_group_size", help, None, [(&[][..], &self.sizes)])
    }
}

impl Metrics {
    /// Writes what is counted here, and these levels.
    pub(crate) fn write(&self, writer: &mut MetricsWriter<'_>, levels: Levels) -> fmt::Result {
        self.decisions(writer)?;
        self.requests(writer)?;
        if let Some(open) = levels.open_sessions {
            writer.gauge("open_sessions", "Sessions that are open", None, open as f64)?;
        }
        self.recorders.write(writer)?;
        writer.counter("sessions_begun", "Sessions that were begun", count(&self.sessions_begun))?;
        writer.counter("sessions_ended", "Sessions that were ended", count(&self.sessions_ended))?;
        writer.gauge("uccs", "UCCs of the config in force", None, levels.uccs as f64)?;
        writer.gauge("agents", "Agents in the lists and files of all UCCs together", None, levels.agents as f64)?;
        let help = "Patterns for agents of all UCCs together";
        writer.gauge("agent_patterns", help, None, levels.agent_patterns as f64)?;
        let help = "Files of agents that are bad on the disk; what was read before is in force";
        writer.gauge("bad_agents_files", help, None, levels.bad_agents_files as f64)?;
        let reads = ["good", "bad"].into_iter().zip(&self.agents_file_reads);
        writer.counters(
            "agents_file_reads",
            "Files of agents that had changed; of a bad one, what was read before stays in force",
            reads.map(|(file, value)| ([("file", file)], count(value))),
        )?;
        let reloads = ["good", "bad"].into_iter().zip(&self.reloads);
        writer.counters(
            "config_reloads",
            "Readings of the config after the first one; a bad one leaves the old one in force",
            reloads.map(|(config, value)| ([("config", config)], count(value))),
        )?;
        let help = "Lines of the log that could not be written, or not in time";
        writer.counter("log_lines_dropped", help, output::dropped())?;
        writer.gauge("ready", "1 if /readyz says so, else 0", None, f64::from(u8::from(levels.ready)))?;
        writer.gauge("start_time", "When the server was started", Some(&Unit::Seconds), self.started_at())?;
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        let mut family = writer.0.encode_descriptor("build_info", "What runs", None, MetricType::Gauge)?;
        family.encode_family(&version)?.encode_gauge(&1_u64)
    }

    fn decisions(&self, writer: &mut MetricsWriter<'_>) -> fmt::Result {
        let decisions = Action::ALL.iter().zip(&self.decisions).flat_map(|(action, outcomes)| {
            Outcome::ALL
                .iter()
                .zip(outcomes)
                .map(move |(outcome, value)| ([("action", action.name()), ("outcome", outcome.name())], count(value)))
        });
        writer.counters("decisions", "What became of requests to change a state", decisions)?;
        let refusals = Reason::ALL.iter().zip(&self.refusals);
        writer.counters(
            "refusals",
            "Why requests to change a state were refused",
            refusals.map(|(reason, value)| ([("reason", reason.name())], count(value))),
        )
    }

    fn requests(&self, writer: &mut MetricsWriter<'_>) -> fmt::Result {
        let calls = Call::ALL.map(|call| [("call", call.name())]);
        writer.histograms(
            "request_duration",
            "From the head of an API request to its answer",
            Some(&Unit::Seconds),
            calls.iter().map(<[_; 1]>::as_slice).zip(&self.requests),
        )?;
        let statuses = STATUSES.map(|status| status.to_string()).into_iter().chain(["other".to_owned()]);
        writer.counters(
            "responses",
            "Answers of the API by HTTP status",
            statuses.zip(&self.responses).map(|(status, value)| ([("status", status)], count(value))),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_the_one_that_is_accepted_best() {
        const BOTH: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
            application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        let open = "application/openmetrics-text";
        for (lines, is_open) in [
            (&[][..], false),
            (&[""], false),
            (&["*/*"], false),
            (&["text/plain"], false),
            (&[open], true),
            (&["APPLICATION/OpenMetrics-Text"], true),
            (&["application/openmetrics-text; version=1.0.0,text/plain;q=0.5"], true),
            (&[BOTH], true),
            (&["text/plain;version=0.0.4,application/openmetrics-text;q=0"], false),
            (&["text/plain;q=1,application/openmetrics-text;q=0.1"], false),
            (&["text/plain;q=0.1,application/openmetrics-text;q=0.101"], true),
            (&["text/plain, application/openmetrics-text"], true),
            (&["text/plain", open], true),
            (&[open, "text/plain"], true),
            (&["text/plain;q=0.5", "application/openmetrics-text;q=0.4"], false),
            (&["application/openmetrics-text;version=2.0.0"], false),
            (&["application/openmetrics-text;version=\"1.0.0\""], true),
            (&["application/*"], true),
            (&["*/*;q=0.1, application/openmetrics-text;q=0"], false),
            (&["*/*, application/openmetrics-text;q=0.5"], false),
            (&["application/openmetrics-text;q=0.0"], false),
            (&["application/openmetrics-text;q=0.000"], false),
            (&["application/openmetrics-text;q=0.001"], true),
            (&["application/openmetrics-text;q=2"], false),
            (&["application/openmetrics-text ; Q=0 , text/plain"], false),
            (&["text/html;x=\"application/openmetrics-text\""], false),
            (&["text/html;x=\"a,application/openmetrics-text,b\""], false),
            (&["application/openmetrics-text-other"], false),
            (&["text/html, , ,application/openmetrics-text"], true),
        ] {
            let format = Format::accepted(&lines.iter().map(|line| line.as_bytes()).collect::<Vec<_>>());
            assert_eq!(format == Format::OpenMetrics, is_open, "{lines:?}");
        }
    }
}
