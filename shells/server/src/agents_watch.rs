//! Has the files of agents looked at, again and again.

use core::time::Duration;
use std::sync::Arc;

use tokio::time::{MissedTickBehavior, interval};
use tracing::{error, info, warn};

use crate::directory::Look;
use crate::service::Service;
use crate::store::Store;

/// How often each file is looked at.
const EVERY: Duration = Duration::from_secs(1);

/// Looks at the files of agents of the config in force until the server ends.
pub(crate) async fn watch<S: Store>(service: Arc<Service<S>>) {
    let end = service.health().end().clone();
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = end.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let files = service.directory().current().agents_files();
        if files.is_empty() {
            continue;
        }
        // On a thread that may wait for a disk, and a network's.
        let looking = tokio::task::spawn_blocking({
            let service = Arc::clone(&service);
            move || {
                for file in files {
                    report(&service, file.look(), &file.path().display());
                }
            }
        });
        tokio::select! {
            // A disk that does not answer must not delay the end.
            () = end.cancelled() => return,
            // What panicked was one look; what was read before stays in force.
            looked = looking => if looked.is_err() {
                error!(target: "recording", "looking at files of agents failed");
            },
        }
    }
}

fn report<S: Store>(service: &Service<S>, look: Look, file: &dyn core::fmt::Display) {
    match look {
        Look::Same => {}
        Look::Read(agents) => {
            service.metrics().agents_file_read(true);
            info!(target: "recording", %file, agents, "agents read again");
        }
        Look::Bad(reason) => {
            service.metrics().agents_file_read(false);
            error!(target: "recording", "bad file of agents: {reason}");
            warn!(target: "recording", %file, "the agents read before stay in force");
        }
    }
}
