//! What an operator says about an rtpengine, and the times that this adapter keeps.

use core::time::Duration;
use std::path::PathBuf;

/// How a call's recording is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PauseMode {
    /// By `stop recording`: each part of a call is a file of its own. Every version can do that.
    Segments,
    /// By `pause recording`, which goes on in the same file. From version 26 on; 10.5 does not know it.
    Native,
}

impl PauseMode {
    /// The name in a config.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Segments => "segments",
            Self::Native => "native",
        }
    }

    /// The one with exactly this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Segments, Self::Native].into_iter().find(|mode| mode.name() == name)
    }
}

/// An rtpengine, as a config describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The recorder's name, for the log.
    pub name: Box<str>,
    /// Where it listens for `ng` over UDP: `host:port`. A host's name is looked up each time that the socket is opened,
    /// and if it has several addresses, the next is tried when nothing comes from one.
    pub address: Box<str>,
    /// How it pauses.
    pub pause: PauseMode,
    /// Its `--recording-dir`, as this server sees it.
    pub recording_dir: Option<PathBuf>,
    /// Whether each instance has to pass a test before it is asked to record.
    pub self_test: bool,
}

/// How often the bytes of a command are sent again until they are answered.
pub(super) const RESEND_EVERY: Duration = Duration::from_millis(200);

/// For how long the bytes of a command are sent. An instance forgets 30 to 60 s after a command that it carried it out, and
/// would carry it out again. No datagram arrives more than 10 s late, so 15 s leave a margin.
pub(super) const RESEND_FOR: Duration = Duration::from_secs(15);

/// How often a command that is not sent any more is asked about.
pub(super) const SEAL_EVERY: Duration = Duration::from_millis(500);

/// A reply to a ping that comes within this time is fast: what the recorder has received before waits no longer.
pub(super) const FAST: Duration = Duration::from_millis(50);

/// How long apart the two pings before a Record are.
pub(super) const PINGS_APART: Duration = Duration::from_millis(100);

/// How often two fast pings are tried for before a Record is given up.
pub(super) const GUARD_TRIES: u32 = 10;

/// How often the recorder is asked since when it runs; while it does not answer, [`LOOK_FOR_IT_EVERY`].
pub(super) const POLL_EVERY: Duration = Duration::from_secs(1);

/// How often a recorder that does not answer is asked.
pub(super) const LOOK_FOR_IT_EVERY: Duration = Duration::from_millis(200);

/// How soon a recorder is asked again whose answer may be that of another instance.
pub(super) const ASK_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// A recorder that has not answered for this long is away.
pub(super) const AWAY_AFTER: Duration = Duration::from_secs(3);

/// How long an order waits for the first word of the recorder, or for the result of a self-test that is under way.
pub(super) const WAIT_FOR_CONDITION: Duration = Duration::from_secs(2);

/// How long a read-back may take.
pub(super) const READ_BACK_WITHIN: Duration = Duration::from_secs(1);

/// How many commands may be under way at once: each takes about two kilobytes, and five datagrams a second while the recorder is
/// away. One that finds no place is not sent, and is due again.
pub(super) const MOST_COMMANDS: usize = 4096;

/// How many commands of an earlier process may be drained at once. The others wait.
pub(super) const MOST_DRAINS: usize = 1024;

/// How many replies may be waited for: those, and what asks besides.
pub(super) const MOST_WAITING: usize = 8192;
