//! A value in force that is exchanged as a whole while serving.
//!
//! The lock is held only while a count goes up or a pointer is exchanged. `arc-swap` would spare it, at the price of a
//! dependency that is unsafe inside.

use std::sync::{Arc, PoisonError, RwLock};

/// A value in force. A reload exchanges it as a whole; code that took it before keeps what it took.
#[derive(Debug)]
pub struct Reloadable<T>(RwLock<Arc<T>>);

impl<T> Reloadable<T> {
    /// Puts a first value in force.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self(RwLock::new(Arc::new(value)))
    }

    /// The value in force.
    #[must_use]
    pub fn current(&self) -> Arc<T> {
        // Nothing under this lock can panic half-way: the value is good even if the lock is poisoned.
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another value in force.
    pub fn replace(&self, value: T) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(value);
    }
}
