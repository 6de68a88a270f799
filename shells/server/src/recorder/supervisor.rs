//! Loads the sessions that have a recorder, and gives each a task.

use std::sync::Arc;

use recording_core::recorder::{Channel, Machine};
use tokio::task::JoinSet;

use super::driver::Driver;
use super::pump::Pump;
use crate::service::Service;
use crate::session::{Found, SessionKey};
use crate::store::{Store, StoreError};

/// How many sessions are looked at at once.
const PAGE: usize = 1000;

impl<S: Store> Service<S> {
    /// Loads the sessions that have a recorder: before requests are served, so that each is driven again at once.
    ///
    /// # Errors
    ///
    /// If the store fails.
    pub async fn load_recorded(&self) -> Result<usize, StoreError> {
        let (mut after, mut loaded) = (None, 0);
        loop {
            let page = self.store().page(after.as_ref(), PAGE).await?;
            for (key, session) in &page {
                if session.bound().is_some() && self.driver(key).await?.is_some() {
                    loaded += 1;
                }
            }
            match page.last() {
                Some((key, _)) if page.len() == PAGE => after = Some(key.clone()),
                _ => return Ok(loaded),
            }
        }
    }

    /// The session's driver, loaded from the store if this server has not seen it yet; `None` if there is no such session, or
    /// it has no recorder.
    pub(crate) async fn driver(&self, key: &SessionKey) -> Result<Option<Arc<Driver>>, StoreError> {
        if let Some(driver) = self.recorders().driver(key) {
            return Ok(Some(driver));
        }
        let Some(Found { session, .. }) = self.store().read(key).await? else { return Ok(None) };
        let Some(bound) = session.bound() else { return Ok(None) };
        let Some(driver) = self.recorders().add_loaded(key, &bound.binding) else {
            return Ok(self.recorders().driver(key));
        };
        let mut turn = driver.urgent().await;
        // Under the turn, since it may have changed before that.
        let loaded = self.load(&driver, &mut turn).await;
        if !matches!(loaded, Ok(true)) {
            self.recorders().remove(&driver);
            return loaded.map(|_| None);
        }
        drop(turn);
        // What stands against it is seen, and logged, by the task.
        let _ = self.recorders().claim(&driver);
        self.recorders().begun(&driver);
        Ok(Some(driver))
    }

    async fn load(&self, driver: &Driver, inner: &mut super::driver::Inner) -> Result<bool, StoreError> {
        let epoch = self.store().epoch().await?;
        let Some(found) = self.store().read(&driver.call().key).await? else { return Ok(false) };
        let Some(bound) = found.session.bound() else { return Ok(false) };
        let recorder = self.recorders().entered(&bound.binding.recorder);
        // Without a recorder nothing is sent. When it comes back nothing may have landed, so the careful one.
        let channel = recorder.map_or(Channel::Drained, |entered| entered.recorder.capabilities().channel);
        inner.machine = Some(Machine::load(bound.kept, epoch, channel));
        inner.revision = found.revision;
        driver.follow(inner);
        Ok(true)
    }
}

/// Gives each session a task, for as long as the server runs. It ends if one of them panics: the server must not go on then as
/// if it drove that session.
pub(crate) async fn supervise<S: Store>(service: Arc<Service<S>>) {
    let mut tasks = JoinSet::new();
    loop {
        for driver in service.recorders().without_task() {
            tasks.spawn(Pump::new(Arc::clone(&service), driver).run());
        }
        tokio::select! {
            () = service.recorders().added.notified() => {}
            Some(ended) = tasks.join_next() => if ended.is_err() { return },
        }
    }
}
