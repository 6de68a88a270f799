//! What a config says of a recorder.

use super::{http, rtpengine};

/// A recorder, as a config describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecorderConfig {
    /// The name that UCCs name it by.
    pub name: Box<str>,
    /// What kind it is, and where.
    pub kind: RecorderKind,
}

/// What kind of recorder it is, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecorderKind {
    /// An rtpengine.
    Rtpengine(rtpengine::Options),
    /// One that speaks HTTP.
    Http(http::Options),
}
