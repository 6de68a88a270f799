//! The line protocol of the call's side (the PBX): one command a line, one answer a line, in order.
//!
//! Bytes come through a [`Ring`](crate::Ring), in which a loss keeps its place: a line that is not whole is refused, and every
//! line end has an answer.
//!
//! | command | answer |
//! |---|---|
//! | `begin ID [STATE] UCC` | `begun ID STATE UCC`, or `open ID STATE UCC` if it was open already: its state stays |
//! | `end ID UCC` | `ended ID STATE FATE UCC` |
//! | `stats` | `stats` and figures as `name=number` |
//!
//! `ID` is a correlation id in one of the forms that the API reads. `STATE` is `Recording/Marking/Saving` by their names,
//! as in `Started/None/None`; without it a session begins as the API says. No UCC's name holds a `/`, so the two cannot be
//! taken for each other. `UCC` is the rest of the line. `FATE` is `Keep`, `Discard` or `NothingRecorded`.
//!
//! What cannot be done is answered `error` and why, and nothing was done. After a start the gateway says `boot`: no
//! session is open, and the PBX begins those of its calls again. Source of all this: OURS.

use recording_core::desk::{BeginErrorKind, BeginOutcome};
use recording_core::state::{MarkingState, RecordingState, SavingState};
use recording_core::wire::{CorrelationId, UccName};
use recording_core::{Session, State};

use crate::gateway::Gateway;
use crate::text::Text;

/// What the gateway says after a start.
pub const BOOT: &str = "boot\n";

/// The longest command, without its line end.
pub const LINE_MAX: usize = 160;

/// The longest answer.
pub const ANSWER_MAX: usize = 192;

/// An answer on its way out.
pub type Answer = Text<ANSWER_MAX>;

/// A line that comes in, byte by byte. `\n` ends it; a `\r` before that does not belong to it.
#[derive(Debug)]
pub struct Line {
    text: Text<LINE_MAX>,
    /// It is too long, and its end is missing.
    lossy: bool,
    whole: bool,
}

/// What the image knows and the gateway does not, for `stats`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Surroundings<'a> {
    /// Names and numbers.
    pub figures: &'a [(&'a str, u32)],
}

impl Line {
    /// Nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { text: Text::new(), lossy: false, whole: false }
    }

    /// Whether a line is whole: then it is to be answered before more is pushed.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.whole
    }

    /// A byte came.
    pub fn push(&mut self, byte: u8) {
        if byte == b'\n' {
            self.whole = true;
        } else if self.text.get().len() < LINE_MAX {
            self.text.bytes(&[byte]);
        } else {
            self.lossy = true;
        }
    }

    /// The line that is whole, if all of it came and it is text.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        let text = core::str::from_utf8(self.text.get()).ok().filter(|_| !self.lossy)?;
        match text.as_bytes() {
            [.., b'\r'] => text.get(..text.len().saturating_sub(1)),
            _ => Some(text),
        }
    }

    /// Begins the next line.
    pub const fn clear(&mut self) {
        self.text.clear();
        self.lossy = false;
        self.whole = false;
    }

    /// Answers the line that is whole, and begins the next one; `false` if the answer has to wait, since the recorder's
    /// line has no room.
    pub fn answer<const S: usize, const U: usize, const A: usize, const T: usize>(
        &mut self,
        gateway: &mut Gateway<S, U, A, T>,
        surroundings: Surroundings<'_>,
        answer: &mut Answer,
    ) -> bool {
        if !gateway.may_change() {
            return false;
        }
        answer.clear();
        let done = match self.text() {
            None => Err("the line is longer than 160 bytes, no UTF-8, or a part of it was lost"),
            // An empty line is how a person tries whether somebody is there.
            Some("") => Ok(()),
            Some(_) if !gateway.serves() => Err("the provisioning is invalid"),
            Some(command) => obey(command, gateway, surroundings, answer),
        };
        if let Err(why) = done {
            answer.clear();
            answer.text("error ").text(why);
        }
        answer.text("\n");
        self.clear();
        true
    }
}

impl Default for Line {
    fn default() -> Self {
        Self::new()
    }
}

fn obey<const S: usize, const U: usize, const A: usize, const T: usize>(
    command: &str,
    gateway: &mut Gateway<S, U, A, T>,
    surroundings: Surroundings<'_>,
    answer: &mut Answer,
) -> Result<(), &'static str> {
    let (verb, rest) = word(command);
    match verb {
        "begin" => begin(rest, gateway, answer),
        "end" => end(rest, gateway, answer),
        "stats" if rest.is_empty() => {
            stats(gateway, surroundings, answer);
            Ok(())
        }
        _ => Err("a command is `begin ID [STATE] UCC`, `end ID UCC` or `stats`"),
    }
}

fn begin<const S: usize, const U: usize, const A: usize, const T: usize>(
    rest: &str,
    gateway: &mut Gateway<S, U, A, T>,
    answer: &mut Answer,
) -> Result<(), &'static str> {
    let (correlation_id, rest) = id(rest)?;
    let (state, name) = match word(rest) {
        (first, behind) if first.bytes().any(|byte| byte == b'/') => (state(first)?, behind),
        _ => (State::INITIAL, rest),
    };
    let ucc = ucc(name)?;
    let (verb, state) = match gateway.begin_session(Session { ucc, correlation_id, state }) {
        Ok(BeginOutcome::New) => ("begun ", state),
        Ok(BeginOutcome::AlreadyOpen(state)) => ("open ", state),
        Err(not_begun) => {
            return Err(match not_begun.kind {
                BeginErrorKind::UnknownUcc => "there is no UCC of this name",
                BeginErrorKind::Full { .. } => "as many sessions are open as there is room for",
                _ => "the session cannot begin",
            });
        }
    };
    answer.text(verb).bytes(correlation_id.hyphenated().as_bytes()).text(" ");
    say(state, answer);
    answer.text(" ").text(ucc.as_str());
    Ok(())
}

fn end<const S: usize, const U: usize, const A: usize, const T: usize>(
    rest: &str,
    gateway: &mut Gateway<S, U, A, T>,
    answer: &mut Answer,
) -> Result<(), &'static str> {
    let (correlation_id, name) = id(rest)?;
    let ucc = ucc(name)?;
    let (state, fate) = gateway.end_session(ucc, correlation_id).ok_or("no such session is open")?;
    answer.text("ended ").bytes(correlation_id.hyphenated().as_bytes()).text(" ");
    say(state, answer);
    answer.text(" ").text(fate.name()).text(" ").text(ucc.as_str());
    Ok(())
}

fn stats<const S: usize, const U: usize, const A: usize, const T: usize>(
    gateway: &Gateway<S, U, A, T>,
    surroundings: Surroundings<'_>,
    answer: &mut Answer,
) {
    let counts = gateway.counts;
    let own = [
        ("sessions", gateway.sessions() as u32),
        ("requests", counts.requests),
        ("changes", counts.changes),
        ("cut", counts.cut),
    ];
    answer.text("stats");
    for (name, number) in own.iter().chain(surroundings.figures) {
        answer.text(" ").text(name).text("=").number(*number);
    }
}

/// What is before the first space, and what after it.
fn word(text: &str) -> (&str, &str) {
    cut(text, b' ')
}

/// What is before the first such byte of ASCII, and what after it.
fn cut(text: &str, at: u8) -> (&str, &str) {
    // By bytes: the searchers of `str` weigh half a kilobyte.
    let end = text.bytes().position(|byte| byte == at).unwrap_or(text.len());
    (text.get(..end).unwrap_or_default(), text.get(end.saturating_add(1)..).unwrap_or_default())
}

fn id(rest: &str) -> Result<(CorrelationId, &str), &'static str> {
    let (id, rest) = word(rest);
    Ok((CorrelationId::parse(id).map_err(|_| "the id is no GUID")?, rest))
}

fn ucc(name: &str) -> Result<UccName<'_>, &'static str> {
    UccName::new(name).map_err(|_| "a UCC's name is 1 to 64 bytes without control characters and `/`")
}

fn state(text: &str) -> Result<State, &'static str> {
    let (recording, rest) = cut(text, b'/');
    let (marking, saving) = cut(rest, b'/');
    match (RecordingState::from_name(recording), MarkingState::from_name(marking), SavingState::from_name(saving)) {
        (Some(recording), Some(marking), Some(saving)) => Ok(State::new(recording, marking, saving)),
        _ => Err("a state is Recording/Marking/Saving by their names, as in Started/None/None"),
    }
}

fn say(state: State, answer: &mut Answer) {
    answer.text(state.recording().name()).text("/").text(state.marking().name());
    answer.text("/").text(state.saving().name());
}
