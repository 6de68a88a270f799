//! Hostile bytes to what a client reads.

use recording_core::wire::{
    CapabilitiesReply, CapabilitiesReplyBuf, ErrorMessage, ErrorMessageBuf, ErrorReply, ErrorReplyBuf, EventBuf, Field,
    FieldErrorKind, ReadError, StateReply, StateReplyBuf,
};
use recording_core::{Event, State};

use crate::strict::{self, Document, Tree};

/// One reader of borrowed values against itself and against serde.
macro_rules! reader {
    ($data:ident, $sound:ident, $Borrowed:ident, $Owned:ident, $owned:expr, $error:expr) => {{
        let shown = || String::from_utf8_lossy($data);
        // "Its own length is always enough."
        let mut room = vec![0; $data.len()];
        let ours = $Borrowed::read($data, &mut room);
        let mut less = vec![0; $data.len() / 8];
        match (&ours, $Borrowed::read($data, &mut less)) {
            (Ok(one), Ok(other)) => assert_eq!(*one, other, "{}", shown()),
            // Less room fails with a word on length, unless something else is wrong before that.
            (Ok(_), Err(ReadError::Field(error))) => {
                assert!(matches!(error.kind, FieldErrorKind::TooLong { .. }), "{error}: {}", shown());
            }
            (Err(_), Err(_)) => {}
            (ours, less) => panic!("{ours:?}, with less room {less:?}: {}", shown()),
        }
        if let Ok(value) = &ours {
            // A byte of text may be written as six.
            let mut written = vec![0; 6 * $data.len() + $Borrowed::MAX_LEN];
            let written = value.write(&mut written).expect("room");
            serde_json::from_slice::<Tree>(written).expect("what is written is JSON");
            assert_eq!($Borrowed::read(written, &mut vec![0; written.len()]), Ok(*value), "{}", shown());
            assert_eq!(serde_json::to_vec(value).expect("JSON"), written, "{}", shown());
            let room = value.write(&mut []).expect_err("no room");
            assert_eq!((room.needed, room.given), (written.len(), 0));
        }
        if $sound {
            let by_serde = serde_json::from_slice::<$Owned>($data);
            let error: Option<ErrorMessage<'_>> = ours.as_ref().ok().and_then($error);
            match (ours, by_serde) {
                (Ok(value), Ok(by_serde)) => {
                    let owned: Result<$Owned, _> = $owned(value);
                    assert_eq!(owned.as_ref(), Ok(&by_serde), "{}", shown());
                    assert_eq!(by_serde.to_ref(), value, "{}", shown());
                }
                (Err(_), Err(_)) => {}
                // Named difference: what owns its text keeps no more than so much of it.
                (Ok(_), Err(_)) if error.is_some_and(|error| too_long(&error)) => {}
                (ours, by_serde) => panic!("{ours:?}, but serde says {by_serde:?}: {}", shown()),
            }
        }
    }};
}

fn too_long(error: &ErrorMessage<'_>) -> bool {
    error.text().is_some_and(|text| text.len() > ErrorMessageBuf::MAX_TEXT_LEN)
}

/// Hostile bytes as replies, events and states: what is read is what `serde` reads too, and written it reads the same.
///
/// # Panics
///
/// When it is not so.
pub fn client(data: &[u8]) {
    // Named difference: what serde skips it does not look at closely, as lone surrogates in it, and it goes deeper.
    let sound = match strict::read(data) {
        Document::Private => false,
        Document::Sound(_) => true,
        Document::Bad | Document::Deep => {
            refused(StateReply::read(data, &mut vec![0; data.len()]).map(drop), data);
            refused(CapabilitiesReply::read(data, &mut vec![0; data.len()]).map(drop), data);
            refused(ErrorReply::read(data, &mut vec![0; data.len()]).map(drop), data);
            refused(Event::read(data, &mut vec![0; data.len()]).map(drop), data);
            refused(State::read(data).map(drop), data);
            false
        }
    };
    reader!(data, sound, StateReply, StateReplyBuf, StateReplyBuf::try_from, |reply| reply.error);
    reader!(data, sound, CapabilitiesReply, CapabilitiesReplyBuf, CapabilitiesReplyBuf::try_from, |reply| reply.error);
    reader!(data, sound, ErrorReply, ErrorReplyBuf, ErrorReplyBuf::try_from, |reply| Some(reply.error));
    reader!(data, sound, Event, EventBuf, |event| Ok::<_, ReadError>(EventBuf::from(event)), |_| None);
    state(data, sound);
}

fn refused(read: Result<(), ReadError>, data: &[u8]) {
    assert!(read.is_err(), "no JSON, but accepted: {}", String::from_utf8_lossy(data));
}

fn state(data: &[u8], sound: bool) {
    let shown = || String::from_utf8_lossy(data);
    let ours = State::read(data);
    if let Ok(state) = ours {
        let mut room = [0; State::DOCUMENT_LEN];
        let written = state.write(&mut room).expect("room");
        assert_eq!(State::read(written), Ok(state));
        assert_eq!(serde_json::to_vec(&state).expect("JSON"), written);
    }
    // A state reply holds what the document of a state must: so each of them is one.
    if let Ok(reply) = StateReply::read(data, &mut vec![0; data.len()]) {
        assert_eq!(ours, Ok(reply.state), "{}", shown());
    }
    if let Err(ReadError::Field(error)) = ours {
        assert!(matches!(error.field, Field::RecordingState | Field::MarkingState | Field::SavingState), "{error}");
    }
    if sound {
        let by_serde = serde_json::from_slice::<State>(data);
        assert_eq!(ours.ok(), by_serde.ok(), "{}", shown());
    }
}
