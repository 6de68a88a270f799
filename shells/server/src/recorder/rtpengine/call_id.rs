//! What names a call at rtpengine, and what its files are called.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

use crate::session::SessionKey;

/// The field of begin's object.
const FIELD: &str = "CallId";

/// The longest call id, in bytes.
const LONGEST: usize = 255;

/// The longest name of a call in a file's name. A file's name has at most 255 bytes, and rtpengine puts 36 around this one:
/// `rtpengine-meta-`, a hyphen, 16 digits and `.tmp`. Of a longer one it writes no metadata, then no recording, and its
/// replies are `ok` all the same.
const LONGEST_IN_A_NAME: usize = 219;

/// How many files of one call are named. Each pause makes one.
const MOST_FILES: usize = 4096;

/// What names the call: `CallId`, or the session's id in its usual form.
pub(super) fn call_id(key: &SessionKey, call: &Map<String, Value>) -> Result<Box<str>, String> {
    if let Some(unknown) = call.keys().find(|field| *field != FIELD) {
        let unknown: String = unknown.chars().take(64).collect();
        return Err(format!("'{}': an rtpengine knows no such field, only '{FIELD}'", unknown.escape_debug()));
    }
    let Some(id) = call.get(FIELD) else { return Ok(key.correlation_id.to_string().into()) };
    let Value::String(id) = id else { return Err(format!("'{FIELD}' must be a string")) };
    if id.is_empty() || id.len() > LONGEST || id.contains(char::is_control) {
        return Err(format!("'{FIELD}' must have 1 to {LONGEST} bytes, and no control characters"));
    }
    if in_a_name(id).len() > LONGEST_IN_A_NAME {
        return Err(format!(
            "'{FIELD}' is too long for the names of its files: {LONGEST_IN_A_NAME} bytes, and 3 for each byte other than letters, digits, '-', '.', '_' and '~'"
        ));
    }
    Ok(id.as_str().into())
}

/// The call's id as rtpengine writes it in the names of files.
pub(super) fn in_a_name(id: &str) -> String {
    let mut name = String::with_capacity(id.len());
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            name.push(byte.into());
        } else {
            name.push_str(&format!("%{byte:02X}"));
        }
    }
    name
}

/// Whether a file with this name is `before`, the call, a hyphen, 16 hexadecimal digits and `after`.
pub(super) fn is_of_call(name: &str, before: &str, in_a_name: &str, after: &str) -> bool {
    let middle = name.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
    let digits = middle.and_then(|rest| rest.strip_prefix(in_a_name)).and_then(|rest| rest.strip_prefix('-'));
    digits.is_some_and(|digits| digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// The call's recordings, as paths relative to the recorder's folder, sorted by when each was begun.
pub(super) fn files(recording_dir: &Path, id: &str) -> Vec<String> {
    let in_a_name = in_a_name(id);
    let Ok(entries) = fs::read_dir(recording_dir.join("pcaps")) else { return Vec::new() };
    let of_call = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_str().is_some_and(|name| is_of_call(name, "", &in_a_name, ".pcap")));
    let mut files: Vec<_> = of_call
        .take(MOST_FILES)
        .filter_map(|entry| Some((begun(&entry), format!("pcaps/{}", entry.file_name().to_str()?))))
        .collect();
    files.sort_unstable();
    files.into_iter().map(|(_, name)| name).collect()
}

/// When the file was made, where the file system knows that: its digits are drawn at random.
fn begun(entry: &fs::DirEntry) -> Option<std::time::SystemTime> {
    entry.metadata().and_then(|metadata| metadata.created()).ok()
}

#[cfg(test)]
mod tests {
    use recording_core::wire::{CorrelationId, UccName};
    use serde_json::json;

    use super::*;

    fn of(call: &Value) -> Result<String, String> {
        let id = CorrelationId::parse("1d6c6a58-6739-4f0c-98ff-0968292c8c30").expect("an id");
        let key = SessionKey::new(UccName::new("ucc").expect("a name"), id);
        call_id(&key, call.as_object().expect("an object")).map(Into::into)
    }

    #[test]
    fn a_call_is_named_by_its_field_or_by_the_session() {
        assert_eq!(of(&json!({})).as_deref(), Ok("1d6c6a58-6739-4f0c-98ff-0968292c8c30"));
        for id in ["a", "a84b4c76e66710@pc33.atlanta.com", "ä b", &"x".repeat(219), &"@".repeat(73)] {
            assert_eq!(of(&json!({ "CallId": id })).as_deref(), Ok(id));
        }
    }

    #[test]
    fn what_names_no_call_is_refused_with_its_field() {
        let long = ["x".repeat(220), "@".repeat(74), "ä".repeat(37), "x".repeat(255)];
        let bytes = "'CallId' must have 1 to 255 bytes, and no control characters";
        for id in ["", "a\u{0}", "a\nb", "\u{85}", &"x".repeat(256), &"ä".repeat(128)] {
            assert_eq!(of(&json!({ "CallId": id })), Err(bytes.to_owned()), "{id:?}");
        }
        for id in &long {
            let error = of(&json!({ "CallId": id })).expect_err("too long");
            assert!(error.starts_with("'CallId' is too long for the names of its files: 219 bytes"), "{error}");
        }
        for id in [json!(null), json!(1), json!(["a"]), json!({})] {
            assert_eq!(of(&json!({ "CallId": id })), Err("'CallId' must be a string".to_owned()));
        }
        for (field, written) in [("callid", "callid"), ("X", "X"), ("", ""), ("a'\n", "a\\'\\n")] {
            let expected = format!("'{written}': an rtpengine knows no such field, only 'CallId'");
            assert_eq!(of(&json!({ field: "a" })), Err(expected.clone()));
            assert_eq!(of(&json!({ "CallId": "a", field: "a" })), Err(expected));
        }
    }

    #[test]
    fn names_are_escaped_as_the_recorder_does() {
        // Written by rtpengine 10.5.3.5 for the call `a@b c/%$&+,:;=?#[]!'()*~-._<>"\^`{|}` + DEL + `é`.
        let written =
            "a%40b%20c%2F%25%24%26%2B%2C%3A%3B%3D%3F%23%5B%5D%21%27%28%29%2A~-._%3C%3E%22%5C%5E%60%7B%7C%7D%7F%C3%A9";
        assert_eq!(in_a_name("a@b c/%$&+,:;=?#[]!'()*~-._<>\"\\^`{|}\u{7f}é"), written);
        assert_eq!(in_a_name(".."), "..");
    }

    #[test]
    fn only_the_call_s_own_files_are_named() {
        let folder = std::env::temp_dir().join(format!("recording-files-{}", std::process::id()));
        let pcaps = folder.join("pcaps");
        fs::create_dir_all(&pcaps).expect("a folder");
        let own = ["a%40b-0123456789abcdef.pcap", "a%40b-fedcba9876543210.pcap"];
        let others = [
            "a%40b-0123456789abcdef.pcap.1",
            "a%40b-0123456789abcde.pcap",
            "a%40b-c-0123456789abcdef.pcap",
            "a%40b-0123456789abcdeg.pcap",
            "xa%40b-0123456789abcdef.pcap",
            "a@b-0123456789abcdef.pcap",
            "a%40b-.pcap",
        ];
        for name in own.iter().chain(&others) {
            fs::write(pcaps.join(name), "").expect("a file");
        }
        let mut found = files(&folder, "a@b");
        found.sort();
        assert_eq!(found, own.map(|name| format!("pcaps/{name}")));
        assert_eq!(files(&folder, "nothing"), [""; 0]);
        assert_eq!(files(&folder.join("missing"), "a@b"), [""; 0]);
        fs::remove_dir_all(&folder).expect("its removal");
    }
}
