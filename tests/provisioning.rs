//! Provisioning documents: what they fill, and what is said of those that are invalid.
#![cfg(feature = "serde-json-core")]

use recording_core::desk::provisioning::{ProvisioningError, ProvisioningErrorKind};
use recording_core::desk::{BeginOutcome, DirectoryError};
use recording_core::state::RepeatPolicy;
use recording_core::wire::json::{JsonError, JsonErrorKind};
use recording_core::wire::{CorrelationId, FieldErrorKind, SipUri, UccName};
use recording_core::{Desk, Directory, Session, State};

type SmallDirectory = Directory<3, 6, 256>;

const GOOD: &str = r#" {"uccs": [
    {"agents": ["sip:agent@domain.com", "sip:\u0061gent2@domain.com"], "name": "ucc-\ud83d\ude00",
     "recording_api_licensed": true, "use_audio_recording": false, "agent_can_edit_audio_recording": true,
     "save_recording_by_default": false, "repeats": "refuse"},
    {"name": "empty", "recording_api_licensed": false, "use_audio_recording": true,
     "agent_can_edit_audio_recording": false, "save_recording_by_default": true, "\u0061gents": []}
]} "#;

fn load(document: &str) -> Result<SmallDirectory, ProvisioningError> {
    let mut directory = SmallDirectory::new();
    directory.add_ucc(UccName::new("before").expect("a name"), settings()).expect("room");
    let result = directory.load(document.as_bytes());
    assert!(directory.find(UccName::new("before").expect("a name")).is_none(), "what was there is gone");
    if let Err(error) = result {
        assert_eq!(directory.uccs().count(), 0, "{error}: nothing is half done");
        return Err(error);
    }
    Ok(directory)
}

const fn settings() -> recording_core::Settings {
    recording_core::Settings {
        recording_api_licensed: true,
        use_audio_recording: true,
        agent_can_edit_audio_recording: true,
        save_recording_by_default: true,
        repeats: RepeatPolicy::Accept,
    }
}

#[test]
fn a_document_fills_a_directory() {
    let directory = load(GOOD).expect("it holds");
    assert_eq!(directory.uccs().count(), 2);
    let smile = directory.find(UccName::new("ucc-😀").expect("a name")).expect("a surrogate pair is one character");
    let settings = directory.settings(smile).expect("settings");
    assert!(settings.recording_api_licensed && !settings.use_audio_recording);
    assert!(settings.agent_can_edit_audio_recording && !settings.save_recording_by_default);
    assert_eq!(settings.repeats, RepeatPolicy::Refuse);
    assert!(directory.is_agent(smile, SipUri::new("sip:AGENT2@domain.com").expect("a URI")));
    assert_eq!(directory.agents(smile).count(), 2);
    let empty = directory.find(UccName::new("empty").expect("a name")).expect("there");
    let settings = directory.settings(empty).expect("settings");
    assert!(!settings.recording_api_licensed && settings.use_audio_recording);
    assert!(!settings.agent_can_edit_audio_recording && settings.save_recording_by_default);
    assert_eq!(settings.repeats, RepeatPolicy::Accept);
    assert_eq!(directory.agents(empty).count(), 0);
}

#[test]
fn the_same_document_with_all_of_the_wire_vectors_world() {
    let vectors: serde_json::Value = serde_json::from_str(include_str!("vectors/wire.json")).expect("JSON");
    let document = serde_json::json!({"uccs": vectors["world"]["uccs"]}).to_string();
    let mut directory = Directory::<16, 64, 4096>::new();
    directory.load(document.as_bytes()).expect("it holds");
    for ucc in vectors["world"]["uccs"].as_array().expect("a list") {
        let key = directory.find(ucc["name"].as_str().expect("text").try_into().expect("a name")).expect("there");
        let agents: Vec<_> = directory.agents(key).map(|uri| uri.to_string()).collect();
        assert_eq!(serde_json::json!(agents), ucc["agents"]);
    }
}

#[test]
fn what_does_not_hold_is_named() {
    let cases = [
        ("", "invalid JSON at byte 0: expected a value"),
        ("[]", "expected an object"),
        ("{}", "uccs: is missing"),
        (r#"{"uccs":{}}"#, "uccs: expected an array"),
        (r#"{"uccs":[]}"#, "uccs: there must be at least one UCC"),
        (r#"{"uccs":[],"uccs":[]}"#, "uccs: is given more than once"),
        (r#"{"uccs":[],"x":1}"#, "has a key that is not known"),
        (r#"{"uccs":[1]}"#, "uccs[0]: expected an object"),
        (r#"{"uccs":[{}]}"#, "uccs[0].recording_api_licensed: is missing"),
    ];
    for (document, text) in cases {
        let error = load(document).expect_err(document);
        assert_eq!(error.to_string(), text, "{document}");
        assert_eq!(error.write(&mut [0; ProvisioningError::MAX_LEN]), Ok(text.as_bytes()), "{document}");
    }
    let edits = [
        ("\"name\": \"empty\"", "\"name\": 1", "uccs[1].name: expected a string"),
        ("\"name\": \"empty\"", "\"name\": \"\"", "uccs[1].name: is empty"),
        ("\"name\": \"empty\"", "\"name\": \"a\\u002fb\"", "uccs[1].name: contains '/'"),
        ("\"name\": \"empty\"", "\"name\": \"ucc-😀\"", "uccs[1].name: there is a UCC of this name already"),
        (
            "\"name\": \"empty\"",
            "\"name\": \".\"",
            "uccs[1].name: is a name that no client can ask for: in a path it means another place",
        ),
        (
            "\"name\": \"empty\"",
            "\"name\": \"\\u002e.\"",
            "uccs[1].name: is a name that no client can ask for: in a path it means another place",
        ),
        ("\"name\": \"empty\", ", "", "uccs[1].name: is missing"),
        ("\"empty\"", "\"empty\", \"name\": \"again\"", "uccs[1].name: is given more than once"),
        ("\"empty\"", "\"empty\", \"Name\": \"again\"", "uccs[1]: has a key that is not known"),
        (
            "\"save_recording_by_default\": true",
            "\"save_recording_by_default\": 1",
            "uccs[1].save_recording_by_default: expected true or false",
        ),
        ("\"save_recording_by_default\": true, ", "", "uccs[1].save_recording_by_default: is missing"),
        ("\"refuse\"", "\"Refuse\"", "uccs[0].repeats: expected \"accept\" or \"refuse\""),
        ("\"refuse\"", "null", "uccs[0].repeats: expected \"accept\" or \"refuse\""),
        ("\"sip:agent@domain.com\"", "\"agent@domain.com\"", "uccs[0].agents[0]: does not begin with sip: or sips:"),
        ("gent2@domain.com\"", "gent2@domain.com\", 7", "uccs[0].agents[2]: expected a string"),
        ("\\u0061gents\": []", "\\u0061gents\": {}", "uccs[1].agents: expected an array"),
        (", \"\\u0061gents\": []", "", "uccs[1].agents: is missing"),
        ("\"\\u0061gents\": []", "\"agents\": [], \"agents\": []", "uccs[1].agents: is given more than once"),
        ("]} ", "]}x", "invalid JSON at byte"),
    ];
    for (old, new, text) in edits {
        assert_eq!(GOOD.matches(old).count(), 1, "{old}");
        let document = GOOD.replace(old, new);
        let error = load(&document).expect_err(new).to_string();
        assert!(error.starts_with(text), "{new}: {error}");
    }
}

#[test]
fn what_does_not_fit_is_named() {
    let ucc = |name: &str, agents: &str| {
        format!(
            r#"{{"name":"{name}","recording_api_licensed":true,"use_audio_recording":true,
                "agent_can_edit_audio_recording":true,"save_recording_by_default":true,"agents":[{agents}]}}"#
        )
    };
    let four: Vec<_> = ["a", "b", "c", "d"].into_iter().map(|name| ucc(name, "")).collect();
    assert!(load(&format!(r#"{{"uccs":[{}]}}"#, four[..3].join(","))).is_ok());
    let error = load(&format!(r#"{{"uccs":[{}]}}"#, four.join(","))).expect_err("four");
    assert_eq!(error.to_string(), "uccs[3].name: more than 3 UCCs");
    let agents: Vec<_> = (0..7).map(|n| format!("\"sip:{n}@x\"")).collect();
    let error = load(&format!(r#"{{"uccs":[{}]}}"#, ucc("a", &agents.join(",")))).expect_err("seven");
    assert_eq!(error.to_string(), "uccs[0].agents[6]: more than 6 agents");
    let long = format!("\"sip:{}@x\"", "y".repeat(249));
    let error = load(&format!(r#"{{"uccs":[{}]}}"#, ucc("ab", &long))).expect_err("257 bytes");
    assert_eq!(error.to_string(), "uccs[0].name: names and URIs of more than 256 bytes together");
    let longer = format!("\"sip:{}\\u0040x\"", "y".repeat(250));
    let error = load(&format!(r#"{{"uccs":[{}]}}"#, ucc("a", &longer))).expect_err("256 bytes");
    assert_eq!(error.kind, ProvisioningErrorKind::Value(FieldErrorKind::TooLong { max: 255 }));
}

/// The strict reader is before the recursive decoder: depth and rubbish never reach it.
#[test]
fn hostile_documents_stop_at_the_strict_reader() {
    let deep = format!(r#"{{"x":{}"#, "[".repeat(1_000_000));
    assert_eq!(load(&deep).expect_err("deep").to_string(), "invalid JSON at byte 20: nested deeper than 16 levels");
    let error = load(r#"{"uccs":[],"x":@@@}"#).expect_err("rubbish");
    assert_eq!(error.to_string(), "invalid JSON at byte 15: expected a value");
    assert!(load(&GOOD.replace("\\ud83d\\ude00", "\\ud83d")).is_err());
}

/// The longest error text: every part that there is, with numbers that no document reaches.
#[test]
fn the_longest_error_fits() {
    let (ucc, agent, key) = (Some(usize::MAX), Some(usize::MAX), Some("agent_can_edit_audio_recording"));
    for kind in [
        ProvisioningErrorKind::Json(JsonError { kind: JsonErrorKind::TooDeep, at: usize::MAX }),
        ProvisioningErrorKind::Expected("\"accept\" or \"refuse\""),
        ProvisioningErrorKind::UnknownKey,
        ProvisioningErrorKind::Value(FieldErrorKind::TooLong { max: u32::MAX }),
        ProvisioningErrorKind::Value(FieldErrorKind::ControlCharacter),
        ProvisioningErrorKind::Directory(DirectoryError::TextFull { capacity: usize::MAX }),
        ProvisioningErrorKind::Directory(DirectoryError::Unreachable),
        ProvisioningErrorKind::Directory(DirectoryError::NoUcc),
    ] {
        let error = ProvisioningError { ucc, key, agent, kind };
        assert_eq!(error.write(&mut [0; ProvisioningError::MAX_LEN]), Ok(error.to_string().as_bytes()));
        assert!(error.write(&mut [0; 40]).is_err());
    }
}

#[test]
fn a_desk_is_provisioned_anew_without_sessions() {
    let document = |name: &str| {
        let ucc = serde_json::json!({
            "name": name,
            "recording_api_licensed": true,
            "use_audio_recording": true,
            "agent_can_edit_audio_recording": true,
            "save_recording_by_default": false,
            "agents": ["sip:agent@domain.com"],
        });
        serde_json::json!({"uccs": [ucc]}).to_string()
    };
    let mut desk = Desk::<4, Directory<3, 6, 256>>::new(SmallDirectory::new());
    let session = |ucc| Session {
        ucc: UccName::new(ucc).expect("a name"),
        correlation_id: CorrelationId::from_u128(7),
        state: State::INITIAL,
    };
    assert_eq!(desk.provision(document("one").as_bytes()), Ok(()));
    assert_eq!(desk.begin(session("one")), Ok(BeginOutcome::New));
    assert_eq!(desk.provision(document("other").as_bytes()), Ok(()));
    assert!(desk.is_empty(), "its directory is another one");
    assert_eq!(desk.begin(session("other")), Ok(BeginOutcome::New));
    assert!(desk.begin(session("one")).is_err());
    assert!(desk.provision(b"{}").is_err());
    assert!(desk.is_empty());
    assert!(desk.begin(session("other")).is_err(), "no UCC is known rather than some");
}
