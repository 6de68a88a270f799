//! `serde_json`, made as strict as the protocol wants its readers.

use core::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use recording_test_support::naive;

/// Any JSON value: members in their order and with repeats, numbers as they are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tree {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

/// As JSON.
impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let listed = |parts: Vec<String>| parts.join(",");
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(number) => f.write_str(number),
            Self::Text(text) => f.write_str(&naive::json_string(text)),
            Self::List(elements) => write!(f, "[{}]", listed(elements.iter().map(Self::to_string).collect())),
            Self::Object(members) => {
                let member = |(key, value): &(String, Self)| format!("{}:{value}", naive::json_string(key));
                write!(f, "{{{}}}", listed(members.iter().map(member).collect()))
            }
        }
    }
}

/// With `arbitrary_precision` `serde_json` hands most numbers on as an object with this key, and takes an object with it for
/// a number. Documents with such a key are the one thing that is not compared.
const PRIVATE: &str = "$serde_json::private::";

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Tree;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }

            fn visit_unit<E: Error>(self) -> Result<Tree, E> {
                Ok(Tree::Null)
            }

            fn visit_bool<E: Error>(self, value: bool) -> Result<Tree, E> {
                Ok(Tree::Bool(value))
            }

            // Integers of 64 bits come as such: there is but one way to spell them.
            fn visit_u64<E: Error>(self, number: u64) -> Result<Tree, E> {
                Ok(Tree::Number(number.to_string()))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Tree, E> {
                Ok(Tree::Number(number.to_string()))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Tree, E> {
                Ok(Tree::Text(text.into()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Tree, A::Error> {
                let mut list = Vec::new();
                while let Some(element) = elements.next_element()? {
                    list.push(element);
                }
                Ok(Tree::List(list))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
                let mut members = Vec::new();
                while let Some(key) = map.next_key::<String>()? {
                    if key.starts_with(PRIVATE) {
                        return Ok(Tree::Number(map.next_value()?));
                    }
                    members.push((key, map.next_value()?));
                }
                Ok(Tree::Object(members))
            }
        }

        deserializer.deserialize_any(Any)
    }
}

/// A number as `serde_json` spells it: it keeps the digits, but writes every exponent with a small `e` and a sign.
pub(crate) fn spelt(number: &str) -> String {
    let number = number.replace('E', "e");
    match number.split_once('e') {
        Some((base, exponent)) if !exponent.starts_with(['+', '-']) => format!("{base}e+{exponent}"),
        _ => number,
    }
}

/// How deep the brackets of a valid document nest.
fn nesting(document: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_string) = (0_usize, 0, false);
    let mut bytes = document.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => in_string = !in_string,
            b'\\' => drop(bytes.next()),
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => depth -= 1,
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// Whether `serde_json`'s private key may be in the document, in whatever spelling.
fn has_private_key(document: &[u8]) -> bool {
    let text = String::from_utf8_lossy(document);
    let mut pieces = text.split("\\u");
    let mut meant = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let code = piece.get(..4).and_then(|digits| u32::from_str_radix(digits, 16).ok());
        meant.extend(code.and_then(char::from_u32));
        meant.push_str(piece.get(4..).unwrap_or_default());
    }
    meant.contains(PRIVATE)
}

/// What a document is by RFC 8259.
#[derive(Debug)]
pub(crate) enum Document {
    /// Not compared: see [`PRIVATE`].
    Private,
    /// No JSON.
    Bad,
    /// JSON that nests deeper than the 16 levels of the protocol, section 14.
    Deep,
    /// JSON.
    Sound(Tree),
}

pub(crate) fn read(document: &[u8]) -> Document {
    if has_private_key(document) {
        return Document::Private;
    }
    match serde_json::from_slice(document) {
        Err(_) => Document::Bad,
        Ok(_) if nesting(document) > 16 => Document::Deep,
        Ok(tree) => Document::Sound(tree),
    }
}

/// A set, as section 13 has its body understood: action, requester, correlation id and UCC.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Set {
    pub(crate) action: u8,
    pub(crate) requester: String,
    pub(crate) id: String,
    pub(crate) ucc: String,
}

/// What the body of a set is.
#[derive(Debug)]
pub(crate) enum Body {
    /// Not compared.
    Private,
    /// Longer than the 2048 bytes of section 14.
    TooLarge,
    /// No JSON, or too deep.
    NotJson,
    /// Sound JSON, but these fields are invalid; all four if it is no object at all.
    Faulty(Vec<&'static str>),
    /// A set.
    Understood(Set),
}

const KEYS: [&str; 4] = ["Action", "RequesterSipUri", "CorrelationId", "UCCName"];

pub(crate) fn set_body(body: &[u8]) -> Body {
    if body.len() > 2048 {
        return Body::TooLarge;
    }
    let members = match read(body) {
        Document::Private => return Body::Private,
        Document::Bad | Document::Deep => return Body::NotJson,
        Document::Sound(Tree::Object(members)) => members,
        Document::Sound(_) => return Body::Faulty(KEYS.to_vec()),
    };
    let of = |key: &str| members.iter().filter(|(other, _)| other.eq_ignore_ascii_case(key)).collect::<Vec<_>>();
    // A field holds if it is there once, with a value that means something.
    let [action, requester, id, ucc] = KEYS.map(|key| match of(key).as_slice() {
        [(_, value)] => understood(key, value),
        _ => None,
    });
    let faulty = [&action, &requester, &id, &ucc].into_iter().zip(KEYS).filter(|(value, _)| value.is_none());
    let faulty: Vec<_> = faulty.map(|(_, key)| key).collect();
    match (action, requester, id, ucc) {
        (Some(action), Some(requester), Some(id), Some(ucc)) => {
            let action = action.parse().expect("a digit");
            Body::Understood(Set { action, requester, id, ucc })
        }
        _ => Body::Faulty(faulty),
    }
}

/// Section 12: a field's value as text, if it is accepted.
fn understood(key: &str, value: &Tree) -> Option<String> {
    match (key, value) {
        ("Action", Tree::Number(digits)) => {
            let known = ["1", "2", "3", "4", "5", "6", "7"].contains(&digits.as_str());
            known.then(|| digits.clone())
        }
        ("Action", Tree::Text(name)) => {
            let code = naive::actions().find(|code| naive::action_name(*code).eq_ignore_ascii_case(name));
            code.map(|code| code.to_string())
        }
        ("RequesterSipUri", Tree::Text(uri)) => naive::sip_ok(uri).then(|| uri.clone()),
        ("CorrelationId", Tree::Text(id)) => naive::guid(id),
        ("UCCName", Tree::Text(name)) => naive::ucc_name_ok(name).then(|| name.clone()),
        _ => None,
    }
}
