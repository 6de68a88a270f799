//! The first record of each side.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::message::shortened;
use crate::record::END;

/// How messages are written after the handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// JSON text, each record ended by 0x1e.
    Json,
    /// MessagePack, each record with its length in front.
    MessagePack,
}

/// The highest version of the protocols that is spoken. Clients are known that say 0, 1 or 2 and mean the same.
const NEWEST: u64 = 2;

/// The answer that says yes.
pub(crate) const ACCEPTED: Bytes = Bytes::from_static(b"{}\x1e");

/// What a client's handshake asks for, or why that cannot be.
///
/// `binary` says whether the transport carries bytes that are no text.
pub(crate) fn read(record: &[u8], binary: bool) -> Result<Protocol, String> {
    let invalid = || "The handshake is not a JSON object with a protocol and a version.".to_owned();
    let request: Value = serde_json::from_slice(record).map_err(|_| invalid())?;
    let protocol = request.get("protocol").and_then(Value::as_str).ok_or_else(invalid)?;
    let version = request.get("version").and_then(Value::as_u64).ok_or_else(invalid)?;
    // Without case, as .NET compares them.
    let is = |name: &str| protocol.eq_ignore_ascii_case(name);
    let known = match protocol {
        _ if is("json") => Protocol::Json,
        _ if is("messagepack") && binary => Protocol::MessagePack,
        _ if is("messagepack") => {
            return Err("Cannot use the 'messagepack' protocol on the current transport. \
                        The transport does not support 'Binary' transfer format."
                .to_owned());
        }
        _ => return Err(format!("The protocol '{}' is not supported.", shortened(protocol))),
    };
    if version > NEWEST {
        return Err(format!("The server does not support version {version} of the '{protocol}' protocol."));
    }
    Ok(known)
}

/// The answer that says no.
pub(crate) fn refused(error: &str) -> Bytes {
    let mut record = json!({"error": error}).to_string().into_bytes();
    record.push(END);
    record.into()
}
