//! Why a store did not do what it was asked for.

use core::fmt;

/// The store cannot be reached or does not answer.
///
/// Of a change it says which of two it is: nothing was stored and nothing will be; or the change may have been stored, or may
/// still be. Only a store in other programs can have to say the latter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreError {
    reason: String,
    is_unknown: bool,
    line: Option<Box<str>>,
}

impl StoreError {
    /// Nothing was stored, for this reason; no client sees it, it is for the log.
    #[must_use]
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), is_unknown: false, line: None }
    }

    /// It is not known whether the change was stored, for this reason.
    #[must_use]
    pub fn unknown(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), is_unknown: true, line: None }
    }

    /// The same, with a sentence for all who ask whether the server is ready: it holds no addresses and nothing of sessions.
    #[must_use]
    pub fn saying(self, line: impl Into<Box<str>>) -> Self {
        Self { line: Some(line.into()), ..self }
    }

    /// That sentence, if there is one.
    #[must_use]
    pub fn line(&self) -> Option<&str> {
        self.line.as_deref()
    }

    /// Whether the change may have been stored all the same.
    #[must_use]
    pub const fn is_unknown(&self) -> bool {
        self.is_unknown
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl core::error::Error for StoreError {}
