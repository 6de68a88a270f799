//! Work that must come to its end, even if its client goes away.
//!
//! What is at work is counted by `tokio_util`'s `TaskTracker`, which the end of the server waits for. Ours is only what the
//! library has not: work is tried once without a task, which costs an allocation and a switch.

use core::future::{Future, pending, poll_fn};
use core::pin::Pin;
use core::task::Poll;
use std::panic::resume_unwind;

use tokio::task::JoinError;
use tokio_util::task::TaskTracker;

/// Runs `work` to its end even if its caller goes away.
///
/// A client that hangs up drops the future of its request, at whatever point it waits. Between storing a change and
/// publishing it that must not happen.
pub(crate) fn to_the_end<T: Send + 'static>(
    tasks: &TaskTracker,
    work: impl Future<Output = T> + Send + 'static,
) -> impl Future<Output = T> + Send {
    // Here and not in the future that is returned, which has no room for it then.
    let work = Box::pin(work);
    boxed_to_the_end(tasks, work)
}

async fn boxed_to_the_end<T: Send + 'static>(
    tasks: &TaskTracker,
    mut work: Pin<Box<impl Future<Output = T> + Send + 'static>>,
) -> T {
    // With a store in memory nearly all work is done at the first go, without the price of a task.
    if let Poll::Ready(done) = poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx))).await {
        return done;
    }
    match tasks.spawn(work).await.map_err(JoinError::try_into_panic) {
        Ok(done) => done,
        Err(Ok(panic)) => resume_unwind(panic),
        // The runtime is being taken down, and this future with it.
        Err(Err(_cancelled)) => pending().await,
    }
}
