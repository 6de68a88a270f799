//! Work that must come to its end, and knowing when all of it has.

use core::future::{Future, pending, poll_fn};
use core::pin::Pin;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::task::Poll;
use std::panic::resume_unwind;
use std::sync::Arc;

use tokio::sync::Notify;

/// Counts what is at work.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    running: AtomicUsize,
    all_done: Notify,
}

/// One piece of work, until dropped.
#[derive(Debug)]
pub(crate) struct Task(Arc<Tasks>);

impl Drop for Task {
    fn drop(&mut self) {
        if self.0.running.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.all_done.notify_waiters();
        }
    }
}

impl Tasks {
    pub(crate) fn begin(self: &Arc<Self>) -> Task {
        self.running.fetch_add(1, Ordering::AcqRel);
        Task(Arc::clone(self))
    }

    /// Waits until nothing is at work.
    pub(crate) async fn done(&self) {
        loop {
            let mut notified = core::pin::pin!(self.all_done.notified());
            notified.as_mut().enable();
            if self.running.load(Ordering::Acquire) == 0 {
                return;
            }
            notified.await;
        }
    }

    /// Runs `work` to its end even if its caller goes away.
    ///
    /// A client that hangs up drops the future of its request, at whatever point it waits. Between storing a change and
    /// publishing it that must not happen.
    pub(crate) fn to_the_end<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = T> + Send {
        // Here and not in the future that is returned, which has no room for it then.
        let work = Box::pin(work);
        self.boxed_to_the_end(work)
    }

    async fn boxed_to_the_end<T: Send + 'static>(
        self: &Arc<Self>,
        mut work: Pin<Box<impl Future<Output = T> + Send + 'static>>,
    ) -> T {
        // With a store in memory nearly all work is done at the first go, without the price of a task.
        if let Poll::Ready(done) = poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx))).await {
            return done;
        }
        let task = self.begin();
        let handle = tokio::spawn(async move {
            let done = work.await;
            drop(task);
            done
        });
        match handle.await.map_err(tokio::task::JoinError::try_into_panic) {
            Ok(done) => done,
            Err(Ok(panic)) => resume_unwind(panic),
            // The runtime is being taken down, and this future with it.
            Err(Err(_cancelled)) => pending().await,
        }
    }
}
