//! Hub messages as MessagePack: arrays that begin with the type.

use bytes::Bytes;
use rmpv::Value;
use rmpv::decode::read_value_with_max_depth;
use serde_json::Value as Json;

use super::{Argument, Goodbye, Incoming, Invocation, Malformed};
use crate::record::with_length;

/// How deep values may nest; as JSON does.
const DEEPEST: usize = 128;

/// `[6]`
pub(super) const PING: Bytes = Bytes::from_static(b"\x02\x91\x06");

pub(super) fn read(record: &[u8]) -> (Result<Incoming, Malformed>, usize) {
    match read_value_with_max_depth(&mut &*record, DEEPEST) {
        Ok(value) => {
            let count = count(&value);
            (understood(value), count)
        }
        // Perhaps it was read almost to its end.
        Err(_) => (Err(Malformed), record.len()),
    }
}

/// Of how many values this one is made. It does not nest deeply: reading it took care of that.
fn count(value: &Value) -> usize {
    match value {
        Value::Array(values) => 1 + values.iter().map(count).sum::<usize>(),
        Value::Map(members) => 1 + members.iter().map(|(key, value)| count(key) + count(value)).sum::<usize>(),
        _ => 1,
    }
}

fn understood(message: Value) -> Result<Incoming, Malformed> {
    let Value::Array(fields) = message else { return Err(Malformed) };
    let mut fields = fields.into_iter();
    let number = fields.next().and_then(|number| number.as_i64()).ok_or(Malformed)?;
    match number {
        // [1, headers, id or nil, target, [arguments], [stream ids]]
        1 | 4 => {
            let Some(Value::Map(_)) = fields.next() else { return Err(Malformed) };
            let id = match fields.next() {
                Some(Value::Nil) => None,
                Some(Value::String(id)) => Some(id.into_str().ok_or(Malformed)?),
                _ => return Err(Malformed),
            };
            let wants_stream = number == 4;
            if wants_stream && id.is_none() {
                return Err(Malformed);
            }
            let Some(Value::String(target)) = fields.next() else { return Err(Malformed) };
            let target = target.into_str().ok_or(Malformed)?;
            let Some(Value::Array(arguments)) = fields.next() else { return Err(Malformed) };
            let brings_streams = match fields.next() {
                None | Some(Value::Nil) => false,
                Some(Value::Array(ids)) => !ids.is_empty(),
                Some(_) => return Err(Malformed),
            };
            let arguments = arguments.into_iter().map(to_json).collect();
            Ok(Incoming::Invocation(Invocation { id, target, arguments, wants_stream, brings_streams }))
        }
        6 => Ok(Incoming::Ping),
        7 => Ok(Incoming::Close),
        _ => Ok(Incoming::Other),
    }
}

/// `None` for what JSON has no word for: bytes, extensions, keys that are no text.
fn to_json(value: Value) -> Option<Json> {
    Some(match value {
        Value::Nil => Json::Null,
        Value::Boolean(value) => value.into(),
        Value::Integer(value) => match (value.as_u64(), value.as_i64()) {
            (Some(value), _) => value.into(),
            (None, value) => value?.into(),
        },
        Value::F32(value) => serde_json::Number::from_f64(value.into())?.into(),
        Value::F64(value) => serde_json::Number::from_f64(value)?.into(),
        Value::String(value) => value.into_str()?.into(),
        Value::Array(values) => Json::Array(values.into_iter().map(to_json).collect::<Option<_>>()?),
        Value::Map(members) => {
            let member = |(key, value): (Value, Value)| Some((key.as_str()?.to_owned(), to_json(value)?));
            Json::Object(members.into_iter().map(member).collect::<Option<_>>()?)
        }
        Value::Binary(_) | Value::Ext(..) => return None,
    })
}

fn of_json(value: &Json) -> Value {
    match value {
        Json::Null => Value::Nil,
        Json::Bool(value) => (*value).into(),
        Json::Number(value) => match (value.as_u64(), value.as_i64()) {
            (Some(value), _) => value.into(),
            (None, Some(value)) => value.into(),
            (None, None) => value.as_f64().map_or(Value::Nil, Value::from),
        },
        Json::String(value) => value.as_str().into(),
        Json::Array(values) => Value::Array(values.iter().map(of_json).collect()),
        Json::Object(members) => {
            Value::Map(members.iter().map(|(key, value)| (key.as_str().into(), of_json(value))).collect())
        }
    }
}

fn bytes_of(values: Vec<Value>) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing to memory does not fail.
    let _ = rmpv::encode::write_value(&mut bytes, &Value::Array(values));
    bytes
}

const fn no_headers() -> Value {
    Value::Map(Vec::new())
}

/// `[3, headers, id, 1, error]`, `[3, headers, id, 2]` or `[3, headers, id, 3, result]`
pub(super) fn completion(id: &str, outcome: &Result<Option<Json>, String>) -> Bytes {
    let mut fields = vec![3.into(), no_headers(), id.into()];
    match outcome {
        Err(error) => fields.extend([1.into(), error.as_str().into()]),
        Ok(None) => fields.push(2.into()),
        Ok(Some(result)) => fields.extend([3.into(), of_json(result)]),
    }
    with_length(&bytes_of(fields)).into()
}

/// `[7, error or nil, allow reconnect]`
pub(super) fn close(goodbye: Goodbye) -> Bytes {
    let error = goodbye.error.map_or(Value::Nil, Value::from);
    with_length(&bytes_of(vec![7.into(), error, goodbye.allow_reconnect.into()])).into()
}

/// `[1, headers, nil, target, [arguments], []]`
pub(super) fn invocation(target: &str, arguments: &[Argument<'_>]) -> Bytes {
    // The arguments are there as bytes already: so they are put between what comes before them and what comes after.
    let mut record = bytes_of(vec![1.into(), no_headers(), Value::Nil, target.into()]);
    if let Some(first) = record.first_mut() {
        *first = ARRAY_OF_SIX;
    }
    // Writing to memory does not fail; no event has so many arguments that their number is cut.
    let _ = rmp::encode::write_array_len(&mut record, arguments.len() as u32);
    for argument in arguments {
        record.extend_from_slice(argument.message_pack);
    }
    record.push(EMPTY_ARRAY);
    with_length(&record).into()
}

const ARRAY_OF_SIX: u8 = 0x96;
const EMPTY_ARRAY: u8 = 0x90;
