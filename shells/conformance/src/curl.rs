//! Requests as curl commands, for any POSIX shell.

use recording_testkit::http::Request;

use crate::access::Endpoint;

/// The command that sends `request` as it is. A token comes from its file.
#[must_use]
pub fn command(endpoint: &Endpoint, request: &Request) -> String {
    let Endpoint { address, token, trust, .. } = endpoint;
    let mut words = vec!["curl -sS -i -g --path-as-is".to_owned()];
    if address.tls {
        // Each version of HTTP spells the head of a response in its own way.
        words.push("--http1.1".into());
        words.extend(trust.iter().filter_map(|trust| Some(format!("--cacert {}", quoted(trust.file.as_deref()?)))));
    }
    words.extend(token.iter().map(|token| format!("-H \"Authorization: Bearer $(cat {})\"", quoted(&token.file))));
    match (request.method, request.body.is_empty()) {
        ("GET", _) => {}
        ("HEAD", _) => words.push("-I".into()),
        ("POST", false) => {}
        (method, _) => words.push(format!("-X {method}")),
    }
    match request.content_type {
        Some(content_type) => words.push(format!("-H 'Content-Type: {content_type}'")),
        None if request.method == "POST" => words.push("-H 'Content-Type:'".into()),
        None => {}
    }
    let mut before = String::new();
    if request.method == "POST" || !request.body.is_empty() {
        match core::str::from_utf8(&request.body) {
            Ok(text) if !text.chars().any(char::is_control) && !text.starts_with('@') => {
                words.push(format!("--data-binary {}", quoted(text)));
            }
            // A shell's word holds no NUL, and a terminal garbles the rest.
            _ => {
                before = format!("printf '{}' | ", octal(&request.body));
                words.push("--data-binary @-".into());
            }
        }
    }
    let target = address.target(&request.target);
    match core::str::from_utf8(&target) {
        Ok(path) if path.starts_with('/') => words.push(quoted(&format!("{}{path}", address.origin()))),
        // Such a target is sent past curl's own reading of URLs.
        _ => {
            words.push(format!("--request-target {}", quoted(&String::from_utf8_lossy(&target))));
            words.push(quoted(&address.to_string()));
        }
    }
    before + &words.join(" ")
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The format of a `printf` that prints these bytes.
fn octal(bytes: &[u8]) -> String {
    let mut out = String::new();
    for &byte in bytes {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b' ' | b'{' | b'}' | b'[' | b']' | b'"' | b':' | b',' | b'-' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("\\{byte:03o}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Request, command};
    use crate::access::{Endpoint, Token};
    use crate::address::Address;

    #[test]
    fn commands() {
        let mut address = Endpoint::from(Address::parse("http://host:1").unwrap());
        let get = Request::get(b"/a/../b?c={d}".to_vec());
        assert_eq!(command(&address, &get), "curl -sS -i -g --path-as-is 'http://host:1/a/../b?c={d}'");
        let post = Request::post(b"/set".to_vec(), b"{\"it's\":1}".to_vec());
        assert!(command(&address, &post).contains(r#"--data-binary '{"it'\''s":1}' 'http://host:1/set'"#));
        let bytes = Request::post(b"/set".to_vec(), b"a\0%\xff".to_vec());
        assert!(command(&address, &bytes).starts_with(r"printf 'a\000\045\377' | curl"));
        let absolute = Request::get(b"http://localhost/a".to_vec());
        assert!(command(&address, &absolute).ends_with("--request-target 'http://host:1/a' 'http://host:1'"));
        let file = std::env::temp_dir().join(format!("recording-conformance-it's-{}", std::process::id()));
        std::fs::write(&file, "secret").unwrap();
        address.token = Some(Token::read(file.to_str().unwrap()).unwrap());
        std::fs::remove_file(file).unwrap();
        let with_token = command(&address, &get);
        assert!(with_token.contains(r#" -H "Authorization: Bearer $(cat '"#) && !with_token.contains("secret"));
        assert!(with_token.contains(r"it'\''s"), "{with_token}");
    }
}
