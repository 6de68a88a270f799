//! Bytes as calls of the C functions, with pointers and lengths that lie within what C allows: null, of no length, over
//! the greatest length, to exactly as many bytes as is said, to memory that holds anything.
//!
//! What must come of each call is known: a plain model keeps UCCs and sessions in lists, and the core, called in Rust,
//! says what is answered. Every buffer is a piece of the heap of its own, so that a sanitizer sees a byte too many.

#![allow(clippy::multiple_unsafe_ops_per_block, reason = "one reason holds for each of them")]

mod input;
mod model;

use core::ffi::c_void;
use core::mem::MaybeUninit;
use core::ptr::null_mut;

use recording_core::wire::Rejection;
use recording_core::wire::RequestParts;
use recording_core::{Event, Reply, Request, Scratch};
use recording_core_c::*;

use input::{Input, Text};
use model::{Model, decide};
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
    Ok(Request::read(
        RequestParts { method: method.bytes()?, target: target.bytes()?, content_type: header, body: body.bytes()? },
        scratch,
    ))
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
                && [known.hyphenated().as_bytes().as_slice(), &[0]].concat() == id
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

    /// An exchange in memory that holds anything, with calls in any order next to those that belong there.
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
pub fn border(data: &[u8]) {
    let mut input = Input(data);
    let mut both = Both::new(input.byte());
    while !input.0.is_empty() {
        both.step(&mut input);
    }
    for place in 0..=both.model.sessions.len() {
        both.sessions(place);
    }
}
