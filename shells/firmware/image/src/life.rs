//! How the last life ended, and how this one does: faults and panics are logged, and the board starts again.

use core::arch::global_asm;
use core::mem::MaybeUninit;
use core::panic::PanicInfo;

use cortex_m::peripheral::SCB;
use cortex_m_rt::exception;
use recording_gateway::text::Text;

use crate::{board, serial};

/// What this word is, when the board starts, says how the last life ended. It is not cleared at the start.
#[unsafe(link_section = ".uninit.ended_by")]
static mut ENDED_BY: MaybeUninit<u32> = MaybeUninit::uninit();

const RUNNING: u32 = 0x5ec0_4d01;
const FAULT: u32 = 0x5ec0_4d02;
const PANIC: u32 = 0x5ec0_4d03;

fn note(value: u32) {
    // SAFETY: one word, written as a whole; an exception that interrupts does not return.
    unsafe { (&raw mut ENDED_BY).cast::<u32>().write_volatile(value) };
}

/// How the last life ended; from now on this one runs.
pub(crate) fn begin() -> &'static str {
    // SAFETY: memory that is there; any word is a `u32`.
    let last = unsafe { (&raw const ENDED_BY).cast::<u32>().read_volatile() };
    note(RUNNING);
    match last {
        // Nothing was logged: the watchdog, or the reset line.
        RUNNING => "reset",
        FAULT => "fault",
        PANIC => "panic",
        _ => "power",
    }
}

/// The deepest that the stack has been, in bytes.
pub(crate) fn stack_peak() -> u32 {
    unsafe extern "C" {
        static _stack_start: u32;
        static _stack_end: u32;
    }
    let (start, end) = (&raw const _stack_start, &raw const _stack_end);
    let mut at = end;
    // SAFETY: the stack's words, which were painted before `main`.
    while at < start && unsafe { at.read_volatile() } == cortex_m_rt::STACK_PAINT_VALUE {
        at = at.wrapping_add(1);
    }
    (start.addr() - at.addr()) as u32
}

fn end(value: u32, line: &Text<160>) -> ! {
    cortex_m::interrupt::disable();
    note(value);
    let mut log = board::log();
    serial::log(&mut log, line);
    // What was written has to leave before the reset; and a board that cannot start does not fill its log with it.
    cortex_m::asm::delay(board::CLOCK / 2);
    SCB::sys_reset()
}

// A stack that has grown out of the RAM carries no handler: it begins again from the top, since nothing comes back. All
// faults end up here: the finer ones are not switched on.
global_asm!(
    ".section .text.HardFault, \"ax\"",
    ".global HardFault",
    ".type HardFault, %function",
    ".thumb_func",
    "HardFault:",
    "mrs r0, msp",
    "ldr r1, =_stack_start",
    "mov sp, r1",
    "b {fault}",
    ".ltorg",
    fault = sym fault,
);

extern "C" fn fault(sp: u32) -> ! {
    unsafe extern "C" {
        static _stack_start: u32;
        static _stack_end: u32;
    }
    let (top, bottom) = ((&raw const _stack_start).addr() as u32, (&raw const _stack_end).addr() as u32);
    let mut line = Text::new();
    // The exception's frame, eight words, has to lie within the stack to be there at all.
    if sp >= bottom && sp.saturating_add(32) <= top {
        // SAFETY: the frame lies within the stack; its seventh word is the address that was to be run.
        let pc = unsafe { (sp as *const u32).add(6).read_volatile() };
        line.text("FAULT at ").address(pc);
    } else {
        line.text("FAULT: stack overflow, ").number(bottom.wrapping_sub(sp)).text(" bytes below");
    }
    // SAFETY: the fault status registers of ARMv7-M.
    let (status, address) =
        unsafe { ((0xe000_ed28 as *const u32).read_volatile(), (0xe000_ed38 as *const u32).read_volatile()) };
    line.text(" status=").address(status).text(" address=").address(address);
    end(FAULT, &line)
}

/// An exception that nothing here raises.
#[exception]
unsafe fn DefaultHandler(_number: i16) -> ! {
    give_up("an unexpected exception")
}

/// Ends this life, for a reason that the image can name.
pub(crate) fn give_up(why: &str) -> ! {
    let mut line = Text::new();
    line.text("PANIC: ").text(why);
    end(PANIC, &line)
}

/// The place in the code is logged as addresses, for `llvm-symbolizer`: names of files would take 8 KB of flash.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    unsafe extern "C" {
        static __stext: u8;
        static __etext: u8;
        static _stack_start: u32;
    }
    let code = (&raw const __stext).addr() as u32..(&raw const __etext).addr() as u32;
    let mut line = Text::new();
    line.text("PANIC, called from");
    let here = 0_u32;
    let mut at = &raw const here;
    let mut told = 0;
    while at < &raw const _stack_start && told < 8 {
        // SAFETY: the stack's words, from this frame up.
        let word = unsafe { at.read_volatile() };
        // What a call leaves: an odd address within the code.
        if word & 1 == 1 && code.contains(&word) {
            line.text(" ").address(word & !1);
            told += 1;
        }
        at = at.wrapping_add(1);
    }
    end(PANIC, &line)
}
