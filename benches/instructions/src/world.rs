//! A gateway at work: a desk with its directory and sessions, and the buffers of one connection.

use core::hint::black_box;

use recording_core::state::RepeatPolicy;
use recording_core::wire::RequestParts;
use recording_core::wire::{CorrelationId, SetRequest, StateReply, StateRequest, UccName};
use recording_core::{Desk, Directory, Event, Reply, Request, Scratch, Session, Settings, State};

use crate::{BODY_ID, Numbers, REPLY};

/// How many UCCs there are.
pub const UCCS: usize = 16;
/// How many agents each UCC has.
pub const AGENTS_EACH: usize = 16;
const AGENTS: usize = UCCS * AGENTS_EACH;
const TEXT: usize = 16 * 1024;

/// A desk of so many sessions.
pub type Office<const SESSIONS: usize> = Desk<SESSIONS, Directory<UCCS, AGENTS, TEXT>>;

const SETTINGS: Settings = Settings {
    recording_api_licensed: true,
    use_audio_recording: true,
    agent_can_edit_audio_recording: true,
    save_recording_by_default: true,
    repeats: RepeatPolicy::Accept,
};

/// The session of the page's samples.
#[must_use]
pub fn page_session() -> Session<'static> {
    let ucc = UccName::new("ucc-demo-name").expect("a name");
    let correlation_id = CorrelationId::parse("1d6c6a58-6739-4f0c-98ff-0968292c8c30").expect("an id");
    Session { ucc, correlation_id, state: State::INITIAL }
}

fn directory() -> Directory<UCCS, AGENTS, TEXT> {
    let mut directory = Directory::new();
    for place in 0..UCCS {
        // The page's UCC is in the middle.
        let name = if place == UCCS / 2 { "ucc-demo-name".into() } else { format!("ucc-number-{place}") };
        let ucc = directory.add_ucc(name.as_str().try_into().expect("a name"), SETTINGS).expect("room");
        for agent in 0..AGENTS_EACH {
            let user = if agent == AGENTS_EACH / 2 { "agent".into() } else { format!("agent-{agent}") };
            let uri = format!("sip:{user}@domain.com");
            directory.add_agent(ucc, uri.as_str().try_into().expect("a URI")).expect("room");
        }
    }
    directory
}

/// A desk with `open` sessions, spread over its UCCs, the page's among them.
#[must_use]
pub fn office<const SESSIONS: usize>(open: usize) -> Box<Office<SESSIONS>> {
    let mut desk = Box::new(Office::new(directory()));
    let keys: Vec<_> = desk.directory().uccs().collect();
    let mut numbers = Numbers::new();
    while desk.len() < open {
        let session = if desk.len() == open / 2 {
            page_session()
        } else {
            let ucc = keys[desk.len() % keys.len()];
            let name = desk.directory().name(ucc).expect("a key of its own").as_str().to_owned();
            let correlation_id =
                CorrelationId::from_u128(u128::from(numbers.next()) << 64 | u128::from(numbers.next()));
            Session { ucc: UccName::new(name.leak()).expect("a name"), correlation_id, state: State::INITIAL }
        };
        desk.begin(session).expect("room");
    }
    desk
}

/// Reads of every open session, as requests that are understood already.
#[must_use]
pub fn reads<const SESSIONS: usize>(desk: &Office<SESSIONS>) -> Vec<Request<'static>> {
    let read = |session: Session<'_>| {
        let ucc = UccName::new(session.ucc.as_str().to_owned().leak()).expect("a name");
        Request::State(StateRequest { ucc, correlation_id: session.correlation_id })
    };
    desk.sessions().map(read).collect()
}

/// A request as a transport hands it over.
#[derive(Debug, Clone, Copy)]
pub struct Raw {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// The request target.
    pub target: &'static str,
    /// The value of the header.
    pub content_type: Option<&'static str>,
    /// The body.
    pub body: &'static str,
}

impl Raw {
    /// The page's `set`.
    pub const SET: Self =
        Self { method: "POST", target: SetRequest::TARGET, content_type: Some("application/json"), body: BODY_ID };

    /// The page's read.
    pub const READ: Self = Self {
        method: "GET",
        target: "/attendantservice/api/recording/ucc-demo-name/1d6c6a58-6739-4f0c-98ff-0968292c8c30",
        content_type: None,
        body: "",
    };
}

/// A transport's buffer. It begins where a line of the cache does: how many instructions it takes to check UTF-8 depends
/// on that by some tens.
#[derive(Debug)]
#[repr(align(64))]
struct Received([u8; 256]);

/// `text` as a transport has received it, after `before` other bytes.
///
/// # Panics
///
/// If it is longer than a few hundred bytes.
#[must_use]
pub fn received(before: usize, text: &str) -> &'static str {
    let buffer = Box::leak(Box::new(Received([b' '; 256])));
    let place = &mut buffer.0[before..before + text.len()];
    place.copy_from_slice(text.as_bytes());
    core::str::from_utf8(place).expect("a text")
}

impl Raw {
    /// The same request in buffers of a transport: head and body apart, the target after the method.
    #[must_use]
    pub fn received(self) -> Self {
        Self {
            method: received(0, self.method),
            target: received(self.method.len() + 1, self.target),
            content_type: self.content_type.map(|value| received(0, value)),
            body: received(0, self.body),
        }
    }
}

/// The buffers of one connection.
#[derive(Debug, Clone)]
pub struct Buffers {
    /// For what a request spells with escapes.
    pub scratch: Scratch,
    /// For a reply.
    pub reply: [u8; Reply::MAX_LEN],
    /// For an event.
    pub event: [u8; Event::MAX_LEN],
}

impl Buffers {
    /// Empty ones.
    #[must_use]
    pub const fn new() -> Self {
        Self { scratch: Scratch::new(), reply: [0; Reply::MAX_LEN], event: [0; Event::MAX_LEN] }
    }
}

impl Default for Buffers {
    fn default() -> Self {
        Self::new()
    }
}

/// From the bytes of a request to those of the reply and of the event; their lengths and the status come back.
#[inline]
pub fn answer<const SESSIONS: usize>(
    desk: &mut Office<SESSIONS>,
    raw: &Raw,
    buffers: &mut Buffers,
) -> (u16, usize, usize) {
    let content_type = raw.content_type.map(str::as_bytes);
    let request = Request::read(
        RequestParts {
            method: raw.method.as_bytes(),
            target: raw.target.as_bytes(),
            content_type,
            body: raw.body.as_bytes(),
        },
        &mut buffers.scratch,
    );
    let (reply, event) = match request {
        Ok(request) => {
            let handled = desk.handle(&request);
            (handled.reply, handled.event)
        }
        Err(rejection) => (Reply::from(rejection), None),
    };
    let event_len = match event {
        Some(event) => event.write(&mut buffers.event).map_or(0, <[u8]>::len),
        None => 0,
    };
    (reply.status(), reply.write(&mut buffers.reply).map_or(0, <[u8]>::len), event_len)
}

/// Every request by the desk, one after the other.
#[inline]
pub fn handle_all<const SESSIONS: usize>(desk: &mut Office<SESSIONS>, requests: &[Request<'_>]) {
    for request in requests {
        let handled = desk.handle(black_box(request));
        black_box(&handled);
    }
}

/// The page's reply to a read.
#[must_use]
pub fn page_reply() -> StateReply<'static> {
    StateReply::read(REPLY.as_bytes(), &mut []).expect("the page's reply")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is counted is what the figures say: successes, with reply and event.
    #[test]
    fn the_requests_succeed() {
        let mut desk = office::<1024>(1000);
        assert_eq!(desk.len(), 1000);
        let mut buffers = Buffers::new();
        let (status, reply, event) = answer(&mut desk, &Raw::SET.received(), &mut buffers);
        assert_eq!((status, event > 0), (200, true));
        assert!(
            buffers.reply[..reply]
                .starts_with(br#"{"CorrelationId":"1d6c6a58-6739-4f0c-98ff-0968292c8c30","RecordingState":1,"#)
        );
        let (status, reply, event) = answer(&mut desk, &Raw::READ.received(), &mut buffers);
        assert_eq!((status, reply, event), (200, 154, 0));
        assert_eq!(desk.directory().uccs().count(), UCCS);
        for ucc in desk.directory().uccs() {
            assert_eq!(desk.directory().agents(ucc).count(), AGENTS_EACH);
        }
    }

    #[test]
    fn a_full_desk_answers_every_read() {
        let mut desk = office::<256>(256);
        let requests = reads(&desk);
        assert_eq!(requests.len(), 256);
        for request in &requests {
            let Reply::State(reply) = desk.handle(request).reply else { panic!() };
            assert_eq!(reply.error, None);
        }
    }

    #[test]
    fn the_pages_reply_is_written_back() {
        assert_eq!(page_reply().write(&mut [0; Reply::MAX_LEN]).expect("room"), REPLY.as_bytes());
    }
}
