//! Hub messages as JSON.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::{Argument, Goodbye, Incoming, Invocation, Malformed};
use crate::record::END;

pub(super) const PING: Bytes = Bytes::from_static(b"{\"type\":6}\x1e");

pub(super) fn read(record: &[u8]) -> Result<Incoming, Malformed> {
    let Ok(Value::Object(mut message)) = serde_json::from_slice(record) else { return Err(Malformed) };
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

fn record(message: &Value) -> Bytes {
    let mut bytes = message.to_string().into_bytes();
    bytes.push(END);
    bytes.into()
}

pub(super) fn completion(id: &str, outcome: &Result<Option<Value>, String>) -> Bytes {
    let mut message = Map::new();
    message.insert("type".to_owned(), json!(3));
    message.insert("invocationId".to_owned(), json!(id));
    match outcome {
        Ok(None) => {}
        Ok(Some(result)) => drop(message.insert("result".to_owned(), result.clone())),
        Err(error) => drop(message.insert("error".to_owned(), json!(error))),
    }
    record(&Value::Object(message))
}

pub(super) fn close(goodbye: Goodbye) -> Bytes {
    let mut message = Map::new();
    message.insert("type".to_owned(), json!(7));
    if let Some(error) = goodbye.error {
        message.insert("error".to_owned(), json!(error));
    }
    if goodbye.allow_reconnect {
        message.insert("allowReconnect".to_owned(), json!(true));
    }
    record(&Value::Object(message))
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
