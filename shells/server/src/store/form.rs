//! A session as bytes, in every store that keeps it outside of this process.
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 1 | the state, as [`State::to_byte`] makes it; there is nothing more if the session has no recorder |
//! | 0 | 160 | what [`Kept::to_bytes`] makes, which begins with the state and its version |
//! | 160 | 2 | the length of the recorder's name, little-endian |
//! | 162 | 2 | the length of what the recorder needs to know of the call, little-endian |
//! | 164 | | the recorder's name, then the other |

use std::sync::Arc;

use recording_core::State;
use recording_core::recorder::Kept;
use serde_json::{Map, Value};

use super::{Session, StoreError};
use crate::session::{Binding, Bound};

/// Whether [`from_bytes`] will read it again. A session that it would not read is never stored: at the next start it would
/// take all others with it.
pub(super) fn check(session: Option<&Session>) -> Result<(), StoreError> {
    let bound = session.and_then(Session::bound);
    bound.map_or(Ok(()), |bound| check_binding(&bound.binding).map_err(StoreError::new))
}

fn check_binding(Binding { recorder, call }: &Binding) -> Result<(), &'static str> {
    if recorder.is_empty() || recorder.len() > Binding::RECORDER_MAX {
        return Err("a session has a recorder whose name is empty or too long");
    }
    if call.len() > Binding::CALL_MAX {
        return Err("what a recorder needs to know of a call is too long");
    }
    let object = serde_json::from_str::<Map<String, Value>>(call);
    object.map(drop).map_err(|_| "what a recorder needs to know of a call is not a JSON object")
}

/// The stored form.
pub(super) fn to_bytes(session: &Session) -> Vec<u8> {
    match session {
        Session::Plain(state) => vec![state.to_byte()],
        Session::Bound(bound) => {
            let Binding { recorder, call } = &*bound.binding;
            // The lengths are checked before a session is stored.
            let length = |text: &str| u16::try_from(text.len()).unwrap_or(u16::MAX).to_le_bytes();
            let parts =
                [&bound.kept.to_bytes()[..], &length(recorder), &length(call), recorder.as_bytes(), call.as_bytes()];
            parts.concat()
        }
    }
}

/// Reads the stored form.
///
/// # Errors
///
/// What is wrong with it, if [`to_bytes`] never made these bytes.
pub(super) fn from_bytes(bytes: &[u8]) -> Result<Session, String> {
    if let &[state] = bytes {
        return State::from_byte(state).map(Session::Plain).ok_or_else(|| format!("there is no state {state}"));
    }
    let short = || "a session's bytes end too early".to_owned();
    let (kept, rest) = bytes.split_at_checked(Kept::LEN).ok_or_else(short)?;
    let kept = Kept::from_bytes(kept).map_err(|error| error.to_string())?;
    let (&[a, b, c, d], rest) = rest.split_first_chunk().ok_or_else(short)?;
    let (recorder, call) = rest.split_at_checked(u16::from_le_bytes([a, b]).into()).ok_or_else(short)?;
    if call.len() != usize::from(u16::from_le_bytes([c, d])) {
        return Err("a session's bytes have another length than they say".into());
    }
    let text = |bytes: &[u8]| core::str::from_utf8(bytes).map(Box::from).map_err(|error| error.to_string());
    let binding = Binding { recorder: text(recorder)?, call: text(call)? };
    check_binding(&binding)?;
    Ok(Session::Bound(Arc::new(Bound { kept, binding: Arc::new(binding) })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::laws::{all_kept, all_sessions, bound};

    #[test]
    fn what_is_written_is_read_again() {
        let all = all_sessions();
        assert!(all.len() > 500, "{}", all.len());
        for session in &all {
            let bytes = to_bytes(session);
            assert_eq!(bytes[0], session.kept_state().to_byte());
            assert_eq!(from_bytes(&bytes).as_ref(), Ok(session));
            assert_eq!(check(Some(session)), Ok(()));
        }
    }

    #[test]
    fn the_layout_is_what_the_table_says() {
        let kept = all_kept()[0];
        let bytes = to_bytes(&bound(kept, "own", r#"{"a":1}"#));
        assert_eq!(bytes[..160], kept.to_bytes());
        assert_eq!(&bytes[160..], b"\x03\0\x07\0own{\"a\":1}");
        assert_eq!(to_bytes(&State::INITIAL.into()), [0]);
    }

    /// Each bit of each byte flipped, and each length: what is read all the same is exactly what would be written so.
    #[test]
    fn no_byte_is_read_over() {
        let (mut refused, mut read) = (0, 0);
        for session in all_sessions().iter().filter(|session| to_bytes(session).len() < 250).step_by(23) {
            let good = to_bytes(session);
            let bits = (0..good.len() * 8).map(|bit| {
                let mut bytes = good.clone();
                bytes[bit / 8] ^= 1 << (bit % 8);
                bytes
            });
            for bytes in bits {
                match from_bytes(&bytes) {
                    Ok(session) => {
                        assert_eq!(to_bytes(&session), bytes);
                        read += 1;
                    }
                    Err(why) => {
                        assert!(!why.contains('\n'), "{why}");
                        refused += 1;
                    }
                }
            }
            for length in (0..good.len()).filter(|&length| length != 1) {
                assert!(from_bytes(&good[..length]).is_err(), "{length} of {}", good.len());
            }
            assert!(from_bytes(&[&good[..], &[0]].concat()).is_err());
        }
        println!("bytes of sessions with one bit flipped: {refused} refused, {read} read as another session");
        assert!(refused > 1000 && read > 1000, "{refused} {read}");
    }
}
