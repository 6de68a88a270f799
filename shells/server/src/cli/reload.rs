//! Reading the files again, on SIGHUP.

use std::path::PathBuf;
use std::sync::Arc;

use tracing::{error, info, warn};

use super::values::StoreKind;
use super::{Renewal, in_file, notes};
use crate::audit::Trail;
use crate::config;
use crate::server::Protection;
use crate::service::Service;
use crate::store::Store;

/// What a reload needs. It reads disks, so it is done on a thread that may wait for them.
pub(super) struct Reload<S> {
    pub(super) service: Arc<Service<S>>,
    pub(super) protection: Protection,
    pub(super) config: Option<PathBuf>,
    pub(super) store: StoreKind,
    /// Of what the store reads from files.
    pub(super) renewal: Option<Renewal>,
}

// Not derived: a store need not be one that can be cloned.
impl<S> Clone for Reload<S> {
    fn clone(&self) -> Self {
        let Self { service, protection, config, store, renewal } = self;
        let service = Arc::clone(service);
        let (protection, renewal) = (protection.clone(), renewal.clone());
        Self { service, protection, config: config.clone(), store: store.clone(), renewal }
    }
}

impl<S: Store> Reload<S> {
    /// Reads everything again. What is bad stays as it was, and the log says so.
    pub(super) fn all(&self) {
        self.protection.reload();
        match self.service.trail().map(Trail::reopen) {
            None | Some(Ok(())) => {}
            Some(Err(reason)) => {
                let reason = reason.to_string();
                error!(target: "recording", reason, "the audit trail cannot be opened again; the old file is written on");
            }
        }
        self.config();
        // Last, since it may wait for members.
        if let Some(renewal) = &self.renewal {
            renewal();
        }
    }

    fn config(&self) {
        let service = &self.service;
        let Some(file) = &self.config else {
            warn!(target: "recording", "there is no config to read again: this is the demo world");
            return;
        };
        match config::load(file) {
            Ok(directory) => {
                if let Err(reason) = self.store.serves(&directory).and_then(|()| service.configure_outgoing(&directory))
                {
                    error!(target: "recording", "bad config: {}: {reason}", file.display());
                    service.metrics().reloaded(false);
                    warn!(target: "recording", "the old config stays in force");
                    return;
                }
                let (uccs, agents, patterns) = (directory.len(), directory.agents(), directory.patterns());
                for note in notes(&directory) {
                    warn!(target: "recording", file = %file.display(), "{note}");
                }
                let before = service.directory().current();
                let mut gone = before.iter().map(|(name, _)| name).filter(|&name| directory.ucc(name).is_none());
                // A config that was cut off between two UCCs is a good one: only this shows it.
                if let Some(first) = gone.next() {
                    let (number, first) = (1 + gone.count(), first.as_str());
                    let text = "UCCs are gone from the config: until they are back their sessions can only be ended";
                    warn!(target: "recording", file = %file.display(), number, first, "{text}");
                }
                service.configure(directory);
                service.metrics().reloaded(true);
                info!(target: "recording", file = %file.display(), uccs, agents, patterns, "config read again");
            }
            Err(errors) => {
                for error in &errors {
                    error!(target: "recording", "bad config: {}", in_file(file, error));
                }
                service.metrics().reloaded(false);
                warn!(target: "recording", "the old config stays in force");
            }
        }
    }
}
