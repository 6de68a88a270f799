//! What a token can be good for.

/// A part of the server that a token can be good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The recording API.
    Api,
    /// The recording events.
    Hub,
    /// Call control and operations.
    Admin,
}
