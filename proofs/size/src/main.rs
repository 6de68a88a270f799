//! The image that the figures of size and stack are read from: what a device needs to serve the API, and nothing else.
//!
//! In it: every endpoint from the bytes of a request to those of the reply and of the event, and sessions that begin and
//! end, on a desk. Not in it: filling the directory, the readers for clients, `Display` and `Debug`, the
//! names of call-detail records. `_start` is scaffolding and is not counted; it is linked and never run.
#![no_std]
#![no_main]

use core::hint::black_box;

use recording_core::desk::{BeginOutcome, Response};
use recording_core::wire::RequestParts;
use recording_core::wire::{CorrelationId, Rejection, UccName};
use recording_core::{Desk, Directory, Event, Reply, Request, Scratch, Session, State};

/// Nothing can panic: the handler is not in the image, else it would not link.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    unsafe extern "C" {
        /// Defined nowhere.
        fn a_panic_is_reachable() -> !;
    }
    unsafe { a_panic_is_reachable() }
}

type Small = Desk<64, Directory<16, 256, 4096>>;

/// The caller's buffers.
struct Buffers {
    scratch: Scratch,
    out: Out,
}

/// Those that are written.
struct Out {
    reply: [u8; Reply::MAX_LEN],
    event: [u8; Event::MAX_LEN],
}

/// What the caller does with an answer: status, `Allow`, and how long the reply and the event are.
struct Answer {
    status: u16,
    allow: Option<&'static str>,
    reply: usize,
    event: usize,
}

/// All three endpoints.
#[inline(never)]
#[unsafe(no_mangle)]
fn request_to_reply(desk: &mut Small, parts: &RequestParts<'_>, buffers: &mut Buffers, answer: &mut Answer) {
    match Request::read(*parts, &mut buffers.scratch) {
        Ok(request) => serve(desk, &request, &mut buffers.out, answer),
        Err(rejection) => reject(rejection, &mut buffers.out, answer),
    }
}

#[inline(never)]
fn reject(rejection: Rejection, out: &mut Out, answer: &mut Answer) {
    write(&rejection.into(), out, answer);
}

/// Of its own, so that reading and handling use the same stack one after the other.
#[inline(never)]
fn serve(desk: &mut Small, request: &Request<'_>, out: &mut Out, answer: &mut Answer) {
    // The call-detail record is not in the image: its name is the audit's affair.
    let Response { event, reply, .. } = desk.handle(request);
    if let Some(event) = event {
        answer.event = event.write(&mut out.event).map_or(0, <[u8]>::len);
    }
    write(&reply, out, answer);
}

/// The answer's head and body.
#[inline(never)]
fn write(reply: &Reply<'_>, out: &mut Out, answer: &mut Answer) {
    answer.status = reply.status();
    answer.allow = reply.allow();
    answer.reply = reply.write(&mut out.reply).map_or(0, <[u8]>::len);
}

/// A call begins. The name and the id come from the device's own side.
#[inline(never)]
#[unsafe(no_mangle)]
fn begin(desk: &mut Small, ucc: &str, id: u128) -> bool {
    let Ok(ucc) = UccName::new(ucc) else { return false };
    let session = Session { ucc, correlation_id: CorrelationId::from_u128(id), state: State::INITIAL };
    matches!(desk.begin(session), Ok(BeginOutcome::New))
}

/// A call ends.
#[inline(never)]
#[unsafe(no_mangle)]
fn end(desk: &mut Small, ucc: &str, id: u128) -> Option<u8> {
    let ended = desk.end(UccName::new(ucc).ok()?, CorrelationId::from_u128(id)).ok()?;
    Some(ended.disposition.code())
}

/// What a device has in its memory from the start. Clearing it is the work of its start-up code and not counted.
static mut DESK: Small = Small::new(Directory::new());
static mut BUFFERS: Buffers =
    Buffers { scratch: Scratch::new(), out: Out { reply: [0; Reply::MAX_LEN], event: [0; Event::MAX_LEN] } };

/// Calls everything with values that the optimiser knows nothing of.
#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    let mut answer = Answer { status: 0, allow: None, reply: 0, event: 0 };
    // Nothing else runs, and nothing else names the two.
    let (desk, buffers) = unsafe { (&mut *(&raw mut DESK), &mut *(&raw mut BUFFERS)) };
    loop {
        let text = black_box("");
        let bytes = text.as_bytes();
        let parts = RequestParts { method: bytes, target: bytes, content_type: black_box(Some(bytes)), body: bytes };
        request_to_reply(black_box(&mut *desk), black_box(&parts), black_box(&mut *buffers), &mut answer);
        black_box(&answer);
        black_box(begin(black_box(&mut *desk), black_box(text), black_box(1)));
        black_box(end(black_box(&mut *desk), black_box(text), black_box(1)));
    }
}
