//! Hub messages as JSON.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Argument, Goodbye, Incoming, Invocation, Malformed};
use crate::record::END;

pub(super) const PING: Bytes = Bytes::from_static(b"{\"type\":6}\x1e");

pub(super) fn read(record: &[u8]) -> (Result<Incoming, Malformed>, usize) {
    match serde_json::from_slice(record) {
        Ok(value) => {
            let count = count(&value);
            (understood(value), count)
        }
        // Perhaps it was read almost to its end.
        Err(_) => (Err(Malformed), record.len() / 2),
    }
}

/// Of how many values this one is made. It does not nest deeply: reading it took care of that.
fn count(value: &Value) -> usize {
    match value {
        Value::Array(values) => 1 + values.iter().map(count).sum::<usize>(),
        Value::Object(members) => 1 + members.values().map(count).sum::<usize>(),
        _ => 1,
    }
}

fn understood(message: Value) -> Result<Incoming, Malformed> {
    let Value::Object(mut message) = message else { return Err(Malformed) };
    let number = message.get("type").and_then(Value::as_i64).ok_or(Malformed)?;
    match number {
        1 | 4 => {
            let id = match message.remove("invocationId") {
                None | Some(Value::Null) => None,
                Some(Value::String(id)) => Some(id),
                Some(_) => return Err(Malformed),
            };
            let wants_stream = number == 4;
            if wants_stream && id.is_none() {
                return Err(Malformed);
            }
            let Some(Value::String(target)) = message.remove("target") else { return Err(Malformed) };
            let Some(Value::Array(arguments)) = message.remove("arguments") else { return Err(Malformed) };
            let brings_streams = match message.remove("streamIds") {
                None | Some(Value::Null) => false,
                Some(Value::Array(ids)) => !ids.is_empty(),
                Some(_) => return Err(Malformed),
            };
            Ok(Incoming::Invocation(Invocation {
                id,
                target,
                arguments: Some(arguments),
                wants_stream,
                brings_streams,
            }))
        }
        6 => Ok(Incoming::Ping),
        7 => Ok(Incoming::Close),
        _ => Ok(Incoming::Other),
    }
}

/// A record of these members, in this order.
fn record(number: u8, members: &[(&str, Value)]) -> Bytes {
    let mut text = format!(r#"{{"type":{number}"#);
    for (key, value) in members {
        text.push_str(&format!(r#","{key}":{value}"#));
    }
    text.push('}');
    text.push(char::from(END));
    text.into()
}

pub(super) fn completion(id: &str, outcome: &Result<Option<Value>, String>) -> Bytes {
    let id = ("invocationId", json!(id));
    match outcome {
        Ok(None) => record(3, &[id]),
        Ok(Some(result)) => record(3, &[id, ("result", result.clone())]),
        Err(error) => record(3, &[id, ("error", json!(error))]),
    }
}

pub(super) fn close(goodbye: Goodbye) -> Bytes {
    let error = goodbye.error.map(|error| ("error", json!(error)));
    let allow_reconnect = goodbye.allow_reconnect.then_some(("allowReconnect", json!(true)));
    let members: Vec<_> = error.into_iter().chain(allow_reconnect).collect();
    record(7, &members)
}

pub(super) fn invocation(target: &str, arguments: &[Argument<'_>]) -> Bytes {
    let mut bytes = format!(r#"{{"type":1,"target":{},"arguments":["#, json!(target)).into_bytes();
    for (number, argument) in arguments.iter().enumerate() {
        if number > 0 {
            bytes.push(b',');
        }
        bytes.extend_from_slice(argument.json);
    }
    bytes.extend_from_slice(b"]}");
    bytes.push(END);
    bytes.into()
}
