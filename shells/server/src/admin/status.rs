//! How the server is: whether it is ready, and what it counted.

use core::fmt;
use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use recording_core::wire::{ErrorMessage, ErrorType};
use serde_json::json;

use super::recorded;
use crate::audit::Trail;
use crate::issuer::Standing;
use crate::metrics::{Format, Levels, MetricsWriter, issuer_keys, listeners, webhooks, write};
use crate::service::Service;
use crate::store::Store;
use crate::{log, reply};

/// `{"Status":"ok"}`, or 503 and why not.
pub(super) fn health<S: Store>(service: &Service<S>) -> Response {
    match service.healthy() {
        Ok(()) => reply::json(StatusCode::OK, Bytes::from_static(br#"{"Status":"ok"}"#)),
        Err(why) => reply::error(StatusCode::SERVICE_UNAVAILABLE, ErrorMessage::new(ErrorType::Configuration, why)),
    }
}

/// `{"Status":"ready"}`, or 503 and why not. A recorder that is away is a warning: the server serves all the same, and what
/// needs the recorder is answered that it is not confirmed. So is a webhook whose receiver takes no events.
pub(super) async fn ready<S: Store>(service: &Service<S>) -> Response {
    match service.ready().await {
        Ok(()) => {
            let mut warnings = recorded::warnings(service);
            let webhooks = service.webhooks().levels().into_iter().filter(|level| !level.answers);
            warnings.extend(webhooks.map(|level| format!("The webhook '{}' takes no events.", level.name)));
            warnings.extend(service.issuer().and_then(Standing::warning));
            let body = if warnings.is_empty() {
                Bytes::from_static(br#"{"Status":"ready"}"#)
            } else {
                json!({ "Status": "ready", "Warnings": warnings }).to_string().into()
            };
            reply::json(StatusCode::OK, body)
        }
        Err(why) => reply::error(StatusCode::SERVICE_UNAVAILABLE, ErrorMessage::new(ErrorType::Configuration, &why)),
    }
}

/// Everything that is counted, in the form that the client accepts.
pub(super) async fn metrics<S: Store>(service: &Arc<Service<S>>, headers: &HeaderMap) -> Response {
    let directory = service.directory().current();
    let levels = Levels {
        open_sessions: service
            .store()
            .open_sessions()
            .await
            .inspect_err(|error| log::store_failed("open sessions", error))
            .ok(),
        uccs: directory.len(),
        agents: directory.agents(),
        agent_patterns: directory.patterns(),
        bad_agents_files: directory.agents_files().iter().filter(|file| file.is_bad()).count(),
        ready: service.ready().await.is_ok(),
    };
    let format = Format::accepted(&headers.get_all(ACCEPT).iter().map(HeaderValue::as_bytes).collect::<Vec<_>>());
    // Names are fixed and sound: a test reads the page with the parser of Prometheus' own client.
    let page = write(Counted { service: Arc::clone(service), levels }, format).unwrap_or_default();
    let mut response = Response::new(Body::from(page));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(recording_core::wire::CACHE_CONTROL));
    response
}

struct Counted<S> {
    service: Arc<Service<S>>,
    levels: Levels,
}

impl<S> fmt::Debug for Counted<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counted").finish_non_exhaustive()
    }
}

impl<S: Store> Collector for Counted<S> {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut writer = MetricsWriter(encoder);
        self.service.metrics().write(&mut writer, self.levels)?;
        let help = "Lines of the audit trail about what changes nothing that could not be written, or not in time";
        writer.counter("audit_lines_lost", help, self.service.trail().map_or(0, Trail::lost))?;
        listeners::write(&self.service.hub().counters(), &mut writer)?;
        self.service.recorders().levels().write(&mut writer)?;
        webhooks::write(&self.service.webhooks().levels(), &mut writer)?;
        if let Some(issuer) = self.service.issuer() {
            issuer_keys::write(issuer, &mut writer)?;
        }
        if let Some(commits) = self.service.store().commits() {
            commits.write(&mut writer)?;
        }
        match self.service.store().cluster() {
            Some(levels) => levels.write(&mut writer),
            None => Ok(()),
        }
    }
}
