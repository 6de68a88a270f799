//! A session as a value in etcd.
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 1 | the format: 1 |
//! | 1 | 1 | the code of the action that made it so; 0 if the session was begun so |
//! | 2 | 8 | which start of a server asked for it |
//! | 10 | 8 | that server's number of the change |
//! | 18 | | the session, as every store writes it: see [`form`] |

use recording_core::Action;

use crate::session::{OpId, Session};
use crate::store::form;

const FORMAT: u8 = 1;
const HEAD: usize = 18;

/// A session with the change that made it so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) action: Option<Action>,
    pub(super) op: OpId,
    pub(super) session: Session,
}

impl Value {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let Self { action, op, session } = self;
        let mut bytes = vec![FORMAT, action.map_or(0, Action::code)];
        bytes.extend(op.start.to_be_bytes());
        bytes.extend(op.number.to_be_bytes());
        bytes.extend(form::to_bytes(session));
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let (head, rest) = bytes.split_first_chunk::<HEAD>().ok_or("a session's value ends too early")?;
        let [format, action, ref ids @ ..] = *head;
        if format != FORMAT {
            return Err(format!("a session's value has format {format}, and only {FORMAT} is known"));
        }
        let action = match action {
            0 => None,
            code => Some(Action::from_code(code).ok_or_else(|| format!("there is no action {code}"))?),
        };
        let (start, number) = ids.split_at(8);
        let number_of = |bytes: &[u8]| bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        let op = OpId { start: number_of(start), number: number_of(number) };
        Ok(Self { action, op, session: form::from_bytes(rest)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::laws::all_sessions;

    #[test]
    fn what_is_written_is_read_again() {
        let op = OpId { start: 0x0102_0304_0506_0708, number: u64::MAX - 1 };
        let actions = Action::ALL.iter().copied().map(Some).chain([None]).cycle();
        for (session, action) in all_sessions().into_iter().zip(actions) {
            let value = Value { action, op, session };
            let bytes = value.to_bytes();
            assert_eq!(bytes[..10], [1, action.map_or(0, Action::code), 1, 2, 3, 4, 5, 6, 7, 8]);
            assert_eq!(Value::from_bytes(&bytes), Ok(value));
        }
    }

    #[test]
    fn what_was_never_written_is_not_read() {
        let good =
            Value { action: None, op: OpId { start: 1, number: 2 }, session: recording_core::State::INITIAL.into() };
        let good = good.to_bytes();
        for length in 0..good.len() {
            assert!(Value::from_bytes(&good[..length]).is_err(), "{length}");
        }
        for (at, byte) in [(0, 0), (0, 2), (1, 8), (1, 255), (18, 255)] {
            let mut bytes = good.clone();
            bytes[at] = byte;
            assert!(Value::from_bytes(&bytes).is_err(), "{at} {byte}");
        }
    }
}
