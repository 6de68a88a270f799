//! Why the strict reader, and not serde-json-core, reads what comes from strangers: each reason the docs name, shown.
//! When one of these fails after an update, the docs have a claim too many.
#![cfg(feature = "serde-json-core")]

use recording_core::wire::json;
use serde::Deserialize;

#[derive(Deserialize, Debug, PartialEq)]
struct Body<'a> {
    name: &'a str,
}

fn core(document: &str) -> Result<Body<'_>, serde_json_core::de::Error> {
    serde_json_core::from_str(document).map(|(body, _)| body)
}

#[test]
fn values_under_unknown_keys_are_skipped_unparsed() {
    for rubbish in ["@@@", "nul", "01", "[1 2]", "[,1]", "\"\u{1}\""] {
        let document = format!(r#"{{"x":{rubbish},"name":"a"}}"#);
        assert!(core(&document).is_ok(), "{document}");
        assert!(json::read(document.as_bytes()).is_err(), "{document}");
    }
}

#[test]
fn escapes_are_handed_over_as_they_stand() {
    assert_eq!(core(r#"{"name":"\u0041\x"}"#), Ok(Body { name: r"\u0041\x" }));
    assert!(json::read(br#"{"name":"\u0041\x"}"#).is_err());
}

#[test]
fn surrogate_pairs_are_refused_when_unescaping() {
    let mut buffer = [0; 64];
    let document = r#"{"name":"\ud83d\ude00"}"#;
    assert!(serde_json_core::from_str_escaped::<heapless_body::Body>(document, &mut buffer).is_err());
    assert!(json::read(document.as_bytes()).is_ok());
}

mod heapless_body {
    #[derive(serde::Deserialize)]
    pub(super) struct Body {
        #[allow(dead_code, reason = "only whether it is read matters")]
        name: recording_core::wire::UccNameBuf,
    }
}

#[test]
fn the_reason_is_lost() {
    use serde_json_core::de::Error;
    let reason =
        |document| serde_json_core::from_str::<recording_core::wire::EventBuf>(document).expect_err("it lacks keys");
    assert_eq!(reason(r#"{"UccName":"a"}"#), Error::CustomError);
    assert_eq!(reason(r#"{"UccName":"a","uccname":"a"}"#), Error::CustomError);
}

/// Each level of nesting under an unknown key is a call: a place on the stack lies deeper for it.
#[test]
fn it_recurses_under_unknown_keys() {
    use serde_json_core::de::Deserializer;

    // On a thread with a small stack a document of 2 KiB is passed, since the frames of a host are small enough; one of
    // a megabyte would end the process. Seen without ending it: how deep a document is passed at all.
    let depth = 500;
    let document = format!(r#"{{"x":{}{}, "name":"a"}}"#, "[".repeat(depth), "]".repeat(depth));
    let mut deserializer = Deserializer::new(document.as_bytes(), None);
    assert!(Body::deserialize(&mut deserializer).is_ok(), "no bound on depth");
    assert!(json::read(document.as_bytes()).is_err());
}
