//! Bencode, as `ng` uses it: integers, byte strings, lists, dictionaries.
//!
//! Replies come from a network. `bt_bencode`, the best kept of the libraries, descends as deep as its input says: a datagram
//! of 60,000 times `l` would end the process. This reader has a limit of depth, and a datagram limits the rest.

/// How deep lists and dictionaries may be nested. The deepest reply that was seen, of `query`, has 7.
const DEEPEST: u32 = 16;

/// A value that borrows its strings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Integer(i64),
    Bytes(&'a [u8]),
    List(Vec<Self>),
    /// In the order in which they were written.
    Dictionary(Vec<(&'a [u8], Self)>),
}

impl<'a> Value<'a> {
    /// A string.
    pub(super) const fn text(text: &'a str) -> Self {
        Self::Bytes(text.as_bytes())
    }

    /// A dictionary, in any order.
    pub(super) fn dictionary<const N: usize>(entries: [(&'a str, Self); N]) -> Self {
        let mut entries = entries.map(|(key, value)| (key.as_bytes(), value)).to_vec();
        entries.sort_unstable_by_key(|(key, _)| *key);
        Self::Dictionary(entries)
    }

    /// Reads exactly one value.
    pub(super) fn decode(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader { rest: bytes };
        let value = reader.value(DEEPEST)?;
        reader.rest.is_empty().then_some(value)
    }

    /// What a dictionary has for this key.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        let Self::Dictionary(entries) = self else { return None };
        entries.iter().find(|(name, _)| *name == key.as_bytes()).map(|(_, value)| value)
    }

    /// The string, if it is UTF-8.
    pub(super) const fn as_text(&self) -> Option<&'a str> {
        let Self::Bytes(bytes) = self else { return None };
        match core::str::from_utf8(bytes) {
            Ok(text) => Some(text),
            Err(_) => None,
        }
    }

    /// The number: an integer, or one that is written as a string, as 10.5 does.
    pub(super) fn as_number(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            _ => number(self.as_text()?.as_bytes()),
        }
    }

    /// Appends the bytes of the value.
    pub(super) fn encode(&self, to: &mut Vec<u8>) {
        match self {
            Self::Integer(number) => to.extend_from_slice(format!("i{number}e").as_bytes()),
            Self::Bytes(bytes) => string(bytes, to),
            Self::List(items) => {
                to.push(b'l');
                for item in items {
                    item.encode(to);
                }
                to.push(b'e');
            }
            Self::Dictionary(entries) => {
                to.push(b'd');
                for (key, value) in entries {
                    string(key, to);
                    value.encode(to);
                }
                to.push(b'e');
            }
        }
    }
}

fn string(bytes: &[u8], to: &mut Vec<u8>) {
    to.extend_from_slice(format!("{}:", bytes.len()).as_bytes());
    to.extend_from_slice(bytes);
}

/// Decimal digits with or without a minus.
fn number(digits: &[u8]) -> Option<i64> {
    let text = core::str::from_utf8(digits).ok()?;
    // `parse` takes a plus as well.
    if text.starts_with('+') { None } else { text.parse().ok() }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth: u32) -> Option<Value<'a>> {
        match self.rest.first()? {
            b'i' => {
                self.rest = self.rest.get(1..)?;
                self.until(b'e').and_then(number).map(Value::Integer)
            }
            b'l' => {
                let depth = self.descend(depth)?;
                let mut items = Vec::new();
                while !self.ends()? {
                    items.push(self.value(depth)?);
                }
                Some(Value::List(items))
            }
            b'd' => {
                let depth = self.descend(depth)?;
                let mut entries = Vec::new();
                while !self.ends()? {
                    let key = self.bytes()?;
                    entries.push((key, self.value(depth)?));
                }
                Some(Value::Dictionary(entries))
            }
            _ => self.bytes().map(Value::Bytes),
        }
    }

    fn descend(&mut self, depth: u32) -> Option<u32> {
        self.rest = self.rest.get(1..)?;
        depth.checked_sub(1)
    }

    /// Takes the end of a list or dictionary, if it is next.
    fn ends(&mut self) -> Option<bool> {
        let ends = *self.rest.first()? == b'e';
        if ends {
            self.rest = self.rest.get(1..)?;
        }
        Some(ends)
    }

    fn until(&mut self, end: u8) -> Option<&'a [u8]> {
        // A length or a number is short; the end is not searched for in the whole datagram for each of them.
        let at = self.rest.iter().take(24).position(|byte| *byte == end)?;
        let (found, rest) = self.rest.split_at_checked(at)?;
        self.rest = rest.get(1..)?;
        Some(found)
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.until(b':')?;
        if !length.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let (found, rest) = self.rest.split_at_checked(usize::try_from(number(length)?).ok()?)?;
        self.rest = rest;
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encoded(value: &Value<'_>) -> Vec<u8> {
        let mut bytes = Vec::new();
        value.encode(&mut bytes);
        bytes
    }

    #[test]
    fn values_are_read_as_the_standard_writes_them() {
        let nested = Value::dictionary([
            ("b", Value::List(vec![Value::Integer(-7), Value::text("")])),
            ("a", Value::dictionary([("x", Value::Bytes(&[0, 255]))])),
        ]);
        let bytes = b"d1:ad1:x2:\x00\xffe1:bli-7e0:ee";
        assert_eq!(encoded(&nested), bytes);
        assert_eq!(Value::decode(bytes), Some(nested));
    }

    #[test]
    fn what_is_not_one_whole_value_is_not_read() {
        let wrong: &[&[u8]] = &[
            b"",
            b"i",
            b"ie",
            b"i+1e",
            b"i1",
            b"i1ei1e",
            b"i99999999999999999999e",
            b"1",
            b"1:",
            b"2:a",
            b"-1:a",
            b"+1:a",
            b":",
            b"l",
            b"lx",
            b"d",
            b"di1e1:ae",
            b"d1:ae",
            b"d1:a1:b",
            b"e",
            b"x",
            b"0:e",
            b"99999999999999999999:a",
            b"i 1e",
            b" i1e",
            b"1 :a",
        ];
        for bytes in wrong {
            assert_eq!(Value::decode(bytes), None, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn depth_has_a_limit() {
        let nested = |depth: usize| [b"l".repeat(depth), b"e".repeat(depth)].concat();
        assert!(Value::decode(&nested(16)).is_some());
        assert_eq!(Value::decode(&nested(17)), None);
        // The stack of a thread is no deeper than 2 MiB; without the limit this overflows it.
        for start in [&b"l"[..], b"d0:"] {
            assert_eq!(Value::decode(&start.repeat(65_507 / start.len())), None);
        }
    }

    #[test]
    fn numbers_come_as_integers_or_as_text() {
        for (bytes, expected) in
            [(&b"i12e"[..], Some(12)), (b"2:12", Some(12)), (b"1:x", None), (b"le", None), (b"2:+1", None)]
        {
            assert_eq!(Value::decode(bytes).expect("a value").as_number(), expected, "{}", bytes.escape_ascii());
        }
    }

    #[derive(Debug, Clone)]
    enum Owned {
        Integer(i64),
        Bytes(Vec<u8>),
        List(Vec<Self>),
        Dictionary(Vec<(Vec<u8>, Self)>),
    }

    impl Owned {
        fn borrow(&self) -> Value<'_> {
            match self {
                Self::Integer(number) => Value::Integer(*number),
                Self::Bytes(bytes) => Value::Bytes(bytes),
                Self::List(items) => Value::List(items.iter().map(Self::borrow).collect()),
                Self::Dictionary(entries) => {
                    Value::Dictionary(entries.iter().map(|(key, value)| (&**key, value.borrow())).collect())
                }
            }
        }
    }

    fn values() -> impl Strategy<Value = Owned> {
        let bytes = || prop::collection::vec(any::<u8>(), 0..20);
        let leaf = prop_oneof![any::<i64>().prop_map(Owned::Integer), bytes().prop_map(Owned::Bytes)];
        leaf.prop_recursive(8, 64, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Owned::List),
                prop::collection::vec((bytes(), inner), 0..6).prop_map(Owned::Dictionary),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(value in values()) {
            let bytes = encoded(&value.borrow());
            prop_assert_eq!(Value::decode(&bytes), Some(value.borrow()));
            // And no part of it.
            for end in 0..bytes.len() {
                prop_assert_eq!(Value::decode(&bytes[..end]), None);
            }
        }

        #[test]
        fn any_bytes_end_well(bytes in prop::collection::vec(prop::sample::select(b"ilde:0123456789-x".to_vec()), 0..200)) {
            if let Some(value) = Value::decode(&bytes) {
                // What is read is what was written, except zeros in front.
                prop_assert!(encoded(&value).len() <= bytes.len());
            }
        }
    }
}
