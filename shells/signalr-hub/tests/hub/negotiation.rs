//! How clients begin.

use std::collections::HashSet;

use serde_json::{Value, json};
use signalr_hub::negotiate::{NotAVersion, Version, answer};

use crate::support::Served;

fn transports() -> Value {
    json!([
        {"transport": "WebSockets", "transferFormats": ["Text", "Binary"]},
        {"transport": "ServerSentEvents", "transferFormats": ["Text"]},
        {"transport": "LongPolling", "transferFormats": ["Text", "Binary"]},
    ])
}

#[test]
fn versions() {
    for (asked, version) in [
        (None, Ok(Version::Zero)),
        (Some("0"), Ok(Version::Zero)),
        (Some("1"), Ok(Version::One)),
        (Some("2"), Ok(Version::One)),
        (Some("18446744073709551615"), Ok(Version::One)),
        (Some(""), Err(NotAVersion)),
        (Some("-1"), Err(NotAVersion)),
        (Some("1.0"), Err(NotAVersion)),
        (Some("one"), Err(NotAVersion)),
        (Some("18446744073709551616"), Err(NotAVersion)),
    ] {
        assert_eq!(Version::of(asked), version, "{asked:?}");
    }
}

#[test]
fn documents() {
    let parsed = |version| serde_json::from_str::<Value>(&answer(version, "public", "secret")).unwrap();
    let zero = json!({"negotiateVersion": 0, "connectionId": "secret", "availableTransports": transports()});
    assert_eq!(parsed(Version::Zero), zero);
    let one = json!({
        "negotiateVersion": 1,
        "connectionId": "public",
        "connectionToken": "secret",
        "availableTransports": transports(),
    });
    assert_eq!(parsed(Version::One), one);
}

#[tokio::test]
async fn over_http() {
    let served = Served::default().await;
    let mut ids = HashSet::new();
    for (query, version) in
        [("", 0), ("?negotiateVersion=0", 0), ("?negotiateVersion=1", 1), ("?NEGOTIATEVERSION=7", 1)]
    {
        let response = served.request("POST", &format!("/hub/negotiate{query}"), &[], b"").await;
        assert_eq!((response.status, response.header("content-type")), (200, Some("application/json")));
        assert_eq!(response.header("cache-control"), Some("no-cache, no-store"));
        let document = response.json();
        assert_eq!(document["negotiateVersion"], version);
        assert_eq!(document["availableTransports"], transports());
        for key in ["connectionId", "connectionToken"] {
            let Some(id) = document[key].as_str() else {
                assert_eq!((key, version), ("connectionToken", 0));
                continue;
            };
            assert_eq!(id.len(), 22);
            assert!(id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'), "{id}");
            assert!(ids.insert(id.to_owned()));
        }
    }
    let response = served.request("POST", "/hub/negotiate?negotiateVersion=x", &[], b"").await;
    let error = "The client requested a negotiateVersion that is not a number.";
    assert_eq!((response.status, response.json()), (200, json!({"error": error})));
    for method in ["GET", "PUT", "DELETE", "OPTIONS"] {
        let response = served.request(method, "/hub/negotiate", &[], b"").await;
        assert_eq!((response.status, response.header("allow")), (405, Some("POST")));
    }
}

/// Stateful reconnect is not granted, whether it is asked for or not.
#[tokio::test]
async fn stateful_reconnect_is_declined() {
    let served = Served::default().await;
    for query in ["", "?negotiateVersion=1", "?negotiateVersion=1&useStatefulReconnect=true"] {
        let response = served.request("POST", &format!("/hub/negotiate{query}"), &[], b"").await;
        assert_eq!(response.json().get("useStatefulReconnect"), None);
    }
}

/// The id that is shown opens nothing.
#[tokio::test]
async fn the_public_id_is_no_key() {
    let served = Served::default().await;
    let response = served.request("POST", "/hub/negotiate?negotiateVersion=1", &[], b"").await;
    let document = response.json();
    let (id, token) = (document["connectionId"].as_str().unwrap(), document["connectionToken"].as_str().unwrap());
    assert_eq!(served.poll(id).await.status, 404);
    assert_eq!(served.poll(token).await.status, 200);
}
