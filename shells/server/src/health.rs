//! Whether all that must live is alive.
//!
//! A server whose accepting task, hub or writing thread has ended still answers some requests, which is worse than none:
//! no one looks. So each of them is held by a guard, and when one ends before it should, however that came about, the
//! server is unhealthy and ends.

use core::future::Future;
use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What has ended, if anything has, and whether that is as it should be.
#[derive(Debug)]
pub(crate) struct Health {
    lost: watch::Sender<Option<&'static str>>,
    ending: CancellationToken,
}

impl Default for Health {
    fn default() -> Self {
        Self { lost: watch::Sender::new(None), ending: CancellationToken::new() }
    }
}

impl Health {
    /// From now on everything may end, and what serves does.
    pub(crate) fn ending(&self) {
        self.ending.cancel();
    }

    /// Whether the server is on its way out.
    pub(crate) fn is_ending(&self) -> bool {
        self.ending.is_cancelled()
    }

    /// What reports that, to all that must end then.
    pub(crate) const fn end(&self) -> &CancellationToken {
        &self.ending
    }

    /// What has ended that must not.
    pub(crate) fn lost(&self) -> Option<&'static str> {
        *self.lost.borrow()
    }

    /// Waits until something ends that must not.
    pub(crate) async fn until_lost(&self) -> &'static str {
        let mut lost = self.lost.subscribe();
        let found = lost.wait_for(Option::is_some).await.ok().and_then(|lost| *lost);
        match found {
            Some(lost) => lost,
            // The sender is here, so this does not come about.
            None => core::future::pending().await,
        }
    }

    /// Runs work that must not end while the server serves. If it returns or panics, `what` is lost.
    pub(crate) fn vital<T: Future<Output = ()>>(
        self: &Arc<Self>,
        what: &'static str,
        work: T,
    ) -> impl Future<Output = ()> + use<T> {
        let guard = Vital { what, health: Arc::clone(self) };
        async move {
            work.await;
            drop(guard);
        }
    }
}

struct Vital {
    what: &'static str,
    health: Arc<Health>,
}

impl Drop for Vital {
    fn drop(&mut self) {
        if !self.health.is_ending() {
            // The first one is what went wrong; others may follow from it.
            self.health.lost.send_if_modified(|lost| {
                let is_first = lost.is_none();
                *lost = lost.or(Some(self.what));
                is_first
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whatever_ends_is_noticed_and_the_first_is_named() {
        let ends: [fn() -> (); 2] = [|| (), || panic!("planted")];
        for end in ends {
            let health = Arc::<Health>::default();
            let lives = tokio::spawn(health.vital("what lives", core::future::pending()));
            assert_eq!(health.lost(), None);
            let _ = tokio::spawn(health.vital("what ends", async move { end() })).await;
            assert_eq!((health.until_lost().await, health.lost()), ("what ends", Some("what ends")));
            lives.abort();
            let _ = lives.await;
            assert_eq!(health.lost(), Some("what ends"));
        }
    }

    #[tokio::test]
    async fn what_ends_at_the_end_is_not_missed() {
        let health = Arc::<Health>::default();
        health.ending();
        health.vital("the task", async {}).await;
        assert_eq!(health.lost(), None);
    }
}
