//! The input as what a C program may give.

use core::ptr::null;

use rc_status::*;
use recording_core::wire::{CorrelationId, UccName};
use recording_core_c::*;

use super::{IDS, NAMES, URIS};

/// The input, read from its front.
pub(super) struct Input<'a>(pub(super) &'a [u8]);

impl<'a> Input<'a> {
    pub(super) fn byte(&mut self) -> u8 {
        let Some((&byte, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        byte
    }

    pub(super) fn piece(&mut self, len: usize) -> &'a [u8] {
        let (piece, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        piece
    }

    /// One of these, or bytes of the input, or what is no text.
    pub(super) fn text(&mut self, known: &[&str]) -> Text {
        match self.byte() {
            0xff => Text::Null(0),
            0xfe => Text::Null(usize::from(self.byte()) + 1),
            0xfd => Text::Endless(usize::MAX - usize::from(self.byte())),
            0xfc => {
                let len = self.byte();
                Text::Bytes(self.piece(len.into()).into())
            }
            other => Text::Bytes(known[usize::from(other) % known.len()].as_bytes().into()),
        }
    }

    pub(super) fn settings(&mut self) -> rc_settings {
        let bits = self.byte();
        // Of eight, one is nonsense.
        let on = |at: u8| if bits >> 5 == 7 && bits & 7 == at { bits } else { bits >> at & 1 };
        rc_settings {
            recording_api_licensed: on(0),
            use_audio_recording: on(1),
            agent_can_edit_audio_recording: on(2),
            save_recording_by_default: on(3),
            repeats: on(4),
        }
    }

    pub(super) fn request(&mut self) -> [Text; 4] {
        let body = match self.byte() % 4 {
            0 => {
                return [
                    self.text(&["GET", "POST"]),
                    self.text(&["/"]),
                    self.text(&["text/plain"]),
                    self.text(&["{}"]),
                ];
            }
            1 => {
                let action = format!("{:?}", ["Start", "Stop", "Pause", "Mark"][usize::from(self.byte() % 4)]);
                let [uri, id, ucc] = [URIS, IDS, NAMES].map(|known| known[usize::from(self.byte() % 4)]);
                format!(r#"{{"Action":{action},"RequesterSipUri":{uri:?},"CorrelationId":"{id}","UCCName":{ucc:?}}}"#)
            }
            2 => {
                let action = self.byte() % 9;
                let (id, ucc) = (IDS[0], NAMES[usize::from(self.byte() % 2)]);
                format!(
                    r#"{{"Action":{action},"RequesterSipUri":"sip:agent@domain.com","CorrelationId":"{id}","UCCName":{ucc:?}}}"#
                )
            }
            _ => {
                let (ucc, id) = (NAMES[usize::from(self.byte() % 4)], IDS[usize::from(self.byte() % 4)]);
                let path =
                    if self.byte().is_multiple_of(4) { format!("capabilities/{ucc}") } else { format!("{ucc}/{id}") };
                let target = format!("/attendantservice/api/recording/{path}");
                return ["GET", &target, "", ""].map(|text| Text::Bytes(text.as_bytes().into()));
            }
        };
        ["POST", "/attendantservice/api/recording/set", "application/json", &body]
            .map(|text| Text::Bytes(text.as_bytes().into()))
    }
}

/// A text as a C program may give it.
pub(super) enum Text {
    Null(usize),
    Endless(usize),
    Bytes(Box<[u8]>),
}

impl Text {
    pub(super) fn c(&self) -> rc_text {
        match self {
            Self::Null(len) => rc_text { data: null(), len: *len },
            Self::Endless(len) => rc_text { data: NAMES[0].as_ptr().cast(), len: *len },
            Self::Bytes(bytes) => rc_text { data: bytes.as_ptr().cast(), len: bytes.len() },
        }
    }

    pub(super) fn bytes(&self) -> Result<&[u8], rc_status> {
        match self {
            Self::Null(0) => Ok(&[]),
            Self::Null(_) => Err(RC_NULL),
            Self::Endless(_) => Err(RC_TOO_LONG),
            Self::Bytes(bytes) => Ok(bytes),
        }
    }

    pub(super) fn read<'a, T>(
        &'a self,
        of: impl FnOnce(&'a str) -> Option<T>,
        otherwise: rc_status,
    ) -> Result<T, rc_status> {
        str::from_utf8(self.bytes()?).ok().and_then(of).ok_or(otherwise)
    }

    pub(super) fn ucc(&self) -> Result<UccName<'_>, rc_status> {
        self.read(|text| UccName::new(text).ok(), RC_NO_UCC_NAME)
    }

    pub(super) fn id(&self) -> Result<CorrelationId, rc_status> {
        self.read(|text| CorrelationId::parse(text).ok(), RC_NO_CORRELATION_ID)
    }
}
