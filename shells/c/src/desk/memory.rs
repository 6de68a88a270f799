//! The memory of a desk: how much it is, and which part of it is which table.

use core::marker::PhantomData;
use core::slice;

use recording_core::Scratch;
use recording_core::desk::{AgentSlot, BorrowedDesk, Counts, DeskMemory, SessionSlot, UccSlot};

use crate::pointers::{check, shared};
use crate::rc_status;

/// How the memory of a desk must be aligned.
pub const RC_DESK_ALIGN: usize = 8;

/// How much a desk holds.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct rc_capacities {
    /// Sessions that may be open at once: 1 to 65534.
    pub sessions: u32,
    /// UCCs: 1 to 65534.
    pub uccs: u32,
    /// Agents of all UCCs together: 1 to 65534.
    pub agents: u32,
    /// Bytes of the names of all UCCs and the URIs of all agents together: at least 1.
    pub text: u32,
}

/// A desk: sessions and settings in memory that the caller gives, and the whole loop from request to reply and event.
///
/// It is made by `rc_desk_init`, is gone when the caller takes the memory back, and may be moved as it is, for it holds no
/// pointers. One thread at a time uses it, readers too; different desks have nothing in common. No pointer that is given
/// to its functions may lead into its memory.
#[derive(Debug)]
pub struct rc_desk {
    _private: [u8; 0],
}

/// The first bytes of the memory.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
struct Header {
    /// Two capacities in each, so that they are compared two at a time.
    capacities: [u64; 2],
    /// The capacities again, in disguise: tells a desk from other memory, and from one that was scribbled over.
    check: [u64; 2],
    counts: Counts,
}

/// How much room there is for a scratch, after the header.
const SCRATCH: usize = 360;

impl Header {
    const MAGIC: u64 = 0x7263_5f64_6573_6b30;

    const fn new(capacities: &rc_capacities) -> Self {
        let rc_capacities { sessions, uccs, agents, text } = *capacities;
        let [one, other] = [sessions as u64 | (uccs as u64) << 32, agents as u64 | (text as u64) << 32];
        Self { capacities: [one, other], check: [one ^ Self::MAGIC, other ^ Self::MAGIC], counts: Counts::NONE }
    }

    /// Whether it was made, and stands as it was made.
    #[inline(always)]
    const fn is_sound(&self) -> bool {
        let Self { capacities: [one, other], check: [one_check, other_check], .. } = *self;
        one ^ one_check == Self::MAGIC && other ^ other_check == Self::MAGIC
    }

    /// The capacities that it was made of.
    #[inline(always)]
    const fn capacities(&self) -> rc_capacities {
        let [one, other] = self.capacities;
        rc_capacities {
            sessions: one as u32,
            uccs: (one >> 32) as u32,
            agents: other as u32,
            text: (other >> 32) as u32,
        }
    }
}

/// Where the tables stand, in bytes from the beginning of the memory: those of the greatest alignment first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Layout {
    sessions: usize,
    uccs: usize,
    agents: usize,
    text: usize,
    /// How much it is altogether.
    size: usize,
}

impl Layout {
    /// `None` if a capacity is out of bounds, or there is no such memory.
    fn of(capacities: &rc_capacities) -> Option<Self> {
        let slots = [capacities.sessions, capacities.uccs, capacities.agents];
        if capacities.text == 0 || slots.iter().any(|&slots| slots == 0 || slots as usize > BorrowedDesk::MAX_LEN) {
            return None;
        }
        // Of a machine with less memory than this takes: no table but the text is longer than 65534 times 24 bytes.
        let rest = isize::MAX as u64 - 16 * 1024 * 1024;
        (u64::from(capacities.text) <= rest).then(|| Self::of_sound(capacities))
    }

    #[inline(always)]
    const fn of_sound(capacities: &rc_capacities) -> Self {
        let rc_capacities { sessions, uccs, agents, text } = *capacities;
        let (sessions, uccs, agents, text) = (sessions as usize, uccs as usize, agents as usize, text as usize);
        let sessions_at = size_of::<Header>() + SCRATCH;
        let uccs_at = sessions_at + sessions * size_of::<SessionSlot>();
        let agents_at = uccs_at + uccs * size_of::<UccSlot>();
        let text_at = agents_at + agents * size_of::<AgentSlot>();
        let size = (text_at + text).wrapping_add(RC_DESK_ALIGN - 1) / RC_DESK_ALIGN * RC_DESK_ALIGN;
        Self { sessions: sessions_at, uccs: uccs_at, agents: agents_at, text: text_at, size }
    }
}

// The macro RC_DESK_SIZE of the header has these numbers: it cannot ask.
const _: () = {
    assert!(size_of::<Header>() == 48 && align_of::<Header>() <= RC_DESK_ALIGN);
    assert!(size_of::<Scratch>() <= SCRATCH && align_of::<Scratch>() <= RC_DESK_ALIGN);
    assert!(size_of::<SessionSlot>() == 24 && align_of::<SessionSlot>() == 4);
    assert!(size_of::<UccSlot>() == 16 && align_of::<UccSlot>() == 4);
    assert!(size_of::<AgentSlot>() == 12 && align_of::<AgentSlot>() == 4);
};

/// How many bytes a desk of these capacities takes; 0 if there is no such desk, or `capacities` is null. The same as the
/// constant `RC_DESK_SIZE(sessions, uccs, agents, text)` of the header. Threads: any.
///
/// # Safety
///
/// Capacities can be read there, unless it is null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rc_desk_size(capacities: *const rc_capacities) -> usize {
    // SAFETY: as the caller says.
    match unsafe { shared(capacities) } {
        Ok(capacities) => Layout::of(capacities).map_or(0, |layout| layout.size),
        Err(_) => 0,
    }
}

/// How the memory of a desk must be aligned: `RC_DESK_ALIGN`. Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn rc_desk_align() -> usize {
    RC_DESK_ALIGN
}

/// Makes an empty desk in `size` bytes of `memory`, which is lent to it until the caller takes it back. What was there
/// does not matter. `desk` is then the desk, at the beginning of the memory.
///
/// Nothing may be null. On failure (`RC_MISALIGNED`, `RC_NO_CAPACITY`, `RC_MEMORY_TOO_SMALL`) nothing is written. Threads:
/// see `rc_desk`.
///
/// # Safety
///
/// Unless a pointer is null: `size` bytes of `memory` are the caller's alone, capacities can be read, a pointer can be
/// written at `desk`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rc_desk_init(
    memory: *mut core::ffi::c_void,
    size: usize,
    capacities: *const rc_capacities,
    desk: *mut *mut rc_desk,
) -> rc_status {
    // SAFETY: as the caller says.
    let capacities = match check(desk).and_then(|()| unsafe { shared(capacities) }) {
        Ok(capacities) => *capacities,
        Err(status) => return status,
    };
    let memory = memory.cast::<u64>();
    if let Err(status) = check(memory) {
        return status;
    }
    let Some(layout) = Layout::of(&capacities) else { return rc_status::RC_NO_CAPACITY };
    if size < layout.size {
        return rc_status::RC_MEMORY_TOO_SMALL;
    }
    // SAFETY: aligned, and the caller's alone as far as the layout goes, which is further than a header.
    unsafe { memory.cast::<Header>().write(Header::new(&capacities)) };
    // SAFETY: the same; a header of this layout is there.
    match unsafe { parts(memory.cast()) } {
        Ok((memory, _)) => drop(BorrowedDesk::new(memory.lent())),
        Err(status) => return status,
    }
    // SAFETY: neither null nor misaligned, and writable as the caller says.
    unsafe { desk.write(memory.cast()) };
    rc_status::RC_OK
}

/// The memory of a desk, all but its room for what a request spells. Its owner has it alone.
pub(super) struct Memory<'a> {
    start: *mut u8,
    tables: PhantomData<&'a mut [u8]>,
}

/// The memory of a desk, and its room for what a request spells with escapes, which so need not be made for each.
///
/// # Safety
///
/// Unless it is null or misaligned, at least a header's bytes can be read there, and if `rc_desk_init` has made it a desk,
/// all its memory is the caller's alone while `'a` lasts.
#[inline(always)]
pub(super) unsafe fn parts<'a>(desk: *mut rc_desk) -> Result<(Memory<'a>, &'a mut Scratch), rc_status> {
    let start = desk.cast::<u8>();
    check(start.cast::<u64>())?;
    // SAFETY: neither null nor misaligned, and readable as the caller says. Every field takes any bytes.
    if !unsafe { start.cast::<Header>().read() }.is_sound() {
        return Err(rc_status::RC_NOT_INITIALIZED);
    }
    // SAFETY: a desk: within its memory.
    let scratch = unsafe { start.add(size_of::<Header>()) };
    // SAFETY: aligned after the header, the caller's alone as it says, and apart from what else is given out. A scratch
    // takes any bytes.
    Ok((Memory { start, tables: PhantomData }, unsafe { &mut *scratch.cast() }))
}

impl<'a> Memory<'a> {
    /// The desk that is in it. It is made when it is needed: until then there is one pointer to keep.
    #[inline(always)]
    pub(super) fn desk(self) -> BorrowedDesk<'a> {
        BorrowedDesk::resume(self.lent())
    }

    #[inline(always)]
    fn lent(self) -> DeskMemory<'a> {
        let memory = self.start;
        let header = memory.cast::<Header>();
        // SAFETY: the header of a desk, as who made this value has seen.
        let capacities = unsafe { (*header).capacities() };
        // They were found to be sound when the desk was made, and are the same.
        let layout = Layout::of_sound(&capacities);
        let rc_capacities { sessions, uccs, agents, text } = capacities;
        let (sessions, uccs, agents, text) = (sessions as usize, uccs as usize, agents as usize, text as usize);
        /// # Safety
        ///
        /// `len` values of `T` are `at` bytes after `memory`, aligned, and are the caller's alone while `'a` lasts.
        #[inline(always)]
        const unsafe fn table<'a, T>(memory: *mut u8, at: usize, len: usize) -> &'a mut [T] {
            // SAFETY: within the memory, as the caller says.
            let first = unsafe { memory.add(at) };
            // SAFETY: aligned and the caller's alone, as it says.
            unsafe { slice::from_raw_parts_mut(first.cast(), len) }
        }
        #[allow(clippy::multiple_unsafe_ops_per_block, reason = "one reason holds for each of them")]
        // SAFETY: the layout of these capacities is that of the desk; its tables are apart from each other and from the
        // header, each begins at a multiple of its alignment, and each takes any bytes.
        unsafe {
            DeskMemory {
                counts: &mut (*header).counts,
                sessions: table(memory, layout.sessions, sessions),
                uccs: table(memory, layout.uccs, uccs),
                agents: table(memory, layout.agents, agents),
                text: table(memory, layout.text, text),
            }
        }
    }
}

/// # Safety
///
/// As for [`parts`].
#[inline]
pub(super) unsafe fn desk<'a>(desk: *mut rc_desk) -> Result<BorrowedDesk<'a>, rc_status> {
    // SAFETY: as the caller says.
    Ok(unsafe { parts(desk) }?.0.desk())
}
