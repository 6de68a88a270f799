//! How a client begins: it asks what there is, and gets the ids of a connection that it may open.

use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::server_name::ServerName;

/// The highest version of negotiation that is spoken.
const NEWEST: u64 = 1;

/// How long an id is: 128 bits in base64.
const ID: usize = 22;

/// The longest token: the longest name of a server, a dot and an id.
pub(crate) const LONGEST_TOKEN: usize = ServerName::MAX_LEN + 1 + ID;

/// A fresh id: 128 random bits, 22 characters.
///
/// # Errors
///
/// If the system has no random numbers to give.
pub(crate) fn new_id() -> Result<String, getrandom::Error> {
    let mut id = String::with_capacity(ID);
    add_id(&mut id)?;
    Ok(id)
}

/// A fresh token: the server's name and a dot, if it has a name, and then what a fresh id is. No id has a dot.
///
/// # Errors
///
/// If the system has no random numbers to give.
pub(crate) fn new_token(server: Option<&ServerName>) -> Result<String, getrandom::Error> {
    let mut token = String::with_capacity(server.map_or(0, |name| name.as_str().len() + 1) + ID);
    if let Some(name) = server {
        token.push_str(name.as_str());
        token.push('.');
    }
    add_id(&mut token)?;
    Ok(token)
}

fn add_id(text: &mut String) -> Result<(), getrandom::Error> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits)?;
    URL_SAFE_NO_PAD.encode_string(bits, text);
    Ok(())
}

/// The version of negotiation that a client gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// One id, which opens the connection. Both Python clients ask for this.
    Zero,
    /// An id to show and another one, the token, that opens the connection.
    One,
}

/// The client's `negotiateVersion` is no version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAVersion;

impl fmt::Display for NotAVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("The client requested a negotiateVersion that is not a number.")
    }
}

impl core::error::Error for NotAVersion {}

impl Version {
    /// From the query's value, if it has one: none is 0, and above 1 is 1.
    ///
    /// # Errors
    ///
    /// If it is no integer of 0 or more.
    pub fn of(asked: Option<&str>) -> Result<Self, NotAVersion> {
        match asked.map(str::parse::<u64>) {
            None | Some(Ok(0)) => Ok(Self::Zero),
            Some(Ok(NEWEST..)) => Ok(Self::One),
            Some(Err(_)) => Err(NotAVersion),
        }
    }
}

/// The answer: ids, and the transports in the order in which clients should try them.
///
/// Stateful reconnect is declined by leaving it out: a client that did not ask refuses a server that grants it.
#[must_use]
pub fn answer(version: Version, connection_id: &str, connection_token: &str) -> String {
    const TRANSPORTS: &str = r#"[{"transport":"WebSockets","transferFormats":["Text","Binary"]},{"transport":"ServerSentEvents","transferFormats":["Text"]},{"transport":"LongPolling","transferFormats":["Text","Binary"]}]"#;
    // Written as text: these are asked for in floods.
    let (id, token) = (Value::from(connection_id), Value::from(connection_token));
    match version {
        // The id opens the connection here. That the version is there matters: some clients insist on it.
        Version::Zero => {
            format!(r#"{{"negotiateVersion":0,"connectionId":{token},"availableTransports":{TRANSPORTS}}}"#)
        }
        Version::One => format!(
            r#"{{"negotiateVersion":1,"connectionId":{id},"connectionToken":{token},"availableTransports":{TRANSPORTS}}}"#
        ),
    }
}

/// The answer that makes a client stop.
#[must_use]
pub fn refusal(error: &str) -> String {
    json!({"error": error}).to_string()
}
