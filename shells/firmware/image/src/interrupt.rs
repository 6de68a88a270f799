//! Interrupts: they move bytes out of the way, and wake the main loop. Everything else happens there.

use core::sync::atomic::{AtomicU32, Ordering};

use cortex_m::interrupt::InterruptNumber;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m::peripheral::{NVIC, Peripherals};
use cortex_m_rt::exception;

use crate::board;

/// What is in the vector table.
pub(crate) type Handler = unsafe extern "C" fn();

/// The number of one of the board's interrupts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Number(pub(crate) u16);

// SAFETY: boards make numbers of the interrupts that they have, and those do not change.
unsafe impl InterruptNumber for Number {
    fn number(self) -> u16 {
        self.0
    }
}

static MILLISECONDS: AtomicU32 = AtomicU32::new(0);

/// Starts the clock: it ticks a thousand times a second. It is not made tickless: the emulated network of QEMU looks at
/// new connections only when something wakes it.
pub(crate) fn start_clock() {
    // SAFETY: no other code uses it.
    let mut clock = unsafe { Peripherals::steal() }.SYST;
    clock.set_clock_source(SystClkSource::Core);
    clock.set_reload(board::CLOCK / 1000 - 1);
    clock.clear_current();
    clock.enable_counter();
    clock.enable_interrupt();
}

/// Milliseconds since the start.
pub(crate) fn now() -> u32 {
    MILLISECONDS.load(Ordering::Relaxed)
}

#[exception]
fn SysTick() {
    // No other code writes.
    MILLISECONDS.store(now().wrapping_add(1), Ordering::Relaxed);
}

/// On some boards the watchdog says so that its time is over once: it resets the board when it is over again.
#[exception]
unsafe fn NonMaskableInt() {
    loop {
        cortex_m::asm::nop();
    }
}

pub(crate) fn enable(number: Number) {
    // SAFETY: it is called outside of critical sections, by the main loop alone.
    unsafe { NVIC::unmask(number) }
}

/// The main loop looks at the Ethernet when it runs again; until it sleeps the next time it wants no interrupt.
pub(crate) unsafe extern "C" fn wake_for_net() {
    NVIC::mask(board::NET_INTERRUPT);
}

/// An unexpected interrupt.
pub(crate) unsafe extern "C" fn unexpected() {
    crate::life::give_up("an unexpected interrupt");
}

/// Sleeps until the next interrupt, unless `has_work` says that there is something to do.
pub(crate) fn sleep(has_work: impl FnOnce() -> bool) {
    // An interrupt that comes after the last look does not get lost: `wfi` does not sleep while one is pending, and its
    // handler runs after the section.
    cortex_m::interrupt::free(|_| {
        if !has_work() {
            // SAFETY: the handler masks it again; nothing in this section relies on it being masked.
            unsafe { NVIC::unmask(board::NET_INTERRUPT) };
            cortex_m::asm::wfi();
        }
    });
}
