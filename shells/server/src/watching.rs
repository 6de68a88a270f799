//! What is done with what a store reports of all servers' changes.

use std::sync::Arc;

use recording_core::Action;

use crate::directory::SharedDirectory;
use crate::ended::{Ended, disposition};
use crate::events::Events;
use crate::session::{Session, SessionKey};
use crate::store::{Made, Watcher};

/// Publishes changes, and remembers what became of sessions that ended: so an end that is asked for again is answered by any
/// server.
#[derive(Debug)]
pub(crate) struct Watching {
    pub(crate) events: Events,
    pub(crate) ended: Arc<Ended>,
    pub(crate) directory: Arc<SharedDirectory>,
}

impl Watcher for Watching {
    fn changed(&self, key: &SessionKey, action: Action, made: Made) {
        self.events.changed(key, action, made);
    }

    fn begun(&self, key: &SessionKey) {
        self.ended.forget(key);
    }

    fn ended(&self, key: &SessionKey, last: &Session) {
        let settings = self.directory.current().ucc(key.ucc.to_ref()).map(|ucc| ucc.settings);
        self.ended.remember(key.clone(), disposition(settings, last.kept_state()));
    }

    fn missed(&self) {
        self.ended.forget_all();
        self.events.missed();
    }
}
