//! What is sent for an order, to the byte, and what a reply says.
//!
//! An rtpengine answers a cookie that it has seen with the reply that it gave then, whatever else the datagram says, and
//! carries nothing out. So a cookie belongs to one command for good, and is made of what a restart of the server leaves: the
//! store's id, the session and the sending's number.

use recording_core::recorder::{Number, Order};

use super::bencode::Value;
use super::options::PauseMode;
use crate::recorder::port::Call;

/// The longest reason that is passed on, in characters.
const LONGEST_REASON: usize = 200;

/// A command with its cookie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Command {
    pub(super) cookie: String,
    /// The datagram.
    pub(super) bytes: Vec<u8>,
}

/// The cookie of a sending. The number alone tells sendings of a store apart; the session is for people who read the
/// recorder's log, and the order makes sure that no other command is ever taken for this one.
fn cookie(store_id: u64, call: &Call, order: Order, number: Number) -> String {
    let session = call.key.correlation_id.to_u128();
    let order = match order {
        Order::Record => 'r',
        Order::Stop => 's',
        Order::Pause => 'p',
    };
    format!("{store_id:016x}-{session:032x}-{:016x}{order}", number.get())
}

/// A datagram.
pub(super) fn datagram(cookie: &str, body: &Value<'_>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(128);
    bytes.extend_from_slice(cookie.as_bytes());
    bytes.push(b' ');
    body.encode(&mut bytes);
    bytes
}

/// What rtpengine is asked for when a recorder is to become this.
pub(super) const fn verb(order: Order, pause: PauseMode) -> &'static str {
    match (order, pause) {
        (Order::Record, _) => "start recording",
        (Order::Pause, PauseMode::Native) => "pause recording",
        (Order::Pause, PauseMode::Segments) | (Order::Stop, _) => "stop recording",
    }
}

/// The command that carries an order out: the same bytes for the same sending, before and after a restart of the server.
pub(super) fn command(store_id: u64, call: &Call, order: Order, number: Number, pause: PauseMode) -> Command {
    let cookie = cookie(store_id, call, order, number);
    let verb = Value::text(verb(order, pause));
    let body = Value::dictionary([("call-id", Value::text(&call.id)), ("command", verb)]);
    let bytes = datagram(&cookie, &body);
    Command { cookie, bytes }
}

/// A ping with the cookie of a command. Any reply to it shows that the command has landed: it was carried out before, or it
/// never will be, since the recorder now takes it for this ping.
pub(super) fn seal(cookie: &str) -> Vec<u8> {
    datagram(cookie, &Value::dictionary([("command", Value::text("ping"))]))
}

/// What a reply to a command says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    Ok,
    /// The command has never arrived, or longer ago than the recorder remembers.
    Pong,
    NoSuchCall,
    /// With the reason.
    Refused(String),
}

impl Reply {
    /// Reads the part after the cookie.
    pub(super) fn read(body: &[u8]) -> Self {
        let Some(value) = Value::decode(body) else { return Self::Refused("a reply that is not bencode".to_owned()) };
        let text = |key| value.get(key).and_then(Value::as_text);
        match text("result") {
            Some("ok") => Self::Ok,
            Some("pong") => Self::Pong,
            _ if text("error-reason") == Some("Unknown call-id") => Self::NoSuchCall,
            result => {
                let reason = text("error-reason").or_else(|| text("message")).or(result);
                Self::Refused(printable(reason.unwrap_or("a reply without a result")))
            }
        }
    }
}

/// A text from the network in one short line.
pub(super) fn printable(text: &str) -> String {
    text.chars().take(LONGEST_REASON).map(|char| if char.is_control() { '?' } else { char }).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use recording_core::wire::{CorrelationId, UccName};

    use super::*;
    use crate::session::{Binding, SessionKey};

    fn call(id: &str) -> Call {
        let correlation_id = CorrelationId::parse("1d6c6a58-6739-4f0c-98ff-0968292c8c30").expect("an id");
        let key = SessionKey::new(UccName::new("ucc").expect("a name"), correlation_id);
        Call { key, id: id.into(), binding: Arc::new(Binding { recorder: "r".into(), call: "{}".into() }) }
    }

    fn number(number: u64) -> Number {
        Number::from_u64(number).expect("a number")
    }

    #[test]
    fn commands_are_the_same_to_the_byte_in_every_version_of_this_server() {
        let call = call("a b@c");
        let of = |order, pause| {
            let command = command(0xfeed, &call, order, number(0x0102_0304), pause);
            let (cookie, body) = command.bytes.split_at(command.cookie.len());
            assert_eq!(cookie, command.cookie.as_bytes());
            (command.cookie, String::from_utf8(body.to_vec()).expect("text"))
        };
        let start = "000000000000feed-1d6c6a5867394f0c98ff0968292c8c30-0000000001020304";
        for (order, pause, letter, verb) in [
            (Order::Record, PauseMode::Segments, 'r', "15:start recording"),
            (Order::Record, PauseMode::Native, 'r', "15:start recording"),
            (Order::Pause, PauseMode::Segments, 'p', "14:stop recording"),
            (Order::Pause, PauseMode::Native, 'p', "15:pause recording"),
            (Order::Stop, PauseMode::Segments, 's', "14:stop recording"),
            (Order::Stop, PauseMode::Native, 's', "14:stop recording"),
        ] {
            let expected = (format!("{start}{letter}"), format!(" d7:call-id5:a b@c7:command{verb}e"));
            assert_eq!(of(order, pause), expected);
        }
        assert_eq!(seal("x"), b"x d7:command4:pinge");
    }

    #[test]
    fn no_two_commands_have_one_cookie() {
        let mut seen = std::collections::BTreeSet::new();
        for store_id in [0, 1, u64::MAX] {
            for sending in [1, 2, 1 << 24, u64::MAX] {
                for order in Order::ALL {
                    let cookie = command(store_id, &call("c"), *order, number(sending), PauseMode::Segments).cookie;
                    assert!(!cookie.contains(' '), "{cookie}");
                    assert!(seen.insert(cookie));
                }
            }
        }
        assert_eq!(seen.len(), 36);
    }

    #[test]
    fn replies_are_told_apart() {
        let refused = |reason: &str| Reply::Refused(reason.to_owned());
        for (body, expected) in [
            (&b"d6:result2:oke"[..], Reply::Ok),
            (b"d7:warning1:x6:result2:oke", Reply::Ok),
            (b"d6:result4:ponge", Reply::Pong),
            (b"d12:error-reason15:Unknown call-id6:result5:errore", Reply::NoSuchCall),
            (b"d12:error-reason20:Unrecognized command6:result5:errore", refused("Unrecognized command")),
            (b"d7:message9:CPU usage6:result10:load limit\x65", refused("CPU usage")),
            (b"d6:result5:errore", refused("error")),
            (b"d12:error-reason3:a\nb6:result5:errore", refused("a?b")),
            (b"de", refused("a reply without a result")),
            (b"d6:result3:OK e", refused("OK ")),
            (b"d6:result2:ok", refused("a reply that is not bencode")),
            (b"", refused("a reply that is not bencode")),
        ] {
            assert_eq!(Reply::read(body), expected, "{}", body.escape_ascii());
        }
    }

    proptest! {
        #[test]
        fn a_reason_is_one_short_line(bytes in prop::collection::vec(any::<u8>(), 0..2000), text in ".{0,500}") {
            for body in [bytes, format!("d12:error-reason{}:{text}e", text.len()).into_bytes()] {
                if let Reply::Refused(reason) = Reply::read(&body) {
                    prop_assert!(reason.chars().count() <= LONGEST_REASON && !reason.contains(char::is_control));
                }
            }
        }
    }
}
