//! Pointers that come in: what can be checked of one is checked before it is used.

use crate::rc_status;

/// # Safety
///
/// Unless `pointer` is null or not aligned, a `T` can be read there, and does not change while `'a` lasts.
pub(crate) unsafe fn shared<'a, T>(pointer: *const T) -> Result<&'a T, rc_status> {
    check(pointer)?;
    // SAFETY: neither null nor misaligned, and readable as the caller says.
    Ok(unsafe { &*pointer })
}

/// # Safety
///
/// Unless `pointer` is null or not aligned, a `T` is there that no other code reads or writes while `'a` lasts.
pub(crate) unsafe fn unique<'a, T>(pointer: *mut T) -> Result<&'a mut T, rc_status> {
    check(pointer)?;
    // SAFETY: neither null nor misaligned, and the caller's alone as the caller says.
    Ok(unsafe { &mut *pointer })
}

pub(crate) fn check<T>(pointer: *const T) -> Result<(), rc_status> {
    if pointer.is_null() {
        Err(rc_status::RC_NULL)
    } else if pointer.is_aligned() {
        Ok(())
    } else {
        Err(rc_status::RC_MISALIGNED)
    }
}

/// 0 or 1.
pub(crate) const fn flag(number: u8) -> Result<bool, rc_status> {
    match number {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(rc_status::RC_NO_CODE),
    }
}

/// The status of what was done, or why it was not.
pub(crate) fn status(done: Result<(), rc_status>) -> rc_status {
    match done {
        Ok(()) => rc_status::RC_OK,
        Err(status) => status,
    }
}
