//! The desk against a model made of maps, and its limits.

use std::collections::HashMap;

use proptest::prelude::*;
use recording_core::decide::Refusal;
use recording_core::desk::{
    AgentSlot, BeginErrorKind, BeginOutcome, BorrowedDesk, Counts, DeskMemory, DirectoryError, EndOutcome, SessionSlot,
    UccSlot,
};
use recording_core::state::{RecordingState, RepeatPolicy};
use recording_core::wire::{CapabilitiesRequest, CorrelationId, SetRequest, SipUri, StateRequest, UccName};
use recording_core::{Action, Desk, Directory, Reply, Request, Session, Settings, State};
use recording_test_support::{codes, naive};

const SESSIONS: usize = 5;
const NAMES: [&str; 3] = ["a", "b", "A"];
const URIS: [&str; 3] = ["sip:x@y", "SIP:X@Y", "sip:z@y"];

type SmallDesk = Desk<SESSIONS, Directory<2, 3, 24>>;

const OPEN: Settings = Settings {
    recording_api_licensed: true,
    use_audio_recording: true,
    agent_can_edit_audio_recording: true,
    save_recording_by_default: true,
    repeats: RepeatPolicy::Refuse,
};

fn name(text: &str) -> UccName<'_> {
    UccName::new(text).expect("a name")
}

fn uri(text: &str) -> SipUri<'_> {
    SipUri::new(text).expect("a URI")
}

/// UCCs `a` and `b`; agent `sip:x@y` of `a` only.
fn desk() -> SmallDesk {
    let mut directory = Directory::new();
    let a = directory.add_ucc(name("a"), OPEN).expect("room");
    directory.add_ucc(name("b"), OPEN).expect("room");
    directory.add_agent(a, uri(URIS[0])).expect("room");
    Desk::new(directory)
}

#[derive(Debug, Clone)]
enum Step {
    Begin(usize, u8, State),
    End(usize, u8),
    Set(usize, u8, usize, Action),
    Read(usize, u8),
}

fn step() -> impl Strategy<Value = Step> {
    let (ucc, id) = (0..NAMES.len(), 0..8_u8);
    let state = prop::sample::select(State::ALL.to_vec());
    let action = prop::sample::select(Action::ALL.to_vec());
    prop_oneof![
        (ucc.clone(), id.clone(), state).prop_map(|(ucc, id, state)| Step::Begin(ucc, id, state)),
        (ucc.clone(), id.clone()).prop_map(|(ucc, id)| Step::End(ucc, id)),
        (ucc.clone(), id.clone(), 0..URIS.len(), action).prop_map(|(u, i, uri, a)| Step::Set(u, i, uri, a)),
        (ucc, id).prop_map(|(ucc, id)| Step::Read(ucc, id)),
    ]
}

fn guid(id: u8) -> CorrelationId {
    CorrelationId::from_u128(u128::from(id) << 120 | u128::from(id))
}

/// What the model keeps, and what it says of a request.
#[derive(Default)]
struct Model(HashMap<(usize, u8), naive::State>);

impl Model {
    fn world(&self, ucc: usize, id: u8, agent: usize) -> naive::World {
        let settings = naive::Ucc {
            licensed: true,
            use_audio_recording: true,
            agent_can_edit: true,
            save_by_default: true,
            repeats_accepted: false,
        };
        naive::World {
            ucc: (ucc < 2).then_some(settings),
            is_agent: ucc == 0 && agent < 2,
            session: self.0.get(&(ucc, id)).copied(),
        }
    }
}

fn run(steps: &[Step]) {
    let mut desk = desk();
    let mut model = Model::default();
    for step in steps {
        match *step {
            Step::Begin(ucc, id, state) => {
                let session = Session { ucc: name(NAMES[ucc]), correlation_id: guid(id), state };
                let got = desk.begin(session).map_err(|not_begun| {
                    assert_eq!(not_begun.session, session);
                    not_begun.kind
                });
                let open = model.0.get(&(ucc, id)).copied();
                match (got, open) {
                    (Err(BeginErrorKind::UnknownUcc), None) => assert_eq!(ucc, 2),
                    (Err(BeginErrorKind::Full { capacity: SESSIONS }), None) => assert_eq!(model.0.len(), SESSIONS),
                    (Ok(BeginOutcome::AlreadyOpen(state)), Some(open)) => assert_eq!(codes(state), open),
                    (Ok(BeginOutcome::New), None) => {
                        assert!(ucc < 2 && model.0.len() < SESSIONS);
                        model.0.insert((ucc, id), codes(state));
                    }
                    other => panic!("{other:?}"),
                }
            }
            Step::End(ucc, id) => match (desk.end(name(NAMES[ucc]), guid(id)), model.0.remove(&(ucc, id))) {
                (Ok(EndOutcome { state, disposition, .. }), Some(open)) => {
                    assert_eq!(codes(state), open);
                    assert_eq!(disposition.name(), naive::disposition(open, true));
                }
                (Err(Refusal::UnknownUcc { .. }), None) => assert_eq!(ucc, 2),
                (Err(Refusal::UnknownSession { .. }), None) => assert!(ucc < 2),
                other => panic!("{other:?}"),
            },
            Step::Set(ucc, id, agent, action) => {
                let request =
                    SetRequest { action, requester: uri(URIS[agent]), correlation_id: guid(id), ucc: name(NAMES[ucc]) };
                let handled = desk.handle(&Request::Set(request));
                let world = model.world(ucc, id, agent);
                let guid = guid(id).to_string();
                let expected = naive::set(&world, NAMES[ucc], &guid, URIS[agent], action.code());
                assert_eq!(written(&handled.reply), expected.reply);
                assert_eq!(handled.event.map(|event| event.action), expected.event.as_ref().map(|_| action));
                assert_eq!(handled.audit_name, expected.event.map(|_| expected.audit));
                if let Some(state) = expected.store {
                    model.0.insert((ucc, id), state);
                }
            }
            Step::Read(ucc, id) => {
                let request = StateRequest { ucc: name(NAMES[ucc]), correlation_id: guid(id) };
                let handled = desk.handle(&Request::State(request));
                let world = model.world(ucc, id, 0);
                assert_eq!(written(&handled.reply), naive::state_reply(&world, NAMES[ucc], &guid(id).to_string()));
                assert!(handled.event.is_none() && handled.audit_name.is_none());
            }
        }
        assert_eq!((desk.len(), desk.is_empty()), (model.0.len(), model.0.is_empty()));
        let mut open: Vec<_> = desk.sessions().map(|s| (s.ucc.to_string(), s.correlation_id, codes(s.state))).collect();
        let mut wanted: Vec<_> =
            model.0.iter().map(|(&(ucc, id), &state)| (NAMES[ucc].to_owned(), guid(id), state)).collect();
        open.sort();
        wanted.sort();
        assert_eq!(open, wanted);
        for (&(ucc, id), &state) in &model.0 {
            assert_eq!(desk.state(name(NAMES[ucc]), guid(id)).map(codes), Some(state));
        }
    }
}

fn written(reply: &Reply<'_>) -> String {
    let mut buffer = [0; Reply::MAX_LEN];
    String::from_utf8(reply.write(&mut buffer).expect("room").to_vec()).expect("UTF-8")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn as_a_model_made_of_maps(steps in prop::collection::vec(step(), 0..60)) {
        run(&steps);
    }

    #[test]
    fn in_memory_that_is_lent(steps in prop::collection::vec(step(), 0..60)) {
        run_lent(&steps);
    }
}

/// Memory for a desk as large as [`SmallDesk`].
struct Lent {
    counts: Counts,
    sessions: Vec<SessionSlot>,
    uccs: Vec<UccSlot>,
    agents: Vec<AgentSlot>,
    text: Vec<u8>,
}

impl Lent {
    fn new() -> Self {
        Self {
            counts: Counts::NONE,
            sessions: vec![SessionSlot::default(); SESSIONS],
            uccs: vec![UccSlot::default(); 2],
            agents: vec![AgentSlot::default(); 3],
            text: vec![0xff; 24],
        }
    }

    fn memory(&mut self) -> DeskMemory<'_> {
        let Self { counts, sessions, uccs, agents, text } = self;
        DeskMemory { counts, sessions, uccs, agents, text }
    }
}

/// UCCs and agents as [`desk`] has them.
fn fill(desk: &mut BorrowedDesk<'_>) {
    let a = desk.add_ucc(name("a"), OPEN).expect("room");
    desk.add_ucc(name("b"), OPEN).expect("room");
    desk.add_agent(a, uri(URIS[0])).expect("room");
}

/// A desk in memory that is lent does in each step what one of its own does, though it is given up and resumed each time, and
/// its memory moves.
fn run_lent(steps: &[Step]) {
    let mut own = desk();
    let mut lent = Lent::new();
    fill(&mut BorrowedDesk::new(lent.memory()));
    for step in steps {
        let Lent { counts, sessions, uccs, agents, text } = lent;
        lent =
            Lent { counts, sessions: sessions.clone(), uccs: uccs.clone(), agents: agents.clone(), text: text.clone() };
        let mut desk = BorrowedDesk::resume(lent.memory());
        match *step {
            Step::Begin(ucc, id, state) => {
                let session = Session { ucc: name(NAMES[ucc]), correlation_id: guid(id), state };
                assert_eq!(desk.begin(session), own.begin(session));
            }
            Step::End(ucc, id) => assert_eq!(desk.end(name(NAMES[ucc]), guid(id)), own.end(name(NAMES[ucc]), guid(id))),
            Step::Set(ucc, id, agent, action) => {
                let request =
                    SetRequest { action, requester: uri(URIS[agent]), correlation_id: guid(id), ucc: name(NAMES[ucc]) };
                assert_eq!(desk.handle(&Request::Set(request)), own.handle(&Request::Set(request)));
            }
            Step::Read(ucc, id) => {
                let request = Request::State(StateRequest { ucc: name(NAMES[ucc]), correlation_id: guid(id) });
                assert_eq!(desk.handle(&request), own.handle(&request));
                assert_eq!(desk.state(name(NAMES[ucc]), guid(id)), own.state(name(NAMES[ucc]), guid(id)));
            }
        }
        assert_eq!((desk.len(), desk.is_empty()), (own.len(), own.is_empty()));
        assert!(desk.sessions().eq(own.sessions()), "the same sessions in the same places");
        assert!((0..desk.len()).map(|place| desk.session_at(place)).eq(own.sessions().map(Some)));
        assert_eq!(desk.session_at(desk.len()), None);
    }
}

#[test]
fn lent_memory_and_its_limits() {
    let mut lent = Lent::new();
    let mut desk = BorrowedDesk::new(lent.memory());
    fill(&mut desk);
    assert_eq!(desk.add_ucc(name("a"), OPEN), Err(DirectoryError::UccExists));
    assert_eq!(desk.add_ucc(name("c"), OPEN), Err(DirectoryError::UccsFull { capacity: 2 }));
    assert_eq!(desk.add_ucc(name(".."), OPEN), Err(DirectoryError::Unreachable));
    let b = desk.find(name("b")).expect("a UCC");
    assert_eq!(desk.add_agent(b, uri("sip:xxxxx@yyyyyy")), Err(DirectoryError::TextFull { capacity: 24 }));
    desk.add_agent(b, uri("sip:x@y")).expect("room");
    desk.add_agent(b, uri("sip:z@y")).expect("room: it fits exactly");
    assert_eq!(desk.add_agent(b, uri("sip:c@y")), Err(DirectoryError::AgentsFull { capacity: 3 }));
    let off = Settings { use_audio_recording: false, repeats: RepeatPolicy::Accept, ..OPEN };
    assert_eq!(desk.set_settings(name("b"), off), Ok(()));
    assert_eq!(desk.set_settings(name("c"), off), Err(Refusal::UnknownUcc { ucc: name("c") }));
    assert_eq!(desk.settings(b), Some(off));
    let state = State::INITIAL;
    for id in 0..5 {
        let session = Session { ucc: name("a"), correlation_id: guid(id), state };
        assert_eq!(desk.begin(session), Ok(BeginOutcome::New));
    }
    let session = Session { ucc: name("a"), correlation_id: guid(5), state };
    assert_eq!(desk.begin(session).map_err(|error| error.kind), Err(BeginErrorKind::Full { capacity: 5 }));
    // A key of another desk, which means nothing to this one.
    let mut empty = Lent::new();
    let mut empty = BorrowedDesk::new(empty.memory());
    assert_eq!(empty.add_agent(b, uri("sip:x@y")), Err(DirectoryError::UnknownUcc));
    assert_eq!((empty.settings(b), empty.find(name("a")), empty.len()), (None, None, 0));
    // The same memory again: what was in it does not matter.
    let again = BorrowedDesk::new(lent.memory());
    assert_eq!((again.find(name("a")), again.len()), (None, 0));
    // No room at all.
    let memory = DeskMemory {
        counts: &mut Counts::NONE.clone(),
        sessions: &mut [],
        uccs: &mut [],
        agents: &mut [],
        text: &mut [],
    };
    let mut none = BorrowedDesk::new(memory);
    assert_eq!(none.add_ucc(name("a"), OPEN), Err(DirectoryError::UccsFull { capacity: 0 }));
    assert!(none.begin(session).is_err_and(|error| error.kind == BeginErrorKind::UnknownUcc));
}

/// More slots than a link can name: the others stay unused.
#[test]
fn no_more_slots_than_there_are_links() {
    let mut lent = Lent { sessions: vec![SessionSlot::EMPTY; BorrowedDesk::MAX_LEN + 2], ..Lent::new() };
    let mut desk = BorrowedDesk::new(lent.memory());
    fill(&mut desk);
    let session = |id: usize| Session {
        ucc: name("a"),
        correlation_id: CorrelationId::from_u128((id as u128) << 64 | 7),
        state: State::INITIAL,
    };
    for id in 0..BorrowedDesk::MAX_LEN {
        assert_eq!(desk.begin(session(id)), Ok(BeginOutcome::New));
    }
    let full = BeginErrorKind::Full { capacity: BorrowedDesk::MAX_LEN };
    assert_eq!(desk.begin(session(70_000)).map_err(|error| error.kind), Err(full));
    assert!(
        (0..BorrowedDesk::MAX_LEN).step_by(101).all(|id| desk.state(name("a"), session(id).correlation_id).is_some())
    );
}

#[test]
fn a_full_desk_hands_the_session_back() {
    let mut desk = desk();
    for id in 0..5 {
        let session = Session { ucc: name("a"), correlation_id: guid(id), state: State::INITIAL };
        assert_eq!(desk.begin(session), Ok(BeginOutcome::New));
    }
    let state = State::INITIAL.with_recording(RecordingState::Paused);
    let session = Session { ucc: name("a"), correlation_id: guid(5), state };
    let not_begun = desk.begin(session).expect_err("full");
    assert_eq!((not_begun.session, not_begun.kind), (session, BeginErrorKind::Full { capacity: 5 }));
    assert_eq!(
        not_begun.to_string(),
        "session 05000000-0000-0000-0000-000000000005 cannot begin: 5 sessions are open already",
    );
    let unknown = desk.begin(Session { ucc: name("c"), ..session }).expect_err("unknown");
    assert_eq!(unknown.to_string(), "No UCC with name:'c' was found.");
    // Room again, and the same session begins.
    desk.end(name("a"), guid(0)).expect("it is open");
    assert_eq!(desk.begin(session), Ok(BeginOutcome::New));
    assert_eq!(desk.state(name("a"), guid(5)), Some(state));
}

#[test]
fn a_directory_and_its_limits() {
    let mut directory = Directory::<2, 3, 24>::default();
    let a = directory.add_ucc(name("a"), OPEN).expect("room");
    assert_eq!(directory.add_ucc(name("a"), OPEN), Err(DirectoryError::UccExists));
    let b = directory.add_ucc(name("A"), OPEN).expect("names differ in case");
    assert_eq!(directory.add_ucc(name("c"), OPEN), Err(DirectoryError::UccsFull { capacity: 2 }));
    directory.add_agent(a, uri("sip:x@y")).expect("room");
    directory.add_agent(a, uri("SIP:X@Y")).expect("the same agent again");
    directory.add_agent(b, uri("sip:x@y")).expect("room");
    assert!(directory.is_agent(a, uri("Sip:X@y")) && !directory.is_agent(a, uri("sips:x@y")));
    assert_eq!(directory.agents(a).map(|uri| uri.to_string()).collect::<Vec<_>>(), ["sip:x@y"]);
    // Two bytes of names and fourteen of URIs: eight are left.
    assert_eq!(directory.add_agent(a, uri("sip:xx@yy")), Err(DirectoryError::TextFull { capacity: 24 }));
    directory.add_agent(a, uri("sip:xx@y")).expect("it fits exactly");
    assert_eq!(directory.add_agent(a, uri("sip:z@y")), Err(DirectoryError::AgentsFull { capacity: 3 }));
    assert_eq!(directory.uccs().collect::<Vec<_>>(), [a, b]);
    assert_eq!(directory.name(b).map(UccName::as_str), Some("A"));
    assert_eq!(directory.find(name("c")), None);

    // A key of another directory that means nothing here.
    let mut other = Directory::<1, 1, 8>::new();
    assert_eq!(other.add_agent(b, uri("sip:x@y")), Err(DirectoryError::UnknownUcc));
    assert_eq!(other.set_settings(b, OPEN), Err(DirectoryError::UnknownUcc));
    assert_eq!((other.settings(b), other.name(b)), (None, None));
    let texts = [
        (DirectoryError::UccExists, "there is a UCC of this name already"),
        (DirectoryError::UccsFull { capacity: 2 }, "more than 2 UCCs"),
        (DirectoryError::AgentsFull { capacity: 3 }, "more than 3 agents"),
        (DirectoryError::TextFull { capacity: 24 }, "names and URIs of more than 24 bytes together"),
        (DirectoryError::UnknownUcc, "no UCC of this directory"),
    ];
    for (error, text) in texts {
        assert_eq!(error.to_string(), text);
    }
}

#[test]
fn settings_change_while_sessions_run() {
    let mut desk = desk();
    desk.begin(Session { ucc: name("a"), correlation_id: guid(1), state: State::INITIAL }).expect("room");
    let ask = Request::Capabilities(CapabilitiesRequest { ucc: name("a") });
    let can_edit = |desk: &mut SmallDesk| match desk.handle(&ask).reply {
        Reply::Capabilities(reply) => reply.agent_can_edit_recordings,
        other => panic!("{other:?}"),
    };
    assert!(can_edit(&mut desk));
    let off = Settings { agent_can_edit_audio_recording: false, save_recording_by_default: false, ..OPEN };
    assert_eq!(desk.set_settings(name("a"), off), Ok(()));
    assert!(!can_edit(&mut desk));
    assert_eq!(desk.set_settings(name("c"), off), Err(Refusal::UnknownUcc { ucc: name("c") }));
    assert_eq!(desk.directory().settings(desk.directory().find(name("a")).expect("a UCC")), Some(off));
}

/// Thousands of sessions in one table: found while there, gone when ended, whatever moved meanwhile.
#[test]
fn a_large_desk_filled_and_emptied() {
    let mut directory = Directory::<1, 1, 8>::new();
    directory.add_ucc(name("a"), OPEN).expect("room");
    let mut desk = Box::new(Desk::<4096, Directory<1, 1, 8>>::new(directory));
    // Ids as a counter gives them, and as they come when only the first digits differ.
    let ids: Vec<_> = (0..4096_u128).map(|n| CorrelationId::from_u128(if n % 2 == 0 { n } else { n << 112 })).collect();
    for &correlation_id in &ids {
        assert_eq!(
            desk.begin(Session { ucc: name("a"), correlation_id, state: State::INITIAL }),
            Ok(BeginOutcome::New)
        );
    }
    assert!(desk.begin(Session { ucc: name("a"), correlation_id: guid(9), state: State::INITIAL }).is_err());
    for (at, &correlation_id) in ids.iter().enumerate() {
        assert!(desk.end(name("a"), correlation_id).is_ok());
        assert_eq!(desk.len(), ids.len() - at - 1);
        assert!(desk.state(name("a"), correlation_id).is_none());
        assert!(ids[at + 1..].iter().step_by(97).all(|&id| desk.state(name("a"), id).is_some()));
    }
}
