//! JSON from strangers, read to the letter of RFC 8259, and JSON of our own, written into the caller's buffer.
//!
//! The reader never recurses, allocates or indexes; depth and size are bounded. It is lazy in one way only: whatever
//! it hands out has been checked to its end.

mod cursor;
mod error;
mod text;
mod value;
mod writer;

pub use cursor::MAX_DEPTH;
pub(crate) use cursor::Raw;
pub use error::{JsonError, JsonErrorKind, Token};
pub(crate) use text::Unescaped;
pub use text::{Chars, Text};
pub(crate) use value::object_of;
pub use value::{Array, Kind, Object, Value, read, read_object};
pub(crate) use writer::Writer;

/// The letters of short escape sequences, each with the byte that it means.
const ESCAPES: [(u8, u8); 8] = [
    (b'"', b'"'),
    (b'\\', b'\\'),
    (b'/', b'/'),
    (b'b', 0x08),
    (b'f', 0x0c),
    (b'n', b'\n'),
    (b'r', b'\r'),
    (b't', b'\t'),
];
