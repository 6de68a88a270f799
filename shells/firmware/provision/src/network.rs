//! The image's own part of a document: `network`, the gateway's place in its site's network. It goes into the region's
//! header, and what is left of the document is the core's.

use std::collections::BTreeMap;
use std::fmt;

use recording_gateway::provisioning::{Place, Site};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// The key.
const NETWORK: &str = "network";
/// What it says if the image's own place is meant.
const BUILD: &str = "build";
const KEYS: [&str; 4] = ["address", "mac", "api_port", "events_port"];

/// The members of the document, in their order.
struct Members<'d>(Vec<(String, &'d RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

/// Divides a document: what it says of the network, and the rest, in which spaces are in its place, so that a byte of the
/// rest is where it was. What is no JSON object is the core's to refuse.
pub(crate) fn divide(document: &[u8]) -> (Result<Place, String>, Vec<u8>) {
    let mut rest = document.to_vec();
    let Ok(Members(members)) = serde_json::from_slice::<Members<'_>>(document) else {
        return (Err("is missing".to_owned()), rest);
    };
    let ends = |value: &RawValue| {
        let text = value.get();
        text.as_ptr().addr() - document.as_ptr().addr() + text.len()
    };
    let mut found = Vec::new();
    let mut before = document.iter().position(|byte| *byte == b'{').map_or(0, |at| at + 1);
    // Whether a member that stays comes before.
    let mut any = false;
    for (key, value) in members {
        let end = ends(value);
        if key == NETWORK {
            found.push(value.get());
            rest[before..end].fill(b' ');
        } else if !any {
            // The comma after one that went.
            let comma = rest[before..end].iter().position(|byte| !byte.is_ascii_whitespace());
            if let Some(at) = comma.filter(|at| rest[before + at] == b',') {
                rest[before + at] = b' ';
            }
            any = true;
        }
        before = end;
    }
    let place = match found[..] {
        [] => Err("is missing".to_owned()),
        [value] => read(value),
        _ => Err("is given more than once".to_owned()),
    };
    (place.map_err(|why| format!("{NETWORK}{}{why}", if why.starts_with('.') { "" } else { ": " })), rest)
}

/// The value; an error begins with `.key: ` if one of its keys is wrong.
fn read(value: &str) -> Result<Place, String> {
    let members = match serde_json::from_str(value).map_err(|error| error.to_string())? {
        Value::String(text) if text == BUILD => return Ok(Place::Build),
        Value::Object(_) => serde_json::from_str::<Members<'_>>(value).map_err(|error| error.to_string())?.0,
        _ => return Err(format!("expected an object, or {BUILD:?}")),
    };
    let mut values = BTreeMap::new();
    for (key, value) in members {
        if !KEYS.contains(&&*key) {
            // It is what people look for first.
            let is_router = matches!(&*key, "gateway" | "router");
            let why = if is_router { "; replies go back the way that requests came, without a router" } else { "" };
            return Err(format!(".{key}: is not known{why}"));
        }
        if values.insert(key.clone(), value.get()).is_some() {
            return Err(format!(".{key}: is given more than once"));
        }
    }
    let text = |key: &str| {
        let value = values.get(key).ok_or(format!(".{key}: is missing"))?;
        serde_json::from_str::<String>(value).map_err(|_| format!(".{key}: expected a string"))
    };
    let port = |key: &str, other| match values.get(key) {
        None => Ok(other),
        Some(value) => serde_json::from_str::<u16>(value).map_err(|_| format!(".{key}: expected a port, 1 to 65535")),
    };
    let address = text("address")?;
    let (ip, prefix) = address
        .split_once('/')
        .and_then(|(ip, prefix)| Some((ip.parse::<std::net::Ipv4Addr>().ok()?.octets(), prefix.parse().ok()?)))
        .ok_or_else(|| {
            format!(".address: {address:?} is not an IPv4 address with its prefix, such as 192.168.1.20/24")
        })?;
    let mac = text("mac")?;
    let mac = bytes(&mac)
        .ok_or_else(|| format!(".mac: {mac:?} is not the address of an interface, such as 02-00-00-00-00-01"))?;
    let (api, events) = (port("api_port", Site::API)?, port("events_port", Site::EVENTS)?);
    let site = Site { ip, prefix, mac, api, events };
    match site.fault() {
        None => Ok(Place::Given(site)),
        Some((key, why)) => Err(format!(".{key}: {why}")),
    }
}

/// Six bytes of two hexadecimal digits, with hyphens or with colons.
fn bytes(text: &str) -> Option<[u8; 6]> {
    let parts: Vec<_> = text.split(if text.contains(':') { ':' } else { '-' }).collect();
    let byte = |part: &&str| {
        let is_hex = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
        u8::from_str_radix(part, 16).ok().filter(|_| is_hex)
    };
    parts.iter().map(byte).collect::<Option<Vec<_>>>()?.try_into().ok()
}
