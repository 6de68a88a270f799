//! What is counted of the keys of an issuer, and what is looked up.

use core::fmt;
use std::time::UNIX_EPOCH;

use prometheus_client::registry::Unit;

use super::exposition::MetricsWriter;
use crate::issuer::{Standing, Usable};

/// Writes all of it.
pub(crate) fn write(issuer: &Standing, writer: &mut MetricsWriter<'_>) -> fmt::Result {
    let fetches = issuer.fetches().map(|(fetch, count)| ([("outcome", fetch.name())], count));
    writer.counters("issuer_fetches", "What became of fetching the keys of the issuer", fetches)?;
    let early = issuer.early_counts().map(|(early, count)| ([("outcome", early.name())], count));
    let help = "Tokens of an unknown key, by whether the keys were fetched for it";
    writer.counters("issuer_unknown_keys", help, early)?;
    let (keys, at) = issuer.held();
    writer.gauge("issuer_keys", "Keys of the issuer that are held", None, keys as f64)?;
    let help = "When the keys of the issuer were fetched, in seconds since 1970; 0 if they have not been";
    let at = at.and_then(|at| at.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    writer.gauge("issuer_keys_fetched", help, Some(&Unit::Seconds), at.as_secs_f64())?;
    let usable = f64::from(u8::from(issuer.usable() == Usable::Yes));
    writer.gauge("issuer_keys_usable", "1 if JWTs can be checked, 0 if they are answered 503", None, usable)
}
