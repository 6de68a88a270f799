//! Requests that are made, valid ones and nearly valid ones, written, written in other ways, and read back.

use arbitrary::{Arbitrary, Unstructured};
use recording_core::wire::RequestParts;
use recording_core::wire::{
    BufferTooSmall, CapabilitiesRequest, CorrelationId, SetRequest, SipUri, StateRequest, UccName,
};
use recording_core::{Action, Request, Scratch};

use crate::body::plain;
use crate::request::{Parts, check};
use crate::spelling::{self, Choices};
use recording_test_support::naive;

#[derive(Debug, Clone, Copy, Arbitrary)]
enum Call {
    Set,
    State,
    Capabilities,
}

#[derive(Debug, Arbitrary)]
struct Made {
    call: Call,
    action: u8,
    id: u128,
    ucc: Text,
    requester: Text,
    /// What is to be wrong, if the request is to be nearly valid only.
    fault: Option<u8>,
    choices: Choices,
}

/// The stuff of a name or a URI.
#[derive(Debug, Arbitrary)]
struct Text {
    kind: u8,
    len: u8,
    letters: Vec<u8>,
}

impl Text {
    const LETTERS: [char; 40] = [
        'u',
        'c',
        '-',
        'a',
        'Z',
        '0',
        '9',
        ' ',
        '"',
        '\\',
        '%',
        '?',
        '#',
        '&',
        '\'',
        '{',
        '}',
        '[',
        ':',
        ',',
        '.',
        '~',
        '_',
        '+',
        '@',
        '=',
        ';',
        '<',
        'ß',
        'é',
        'ſ',
        '\u{a0}',
        '\u{212a}',
        '€',
        '\u{feff}',
        '\u{fffd}',
        '😀',
        '\u{10ffff}',
        '\u{d7ff}',
        '\u{2028}',
    ];

    /// 1 to 64 bytes that may be the name of a UCC.
    fn name(&self) -> String {
        const NAMED: [&str; 8] = ["ucc-demo-name", "ucc-strict", "capabilities", "set", "%63", "..", "v2", "\u{7e}"];
        if let Some(name) = NAMED.get(usize::from(self.kind)) {
            return (*name).to_owned();
        }
        let mut name = String::new();
        for letter in &self.letters {
            let letter = Self::LETTERS[usize::from(*letter) % Self::LETTERS.len()];
            if name.len() + letter.len_utf8() <= UccName::MAX_LEN {
                name.push(letter);
            }
        }
        name.extend(core::iter::repeat_n('x', (usize::from(self.len) % (UccName::MAX_LEN + 1)).max(1)));
        while name.len() > UccName::MAX_LEN {
            name.pop();
        }
        name
    }

    /// At most 255 bytes that may be a SIP URI.
    fn uri(&self) -> String {
        let visible = |letter: &u8| char::from(b'!' + letter % (b'~' - b'!' + 1));
        let letters: String = self.letters.iter().map(visible).filter(|letter| *letter != '@').take(200).collect();
        let (user, host) = letters.split_at(letters.len() / 2);
        let scheme = ["sip:", "sips:", "SIP:", "sIpS:"][usize::from(self.kind) % 4];
        let mut uri = match self.kind {
            0..4 => String::from("sip:agent@domain.com"),
            4..8 => String::from("SIP:Agent@domain.com"),
            _ => format!("{scheme}{user}u@h{host}"),
        };
        let room = SipUri::MAX_LEN - uri.len();
        if self.kind >= 8 {
            uri.extend(core::iter::repeat_n('x', usize::from(self.len).min(room)));
        }
        uri
    }
}

/// Made requests: what our writers write is read back equal, in every other spelling too; a fault put in is found.
///
/// # Panics
///
/// When it is not so.
pub fn made_request(data: &[u8]) {
    let Ok(made) = Made::arbitrary_take_rest(Unstructured::new(data)) else { return };
    let (name, uri) = (made.ucc.name(), made.requester.uri());
    assert!(naive::ucc_name_ok(&name) && naive::sip_ok(&uri), "{name} {uri}");
    let (ucc, requester) = (UccName::new(&name).expect("a name"), SipUri::new(&uri).expect("a URI"));
    let action = Action::ALL[usize::from(made.action) % 7];
    let correlation_id = CorrelationId::from_u128(made.id);
    let mut choices = made.choices;
    let set = SetRequest { action, requester, correlation_id, ucc };
    let state = StateRequest { ucc, correlation_id };
    let capabilities = CapabilitiesRequest { ucc };
    let wanted = match made.call {
        Call::Set => Request::Set(set),
        Call::State => Request::State(state),
        Call::Capabilities => Request::Capabilities(capabilities),
    };
    written(&wanted);
    match (made.fault, made.call) {
        (None, Call::Set) => {
            let target = spelling::target("set", &mut choices);
            let body = object(&members(&set, &mut choices), &mut choices);
            // Escapes everywhere may take more room than there is.
            let wanted = (body.len() <= SetRequest::MAX_BODY_LEN).then_some(wanted);
            read_as(b"POST", &target, body.as_bytes(), wanted.as_ref());
        }
        (None, _) => {
            let target = path(&wanted, &mut choices);
            read_as(choices.pick(&[b"GET", b"HEAD"]), &target, b"", Some(&wanted));
        }
        (Some(fault), Call::Set) => {
            let target = spelling::target("set", &mut choices);
            read_as(b"POST", &target, &faulty_body(&set, fault, &mut choices), None);
        }
        (Some(fault), _) => {
            let (method, target) = faulty_path(&wanted, fault, &mut choices);
            read_as(method, &target, b"", None);
        }
    }
}

/// What our writers write of a request is what the protocol says, is read back equal, and knows how long it is.
fn written(request: &Request<'_>) {
    let mut room = [0; 1024];
    let mut none = [0; 0];
    let (bytes, too_small) = match request {
        Request::Set(set) => (set.write(&mut room[..SetRequest::MAX_LEN]), set.write(&mut none)),
        Request::State(state) => {
            (state.write_target(&mut room[..StateRequest::MAX_TARGET_LEN]), state.write_target(&mut none))
        }
        Request::Capabilities(capabilities) => (
            capabilities.write_target(&mut room[..CapabilitiesRequest::MAX_TARGET_LEN]),
            capabilities.write_target(&mut none),
        ),
    };
    let text = str::from_utf8(bytes.expect("room")).expect("UTF-8");
    assert_eq!(too_small, Err(BufferTooSmall { needed: text.len(), given: 0 }));
    match request {
        Request::Set(set) => {
            let strict = plain(set);
            let expected = format!(
                r#"{{"Action":{},"RequesterSipUri":{},"CorrelationId":"{}","UCCName":{}}}"#,
                strict.action,
                naive::json_string(&strict.requester),
                strict.id,
                naive::json_string(&strict.ucc),
            );
            assert_eq!(text, expected);
            read_as(b"POST", SetRequest::TARGET, text.as_bytes(), Some(request));
        }
        _ => read_as(b"GET", text, b"", Some(request)),
    }
}

/// Reads a request, by our reader and by the naive one; it must be `wanted`, or refused if that is `None`.
fn read_as(method: &[u8], target: &str, body: &[u8], wanted: Option<&Request<'_>>) {
    let content_type = Some(b"application/json".as_slice());
    let mut scratch = Scratch::new();
    let read = Request::read(RequestParts { method, target: target.as_bytes(), content_type, body }, &mut scratch);
    let shown = || format!("{target} {}", String::from_utf8_lossy(body));
    match (read, wanted) {
        (Ok(read), Some(wanted)) => {
            assert_eq!(read, *wanted, "{}", shown());
            // URIs are equal in whatever case; here they must be the very same.
            if let (Request::Set(read), Request::Set(wanted)) = (read, wanted) {
                assert_eq!(read.requester.as_str(), wanted.requester.as_str(), "{}", shown());
            }
        }
        (Err(_), None) => {}
        (read, wanted) => panic!("{read:?}, wanted {wanted:?}: {}", shown()),
    }
    check(Parts { method, target: target.as_bytes(), content_type, body });
}

/// The members of a set, each written as the choices have it.
fn members(set: &SetRequest<'_>, choices: &mut Choices) -> Vec<String> {
    let action = match choices.of(2) {
        0 => set.action.code().to_string(),
        _ => spelling::string(&spelling::case(set.action.name(), choices), choices),
    };
    let id = spelling::string(&spelling::id(set.correlation_id.to_u128(), choices), choices);
    let mut members = vec![
        member("Action", &action, choices),
        member("RequesterSipUri", &spelling::string(set.requester.as_str(), choices), choices),
        member("CorrelationId", &id, choices),
        member("UCCName", &spelling::string(set.ucc.as_str(), choices), choices),
    ];
    // Any order.
    for at in 0..members.len() {
        let other = at + choices.of(members.len() - at);
        members.swap(at, other);
    }
    for _ in 0..choices.of(3) {
        members.insert(choices.of(members.len() + 1), spelling::unknown(choices).to_owned());
    }
    members
}

fn member(key: &str, value: &str, choices: &mut Choices) -> String {
    let key = spelling::string(&spelling::case(key, choices), choices);
    let [a, b, c, d] = [(); 4].map(|()| spelling::space(choices));
    format!("{a}{key}{b}:{c}{value}{d}")
}

fn object(members: &[String], choices: &mut Choices) -> String {
    format!("{}{{{}}}{}", spelling::space(choices), members.join(","), spelling::space(choices))
}

/// The body of a set with one thing wrong.
fn faulty_body(set: &SetRequest<'_>, fault: u8, choices: &mut Choices) -> Vec<u8> {
    const KEYS: [&str; 4] = ["Action", "RequesterSipUri", "CorrelationId", "UCCName"];
    // A plain spelling, so that what is wrong stays all there is to it.
    let digits = spelling::id(set.correlation_id.to_u128(), choices);
    let values = [
        set.action.code().to_string(),
        naive::json_string(set.requester.as_str()),
        naive::json_string(&digits),
        naive::json_string(set.ucc.as_str()),
    ];
    let mut members: Vec<_> = KEYS.iter().zip(&values).map(|(key, value)| format!("\"{key}\":{value}")).collect();
    let one = choices.of(4);
    let [actions, uris, ids, names] = bad_values(set, &digits);
    let bad = [actions, uris, ids, names];
    match fault % 12 {
        // A field is missing.
        0 => drop(members.remove(one)),
        // A field is there twice, in whatever spelling.
        1 => {
            let again = member(KEYS[one], &values[one], choices);
            members.insert(choices.of(5), again);
        }
        // A field has a value that it cannot have.
        2..=6 => {
            let value = &bad[one][choices.of(bad[one].len())];
            members[one] = member(KEYS[one], value, choices);
        }
        // No JSON in what is skipped.
        7 => {
            let what = choices.pick(&["01", "[1,]", "\"\t\"", "\"\\ud800\"", "{\"a\"}", "nul", "\"\\x\"", "1.", "'a'"]);
            members.insert(choices.of(5), format!("\"skipped\":{what}"));
        }
        // Too deep.
        8 => {
            let (open, close) = choices.pick(&[("[", "]"), ("{\"a\":", "}")]);
            let levels = 16 + choices.of(4);
            let deep = format!("\"deep\":{}0{}", open.repeat(levels), close.repeat(levels));
            members.insert(choices.of(5), deep);
        }
        _ => {}
    }
    let body = object(&members, choices);
    match fault % 12 {
        9 => (body + choices.pick(&["x", "{}", ",", "\0", "\u{a0}"])).into_bytes(),
        10 => [choices.pick(&["\u{feff}", "x", "[", "\u{c}"]), &body].concat().into_bytes(),
        11 if choices.of(2) == 0 => {
            let longer = SetRequest::MAX_BODY_LEN + 1 + choices.of(4);
            (body.clone() + &" ".repeat(longer - body.len())).into_bytes()
        }
        // Cut off somewhere before its end.
        11 => body.trim_end().as_bytes()[..choices.of(body.trim_end().len())].to_vec(),
        _ => body.into_bytes(),
    }
}

/// For each field values that it cannot have.
fn bad_values(set: &SetRequest<'_>, digits: &str) -> [Vec<String>; 4] {
    let texts = |texts: &[String]| texts.iter().map(|text| naive::json_string(text)).collect::<Vec<_>>();
    let types = || ["null", "true", "1.0", "\"\"", "[]", "{}"].map(String::from).to_vec();
    let actions = ["0", "8", "-1", "1.0", "1e0", "10", "\"1\"", "\"Resume\"", "\"Un Mark\"", "[1]", "\"ſtart\""];
    let (uri, name) = (set.requester.as_str(), set.ucc.as_str());
    let uris = texts(&[
        uri.replace('@', ""),
        uri.replace('@', "@@"),
        uri.replace(':', ""),
        format!(" {uri}"),
        format!("{uri}ß"),
        format!("{uri}\u{7f}"),
        format!("{uri}{}", "x".repeat(256 - uri.len())),
    ]);
    let longer = UccName::MAX_LEN + 1 - name.len();
    let names = texts(&[
        format!("{name}{}", "x".repeat(longer)),
        name.chars().take(1).chain(['/']).collect(),
        String::from("\u{80}"),
        String::from("\u{7f}"),
        String::from("a\u{9f}b"),
        String::from("\n"),
    ]);
    let ids = texts(&[
        format!("{digits}0"),
        digits[1..].to_owned(),
        format!("urn:uuid:{digits}"),
        digits.replacen(|c: char| c.is_ascii_hexdigit(), "g", 1),
        format!(" {digits}"),
        digits.replace('-', "_") + "-",
    ]);
    [actions.map(String::from).to_vec(), [uris, types()].concat(), [ids, types()].concat(), [names, types()].concat()]
}

/// The path of a request, written as the choices have it.
fn path(request: &Request<'_>, choices: &mut Choices) -> String {
    let call = match request {
        Request::State(state) => {
            let ucc = match spelling::part(state.ucc.as_str(), choices) {
                // Not decoded, this means another call.
                plain if plain == "capabilities" => "capabilitie%73".into(),
                part => part,
            };
            let id = spelling::id(state.correlation_id.to_u128(), choices);
            format!("{ucc}/{}", spelling::part(&id, choices))
        }
        Request::Capabilities(asked) => format!("capabilities/{}", spelling::part(asked.ucc.as_str(), choices)),
        Request::Set(_) => "set".into(),
    };
    spelling::target(&call, choices)
}

/// A read with one thing wrong.
fn faulty_path(request: &Request<'_>, fault: u8, choices: &mut Choices) -> (&'static [u8], String) {
    let target = path(request, choices);
    let (path, query) = target.split_at(target.find('?').unwrap_or(target.len()));
    let faulty = match fault % 8 {
        0 => return (choices.pick(&[b"POST", b"get ", b"PUT\0", b"Get\xff"]), target),
        1 => format!("{path}/{query}"),
        2 => path.replacen("recording/", choices.pick(&["recording//", "Recording/", "recording/a/b/", ""]), 1) + query,
        3 => format!("{path}{}{query}", choices.pick(&["%", "%1", "%zz", "%+1", "%ff", "%c3", "%2F", "%00", "%C2%80"])),
        4 => path.replacen("attendantservice", choices.pick(&["%61ttendantservice", "attendantService", ""]), 1),
        5 => format!("{path}{}{query}", "x".repeat(UccName::MAX_LEN + 1)),
        6 => String::from(choices.pick(&["*", "", "/", "attendantservice/api/recording/a/b", "ftp://host/a"])),
        _ => format!("x{target}"),
    };
    (b"GET", faulty)
}
