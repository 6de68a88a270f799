//! The core as a WebAssembly module: it imports nothing.
//!
//! A module can do nothing to the world but by what it imports. One without imports reads no clock, opens no file, draws
//! no random number and says nothing to anybody; all it can do is compute. That it computes, and was not optimised away,
//! is shown by `check.mjs`, which sends all wire vectors through it.
//!
//! A host writes texts into the room at [`room`], calls a function here with their lengths, and reads what it wrote there.
#![no_std]

use core::cell::UnsafeCell;

use recording_core::desk::UccKey;
use recording_core::state::RepeatPolicy;
use recording_core::wire::RequestParts;
use recording_core::wire::{CorrelationId, UccName};
use recording_core::{Action, Desk, Directory, Event, Reply, Request, Scratch, Session, Settings, State};

unsafe extern "C" {
    /// Defined nowhere: if a panic could be reached, it would stand among the imports.
    fn a_panic_is_reachable() -> !;
    #[cfg(feature = "planted")]
    fn time() -> u32;
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    unsafe { a_panic_is_reachable() }
}

type World = Directory<16, 64, 4096>;

struct Module {
    room: [u8; 8192],
    reply: [u8; Reply::MAX_LEN],
    event: [u8; Event::MAX_LEN],
    event_len: usize,
    status: u16,
    world: World,
    last: Option<UccKey>,
    desk: Desk<16, Directory<16, 64, 4096>>,
}

struct Only(UnsafeCell<Module>);

/// A module has one thread.
unsafe impl Sync for Only {}

static MODULE: Only = Only(UnsafeCell::new(Module {
    room: [0; 8192],
    reply: [0; Reply::MAX_LEN],
    event: [0; Event::MAX_LEN],
    event_len: 0,
    status: 0,
    world: World::new(),
    last: None,
    desk: Desk::new(World::new()),
}));

/// No function here calls another that takes the module, so no other code has it.
#[allow(clippy::mut_from_ref)]
fn module() -> &'static mut Module {
    unsafe { &mut *MODULE.0.get() }
}

fn text(room: &[u8], from: usize, len: usize) -> Option<&str> {
    str::from_utf8(room.get(from..from.checked_add(len)?)?).ok()
}

/// Where the host writes texts.
#[unsafe(no_mangle)]
extern "C" fn room() -> *mut u8 {
    module().room.as_mut_ptr()
}

/// Where the bytes of the last reply stand.
#[unsafe(no_mangle)]
extern "C" fn reply() -> *const u8 {
    module().reply.as_ptr()
}

/// Where the bytes of the last event stand.
#[unsafe(no_mangle)]
extern "C" fn event() -> *const u8 {
    module().event.as_ptr()
}

/// How long the last event is; 0 if there was none.
#[unsafe(no_mangle)]
extern "C" fn event_len() -> usize {
    module().event_len
}

/// The status of the last reply.
#[unsafe(no_mangle)]
extern "C" fn status() -> u32 {
    module().status.into()
}

/// Forgets UCCs and agents that were added.
#[unsafe(no_mangle)]
extern "C" fn clear() {
    module().world = World::new();
}

/// Adds a UCC; its settings are bits in the order of [`Settings`].
#[unsafe(no_mangle)]
extern "C" fn add_ucc(name: usize, bits: u32) -> bool {
    let Module { room, world, last, .. } = module();
    let bit = |at: u32| bits >> at & 1 == 1;
    let settings = Settings {
        recording_api_licensed: bit(0),
        use_audio_recording: bit(1),
        agent_can_edit_audio_recording: bit(2),
        save_recording_by_default: bit(3),
        repeats: if bit(4) { RepeatPolicy::Refuse } else { RepeatPolicy::Accept },
    };
    let name = text(room, 0, name).and_then(|name| UccName::new(name).ok());
    *last = name.and_then(|name| world.add_ucc(name, settings).ok());
    last.is_some()
}

/// Adds an agent to the UCC that was added last.
#[unsafe(no_mangle)]
extern "C" fn add_agent(uri: usize) -> bool {
    let Module { room, world, last, .. } = module();
    let (Some(ucc), Some(uri)) = (*last, text(room, 0, uri)) else { return false };
    uri.try_into().is_ok_and(|uri| world.add_agent(ucc, uri).is_ok())
}

/// A desk for these UCCs, without sessions.
#[unsafe(no_mangle)]
extern "C" fn open() {
    let Module { world, desk, .. } = module();
    *desk = Desk::new(core::mem::take(world));
}

/// Begins a session: the name of its UCC, its id after it, its state as a byte.
#[unsafe(no_mangle)]
extern "C" fn begin(name: usize, id: usize, state: u8) -> bool {
    let Module { room, desk, .. } = module();
    let session = || {
        Some(Session {
            ucc: UccName::new(text(room, 0, name)?).ok()?,
            correlation_id: CorrelationId::parse(text(room, name, id)?).ok()?,
            state: State::from_byte(state)?,
        })
    };
    session().is_some_and(|session| desk.begin(session).is_ok())
}

/// Method, target, content type and body are after each other; a negative length is a content type that is not there.
/// Gives the length of the reply.
#[unsafe(no_mangle)]
extern "C" fn answer(method: usize, target: usize, content_type: i32, body: usize) -> usize {
    let Module { room, desk, reply, event, event_len, status, .. } = module();
    *event_len = 0;
    let mut at = 0_usize;
    let mut next = |len: usize| {
        let part = room.get(at..at.wrapping_add(len)).unwrap_or_default();
        at += part.len();
        part
    };
    let (method, target) = (next(method), next(target));
    let content_type = usize::try_from(content_type).ok().map(&mut next);
    let mut scratch = Scratch::new();
    let answer = match Request::read(RequestParts { method, target, content_type, body: next(body) }, &mut scratch) {
        Ok(request) => {
            let handled = desk.handle(&request);
            if let Some(told) = handled.event {
                *event_len = told.write(event).map_or(0, <[u8]>::len);
            }
            handled.reply
        }
        Err(rejection) => rejection.into(),
    };
    *status = answer.status();
    #[cfg(feature = "planted")]
    {
        *status ^= unsafe { time() } as u16;
    }
    answer.write(reply).map_or(0, <[u8]>::len)
}

/// One cell of the transition: the byte of the state that an action leads to; 255 for what is no state or no action.
#[unsafe(no_mangle)]
extern "C" fn apply(state: u8, action: u8) -> u8 {
    match (State::from_byte(state), Action::from_code(action)) {
        (Some(state), Some(action)) => state.apply(action).state().to_byte(),
        _ => 255,
    }
}
