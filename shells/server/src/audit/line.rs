//! What the lines of the trail say.
//!
//! Each is one JSON object with `Time`, `Call` and `Outcome`, and of the rest what there is to say: see `docs/audit.md`.

use std::io::Write as _;

use recording_core::State;
use recording_core::decide::Refusal;
use recording_core::state::Disposition;
use recording_core::wire::{CapabilitiesReply, ErrorMessage, Rejection, SetRequest, StateReply};
use recording_core::wire::{CorrelationId, UccName};

use super::{Revisions, time};
use crate::caller::Caller;
use crate::mask::{masked, masked_in};
use crate::occurrence::NotDone;
use crate::session::SessionKey;

/// What stands before the revision, at the end of a line.
pub(super) const REVISION: &str = r#","Revision":"#;

/// What says that a change was not made.
pub(super) const WITHDRAWN: &str = r#""Outcome":"withdrawn""#;

/// What says that a server has started, and with which store.
pub(super) const STARTED: &str = r#""Outcome":"started""#;
pub(super) const STORE_ID: &str = r#""StoreId":"#;

/// What says that a server goes on: written now and then, so that the next start need not read far.
pub(super) const RUNNING: &str = r#""Outcome":"running""#;

/// What says that a line is about the server itself.
pub(super) const OF_SERVER: &str = r#""Call":"server""#;

/// What stands before the last revision that the store had. All lines before it with a greater revision are withdrawn.
pub(super) const STORED: &str = r#""StoredRevision":"#;

/// The line about a change, which lacks its end: the revision that a store on disk will give it. Nothing, if there is no
/// trail.
#[derive(Debug, Clone, Default)]
pub struct Note(Vec<u8>);

impl Note {
    /// No line is to be written.
    #[must_use]
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// Whether no line is to be written.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    /// The whole line, of a change that nothing can withdraw.
    pub(crate) fn into_line(self) -> Vec<u8> {
        if self.is_none() { self.0 } else { Line(self.0).end() }
    }

    /// Appends the whole line to others.
    pub(crate) fn push_line(&self, revision: u64, lines: &mut Vec<u8>) {
        if !self.is_none() {
            lines.extend_from_slice(&self.0);
            lines.extend_from_slice(REVISION.as_bytes());
            // Writing to a vector cannot fail.
            let _ = writeln!(lines, "{revision}}}");
        }
    }
}

/// A line being written.
struct Line(Vec<u8>);

/// Room for nearly every line.
const USUAL: usize = 480;

/// What every line begins with.
pub(super) const BEGINNING: &[u8] = br#"{"Time":""#;

impl Line {
    fn new(call: &str, caller: Caller<'_>) -> Self {
        let mut line = Self(Vec::with_capacity(USUAL));
        line.0.extend_from_slice(BEGINNING);
        time::push_now(&mut line.0);
        line.0.push(b'"');
        line.plain("Call", call);
        if let Some(address) = caller.address {
            line.key("RemoteAddress");
            let _ = write!(line.0, "\"{address}\"");
        }
        if let Some(principal) = caller.principal {
            line.text("Principal", principal);
        }
        line
    }

    fn key(&mut self, key: &str) {
        self.0.extend_from_slice(b",\"");
        self.0.extend_from_slice(key.as_bytes());
        self.0.extend_from_slice(b"\":");
    }

    /// A text that needs no escape.
    fn plain(&mut self, key: &str, text: &str) {
        self.key(key);
        self.0.push(b'"');
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(b'"');
    }

    /// A text from outside.
    fn text(&mut self, key: &str, text: &str) {
        self.key(key);
        self.0.push(b'"');
        push_escaped(&mut self.0, text);
        self.0.push(b'"');
    }

    fn state(&mut self, key: &str, state: State) {
        self.plain(key, state.recording().name());
        self.0.pop();
        for name in [state.marking().name(), state.saving().name()] {
            self.0.push(b'/');
            self.0.extend_from_slice(name.as_bytes());
        }
        self.0.push(b'"');
    }

    fn session(&mut self, ucc: UccName<'_>, correlation_id: CorrelationId) {
        self.text("UCCName", ucc.as_str());
        self.plain("CorrelationId", correlation_id.hyphenated().as_str());
    }

    fn key_of(&mut self, key: &SessionKey) {
        self.session(key.ucc.to_ref(), key.correlation_id);
    }

    fn number_of(&mut self, error: &ErrorMessage<'_>) {
        self.key("ErrorType");
        let _ = write!(self.0, "{}", error.error_type().code());
    }

    fn error(&mut self, error: &ErrorMessage<'_>) {
        self.number_of(error);
        self.text("Message", &error.to_string());
    }

    fn request(request: &SetRequest<'_>, caller: Caller<'_>) -> Self {
        let mut line = Self::new("set", caller);
        line.plain("Record", request.action.audit_name());
        line.plain("Action", request.action.name());
        line.text("RequesterSipUri", &masked(request.requester.as_str()));
        line.session(request.ucc, request.correlation_id);
        line
    }

    /// A set of a session that is in this state, if it is open.
    fn set_in(request: &SetRequest<'_>, state: Option<State>, caller: Caller<'_>) -> Self {
        let mut line = Self::request(request, caller);
        if let Some(state) = state {
            line.state("Before", state);
        }
        line
    }

    fn end(mut self) -> Vec<u8> {
        self.0.extend_from_slice(b"}\n");
        self.0
    }
}

/// The inside of a JSON string, as RFC 8259 has it. What some readers take for the end of a line, the separators of Unicode
/// and the second set of control characters, is escaped as well: a line is a line for every reader.
fn push_escaped(line: &mut Vec<u8>, text: &str) {
    // The two bytes with which all of those begin that are not ASCII.
    let plain = |byte: &u8| !matches!(byte, b'"' | b'\\' | 0..=0x1f | 0x7f | 0xc2 | 0xe2);
    if text.as_bytes().iter().all(plain) {
        line.extend_from_slice(text.as_bytes());
        return;
    }
    for char in text.chars() {
        match char {
            '"' | '\\' => line.extend_from_slice(&[b'\\', char as u8]),
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(line, "\\u{:04x}", char as u32);
            }
            _ => line.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

/// A set that changes the state, before it is stored.
pub(super) fn changed(request: &SetRequest<'_>, (before, after): (State, State), caller: Caller<'_>) -> Note {
    let mut line = Line::request(request, caller);
    line.state("Before", before);
    line.state("After", after);
    line.plain("Outcome", "changed");
    Note(line.0)
}

/// A set that is a repeat, and is accepted.
pub(super) fn unchanged(request: &SetRequest<'_>, state: Option<State>, caller: Caller<'_>) -> Vec<u8> {
    let mut line = Line::set_in(request, state, caller);
    line.plain("Outcome", "unchanged");
    line.end()
}

/// A set that a rule refuses.
pub(super) fn refused(
    request: &SetRequest<'_>,
    state: Option<State>,
    refusal: &Refusal<'_>,
    caller: Caller<'_>,
) -> Vec<u8> {
    let error = ErrorMessage::from(*refusal);
    let mut line = Line::set_in(request, state, caller);
    line.plain("Outcome", "refused");
    line.number_of(&error);
    line.text("Message", &masked_in(&error.to_string(), request.requester.as_str()));
    line.end()
}

/// A set that could not be stored.
pub(super) fn not_stored(request: &SetRequest<'_>, caller: Caller<'_>) -> Vec<u8> {
    not_decided(request, ("not stored", Rejection::NotStored), caller)
}

/// A set that its token does not allow.
pub(super) fn not_permitted(request: &SetRequest<'_>, caller: Caller<'_>) -> Vec<u8> {
    not_decided(request, ("refused", Rejection::Forbidden), caller)
}

fn not_decided(request: &SetRequest<'_>, (outcome, rejection): (&str, Rejection), caller: Caller<'_>) -> Vec<u8> {
    let mut line = Line::request(request, caller);
    line.plain("Outcome", outcome);
    line.error(&rejection.into());
    line.end()
}

/// A session that was open already.
pub(super) fn already_open(key: &SessionKey, state: State, caller: Caller<'_>) -> Vec<u8> {
    let mut line = Line::new("begin", caller);
    line.key_of(key);
    line.state("Before", state);
    line.plain("Outcome", "already open");
    line.end()
}

/// A session that had ended before.
pub(super) fn already_ended(key: &SessionKey, disposition: Disposition, caller: Caller<'_>) -> Vec<u8> {
    let mut line = Line::new("end", caller);
    line.key_of(key);
    line.plain("Disposition", disposition.name());
    line.plain("Outcome", "already ended");
    line.end()
}

/// A session that was not begun or ended.
pub(super) fn not_done(call: &str, key: &SessionKey, why: &NotDone<'_>, caller: Caller<'_>) -> Vec<u8> {
    let mut line = Line::new(call, caller);
    line.key_of(key);
    let outcome = match why {
        NotDone::Refused(_) | NotDone::NothingToEnd(_) => "refused",
        NotDone::Store(_) => "not stored",
    };
    line.plain("Outcome", outcome);
    why.with_error(|error| line.error(&error));
    line.end()
}

/// A read of a state.
pub(super) fn state(reply: &StateReply<'_>, caller: Caller<'_>) -> Vec<u8> {
    let mut line = Line::new("state", caller);
    line.session(reply.ucc, reply.correlation_id);
    match &reply.error {
        None => {
            line.state("Before", reply.state);
            line.plain("Outcome", "read");
        }
        Some(error) => {
            line.plain("Outcome", "refused");
            line.error(error);
        }
    }
    line.end()
}

/// A question for capabilities.
pub(super) fn capabilities(reply: &CapabilitiesReply<'_>, caller: Caller<'_>) -> Vec<u8> {
    let mut line = Line::new("capabilities", caller);
    line.text("UCCName", reply.ucc.as_str());
    match &reply.error {
        None => {
            line.plain("Outcome", "read");
            line.key("AgentCanEditRecordings");
            let _ = write!(line.0, "{}", reply.agent_can_edit_recordings);
        }
        Some(error) => {
            line.plain("Outcome", "refused");
            line.error(error);
        }
    }
    line.end()
}

/// A session that begins, before it is stored.
pub(super) fn begun(key: &SessionKey, state: State, caller: Caller<'_>) -> Note {
    let mut line = Line::new("begin", caller);
    line.key_of(key);
    line.state("After", state);
    line.plain("Outcome", "opened");
    Note(line.0)
}

/// A session that ends, before that is stored.
pub(super) fn ended(key: &SessionKey, state: State, disposition: Disposition, caller: Caller<'_>) -> Note {
    let mut line = Line::new("end", caller);
    line.key_of(key);
    line.state("Before", state);
    line.plain("Disposition", disposition.name());
    line.plain("Outcome", "ended");
    Note(line.0)
}

/// A server that starts, goes on or ends, and where it keeps sessions; if in a file, with what is known of its revisions.
pub(super) fn server(outcome: &str, store: &str, revisions: Option<Revisions>) -> Vec<u8> {
    let mut line = Line::new("server", Caller::default());
    line.plain("Version", env!("CARGO_PKG_VERSION"));
    line.text("Store", store);
    line.plain("Outcome", outcome);
    let Some(Revisions { id, given, stored }) = revisions else { return line.end() };
    let _ = write!(line.0, ",{STORE_ID}{id},{STORED}{stored}");
    let (note, mut line) = (Note(line.0), Vec::new());
    note.push_line(given, &mut line);
    line
}

/// So many lines before this one are not there.
pub(super) fn lost(lines: u64) -> Vec<u8> {
    let mut line = Line::new("server", Caller::default());
    line.plain("Outcome", "lost");
    line.key("Lines");
    let _ = write!(line.0, "{lines}");
    line.end()
}

/// A change whose line was written and that was not made.
pub(super) fn withdrawn(revision: u64, reason: &str, lines: &mut Vec<u8>) {
    let mut line = Line::new("store", Caller::default());
    line.text("Message", reason);
    line.0.push(b',');
    line.0.extend_from_slice(WITHDRAWN.as_bytes());
    Note(line.0).push_line(revision, lines);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every character that there is, in a text: one line for every reader, and the same text after decoding.
    #[test]
    fn no_character_ends_a_line() {
        for char in '\0'..=char::MAX {
            let text = format!("a{char}b");
            let mut line = vec![b'"'];
            push_escaped(&mut line, &text);
            line.push(b'"');
            let written = str::from_utf8(&line).unwrap();
            // Those at which Python's str.splitlines() parts a text, and all that a terminal obeys.
            let parts = |char: char| char.is_control() || matches!(char, '\u{2028}' | '\u{2029}');
            assert!(!written.contains(parts), "{written:?}");
            assert_eq!(serde_json::from_slice::<String>(&line).unwrap(), text);
        }
    }
}
