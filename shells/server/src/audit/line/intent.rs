//! Lines of a change in a store that several servers share: one before it is asked for, and one about what became of it.
//!
//! The first is the intent. It has the change's [`OpId`], which the store keeps with what the change makes, so that the
//! next start of the server can find out what became of it.

use std::io::Write as _;

use recording_core::wire::{CorrelationId, UccName};
use serde::{Deserialize, Serialize};

use super::{AuditLine, END, Note, REVISION, Shown};
use crate::audit::time;
use crate::caller::Caller;
use crate::session::{OpId, SessionKey};

/// What says that a line is an intent. Before it is what all lines of the change have in common.
pub(in crate::audit) const INTENT: &str = r#","Outcome":"intent""#;

/// What says that it is not known what became of a change.
pub(in crate::audit) const UNKNOWN: &str = r#","Outcome":"unknown""#;

/// What stands before the change's id.
pub(in crate::audit) const OP: &str = r#","Op":""#;

/// What stands before the moment at which a later start of the server, or the same one after a while, found it out.
pub(in crate::audit) const SETTLED: &str = r#","Settled":""#;

/// What stands before how many intents are open at a line of the server. They are written once more, right before it.
pub(in crate::audit) const OPEN: &str = r#""Open":"#;

/// A store that several servers share: its id, and the last revision that this server knows of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::audit) struct SharedStore {
    pub(in crate::audit) id: u64,
    pub(in crate::audit) known: u64,
}

/// A change that is to be asked for.
#[derive(Debug, Clone)]
pub(crate) struct Intent {
    /// Which change.
    pub(crate) op: OpId,
    /// Of which session.
    pub(crate) key: SessionKey,
    /// The last revision that the server knew of: if the change is made, it has a greater one.
    pub(crate) known: u64,
    note: Note,
}

/// What became of a change that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Became {
    /// It was made, at this revision.
    Made(u64),
    /// The session was not as expected.
    Conflict,
    /// It was not made, for this reason, and will not be.
    NotMade(String),
    /// That is not known, for this reason.
    Unknown(String),
}

/// What an intent is read from.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Read<'a> {
    call: &'a str,
    #[serde(rename = "UCCName")]
    ucc_name: String,
    correlation_id: &'a str,
    op: &'a str,
    known_revision: u64,
}

/// About a change that was not made, or of which that is not known.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Fate<'a> {
    time: Shown<humantime::Rfc3339Timestamp>,
    call: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
}

impl Intent {
    /// The intent to make the change of this note.
    pub(crate) const fn new(op: OpId, key: SessionKey, known: u64, note: Note) -> Self {
        Self { op, key, known, note }
    }

    /// How many bytes it takes, about.
    pub(crate) const fn size(&self) -> usize {
        size_of::<Self>() + self.note.head.len()
    }

    /// Its line.
    pub(in crate::audit) fn line(&self) -> Vec<u8> {
        let mut line = Vec::with_capacity(self.note.head.len() + 128);
        line.extend_from_slice(&self.note.head);
        line.extend_from_slice(INTENT.as_bytes());
        self.push_op(&mut line);
        // Writing to a vector cannot fail.
        let _ = write!(line, r#","KnownRevision":{}"#, self.known);
        line.extend_from_slice(END);
        line
    }

    /// Reads a line again; `None` if it is not an intent.
    pub(in crate::audit) fn read(line: &[u8]) -> Option<Self> {
        let at = memchr::memmem::rfind(line, INTENT.as_bytes())?;
        let Read { call, ucc_name, correlation_id, op, known_revision } = serde_json::from_slice(line).ok()?;
        let outcome = match call {
            "set" => "changed",
            "begin" => "opened",
            "end" => "ended",
            _ => return None,
        };
        let key = SessionKey::new(UccName::new(&ucc_name).ok()?, CorrelationId::parse(correlation_id).ok()?);
        let note = Note { head: line[..at].to_vec(), outcome, action: None };
        Some(Self { op: op.parse().ok()?, key, known: known_revision, note })
    }

    /// The line about what became of it. It is `settled` if that was found out later than by an answer.
    pub(in crate::audit) fn became(&self, became: &Became, settled: bool) -> Vec<u8> {
        let (outcome, message) = match became {
            Became::Made(_) => (self.note.outcome, None),
            Became::Conflict => ("conflict", None),
            Became::NotMade(reason) => ("not stored", Some(reason)),
            Became::Unknown(reason) => ("unknown", Some(reason)),
        };
        let mut line = Vec::new();
        match became {
            Became::Made(_) => self.note.push_head(&mut line),
            Became::Conflict | Became::NotMade(_) | Became::Unknown(_) => {
                let message = message.map(String::as_str);
                Note::of(&Fate { time: Shown(time::now()), call: "store", message }, outcome).push_head(&mut line);
            }
        }
        self.push_op(&mut line);
        // Writing to a vector cannot fail.
        if settled {
            let _ = write!(line, r#"{SETTLED}{}""#, time::now());
        }
        if let Became::Made(revision) = became {
            let _ = write!(line, "{REVISION}{revision}");
        }
        line.extend_from_slice(END);
        line
    }

    fn push_op(&self, line: &mut Vec<u8>) {
        let _ = write!(line, r#"{OP}{}""#, self.op);
    }
}

/// The change that a line is about, and whether nothing is to be found out about that any more.
pub(in crate::audit) fn op(line: &[u8]) -> Option<(OpId, bool)> {
    let holds = |part: &str| memchr::memmem::find(line, part.as_bytes()).is_some();
    let from = memchr::memmem::rfind(line, OP.as_bytes())? + OP.len();
    let rest = line.get(from..)?;
    let to = memchr::memchr(b'"', rest)?;
    let op = core::str::from_utf8(&rest[..to]).ok()?.parse().ok()?;
    Some((op, !holds(INTENT) && (!holds(UNKNOWN) || holds(SETTLED))))
}

/// A server that starts, goes on or ends with a store that others share. So many intents are open, if that is said.
pub(in crate::audit) fn server(
    outcome: &'static str,
    store: &str,
    SharedStore { id, known }: SharedStore,
    open: Option<usize>,
) -> Vec<u8> {
    AuditLine {
        version: Some(env!("CARGO_PKG_VERSION")),
        store: Some(store),
        store_id: Some(id),
        open,
        revision: Some(known),
        ..AuditLine::new("server", outcome, Caller::default())
    }
    .written()
}
