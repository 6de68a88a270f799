//! Bytes as calls of the C functions, with pointers and lengths that lie within what C allows: null, of no length, over
//! the greatest length, to exactly as many bytes as is said, to memory that holds anything.
//!
//! What must come of each call is known: a plain model keeps UCCs and sessions in lists, and the core, called in Rust,
//! says what is answered. Every buffer is a piece of the heap of its own, so that a sanitizer sees a byte too many.

use core::ffi::c_void;
use core::mem::MaybeUninit;
use core::ptr::{null, null_mut};

use recording_core::{
    CorrelationId, Event, Rejection, Repeats, Reply, Request, Scratch, SetDecision, SetFacts, Settings, SipUri, State,
    StateFacts, UccName,
};
use recording_core_c::*;

use rc_status::*;

const CAPACITIES: rc_capacities = rc_capacities { sessions: 3, uccs: 2, agents: 3, text: 90 };
const NAMES: [&str; 4] = ["ucc-demo-name", "Größe & \"Co\"", "u", "a/b"];
const URIS: [&str; 4] = ["sip:agent@domain.com", "SIP:Agent@domain.com", "sips:\"@c", "agent@domain.com"];
const IDS: [&str; 4] = [
    "1d6c6a58-6739-4f0c-98ff-0968292c8c30",
    "{6F9619FF-8B86-4D01-B42D-00CF4FC964FF}",
    "00000000000000000000000000000001",
    "urn:uuid:1d6c6a58-6739-4f0c-98ff-0968292c8c30",
];

/// The input, read from its front.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn byte(&mut self) -> u8 {
        let Some((&byte, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        byte
    }

    fn piece(&mut self, len: usize) -> &'a [u8] {
        let (piece, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        piece
    }

    /// One of these, or bytes of the input, or what is no text.
    fn text(&mut self, known: &[&str]) -> Text {
        match self.byte() {
            0xff => Text::Null(0),
            0xfe => Text::Null(usize::from(self.byte()) + 1),
            0xfd => Text::Endless(usize::MAX - usize::from(self.byte())),
            0xfc => {
                let len = self.byte();
                Text::Bytes(self.piece(len.into()).into())
            }
            other => Text::Bytes(known[usize::from(other) % known.len()].as_bytes().into()),
        }
    }

    fn settings(&mut self) -> rc_settings {
        let bits = self.byte();
        // Of eight, one is nonsense.
        let on = |at: u8| if bits >> 5 == 7 && bits & 7 == at { bits } else { bits >> at & 1 };
        rc_settings {
            recording_api_licensed: on(0),
            use_audio_recording: on(1),
            agent_can_edit_audio_recording: on(2),
            save_recording_by_default: on(3),
            repeats: on(4),
        }
    }

    fn request(&mut self) -> [Text; 4] {
        let body = match self.byte() % 4 {
            0 => {
                return [
                    self.text(&["GET", "POST"]),
                    self.text(&["/"]),
                    self.text(&["text/plain"]),
                    self.text(&["{}"]),
                ];
            }
            1 => {
                let action = format!("{:?}", ["Start", "Stop", "Pause", "Mark"][usize::from(self.byte() % 4)]);
                let [uri, id, ucc] = [URIS, IDS, NAMES].map(|known| known[usize::from(self.byte() % 4)]);
                format!(r#"{{"Action":{action},"RequesterSipUri":{uri:?},"CorrelationId":"{id}","UCCName":{ucc:?}}}"#)
            }
            2 => {
                let action = self.byte() % 9;
                let (id, ucc) = (IDS[0], NAMES[usize::from(self.byte() % 2)]);
                format!(
                    r#"{{"Action":{action},"RequesterSipUri":"sip:agent@domain.com","CorrelationId":"{id}","UCCName":{ucc:?}}}"#
                )
            }
            _ => {
                let (ucc, id) = (NAMES[usize::from(self.byte() % 4)], IDS[usize::from(self.byte() % 4)]);
                let path =
                    if self.byte().is_multiple_of(4) { format!("capabilities/{ucc}") } else { format!("{ucc}/{id}") };
                let target = format!("/attendantservice/api/recording/{path}");
                return ["GET", &target, "", ""].map(|text| Text::Bytes(text.as_bytes().into()));
            }
        };
        ["POST", "/attendantservice/api/recording/set", "application/json", &body]
            .map(|text| Text::Bytes(text.as_bytes().into()))
    }
}

/// A text as a C program may give it.
enum Text {
    Null(usize),
    Endless(usize),
    Bytes(Box<[u8]>),
}

impl Text {
    fn c(&self) -> rc_text {
        match self {
            Self::Null(len) => rc_text { data: null(), len: *len },
            Self::Endless(len) => rc_text { data: NAMES[0].as_ptr().cast(), len: *len },
            Self::Bytes(bytes) => rc_text { data: bytes.as_ptr().cast(), len: bytes.len() },
        }
    }

    fn bytes(&self) -> Result<&[u8], rc_status> {
        match self {
            Self::Null(0) => Ok(&[]),
            Self::Null(_) => Err(RC_NULL),
            Self::Endless(_) => Err(RC_TOO_LONG),
            Self::Bytes(bytes) => Ok(bytes),
        }
    }

    fn read<'a, T>(&'a self, of: impl FnOnce(&'a str) -> Option<T>, otherwise: rc_status) -> Result<T, rc_status> {
        str::from_utf8(self.bytes()?).ok().and_then(of).ok_or(otherwise)
    }

    fn ucc(&self) -> Result<UccName<'_>, rc_status> {
        self.read(|text| UccName::new(text).ok(), RC_NO_UCC_NAME)
    }

    fn id(&self) -> Result<CorrelationId, rc_status> {
        self.read(|text| CorrelationId::parse(text).ok(), RC_NO_CORRELATION_ID)
    }
}

/// As `rc_settings::settings`, written out again.
fn settings(given: rc_settings) -> Result<Settings, rc_status> {
    let on = |byte: u8| (byte < 2).then_some(byte == 1).ok_or(RC_NO_CODE);
    Ok(Settings {
        recording_api_licensed: on(given.recording_api_licensed)?,
        use_audio_recording: on(given.use_audio_recording)?,
        agent_can_edit_audio_recording: on(given.agent_can_edit_audio_recording)?,
        save_recording_by_default: on(given.save_recording_by_default)?,
        repeats: if on(given.repeats)? { Repeats::Refuse } else { Repeats::Accept },
    })
}

/// What a desk holds, in lists.
#[derive(Default)]
struct Model {
    uccs: Vec<(String, Settings)>,
    agents: Vec<(usize, String)>,
    sessions: Vec<(usize, CorrelationId, State)>,
    text: usize,
}

impl Model {
    fn ucc(&self, name: UccName<'_>) -> Result<usize, rc_status> {
        self.uccs.iter().position(|(known, _)| known == name.as_str()).ok_or(RC_UNKNOWN_UCC)
    }

    fn keep(&mut self, text: &str) -> Result<String, rc_status> {
        if self.text + text.len() > CAPACITIES.text as usize {
            return Err(RC_TEXT_FULL);
        }
        self.text += text.len();
        Ok(text.to_owned())
    }

    fn add_ucc(&mut self, name: &Text, given: rc_settings) -> Result<(), rc_status> {
        let (name, settings) = (name.ucc()?, settings(given)?);
        if self.ucc(name).is_ok() {
            return Err(RC_UCC_EXISTS);
        }
        if self.uccs.len() == CAPACITIES.uccs as usize {
            return Err(RC_UCCS_FULL);
        }
        let name = self.keep(name.as_str())?;
        self.uccs.push((name, settings));
        Ok(())
    }

    fn set_settings(&mut self, name: &Text, given: rc_settings) -> Result<(), rc_status> {
        let (name, settings) = (name.ucc()?, settings(given)?);
        let ucc = self.ucc(name)?;
        self.uccs[ucc].1 = settings;
        Ok(())
    }

    fn is_agent(&self, ucc: usize, uri: &str) -> bool {
        self.agents.iter().any(|(of, known)| *of == ucc && known.eq_ignore_ascii_case(uri))
    }

    fn add_agent(&mut self, name: &Text, uri: &Text) -> Result<(), rc_status> {
        let (name, uri) = (name.ucc()?, uri.read(|text| SipUri::new(text).ok(), RC_NO_SIP_URI)?);
        let ucc = self.ucc(name)?;
        if self.is_agent(ucc, uri.as_str()) {
            return Ok(());
        }
        if self.agents.len() == CAPACITIES.agents as usize {
            return Err(RC_AGENTS_FULL);
        }
        let uri = self.keep(uri.as_str())?;
        self.agents.push((ucc, uri));
        Ok(())
    }

    fn session(&self, ucc: usize, id: CorrelationId) -> Option<usize> {
        self.sessions.iter().position(|session| (session.0, session.1) == (ucc, id))
    }

    fn begin(&mut self, name: &Text, id: &Text, state: u8) -> Result<(), rc_status> {
        let (name, id, state) = (name.ucc()?, id.id()?, State::from_byte(state).ok_or(RC_NO_STATE)?);
        let ucc = self.ucc(name)?;
        if self.session(ucc, id).is_some() {
            return Err(RC_ALREADY_OPEN);
        }
        if self.sessions.len() == CAPACITIES.sessions as usize {
            return Err(RC_SESSIONS_FULL);
        }
        self.sessions.push((ucc, id, state));
        Ok(())
    }

    fn find(&self, name: &Text, id: &Text) -> Result<usize, rc_status> {
        let (name, id) = (name.ucc()?, id.id()?);
        let ucc = self.ucc(name)?;
        self.session(ucc, id).ok_or(RC_UNKNOWN_SESSION)
    }

    /// The facts that a request asks for, as C has them.
    fn facts(&self, request: &Request<'_>) -> rc_facts {
        let (ucc, id, requester) = match *request {
            Request::State(read) => (read.ucc, Some(read.correlation_id), ""),
            Request::Set(set) => (set.ucc, Some(set.correlation_id), set.requester.as_str()),
            Request::Capabilities(asked) => (asked.ucc, None, ""),
        };
        let mut facts: rc_facts = zeroed();
        if let Ok(ucc) = self.ucc(ucc) {
            let settings = self.uccs[ucc].1;
            facts.ucc_known = 1;
            facts.requester_is_agent = self.is_agent(ucc, requester).into();
            facts.settings = rc_settings {
                recording_api_licensed: settings.recording_api_licensed.into(),
                use_audio_recording: settings.use_audio_recording.into(),
                agent_can_edit_audio_recording: settings.agent_can_edit_audio_recording.into(),
                save_recording_by_default: settings.save_recording_by_default.into(),
                repeats: (settings.repeats == Repeats::Refuse).into(),
            };
            if let Some(session) = id.and_then(|id| self.session(ucc, id)) {
                facts.session_known = 1;
                facts.session = self.sessions[session].2.to_byte();
            }
        }
        facts
    }

    fn store(&mut self, request: &Request<'_>, to: State) {
        let Request::Set(set) = request else { panic!("a change of something else than a set") };
        let ucc = self.ucc(set.ucc).expect("a change in a UCC that there is");
        let session = self.session(ucc, set.correlation_id).expect("a change of a session that there is");
        self.sessions[session].2 = to;
    }
}

/// What the core says by these facts, in Rust: the reply, and the event and the new state, if it changes something.
fn decide<'a>(request: &Request<'a>, facts: &rc_facts) -> (Reply<'a>, Option<(Event<'a>, State)>) {
    let known = facts.ucc_known == 1;
    let of = settings(facts.settings).expect("settings");
    let session = (facts.session_known == 1).then(|| State::from_byte(facts.session).expect("a state"));
    match request {
        Request::State(read) => {
            (Reply::State(read.decide(known.then_some(StateFacts { settings: of, session }))), None)
        }
        Request::Capabilities(asked) => (Reply::Capabilities(asked.decide(known.then_some(of))), None),
        Request::Set(set) => {
            let requester_is_agent = facts.requester_is_agent == 1;
            match set.decide(known.then_some(SetFacts { settings: of, requester_is_agent, session })) {
                SetDecision::Answer(answer) => (Reply::State(answer.reply), None),
                SetDecision::Store(pending) => {
                    let to = pending.to();
                    let stored = pending.stored();
                    (Reply::State(stored.reply), Some((stored.event, to)))
                }
            }
        }
    }
}

fn zeroed<T: Copy>() -> T {
    // SAFETY: called for structs of C alone, of numbers and pointers.
    unsafe { MaybeUninit::zeroed().assume_init() }
}

/// An answer with buffers of these sizes, each a piece of the heap of its own.
struct Room {
    reply: Vec<u8>,
    event: Vec<u8>,
    answer: rc_answer,
}

impl Room {
    fn new(reply: usize, event: usize) -> Self {
        let (mut reply, mut event) = (vec![0xee; reply], vec![0xee; event]);
        let buffer = |bytes: &mut [u8]| rc_buffer { data: bytes.as_mut_ptr().cast(), capacity: bytes.len(), len: 0xee };
        let (reply_buffer, event_buffer) = (buffer(&mut reply), buffer(&mut event));
        let answer = rc_answer { reply: reply_buffer, event: event_buffer, status: 0xeeee, ..zeroed() };
        Self { reply, event, answer }
    }

    fn untouched(&self) -> bool {
        let Self { reply, event, answer } = self;
        let bytes = reply.iter().chain(event).all(|&byte| byte == 0xee);
        bytes && (answer.status, answer.reply.len, answer.event.len) == (0xeeee, 0xee, 0xee)
    }

    fn says(&self, reply: &Reply<'_>, event: Option<Event<'_>>) {
        let (mut reply_room, mut event_room) = ([0; Reply::MAX_LEN], [0; Event::MAX_LEN]);
        let expected = reply.write(&mut reply_room).expect("room");
        assert_eq!(&self.reply[..self.answer.reply.len], expected);
        assert_eq!(self.answer.status, reply.status());
        assert_eq!(self.answer.allow.is_null(), reply.allow().is_none());
        let expected = event.map_or(&[][..], |event| event.write(&mut event_room).expect("room"));
        assert_eq!(&self.event[..self.answer.event.len], expected);
        assert_eq!(self.answer.action, event.map_or(0, |event| event.action.code()));
        assert_eq!(self.answer.audit_name.is_null(), event.is_none());
    }
}

fn c_request(texts: &[Text; 4]) -> rc_request {
    let [method, target, content_type, body] = texts.each_ref().map(Text::c);
    rc_request { method, target, content_type, body }
}

/// The request in Rust, or the status of what C cannot mean.
fn read<'a>(texts: &'a [Text; 4], scratch: &'a mut Scratch) -> Result<Result<Request<'a>, Rejection>, rc_status> {
    let [method, target, content_type, body] = texts;
    let header = match content_type {
        Text::Null(0) => None,
        text => Some(text.bytes()?),
    };
    Ok(Request::read(method.bytes()?, target.bytes()?, header, body.bytes()?, scratch))
}

/// A desk of C and what it should be.
struct Both {
    memory: Box<[u64]>,
    model: Model,
}

impl Both {
    fn new(fill: u8) -> Self {
        let fill = u64::from_ne_bytes([fill; 8]);
        // SAFETY: a struct that lives here.
        let size = unsafe { rc_desk_size(&CAPACITIES) };
        let mut memory = vec![fill; size / 8].into_boxed_slice();
        let mut desk = null_mut();
        // SAFETY: the memory, of its size, and structs that live here.
        let status = unsafe { rc_desk_init(memory.as_mut_ptr().cast(), size, &CAPACITIES, &mut desk) };
        assert!(status == RC_OK && desk.cast() == memory.as_mut_ptr());
        Self { memory, model: Model::default() }
    }

    fn desk(&mut self) -> *mut rc_desk {
        self.memory.as_mut_ptr().cast()
    }

    fn step(&mut self, input: &mut Input<'_>) {
        let expect = |done: Result<(), rc_status>| done.err().unwrap_or(RC_OK);
        let desk = self.desk();
        match input.byte() % 12 {
            0 => {
                let (name, given) = (input.text(&NAMES), input.settings());
                let expected = expect(self.model.add_ucc(&name, given));
                // SAFETY: a desk, and what lives here.
                assert_eq!(unsafe { rc_desk_add_ucc(desk, name.c(), &given) }, expected);
            }
            1 => {
                let (name, given) = (input.text(&NAMES), input.settings());
                let expected = expect(self.model.set_settings(&name, given));
                // SAFETY: the same.
                assert_eq!(unsafe { rc_desk_set_settings(desk, name.c(), &given) }, expected);
            }
            2 => {
                let (name, uri) = (input.text(&NAMES), input.text(&URIS));
                let expected = expect(self.model.add_agent(&name, &uri));
                // SAFETY: the same.
                assert_eq!(unsafe { rc_desk_add_agent(desk, name.c(), uri.c()) }, expected);
            }
            3 => {
                let (name, id, state) = (input.text(&NAMES), input.text(&IDS), input.byte());
                let expected = expect(self.model.begin(&name, &id, state));
                // SAFETY: the same.
                assert_eq!(unsafe { rc_desk_begin(desk, name.c(), id.c(), state) }, expected);
            }
            4 => {
                let (name, id) = (input.text(&NAMES), input.text(&IDS));
                let (mut ended, untouched) = (rc_ended { state: 0xee, disposition: 0xee }, 0xee);
                // SAFETY: the same.
                let status = unsafe { rc_desk_end(desk, name.c(), id.c(), &mut ended) };
                match self.model.find(&name, &id) {
                    Ok(session) => {
                        let (ucc, _, state) = self.model.sessions.remove(session);
                        let fate = self.model.uccs[ucc].1.disposition(state).code();
                        assert_eq!((status, ended.state, ended.disposition), (RC_OK, state.to_byte(), fate));
                    }
                    Err(why) => assert_eq!((status, ended.state, ended.disposition), (why, untouched, untouched)),
                }
            }
            5 => {
                let (name, id, mut state) = (input.text(&NAMES), input.text(&IDS), 0xee);
                // SAFETY: the same.
                let status = unsafe { rc_desk_state(desk, name.c(), id.c(), &mut state) };
                let found = self.model.find(&name, &id).map(|session| self.model.sessions[session].2.to_byte());
                assert_eq!((status, state), found.map_or_else(|why| (why, 0xee), |state| (RC_OK, state)));
            }
            6 => self.sessions(usize::from(input.byte())),
            7 | 8 => self.handle(&input.request(), input.byte()),
            9 => self.steps(input),
            10 => self.callbacks(input),
            // A desk may be moved as it is.
            _ => self.memory = self.memory.clone(),
        }
    }

    fn sessions(&mut self, place: usize) {
        let desk = self.desk();
        // SAFETY: a desk.
        assert_eq!(unsafe { rc_desk_sessions(desk) }, self.model.sessions.len());
        let mut session = MaybeUninit::<rc_session>::uninit();
        // SAFETY: a desk, and what lives here.
        let status = unsafe { rc_desk_session(desk, place, session.as_mut_ptr()) };
        if place >= self.model.sessions.len() {
            return assert_eq!(status, RC_UNKNOWN_SESSION);
        }
        assert_eq!(status, RC_OK);
        // SAFETY: written, as the status says.
        let session = unsafe { session.assume_init() };
        // SAFETY: the name is in the memory of the desk.
        let name = unsafe { core::slice::from_raw_parts(session.ucc.data.cast::<u8>(), session.ucc.len) };
        let id: Vec<u8> = session.correlation_id.iter().map(|&byte| byte as u8).collect();
        let known = self.model.sessions.iter().any(|(ucc, known, state)| {
            self.model.uccs[*ucc].0.as_bytes() == name
                && [known.text().as_bytes().as_slice(), &[0]].concat() == id
                && state.to_byte() == session.state
        });
        let name = String::from_utf8_lossy(name);
        assert!(known, "{name} {} {}, not of {:?}", id.escape_ascii(), session.state, self.model.sessions);
    }

    fn handle(&mut self, texts: &[Text; 4], sizes: u8) {
        let small = (sizes > 0xf0).then_some(usize::from(sizes & 15) * 100);
        let mut room = Room::new(small.unwrap_or(RC_REPLY_MAX), RC_EVENT_MAX);
        let (mut scratch, c) = (Scratch::new(), c_request(texts));
        // SAFETY: a desk, a request and an answer that live here, with their bytes.
        let status = unsafe { rc_desk_handle(self.desk(), &c, &mut room.answer) };
        let read = match read(texts, &mut scratch) {
            Ok(_) if small.is_some_and(|small| small < RC_REPLY_MAX) => Err(RC_BUFFER_TOO_SMALL),
            other => other,
        };
        match read {
            Err(why) => assert!(status == why && room.untouched()),
            Ok(Err(rejection)) => {
                assert_eq!(status, RC_OK);
                room.says(&Reply::from(rejection), None);
            }
            Ok(Ok(request)) => {
                assert_eq!(status, RC_OK);
                let (reply, change) = decide(&request, &self.model.facts(&request));
                room.says(&reply, change.map(|(event, _)| event));
                if let Some((_, to)) = change {
                    self.model.store(&request, to);
                }
            }
        }
    }

    /// An exchange in memory that holds anything, with calls in any order beside those that belong there.
    fn steps(&self, input: &mut Input<'_>) {
        let texts = input.request();
        let mut exchange = Box::new(rc_exchange { opaque: [u64::from_ne_bytes([input.byte(); 8]); 48] });
        for (to, from) in exchange.opaque.iter_mut().zip(input.piece(16)) {
            *to ^= u64::from(*from);
        }
        let (mut scratch, c) = (Scratch::new(), c_request(&texts));
        // SAFETY: what lives here.
        let begun = unsafe { rc_exchange_begin(&mut *exchange, &c) };
        let read = match read(&texts, &mut scratch) {
            Err(why) => return assert_eq!(begun, why),
            Ok(read) => read,
        };
        assert_eq!(begun, RC_OK);
        // The texts may go now.
        let request = match read {
            Err(rejection) => return self.answered(&exchange, input, &Reply::from(rejection), None),
            Ok(request) => request,
        };
        let facts = self.model.facts(&request);
        let (reply, change) = decide(&request, &facts);
        self.wrong_calls(&mut exchange, input, RC_STAGE_FACTS);
        // SAFETY: what lives here.
        assert_eq!(unsafe { rc_exchange_decide(&mut *exchange, &facts) }, RC_OK);
        if let Some((_, to)) = change {
            self.wrong_calls(&mut exchange, input, RC_STAGE_STORE);
            let mut told = rc_change { from: 0xee, to: 0xee };
            // SAFETY: what lives here.
            assert_eq!(unsafe { rc_exchange_change(&*exchange, &mut told) }, RC_OK);
            assert_eq!((told.from, told.to), (facts.session, to.to_byte()));
            if input.byte().is_multiple_of(4) {
                // SAFETY: what lives here.
                assert_eq!(unsafe { rc_exchange_not_stored(&mut *exchange) }, RC_OK);
                return self.answered(&exchange, input, &Reply::from(Rejection::NotStored), None);
            }
            // Stored nowhere: the desk is not the store of an exchange.
            // SAFETY: what lives here.
            assert_eq!(unsafe { rc_exchange_stored(&mut *exchange) }, RC_OK);
        }
        self.wrong_calls(&mut exchange, input, RC_STAGE_ANSWER);
        self.answered(&exchange, input, &reply, change.map(|(event, _)| event));
    }

    /// Calls that do not belong to the stage, and change nothing.
    fn wrong_calls(&self, exchange: &mut rc_exchange, input: &mut Input<'_>, stage: u8) {
        let before = exchange.opaque;
        let (calls, facts): (u8, rc_facts) = (input.byte(), zeroed());
        let mut room = Room::new(RC_REPLY_MAX, RC_EVENT_MAX);
        let mut change = rc_change { from: 0xee, to: 0xee };
        // SAFETY: what lives here, for each of the calls.
        unsafe {
            assert_eq!(rc_exchange_stage(exchange), stage);
            if calls & 1 == 1 && stage != RC_STAGE_FACTS {
                assert_eq!(rc_exchange_decide(exchange, &facts), RC_WRONG_STAGE);
                assert_eq!(rc_exchange_turn_away(exchange, 401), RC_WRONG_STAGE);
            }
            if calls & 2 == 2 && stage != RC_STAGE_STORE {
                assert_eq!(rc_exchange_stored(exchange), RC_WRONG_STAGE);
                assert_eq!(rc_exchange_moved(exchange), RC_WRONG_STAGE);
                assert_eq!(rc_exchange_change(exchange, &mut change), RC_WRONG_STAGE);
            }
            if calls & 4 == 4 && stage != RC_STAGE_ANSWER {
                assert_eq!(rc_exchange_answer(exchange, &mut room.answer), RC_WRONG_STAGE);
            }
        }
        assert!(exchange.opaque == before && room.untouched() && change.to == 0xee);
    }

    fn answered(&self, exchange: &rc_exchange, input: &mut Input<'_>, reply: &Reply<'_>, event: Option<Event<'_>>) {
        // Room for what it takes, or one byte less.
        let (mut reply_room, mut event_room) = ([0; Reply::MAX_LEN], [0; Event::MAX_LEN]);
        let reply_len = reply.write(&mut reply_room).expect("room").len();
        let event_len = event.map_or(0, |event| event.write(&mut event_room).expect("room").len());
        let less = usize::from(input.byte() == 0);
        let mut room = Room::new(reply_len - less, event_len);
        // SAFETY: what lives here.
        let status = unsafe { rc_exchange_answer(exchange, &mut room.answer) };
        assert_eq!((room.answer.reply.len, room.answer.event.len), (reply_len, event_len));
        if less == 1 {
            assert_eq!((status, room.answer.status), (RC_BUFFER_TOO_SMALL, 0xeeee));
        } else {
            assert_eq!(status, RC_OK);
            room.says(reply, event);
        }
    }

    fn callbacks(&self, input: &mut Input<'_>) {
        let texts = input.request();
        let mut scratch = Scratch::new();
        let Ok(read) = read(&texts, &mut scratch) else { return };
        let facts = read.as_ref().map_or(zeroed(), |request| self.model.facts(request));
        let says = input.byte();
        let mut store = Store {
            facts,
            look_up_says: (says & 7 == 7).into(),
            moves: says >> 3 & 3,
            fails: says >> 5 == 7,
            stored: None,
        };
        let context: *mut Store = &mut store;
        let callbacks = rc_callbacks { context: context.cast(), look_up: Some(look_up), store: Some(keep) };
        let (c, mut room) = (c_request(&texts), Room::new(RC_REPLY_MAX, RC_EVENT_MAX));
        // SAFETY: what lives here; the functions are those below.
        assert_eq!(unsafe { rc_handle(&callbacks, &c, &mut room.answer) }, RC_OK);
        match read {
            Err(rejection) => room.says(&Reply::from(rejection), None),
            Ok(_) if store.look_up_says != 0 => room.says(&Reply::from(Rejection::NotStored), None),
            Ok(request) => match decide(&request, &facts) {
                (reply, None) => room.says(&reply, None),
                (_, Some(_)) if store.fails => room.says(&Reply::from(Rejection::NotStored), None),
                (reply, Some((event, to))) => {
                    assert_eq!(store.stored, Some(to.to_byte()));
                    room.says(&reply, Some(event));
                }
            },
        }
    }
}

/// What the callbacks answer.
struct Store {
    facts: rc_facts,
    look_up_says: i32,
    moves: u8,
    fails: bool,
    stored: Option<u8>,
}

unsafe extern "C" fn look_up(context: *mut c_void, question: *const rc_question, facts: *mut rc_facts) -> i32 {
    // SAFETY: the context that was given, and what the library promises.
    let (store, question, facts) = unsafe { (&*context.cast::<Store>(), &*question, &mut *facts) };
    assert!((RC_ASKS_STATE..=RC_ASKS_CAPABILITIES).contains(&question.asks) && *facts == zeroed());
    *facts = store.facts;
    store.look_up_says
}

unsafe extern "C" fn keep(context: *mut c_void, _: *const rc_question, change: *const rc_change) -> i32 {
    // SAFETY: the same.
    let (store, change) = unsafe { (&mut *context.cast::<Store>(), &*change) };
    assert_eq!(change.from, store.facts.session);
    if store.fails {
        RC_STORE_FAILED
    } else if store.moves > 0 {
        store.moves -= 1;
        RC_STORE_MOVED
    } else {
        store.stored = Some(change.to);
        RC_STORE_DONE
    }
}

/// Calls of the C functions, each with what must come of it.
///
/// # Panics
///
/// When something else does.
pub(crate) fn border(data: &[u8]) {
    let mut input = Input(data);
    let mut both = Both::new(input.byte());
    while !input.0.is_empty() {
        both.step(&mut input);
    }
    for place in 0..=both.model.sessions.len() {
        both.sessions(place);
    }
}
