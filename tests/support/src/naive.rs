//! A second, deliberately naive implementation of the recording API's decisions, for tests to compare
//! the real one with. It shares no code with the crate: every rule is written out again from the protocol
//! description, whose sections the comments name.

/// Section 2: the wire codes of recording, marking and saving.
pub type State = (u8, u8, u8);

/// Section 4: the settings of one UCC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ucc {
    pub licensed: bool,
    pub use_audio_recording: bool,
    pub agent_can_edit: bool,
    pub save_by_default: bool,
    pub repeats_accepted: bool,
}

/// Section 7: the facts that decide one request; `None` is an unknown UCC, or no such session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct World {
    pub ucc: Option<Ucc>,
    pub is_agent: bool,
    pub session: Option<State>,
}

/// Section 3: what an action does to a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Changed(State),
    Unchanged,
    Refused,
}

/// Sections 6 to 8: what follows from a `set`; `audit` names the action's record whatever the outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAnswer {
    pub reply: String,
    pub event: Option<String>,
    pub store: Option<State>,
    pub audit: &'static str,
}

/// Sections 5 and 6: what is known before any body is read; a `Status` is 404, 405 with `Allow`, or 415.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Head {
    Status(u16, Option<&'static str>),
    Bad400,
    State { ucc: String, id: String },
    Capabilities { ucc: String },
    Set,
}

/// Section 2: the names of the states by wire code.
pub const RECORDING: [&str; 4] = ["Uninitialized", "Started", "Stopped", "Paused"];
pub const MARKING: [&str; 3] = ["None", "Mark", "Unmark"];
pub const SAVING: [&str; 3] = ["None", "Save", "Delete"];

/// Section 3: the name of an action 1 to 7.
pub fn action_name(action: u8) -> &'static str {
    ["Start", "Stop", "Pause", "Save", "Delete", "Mark", "UnMark"][usize::from(action) - 1]
}

/// Section 8: the names of the call-detail records of actions 1 to 7.
pub const AUDIT: [&str; 7] = [
    "RecorderSetToStartByAgent",
    "RecorderSetToStopByAgent",
    "RecorderSetToPauseByAgent",
    "RecorderSetToSaveByAgent",
    "RecorderSetToDeleteByAgent",
    "RecorderSetToMarkByAgent",
    "RecorderSetToUnMarkByAgent",
];

/// Section 3: the ids of the actions.
pub const fn actions() -> core::ops::RangeInclusive<u8> {
    1..=AUDIT.len() as u8
}

/// Section 3: the transition table, by action and recording code.
pub fn step(state: State, action: u8) -> Step {
    let (recording, marking, saving) = state;
    // Nothing to stop or pause while Uninitialized, nothing to pause while Stopped; all else is allowed.
    let after = match (action, recording) {
        (2, 0) | (3, 0) | (3, 2) => return Step::Refused,
        (1, _) => (1, marking, saving),
        (2, _) => (2, marking, saving),
        (3, _) => (3, marking, saving),
        (4, _) => (recording, marking, 1),
        (5, _) => (recording, marking, 2),
        (6, _) => (recording, 1, saving),
        (7, _) => (recording, 2, saving),
        _ => panic!("no action {action}"),
    };
    if after == state { Step::Unchanged } else { Step::Changed(after) }
}

/// Section 4: the fate of a recording whose session ends.
pub const fn disposition(state: State, save_by_default: bool) -> &'static str {
    match (state.0, state.2) {
        (0, _) => "NothingRecorded",
        (_, 1) => "Keep",
        (_, 0) if save_by_default => "Keep",
        _ => "Discard",
    }
}

/// Section 6: a JSON string, its quotes included.
pub fn json_string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\u{1f}' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            _ => out.push(c),
        }
    }
    out + "\""
}

/// Section 7: the number of the first check that fails; `action` is what a set wants.
fn failing_check(facts: &World, action: Option<u8>) -> Option<u8> {
    let is_set = action.is_some();
    match (facts.ucc, facts.session) {
        (None, _) => Some(2),
        (Some(ucc), _) if !ucc.licensed => Some(3),
        (Some(ucc), _) if !ucc.use_audio_recording => Some(4),
        (Some(ucc), _) if is_set && !ucc.agent_can_edit => Some(5),
        (Some(_), _) if is_set && !facts.is_agent => Some(6),
        (Some(_), None) => Some(7),
        (Some(ucc), Some(state)) => match action.map(|action| step(state, action)) {
            Some(Step::Refused) => Some(8),
            Some(Step::Unchanged) if !ucc.repeats_accepted => Some(9),
            _ => None,
        },
    }
}

/// Section 7: the value of `ErrorMessage`; `sip`, `action` and `state` matter to checks 6, 8 and 9 only.
fn error(check: Option<u8>, ucc: &str, id: &str, sip: &str, action: u8, state: State) -> String {
    let name = action_name(action);
    let recorder = RECORDING[usize::from(state.0)];
    let already = match action {
        1..=3 => recorder,
        4..=5 => SAVING[usize::from(state.2)],
        _ => MARKING[usize::from(state.1)],
    };
    let (error_type, message) = match check {
        None => return "null".to_string(),
        Some(2) => (2, format!("No UCC with name:'{ucc}' was found.")),
        Some(3) => (1, format!("The license of UCC:'{ucc}' does not include the recording API.")),
        Some(4) => (1, format!("UseAudioRecording is not enabled for UCC:'{ucc}'.")),
        Some(5) => (1, format!("AgentCanEditAudioRecording is not enabled for UCC:'{ucc}'.")),
        Some(6) => (2, format!("Requester:'{sip}' is not an agent of UCC:'{ucc}'.")),
        Some(7) => (2, format!("No Audio session with correlation Id:'{id}' was found.")),
        Some(8) => (2, format!("Action:'{name}' is not allowed while the recorder is '{recorder}'.")),
        _ => (2, format!("Action:'{name}' would change nothing: the state is already '{already}'.")),
    };
    let message = json_string(&message);
    format!(r#"{{"ErrorType":{error_type},"Message":{message}}}"#)
}

/// Sections 6 and 7: the body of state and set; checks 2 to 7 hide the state.
fn session_json(ucc: &str, id: &str, check: Option<u8>, state: State, error: &str) -> String {
    let (r, m, s) = if matches!(check, Some(2..=7)) { (0, 0, 0) } else { state };
    let states = format!(r#""RecordingState":{r},"MarkingState":{m},"SavingState":{s}"#);
    let (ucc, id) = (json_string(ucc), json_string(id));
    format!(r#"{{"CorrelationId":{id},{states},"ErrorMessage":{error},"UCCName":{ucc}}}"#)
}

/// Sections 6 and 7: the reply to an understood state request.
pub fn state_reply(facts: &World, ucc: &str, id: &str) -> String {
    let state = facts.session.unwrap_or((0, 0, 0));
    let check = failing_check(facts, None);
    session_json(ucc, id, check, state, &error(check, ucc, id, "", 1, state))
}

/// Sections 6 and 7: the reply to an understood capabilities request.
pub fn capabilities_reply(facts: &World, ucc: &str) -> String {
    let can_edit = facts.ucc.is_some_and(|u| u.licensed && u.use_audio_recording && u.agent_can_edit);
    let check = if facts.ucc.is_none() { Some(2) } else { None };
    let (error, ucc) = (error(check, ucc, "", "", 1, (0, 0, 0)), json_string(ucc));
    format!(r#"{{"AgentCanEditRecordings":{can_edit},"ErrorMessage":{error},"UCCName":{ucc}}}"#)
}

/// Sections 3 and 6 to 8: what follows from an understood set.
pub fn set(facts: &World, ucc: &str, id: &str, sip: &str, action: u8) -> SetAnswer {
    let before = facts.session.unwrap_or((0, 0, 0));
    let check = failing_check(facts, Some(action));
    let store = match (check, step(before, action)) {
        (None, Step::Changed(after)) => Some(after),
        _ => None,
    };
    let error = error(check, ucc, id, sip, action, before);
    let (u, i) = (json_string(ucc), json_string(id));
    let event = format!(r#"{{"UccName":{u},"CorrelationId":{i},"StateAction":{action}}}"#);
    SetAnswer {
        reply: session_json(ucc, id, check, store.unwrap_or(before), &error),
        event: store.map(|_| event),
        store,
        audit: AUDIT[usize::from(action) - 1],
    }
}

/// Section 9: a correlation id as it is written back, or `None` if it is no GUID.
pub fn guid(text: &str) -> Option<String> {
    let inner = match text.len() {
        38 => text.strip_prefix('{')?.strip_suffix('}')?,
        36 | 32 => text,
        _ => return None,
    };
    let mut rest = inner.chars();
    let mut out = String::new();
    for at in 0..36 {
        if ![8, 13, 18, 23].contains(&at) {
            out.push(rest.next().filter(char::is_ascii_hexdigit)?.to_ascii_lowercase());
        } else if inner.len() == 32 || rest.next() == Some('-') {
            out.push('-');
        } else {
            return None;
        }
    }
    Some(out)
}

/// Section 9: whether a decoded text can name a UCC.
pub fn ucc_name_ok(name: &str) -> bool {
    let bad = |c| matches!(c, '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '/');
    (1..=64).contains(&name.len()) && !name.chars().any(bad)
}

/// Section 9: whether a text can name a requester.
pub fn sip_ok(sip: &str) -> bool {
    let visible_ascii = sip.bytes().all(|b| matches!(b, 0x21..=0x7e));
    let lower = sip.to_ascii_lowercase();
    let rest = lower.strip_prefix("sips:").or(lower.strip_prefix("sip:"));
    let sides: Vec<&str> = rest.unwrap_or("").split('@').collect();
    sip.len() <= 255 && visible_ascii && sides.len() == 2 && !sides.contains(&"")
}

/// Section 9: whether two texts name the same requester.
pub const fn sip_same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

/// Sections 5 and 9: a path part percent-decoded, or `None` for a bad escape or bad UTF-8.
fn decoded(part: &[u8]) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = part.iter();
    while let Some(byte) = rest.next() {
        let mut hex_digit = || char::from(*rest.next()?).to_digit(16);
        bytes.push(if *byte == b'%' { (hex_digit()? * 16 + hex_digit()?) as u8 } else { *byte });
    }
    String::from_utf8(bytes).ok()
}

/// Section 5: the path of a target without its query; of an absolute target what follows the host.
fn path(target: &[u8]) -> Option<&[u8]> {
    let target = target.split(|b| *b == b'?').next()?;
    for scheme in ["http://", "https://"] {
        let (start, rest) = target.split_at_checked(scheme.len()).unwrap_or_default();
        if start.eq_ignore_ascii_case(scheme.as_bytes()) {
            let host_len = rest.iter().position(|b| *b == b'/')?;
            return (host_len > 0).then_some(&rest[host_len..]);
        }
    }
    target.starts_with(b"/").then_some(target)
}

/// Section 6: whether a Content-Type is `application/json`, with parameters or without.
fn is_json(content_type: Option<&[u8]>) -> bool {
    let text = String::from_utf8_lossy(content_type.unwrap_or(b""));
    let name = text.split(';').next().unwrap_or("").trim_matches([' ', '\t']);
    name.eq_ignore_ascii_case("application/json")
}

/// Sections 5, 6 and 9: which request this is, or the status that refuses it.
pub fn head(method: &str, target: &[u8], content_type: Option<&[u8]>) -> Head {
    const UNKNOWN: Head = Head::Status(404, None);
    let Some(path) = path(target) else { return UNKNOWN };
    let parts: Vec<&[u8]> = path[1..].split(|b| *b == b'/').collect();
    if parts.iter().any(|part| part.is_empty()) {
        return UNKNOWN;
    }
    let call = match parts.as_slice() {
        [b"attendantservice", b"api", b"recording", call @ ..] => call,
        [b"attendantservice", b"api", b"v2", b"recording", call @ ..] => call,
        _ => return UNKNOWN,
    };
    let ucc_name = |part| decoded(part).filter(|name| ucc_name_ok(name));
    match call {
        [b"set"] if method != "POST" => Head::Status(405, Some("POST")),
        [b"set"] if !is_json(content_type) => Head::Status(415, None),
        [b"set"] => Head::Set,
        [_, _] if method != "GET" && method != "HEAD" => Head::Status(405, Some("GET, HEAD")),
        [b"capabilities", ucc] => match ucc_name(ucc) {
            Some(ucc) => Head::Capabilities { ucc },
            None => Head::Bad400,
        },
        [ucc, id] => match (ucc_name(ucc), decoded(id).and_then(|id| guid(&id))) {
            (Some(ucc), Some(id)) => Head::State { ucc, id },
            _ => Head::Bad400,
        },
        _ => UNKNOWN,
    }
}
