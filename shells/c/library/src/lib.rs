//! `librecording_core.so` and `librecording_core.a`: the C ABI, and what to do should anything panic.
#![no_std]

pub use recording_core_c::*;

/// Nothing in the library can panic, which is proven by linking it with the feature `no-panic`. So this is not in it.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    #[cfg(feature = "no-panic")]
    {
        unsafe extern "C" {
            /// Defined nowhere.
            fn a_panic_is_reachable() -> !;
        }
        // SAFETY: never called: no program is linked with it.
        unsafe { a_panic_is_reachable() }
    }
    #[cfg(not(feature = "no-panic"))]
    loop {}
}
