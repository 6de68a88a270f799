//! An image that links only if nothing the core does can panic, and nothing needs an allocator.
//!
//! Its panic handler calls a function that does not exist. If any panic is reachable from the entry points below, the
//! linker asks for that function and fails. There is no allocator and no standard library either, so what needs one
//! fails as well. The image is linked and never run; `./run` here links it for each target and level of optimisation,
//! and once with a planted index, which must fail.
//!
//! Inside the proof: every endpoint from request bytes to reply and event bytes, beginning and ending sessions on a desk,
//! filling its directory, the client's readers and writers, the document of a state. Outside: `Display`, `Debug` and
//! serde, which go through code of others.
#![no_std]
#![no_main]

use core::hint::black_box;

use recording_core::{
    Action, CapabilitiesReply, Desk, Directory, ErrorReply, Event, Reply, Repeats, Request, Scratch, Session, SetRequest,
    Settings, State, StateReply, UccName,
};

unsafe extern "C" {
    /// Defined nowhere.
    fn a_panic_is_reachable() -> !;
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    unsafe { a_panic_is_reachable() }
}

type Small = Desk<64, 16, 256, 4096>;

/// A request as a transport hands it over.
struct Raw<'a> {
    method: &'a [u8],
    target: &'a [u8],
    content_type: Option<&'a [u8]>,
    body: &'a [u8],
}

fn answer(desk: &mut Small, raw: &Raw<'_>, scratch: &mut Scratch, reply: &mut [u8], event: &mut [u8]) -> [usize; 3] {
    let request = Request::read(raw.method, raw.target, raw.content_type, raw.body, scratch);
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
        repeats: if bit(4) { Repeats::Accept } else { Repeats::Refuse },
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
        black_box(client(bytes, &mut scratch, black_box(&mut buffer), black_box(&mut reply)));
        #[cfg(feature = "planted")]
        black_box(reply[black_box(bytes.len())]);
    }
}
