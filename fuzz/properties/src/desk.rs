//! Bytes as a story of sessions on a small desk, and on the naive model.

use std::collections::HashMap;
use std::sync::LazyLock;

use recording_core::decide::Refusal;
use recording_core::desk::{BeginErrorKind, BeginOutcome, EndOutcome};
use recording_core::wire::RequestParts;
use recording_core::wire::{CapabilitiesRequest, CorrelationId, SetRequest, SipUri, StateRequest, UccName};
use recording_core::{Action, Desk, Directory, Event, Reply, Request, Scratch, Session, State};

use crate::world::{codes, settings, state};
use recording_test_support::naive;

const SESSIONS: usize = 5;
const IDS: u8 = 8;
/// The last one is of no UCC; they take room as names may.
const NAMES: [&str; 4] = ["ucc-demo-name", "Größe & \"Co\" \\", LONGEST_NAME, "ucc-Demo-name"];
const LONGEST_NAME: &str = "😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀";
/// Two spellings of one agent of every UCC, one of the first UCC alone, and one of none.
const URIS: [&str; 4] = ["sip:agent@domain.com", "SIP:Agent@DOMAIN.com", "sips:a\"\\b@c", "sip:stranger@domain.com"];

type SmallDesk = Desk<SESSIONS, Directory<3, 4, 256>>;

/// All on, repeats accepted; the second UCC refuses them.
const fn at_first(ucc: usize) -> naive::Ucc {
    naive::Ucc {
        licensed: true,
        use_audio_recording: true,
        agent_can_edit: true,
        save_by_default: ucc == 2,
        repeats_accepted: ucc != 1,
    }
}

const fn is_agent(ucc: usize, uri: usize) -> bool {
    ucc < 3 && (uri < 2 || (uri == 2 && ucc == 0))
}

static DESK: LazyLock<SmallDesk> = LazyLock::new(|| {
    let mut directory = Directory::new();
    for ucc in 0..3 {
        let key = directory.add_ucc(name(ucc), settings(at_first(ucc))).expect("room");
        directory.add_agent(key, uri(0)).expect("room");
        if is_agent(ucc, 2) {
            directory.add_agent(key, uri(2)).expect("room");
        }
    }
    Desk::new(directory)
});

fn name(ucc: usize) -> UccName<'static> {
    UccName::new(NAMES[ucc]).expect("a name")
}

fn uri(uri: usize) -> SipUri<'static> {
    SipUri::new(URIS[uri]).expect("a URI")
}

/// Ids that differ in all digits, or in one.
const fn guid(id: u8) -> CorrelationId {
    let id = id as u128;
    CorrelationId::from_u128(if id.is_multiple_of(2) { id } else { id * 0x1111_1111_1111_1111_1111_1111_1111_1111 })
}

/// What a story came to: which of the 252 cells of the transition table were decided, all other checks passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached([bool; Self::CELLS]);

impl Reached {
    /// 36 states by 7 actions, which makes 252.
    pub const CELLS: usize = State::ALL.len() * Action::ALL.len();

    const fn nothing() -> Self {
        Self([false; Self::CELLS])
    }

    fn cell(&mut self, (recording, marking, saving): naive::State, action: u8) {
        let state = (usize::from(recording) * 3 + usize::from(marking)) * 3 + usize::from(saving);
        self.0[state * Action::ALL.len() + usize::from(action) - 1] = true;
    }

    /// The numbers of the cells that were reached.
    pub fn cells(&self) -> impl Iterator<Item = usize> {
        (0..Self::CELLS).filter(|&cell| self.0[cell])
    }
}

/// A step of a story, four bytes of the input. See [`seeds`](crate::seeds) for stories that are made.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    Begin { ucc: usize, id: u8, state: naive::State },
    Set { ucc: usize, id: u8, uri: usize, action: u8 },
    Read { ucc: usize, id: u8 },
    Capabilities { ucc: usize },
    End { ucc: usize, id: u8 },
    Settings { ucc: usize, to: naive::Ucc },
}

impl Step {
    fn of([what, ucc, id, how]: [u8; 4]) -> Self {
        let (ucc, id) = (usize::from(ucc) % NAMES.len(), id % IDS);
        let bit = |at: u8| how >> at & 1 == 1;
        match what % 8 {
            0 => Self::Begin { ucc, id, state: (how % 4, how / 4 % 3, how / 12 % 3) },
            1..=3 => Self::Set { ucc, id, uri: usize::from(how / 7) % URIS.len(), action: how % 7 + 1 },
            4 => Self::Read { ucc, id },
            5 => Self::Capabilities { ucc },
            6 => Self::End { ucc, id },
            _ => Self::Settings {
                ucc,
                to: naive::Ucc {
                    licensed: bit(0),
                    use_audio_recording: bit(1),
                    agent_can_edit: bit(2),
                    save_by_default: bit(3),
                    repeats_accepted: bit(4),
                },
            },
        }
    }

    /// The bytes that mean this.
    pub(crate) fn bytes(self) -> [u8; 4] {
        match self {
            Self::Begin { ucc, id, state: (r, m, s) } => [0, ucc as u8, id, r + 4 * m + 12 * s],
            Self::Set { ucc, id, uri, action } => [1, ucc as u8, id, uri as u8 * 7 + action - 1],
            Self::Read { ucc, id } => [4, ucc as u8, id, 0],
            Self::Capabilities { ucc } => [5, ucc as u8, 0, 0],
            Self::End { ucc, id } => [6, ucc as u8, id, 0],
            Self::Settings { ucc, to } => {
                let bits =
                    [to.licensed, to.use_audio_recording, to.agent_can_edit, to.save_by_default, to.repeats_accepted];
                [7, ucc as u8, 0, (0..).zip(bits).map(|(at, bit)| u8::from(bit) << at).sum()]
            }
        }
    }
}

/// Sessions begun, acted on, read and ended on a desk: every reply, event and fate as the naive model says.
///
/// # Panics
///
/// When one is not.
pub fn desk(data: &[u8]) {
    drop(desk_reaching(data));
}

/// As [`desk`], and says what was reached.
///
/// # Panics
///
/// When the property fails.
#[must_use = "`desk` is for those who do not ask"]
pub fn desk_reaching(data: &[u8]) -> Reached {
    let mut both = Both {
        desk: DESK.clone(),
        settings: core::array::from_fn(at_first),
        sessions: HashMap::new(),
        reached: Reached::nothing(),
    };
    let (steps, _) = data.as_chunks();
    for &step in steps {
        both.step(Step::of(step));
    }
    both.reached
}

/// The desk, and what the naive model keeps.
struct Both {
    desk: SmallDesk,
    settings: [naive::Ucc; 3],
    sessions: HashMap<(usize, u8), naive::State>,
    reached: Reached,
}

impl Both {
    fn step(&mut self, step: Step) {
        match step {
            Step::Begin { ucc, id, state } => self.begin(ucc, id, state),
            Step::End { ucc, id } => self.end(ucc, id),
            Step::Set { ucc, id, uri, action } => self.set(ucc, id, uri, action),
            Step::Read { ucc, id } => {
                let expected = naive::state_reply(&self.facts(ucc, id, 0), NAMES[ucc], &guid(id).to_string());
                let request = StateRequest { ucc: name(ucc), correlation_id: guid(id) };
                let mut target = [0; StateRequest::MAX_TARGET_LEN];
                self.handled(
                    &Request::State(request),
                    b"GET",
                    request.write_target(&mut target).expect("room"),
                    &[],
                    &Said { reply: expected, event: None, audit: None },
                );
            }
            Step::Capabilities { ucc } => {
                let expected = naive::capabilities_reply(&self.facts(ucc, 0, 0), NAMES[ucc]);
                let request = CapabilitiesRequest { ucc: name(ucc) };
                let mut target = [0; CapabilitiesRequest::MAX_TARGET_LEN];
                self.handled(
                    &Request::Capabilities(request),
                    b"HEAD",
                    request.write_target(&mut target).expect("room"),
                    &[],
                    &Said { reply: expected, event: None, audit: None },
                );
            }
            Step::Settings { ucc, to } => match (self.desk.set_settings(name(ucc), settings(to)), ucc) {
                (Ok(()), 0..3) => self.settings[ucc] = to,
                (Err(Refusal::UnknownUcc { .. }), 3) => {}
                (other, _) => panic!("{step:?}: {other:?}"),
            },
        }
        self.alike();
    }

    fn facts(&self, ucc: usize, id: u8, uri: usize) -> naive::World {
        naive::World {
            ucc: self.settings.get(ucc).copied(),
            is_agent: is_agent(ucc, uri),
            session: self.sessions.get(&(ucc, id)).copied(),
        }
    }

    fn begin(&mut self, ucc: usize, id: u8, codes: naive::State) {
        let session = Session { ucc: name(ucc), correlation_id: guid(id), state: state(codes) };
        let got = self.desk.begin(session).map_err(|not_begun| {
            assert_eq!(not_begun.session, session);
            not_begun.kind
        });
        let expected = match self.sessions.get(&(ucc, id)) {
            _ if ucc == 3 => Err(BeginErrorKind::UnknownUcc),
            Some(&open) => Ok(BeginOutcome::AlreadyOpen(state(open))),
            None if self.sessions.len() == SESSIONS => Err(BeginErrorKind::Full { capacity: SESSIONS }),
            None => {
                self.sessions.insert((ucc, id), codes);
                Ok(BeginOutcome::New)
            }
        };
        assert_eq!(got, expected);
    }

    fn end(&mut self, ucc: usize, id: u8) {
        match (self.desk.end(name(ucc), guid(id)), self.sessions.remove(&(ucc, id))) {
            (Ok(EndOutcome { state, disposition, .. }), Some(open)) => {
                assert_eq!(codes(state), open);
                assert_eq!(disposition.name(), naive::disposition(open, self.settings[ucc].save_by_default));
            }
            (Err(Refusal::UnknownUcc { ucc: asked }), None) => assert_eq!((ucc, asked), (3, name(ucc))),
            (Err(Refusal::UnknownSession { correlation_id }), None) => assert!(ucc < 3 && correlation_id == guid(id)),
            other => panic!("{other:?}"),
        }
    }

    fn set(&mut self, ucc: usize, id: u8, requester: usize, code: u8) {
        let facts = self.facts(ucc, id, requester);
        let naive = naive::set(&facts, NAMES[ucc], &guid(id).to_string(), URIS[requester], code);
        if let naive::World { ucc: Some(settings), is_agent: true, session: Some(state) } = facts
            && settings.licensed
            && settings.use_audio_recording
            && settings.agent_can_edit
        {
            self.reached.cell(state, code);
        }
        if let Some(after) = naive.store {
            self.sessions.insert((ucc, id), after);
        }
        let action = Action::from_code(code).expect("an action");
        let request = SetRequest { action, requester: uri(requester), correlation_id: guid(id), ucc: name(ucc) };
        let mut body = [0; SetRequest::MAX_LEN];
        let audit = naive.event.as_ref().map(|_| naive.audit);
        self.handled(
            &Request::Set(request),
            b"POST",
            SetRequest::TARGET.as_bytes(),
            request.write(&mut body).expect("room"),
            &Said { reply: naive.reply, event: naive.event, audit },
        );
    }

    /// Hands a request in, as it comes over the wire, and compares what is said.
    fn handled(&mut self, request: &Request<'_>, method: &[u8], target: &[u8], body: &[u8], expected: &Said) {
        let mut scratch = Scratch::new();
        let read =
            Request::read(RequestParts { method, target, content_type: Some(b"application/json"), body }, &mut scratch);
        assert_eq!(read, Ok(*request));
        let handled = self.desk.handle(request);
        let mut room = [0; Reply::MAX_LEN];
        let reply = str::from_utf8(handled.reply.write(&mut room).expect("room")).expect("UTF-8");
        assert_eq!((handled.reply.status(), reply), (200, expected.reply.as_str()));
        let mut room = [0; Event::MAX_LEN];
        let event = handled.event.map(|event| event.write(&mut room).map(str::from_utf8));
        assert_eq!(event, expected.event.as_deref().map(|event| Ok(Ok(event))));
        assert_eq!(handled.audit_name, expected.audit);
    }

    /// The desk holds exactly the sessions that it should.
    fn alike(&self) {
        assert_eq!((self.desk.len(), self.desk.is_empty()), (self.sessions.len(), self.sessions.is_empty()));
        assert_eq!(self.desk.sessions().count(), self.sessions.len());
        for session in self.desk.sessions() {
            let known = |&(ucc, id): &(usize, u8)| session.ucc == name(ucc) && session.correlation_id == guid(id);
            let (_, &open) = self.sessions.iter().find(|(key, _)| known(key)).expect("a session of the model");
            assert_eq!(codes(session.state), open);
        }
        for (&(ucc, id), &open) in &self.sessions {
            assert_eq!(self.desk.state(name(ucc), guid(id)).map(codes), Some(open));
        }
    }
}

/// What must be said of a request.
struct Said {
    reply: String,
    event: Option<String>,
    audit: Option<&'static str>,
}
