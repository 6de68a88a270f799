//! Bytes as a whole request: always an answer, the right one.

use recording_core::wire::Head;
use recording_core::wire::RequestParts;
use recording_core::{Event, Reply, Request, Scratch};

use crate::strict::{self, Body, Tree};
use crate::world::WORLD;
use recording_test_support::naive;

/// A request as it arrives.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parts<'a> {
    pub(crate) method: &'a [u8],
    pub(crate) target: &'a [u8],
    pub(crate) content_type: Option<&'a [u8]>,
    pub(crate) body: &'a [u8],
}

impl<'a> Parts<'a> {
    /// Method, target, content type and body, with a line end between them; an empty content type is none.
    fn of(data: &'a [u8]) -> Self {
        let (method, rest) = line(data);
        let (target, rest) = line(rest);
        let (content_type, body) = line(rest);
        Self { method, target, content_type: (!content_type.is_empty()).then_some(content_type), body }
    }
}

fn line(data: &[u8]) -> (&[u8], &[u8]) {
    let end = data.windows(2).position(|pair| pair == b"\r\n");
    end.map_or((data, &[]), |end| (&data[..end], &data[end + 2..]))
}

/// Everything that a request brings about.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    status: u16,
    allow: Option<&'static str>,
    reply: String,
    event: Option<String>,
    audit: Option<&'static str>,
}

/// What must be answered.
#[derive(Debug)]
enum Expected {
    /// Exactly this.
    Exactly(Answer),
    /// The bare error body, with one of these in its text.
    Bare(u16, Option<&'static str>, Vec<&'static str>),
    /// Any answer, as long as it is one.
    Any,
}

/// Any bytes have an answer: in the world of the wire vectors, it is byte for byte what the naive model says.
///
/// # Panics
///
/// When it is not.
pub fn request(data: &[u8]) {
    check(Parts::of(data));
}

pub(crate) fn check(parts: Parts<'_>) {
    let shown = || String::from_utf8_lossy(parts.target).into_owned() + " " + &String::from_utf8_lossy(parts.body);
    let mut scratch = Scratch::new();
    let answer = answer(parts, &mut scratch);
    // The same again, with a scratch that is no longer clean.
    assert_eq!(self::answer(parts, &mut scratch), answer, "{}", shown());

    let text: Tree = serde_json::from_str(&answer.reply).expect("a reply is JSON");
    match expected(parts) {
        Expected::Exactly(expected) => assert_eq!(answer, expected, "{}", shown()),
        Expected::Bare(status, allow, names) => {
            assert_eq!((answer.status, answer.allow), (status, allow), "{}", shown());
            let message = bare_message(&text);
            assert!(names.is_empty() || names.iter().any(|name| message.contains(name)), "{message}, not of {names:?}");
            let whole = format!(r#"{{"ErrorMessage":{{"ErrorType":2,"Message":{}}}}}"#, naive::json_string(message));
            assert_eq!(answer.reply, whole);
            assert_eq!((answer.event, answer.audit), (None, None));
        }
        Expected::Any => {}
    }
}

/// The message of the bare error body.
fn bare_message(reply: &Tree) -> &str {
    if let Tree::Object(members) = reply
        && let [(_, Tree::Object(error))] = members.as_slice()
        && let [_, (_, Tree::Text(message))] = error.as_slice()
        && !message.is_empty()
    {
        return message;
    }
    panic!("not the bare error body: {reply:?}");
}

fn answer(parts: Parts<'_>, scratch: &mut Scratch) -> Answer {
    let Parts { method, target, content_type, body } = parts;
    // Shells may read the head first. That makes no difference.
    let mut other_scratch = Scratch::new();
    let by_head = match Head::read(method, target, content_type) {
        Ok(head) if head.wants_body() => head.request(body, &mut other_scratch),
        Ok(head) => head.request(b"not looked at", &mut other_scratch),
        Err(rejection) => Err(rejection),
    };
    let read = Request::read(RequestParts { method, target, content_type, body }, scratch);
    assert_eq!(by_head, read);

    let mut desk = WORLD.desk.clone();
    let (reply, event, audit) = match &read {
        Ok(request) => {
            let handled = desk.handle(request);
            (handled.reply, handled.event, handled.audit_name)
        }
        Err(rejection) => (Reply::from(*rejection), None, None),
    };
    let mut room = [0; Reply::MAX_LEN];
    let written = str::from_utf8(reply.write(&mut room).expect("room")).expect("UTF-8").to_owned();
    let mut room = [0; Event::MAX_LEN];
    let event = event.map(|event| str::from_utf8(event.write(&mut room).expect("room")).expect("UTF-8").to_owned());
    Answer { status: reply.status(), allow: reply.allow(), reply: written, event, audit }
}

fn expected(parts: Parts<'_>) -> Expected {
    let silent = |reply| Answer { status: 200, allow: None, reply, event: None, audit: None };
    match naive::head(&String::from_utf8_lossy(parts.method), parts.target, parts.content_type) {
        naive::Head::Status(status, allow) => Expected::Bare(status, allow, Vec::new()),
        naive::Head::Bad400 => Expected::Bare(400, None, vec!["UCCName", "CorrelationId"]),
        naive::Head::State { ucc, id } => {
            Expected::Exactly(silent(naive::state_reply(&WORLD.facts(&ucc, &id, ""), &ucc, &id)))
        }
        naive::Head::Capabilities { ucc } => {
            Expected::Exactly(silent(naive::capabilities_reply(&WORLD.facts(&ucc, "", ""), &ucc)))
        }
        naive::Head::Set => match strict::set_body(parts.body) {
            Body::Private => Expected::Any,
            Body::TooLarge => Expected::Bare(413, None, Vec::new()),
            Body::NotJson => Expected::Bare(400, None, Vec::new()),
            // What is no object lacks all four, and needs to name none.
            Body::Faulty(fields) if fields.len() == 4 => Expected::Bare(400, None, Vec::new()),
            Body::Faulty(fields) => Expected::Bare(400, None, fields),
            Body::Understood(set) => {
                let facts = WORLD.facts(&set.ucc, &set.id, &set.requester);
                let naive = naive::set(&facts, &set.ucc, &set.id, &set.requester, set.action);
                let audit = naive.event.as_ref().map(|_| naive.audit);
                Expected::Exactly(Answer { event: naive.event, audit, ..silent(naive.reply) })
            }
        },
    }
}
