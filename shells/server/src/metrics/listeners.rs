//! What the hub counts, told with the rest.

use core::fmt;

use prometheus_client::metrics::MetricType;
use signalr_hub::Counters;

use super::MetricsWriter;

/// Writes a hub's numbers.
pub(crate) fn write(hub: &Counters, writer: &mut MetricsWriter<'_>) -> fmt::Result {
    let mut open =
        writer.0.encode_descriptor("hub_connections", "Listeners that are connected", None, MetricType::Gauge)?;
    for (transport, count) in [
        ("WebSockets", hub.web_sockets),
        ("ServerSentEvents", hub.server_sent_events),
        ("LongPolling", hub.long_polling),
    ] {
        open.encode_family(&[("transport", transport)])?.encode_gauge(&count)?;
    }
    writer.counter("hub_connections_opened", "Listeners that ever connected", hub.opened)?;
    writer.counter("hub_connections_refused", "Listeners that were one too many", hub.refused)?;
    writer.counters(
        "hub_connections_closed",
        "Listeners that were sent away: their queue was full, what they sent was no SignalR, or they fell silent",
        [("slow", hub.closed_slow), ("malformed", hub.closed_malformed), ("silent", hub.closed_silent)]
            .map(|(reason, count)| ([("reason", reason)], count)),
    )?;
    writer.counter("hub_events_published", "Events, however many listened", hub.published)?;
    writer.counter("hub_events_delivered", "Events handed to listeners, each counted for each", hub.delivered)?;
    writer.counter("hub_events_dropped", "Events that did not fit a listener's queue", hub.dropped)
}
