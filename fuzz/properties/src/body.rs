//! Bytes as the body of a set: our reader against `serde_json` made strict.

use recording_core::Scratch;
use recording_core::wire::json::{self, JsonError, JsonErrorKind, Object, Value};
use recording_core::wire::{ReadError, Rejection, SetRequest, SetRequestBuf};

use crate::strict::{self, Body, Document, Tree};

/// The strict reader gives the verdict and the values of `serde_json`, for any document and for the body of a set.
///
/// # Panics
///
/// When it does not.
pub fn body(data: &[u8]) {
    as_a_document(data);
    as_a_set(data);
}

fn as_a_document(data: &[u8]) {
    let shown = || String::from_utf8_lossy(data);
    let ours = json::read(data);
    let by_members = json::read_object(data).and_then(members);
    match (ours, strict::read(data)) {
        (_, Document::Private) => return,
        (Ok(value), Document::Sound(theirs)) => assert_eq!(tree(value), theirs, "{}", shown()),
        (Err(error), Document::Deep) => assert_eq!(error.kind, JsonErrorKind::TooDeep, "{}", shown()),
        (Err(_), Document::Bad) => {}
        (ours, theirs) => panic!("{ours:?}, but it is {theirs:?}: {}", shown()),
    }
    // The other way into the reader, member by member.
    match (ours, by_members) {
        (Ok(value @ Value::Object(_)), Ok(members)) => assert_eq!(tree(value), Tree::Object(members), "{}", shown()),
        (Ok(value), Err(_)) if !matches!(value, Value::Object(_)) => {}
        (Err(one), Err(other)) if data.iter().find(|byte| !b" \t\r\n".contains(byte)) == Some(&b'{') => {
            assert_eq!(one, other, "{}", shown());
        }
        (Err(_), Err(_)) => {}
        (ours, members) => panic!("{ours:?} {members:?}: {}", shown()),
    }
}

fn as_a_set(data: &[u8]) {
    let shown = || String::from_utf8_lossy(data);
    let mut scratch = Scratch::new();
    let ours = SetRequest::read(data, &mut scratch);
    match (&ours, strict::set_body(data)) {
        (_, Body::Private) => return,
        (Err(Rejection::BodyTooLarge), Body::TooLarge) => return,
        (Err(Rejection::NotUnderstood(_)), Body::NotJson) => return,
        (Err(Rejection::NotUnderstood(ReadError::Json(_))), Body::Faulty(fields)) if fields.len() == 4 => {}
        (Err(Rejection::NotUnderstood(ReadError::Field(error))), Body::Faulty(fields)) => {
            assert!(fields.contains(&error.field.name()), "{error}, but {fields:?} are invalid: {}", shown());
        }
        (Ok(set), Body::Understood(theirs)) => assert_eq!(plain(set), theirs, "{}", shown()),
        (ours, theirs) => panic!("{ours:?}, but it is {theirs:?}: {}", shown()),
    }
    // The document is sound JSON: so serde understands it as our reader does.
    let by_serde = serde_json::from_slice::<SetRequestBuf>(data);
    match (ours, by_serde) {
        (Ok(set), Ok(by_serde)) => {
            assert_eq!(plain(&set), plain(&by_serde.to_ref()), "{}", shown());
            assert_eq!(SetRequestBuf::from(set), by_serde, "{}", shown());
        }
        (Err(_), Err(_)) => {}
        (ours, by_serde) => panic!("{ours:?}, but serde says {by_serde:?}: {}", shown()),
    }
}

/// A set as plain values.
pub(crate) fn plain(set: &SetRequest<'_>) -> strict::Set {
    strict::Set {
        action: set.action.code(),
        requester: set.requester.as_str().into(),
        id: set.correlation_id.to_string(),
        ucc: set.ucc.as_str().into(),
    }
}

/// What our reader hands out, all of it.
fn tree(value: Value<'_>) -> Tree {
    match value {
        Value::Null => Tree::Null,
        Value::Bool(value) => Tree::Bool(value),
        Value::Number(number) => Tree::Number(strict::spelt(number)),
        Value::String(text) => Tree::Text(meant(text)),
        Value::Array(mut elements) => Tree::List(core::iter::from_fn(|| elements.next()).map(tree).collect()),
        Value::Object(object) => Tree::Object(members(object).expect("an object is handed out only when it is sound")),
    }
}

fn members(mut object: Object<'_>) -> Result<Vec<(String, Tree)>, JsonError> {
    let mut members = Vec::new();
    while let Some((key, value)) = object.next()? {
        members.push((meant(key), tree(value)));
    }
    Ok(members)
}

/// What a string means, by every way there is to ask it.
fn meant(text: json::Text<'_>) -> String {
    let meant: String = text.chars().collect();
    let mut buffer = vec![0; meant.len()];
    assert_eq!(text.copy_to(&mut buffer), Some(meant.len()));
    assert_eq!(buffer, meant.as_bytes());
    assert!(text.eq_str(&meant) && text.plain().is_none_or(|plain| plain == meant));
    assert!(text.eq_ignore_ascii_case(&meant.to_ascii_uppercase()));
    if let Some(shorter) = buffer.len().checked_sub(1) {
        assert_eq!(text.copy_to(&mut buffer[..shorter]), None);
    }
    let longer = format!("{meant}x");
    assert!(!text.eq_str(&longer) && !text.eq_ignore_ascii_case(&longer));
    meant
}
