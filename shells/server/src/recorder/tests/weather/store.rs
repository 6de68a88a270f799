//! A store in a storm: it fails, does not know, and takes its time.

use core::time::Duration;
use std::sync::{Arc, Mutex};

use recording_core::recorder::Epoch;
use tokio::sync::broadcast;
use tokio::time::sleep;

use super::{Planted, Shared, lock};
use crate::audit::{Note, Trail};
use crate::events::Published;
use crate::session::{Found, Revision, Session, SessionKey};
use crate::store::{MemoryStore, Store, StoreError, Swap};

/// A store that outlives the server, and the weather of its disk.
pub(super) struct Stormy {
    pub(super) sound: Arc<MemoryStore>,
    pub(super) truth: Shared,
    pub(super) events: Arc<Mutex<Option<broadcast::Receiver<Published>>>>,
}

impl Stormy {
    fn fails(&self, percent: u64) -> Result<(), StoreError> {
        let mut truth = lock(&self.truth);
        if truth.chance(percent) {
            truth.report.failed += 1;
            return Err(StoreError::new("the disk is on fire"));
        }
        Ok(())
    }

    async fn pause(&self) {
        let ms = {
            let mut truth = lock(&self.truth);
            if truth.chance(50) { truth.below(40) } else { 0 }
        };
        if ms > 0 {
            sleep(Duration::from_millis(ms)).await;
        }
    }
}

impl Store for Stormy {
    async fn read(&self, key: &SessionKey) -> Result<Option<Found>, StoreError> {
        self.fails(4)?;
        self.sound.read(key).await
    }

    async fn compare_and_set(
        &self,
        key: &SessionKey,
        expected: Option<Revision>,
        session: Option<Session>,
        note: Note,
    ) -> Result<Swap, StoreError> {
        self.pause().await;
        self.fails(8)?;
        let planted = lock(&self.truth).weather.planted;
        if planted == Planted::StoresLater && lock(&self.truth).chance(15) {
            // What is stored is known now; that it is, comes later, and a kill may take it away.
            lock(&self.truth).note("told that it is stored".to_owned());
            return Ok(Swap::Stored);
        }
        let is_lost = {
            let mut truth = lock(&self.truth);
            if let Some(events) = &mut *self.events.lock().expect("no panic") {
                truth.hear(events);
            }
            truth.chance(4)
        };
        if is_lost {
            lock(&self.truth).report.unknown += 1;
            return Err(StoreError::unknown("no answer; nothing was stored"));
        }
        let swap = self.sound.compare_and_set(key, expected, session.clone(), note).await?;
        if swap == Swap::Stored {
            lock(&self.truth).is_stored(session.as_ref());
        }
        self.pause().await;
        if lock(&self.truth).chance(5) {
            lock(&self.truth).report.unknown += 1;
            lock(&self.truth).note("the store does not know".to_owned());
            return Err(match planted {
                Planted::SaysNotStored => StoreError::new("stored, and does not say so"),
                _ => StoreError::unknown("no answer in time"),
            });
        }
        Ok(swap)
    }

    async fn page(&self, after: Option<&SessionKey>, limit: usize) -> Result<Vec<(SessionKey, Session)>, StoreError> {
        self.sound.page(after, limit).await
    }

    async fn epoch(&self) -> Result<Epoch, StoreError> {
        self.fails(4)?;
        self.sound.epoch().await
    }

    fn id(&self) -> u64 {
        self.sound.id()
    }

    async fn open_sessions(&self) -> Result<usize, StoreError> {
        self.sound.open_sessions().await
    }

    fn trail(&self) -> Option<&Trail> {
        None
    }

    async fn ready(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
