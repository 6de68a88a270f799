//! A change on its way to be stored.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

use tokio::sync::oneshot;

use super::{StoreError, Swap};

/// What becomes of a change: known already, or to be waited for. Dropping it takes nothing back.
#[derive(Debug)]
#[must_use]
pub struct Storing(Inner);

#[derive(Debug)]
enum Inner {
    Known(Swap),
    Waiting(oneshot::Receiver<Result<Swap, StoreError>>),
}

/// Where a store tells what became of a change.
#[derive(Debug)]
pub struct Tell(oneshot::Sender<Result<Swap, StoreError>>);

impl Tell {
    /// Tells it; one that no longer waits need not know.
    pub fn send(self, outcome: Result<Swap, StoreError>) {
        let _ = self.0.send(outcome);
    }
}

impl Storing {
    /// What this is.
    pub const fn known(swap: Swap) -> Self {
        Self(Inner::Known(swap))
    }

    /// A change that is still to be stored, and where to report what became of it. If that is dropped, it was not stored.
    pub fn to_be_told() -> (Tell, Self) {
        let (tell, told) = oneshot::channel();
        (Tell(tell), Self(Inner::Waiting(told)))
    }
}

impl Future for Storing {
    type Output = Result<Swap, StoreError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Inner::Known(swap) => Poll::Ready(Ok(*swap)),
            Inner::Waiting(told) => Pin::new(told)
                .poll(context)
                .map(|told| told.unwrap_or_else(|_| Err(StoreError::new("the thread that writes has ended")))),
        }
    }
}
