//! An image that links only if nothing the core does can panic, and nothing needs an allocator.
//!
//! Its panic handler calls a function that does not exist. If any panic is reachable from the entry points below, the
//! linker asks for that function and fails. There is no allocator and no standard library either, so what needs one
//! fails as well. The image is linked and never run; `cargo xtask no-panic` links it for each target and level of optimisation,
//! and once with a planted index, which must fail.
//!
//! Inside the proof: every endpoint from request bytes to reply and event bytes, by a desk and by a shell that decides
//! step by step; beginning, ending and listing sessions on a desk, filling and reading its directory; the client's readers
//! and writers; the document of a state; the JSON reader by itself; a session with a recorder: requests, every other input, its
//! stored form, time. Outside: `Display`, `Debug`, `FromStr` of
//! codes, serde, provisioning (by serde-json-core) and `Arbitrary`, which go through code of others.
#![no_std]
#![no_main]

use core::hint::black_box;

use recording_core::decide::{Decision, SetFacts, StateFacts};
use recording_core::recorder::{
    self, Channel, Due, Epoch, Holder, Input, Kept, Machine, Moment, Number, RecorderState, ResumePolicy, Step, Verdict,
};
use recording_core::state::RepeatPolicy;
use recording_core::wire::RequestParts;
use recording_core::wire::json::{self, Value};
use recording_core::wire::{CapabilitiesReply, ErrorReply, Head, SetRequest, StateReply, UccName};
use recording_core::{Action, Desk, Directory, Event, Reply, Request, Scratch, Session, Settings, State};

unsafe extern "C" {
    /// Defined nowhere.
    fn a_panic_is_reachable() -> !;
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    unsafe { a_panic_is_reachable() }
}

type Small = Desk<64, Directory<16, 256, 4096>>;

/// A request as a transport hands it over.
struct Raw<'a> {
    method: &'a [u8],
    target: &'a [u8],
    content_type: Option<&'a [u8]>,
    body: &'a [u8],
}

fn answer(desk: &mut Small, raw: &Raw<'_>, scratch: &mut Scratch, reply: &mut [u8], event: &mut [u8]) -> [usize; 3] {
    let request = Request::read(
        RequestParts { method: raw.method, target: raw.target, content_type: raw.content_type, body: raw.body },
        scratch,
    );
    let (answer, told) = match request {
        Ok(request) => {
            let handled = desk.handle(&request);
            (handled.reply, handled.event)
        }
        Err(rejection) => (Reply::from(rejection), None),
    };
    let told = told.map_or(0, |told| told.write(event).map_or(0, <[u8]>::len));
    let allow = answer.allow().map_or(0, str::len);
    [answer.write(reply).map_or(0, <[u8]>::len), told, usize::from(answer.status()) + allow]
}

fn fill(directory: &mut Directory<16, 256, 4096>, name: &str, uri: &str, bits: u8) -> Option<()> {
    let bit = |at: u8| bits >> at & 1 == 1;
    let settings = Settings {
        recording_api_licensed: bit(0),
        use_audio_recording: bit(1),
        agent_can_edit_audio_recording: bit(2),
        save_recording_by_default: bit(3),
        repeats: if bit(4) { RepeatPolicy::Accept } else { RepeatPolicy::Refuse },
    };
    let ucc = directory.add_ucc(name.try_into().ok()?, settings).ok()?;
    directory.add_agent(ucc, uri.try_into().ok()?).ok()?;
    directory.set_settings(ucc, settings).ok()
}

fn call(desk: &mut Small, name: &str, id: &str, document: &[u8]) -> Option<u8> {
    let ucc = UccName::new(name).ok()?;
    let correlation_id = id.try_into().ok()?;
    let begun = desk.begin(Session { ucc, correlation_id, state: State::read(document).ok()? });
    let open = desk.sessions().count() as u8 ^ u8::from(begun.is_ok());
    let ended = desk.end(ucc, correlation_id).ok()?;
    Some(ended.disposition.code() ^ open ^ ended.state.allowed().len() as u8)
}

/// A shell with a store of its own: the loop of the crate's front page, step by step.
fn shell(
    raw: &Raw<'_>,
    facts: Option<SetFacts>,
    is_stored: bool,
    scratch: &mut Scratch,
    out: &mut [u8],
) -> Option<usize> {
    let head = Head::read(raw.method, raw.target, raw.content_type).ok()?;
    let body = if head.wants_body() { raw.body } else { b"" };
    let read = facts.map(|facts| StateFacts { settings: facts.settings, session: facts.session });
    let mut told = 0;
    let reply = match head.request(body, scratch).ok()? {
        Request::Set(set) => match set.decide(facts) {
            Decision::Reply(answer) => Reply::State(answer.reply),
            Decision::Change(pending) if is_stored => {
                told += usize::from(pending.expected().to_byte() ^ pending.new_state().to_byte());
                told += pending.requester().as_str().len() + pending.ucc().as_str().len();
                let stored = pending.commit();
                told += stored.event.write(out).map_or(0, <[u8]>::len);
                told += stored.audit_name.len();
                Reply::State(stored.reply)
            }
            Decision::Change(pending) => pending.abort().into(),
        },
        Request::State(request) => {
            told += request.write_target(out).map_or(0, <[u8]>::len);
            Reply::State(request.decide(read))
        }
        Request::Capabilities(question) => {
            told += question.write_target(out).map_or(0, <[u8]>::len);
            Reply::Capabilities(question.decide(facts.map(|facts| facts.settings)))
        }
    };
    Some(told + usize::from(reply.status()) + reply.write(out).map_or(0, <[u8]>::len))
}

/// What is next to requests and replies: a directory that is read, values of JSON.
fn beside(desk: &Small, name: &str, uri: &str, document: &[u8], out: &mut [u8]) -> Option<usize> {
    let directory = desk.directory();
    let ucc = directory.find(UccName::new(name).ok()?)?;
    let mut sum = directory.uccs().count() + directory.agents(ucc).count() + directory.name(ucc)?.as_str().len();
    sum += usize::from(directory.is_agent(ucc, uri.try_into().ok()?)) + desk.len();
    for session in desk.sessions() {
        sum += session.state.write(out).map_or(0, <[u8]>::len);
        sum += session.correlation_id.hyphenated().as_str().len();
    }
    match json::read(document).ok()? {
        Value::Array(mut array) => {
            while let Some(value) = array.next() {
                sum += value.kind().text().len();
            }
        }
        Value::Object(mut object) => {
            while let Ok(Some((key, value))) = object.next() {
                sum += key.copy_to(out)? + value.kind().text().len() + usize::from(key.eq_ignore_ascii_case(name));
            }
        }
        Value::String(text) => sum += text.chars().count(),
        Value::Number(spelt) => sum += spelt.len(),
        Value::Null | Value::Bool(_) => {}
    }
    Some(sum)
}

fn client(document: &[u8], scratch: &mut Scratch, buffer: &mut [u8], out: &mut [u8]) -> usize {
    let mut sum = 0;
    sum += StateReply::read(document, buffer).ok().map_or(0, |reply| reply.write(out).map_or(0, <[u8]>::len));
    sum += CapabilitiesReply::read(document, buffer).ok().map_or(0, |reply| reply.write(out).map_or(0, <[u8]>::len));
    sum += ErrorReply::read(document, buffer).ok().map_or(0, |reply| reply.write(out).map_or(0, <[u8]>::len));
    sum += Event::read(document, buffer).ok().map_or(0, |event| event.write(out).map_or(0, <[u8]>::len));
    sum += SetRequest::read(document, scratch).ok().map_or(0, |set| set.write(out).map_or(0, <[u8]>::len));
    if let Some(&byte) = document.first() {
        let state = State::from_byte(byte).unwrap_or_default();
        let action = Action::from_code(byte).unwrap_or(Action::Start);
        sum += usize::from(state.apply(action).state().to_byte());
    }
    sum
}

/// What a step releases, stored or not.
fn released<R>(step: Step<R>, found: Kept, how: u8) -> (Option<Machine>, Option<R>, usize) {
    match step {
        Step::Store(pending) => {
            let mut sum = pending.expected().map_or(0, |kept| usize::from(kept.to_bytes()[0]));
            sum += pending.to_store().map_or(0, |kept| kept.to_bytes().iter().map(|&byte| usize::from(byte)).sum());
            match how {
                0 => {
                    let done = pending.stored();
                    sum += done.sending.map_or(0, |sending| sending.number.get() as usize + sending.order.name().len());
                    sum += usize::from(done.answers.is_some_and(|answers| answers.answer.is_success()));
                    (done.machine, Some(done.reply), sum + usize::from(done.event.is_some()))
                }
                1 => (pending.not_stored(), None, sum),
                2 => (Some(pending.conflict(found)), None, sum),
                _ => (Some(pending.unknown().found(found)), None, sum),
            }
        }
        Step::Done(done) => (done.machine, Some(done.reply), 0),
    }
}

/// A session with a recorder.
fn recorded(stored: &[u8], set: &SetRequest<'_>, input: Input, at: Moment, how: u8, out: &mut [u8]) -> Option<usize> {
    let kept = Kept::from_bytes(stored).ok()?;
    let channel = if how & 8 == 0 { Channel::Ordered } else { Channel::Drained };
    let epoch = Epoch::new(at.unix_ms)?;
    let mut machine = Machine::load(kept, epoch, channel);
    let begun = Machine::begin(kept.state(), ResumePolicy::Holders, epoch, channel);
    let (_, _, mut sum) = released(begun, kept, how & 3);
    let settings = Settings {
        recording_api_licensed: true,
        use_audio_recording: true,
        agent_can_edit_audio_recording: true,
        save_recording_by_default: false,
        repeats: if how & 4 == 0 { RepeatPolicy::Accept } else { RepeatPolicy::Refuse },
    };
    let requester = Holder::from_index(u32::from(how));
    let facts =
        recorder::SetFacts { settings, requester_is_agent: how & 16 == 0, requester, is_possible: how & 32 == 0 };
    let mut waiting = None;
    let step = match machine.set(set, &facts, |holder| holder.to_bytes()[0] & how == 0) {
        Ok(step) => step,
        Err(used_up) => return Some(used_up.0.renew(epoch).times_sent() as usize),
    };
    let (next, verdict, more) = released(step, kept, how & 3);
    machine = next?;
    sum += more;
    match verdict {
        Some(Verdict::Wait(request)) => waiting = Some(request),
        Some(Verdict::Reply { reply, .. }) => sum += reply.write(out).map_or(0, <[u8]>::len),
        _ => {}
    }
    let read_back = machine.read_back().and_then(|token| token.answered(&machine, RecorderState::Off));
    for input in [Some(input), read_back].into_iter().flatten() {
        let Ok(step) = machine.step(input, at) else { return None };
        let answers = match &step {
            Step::Done(done) => done.answers,
            Step::Store(_) => None,
        };
        let (next, _, more) = released(step, kept, how & 3);
        machine = next?;
        sum += more;
        if let Some(answers) = answers {
            waiting = match waiting.take() {
                Some(request) if answers.include(&request) => {
                    sum += request.answer(&answers.answer).write(out).map_or(0, <[u8]>::len);
                    None
                }
                other => other,
            };
        }
    }
    if let Some(request) = waiting {
        sum += request.time_out(&mut machine).write(out).map_or(0, <[u8]>::len);
    }
    sum += usize::from(machine.tick(at, 1)) + machine.kept().holds().iter().count();
    sum += usize::from(machine.due() == Due::Now) + machine.to_drain().map_or(0, |number| number.get() as usize);
    Some(sum)
}

/// Calls everything with values that the optimiser knows nothing of.
#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    let mut directory = Directory::new();
    let text = black_box("text");
    fill(&mut directory, text, text, black_box(0));
    let mut desk = Small::new(directory);
    let mut scratch = Scratch::new();
    let (mut reply, mut event, mut buffer) = ([0; Reply::MAX_LEN], [0; Event::MAX_LEN], [0; 256]);
    loop {
        let bytes = black_box(text.as_bytes());
        let raw = Raw { method: bytes, target: black_box(bytes), content_type: black_box(Some(bytes)), body: bytes };
        black_box(answer(&mut desk, black_box(&raw), &mut scratch, black_box(&mut reply), black_box(&mut event)));
        black_box(call(&mut desk, black_box(text), black_box(text), bytes));
        let settings = desk.directory().uccs().next().and_then(|ucc| desk.directory().settings(ucc));
        let session = State::from_byte(black_box(0));
        let facts = settings.map(|settings| SetFacts { settings, requester_is_agent: black_box(true), session });
        black_box(shell(black_box(&raw), facts, black_box(true), &mut scratch, black_box(&mut reply)));
        black_box(beside(&desk, black_box(text), black_box(text), bytes, black_box(&mut reply)));
        if let Ok(set) = SetRequest::read(bytes, &mut scratch) {
            let at = Moment { uptime_ms: black_box(0), unix_ms: black_box(0) };
            let number = Number::from_u64(black_box(1));
            let replied =
                number.map(|number| Input::Reply { number, reported: black_box(recorder::Reported::NoSuchCall) });
            let input = black_box(replied.unwrap_or(Input::Send));
            black_box(recorded(bytes, &set, input, at, black_box(0), black_box(&mut reply)));
        }
        black_box(client(bytes, &mut scratch, black_box(&mut buffer), black_box(&mut reply)));
        #[cfg(feature = "planted")]
        black_box(reply[black_box(bytes.len())]);
    }
}
