//! What a server is called: by its option, or at random.

use std::collections::HashSet;

use crate::process::{Running, refuses};
use crate::support::{Client, request};

async fn negotiated(running: &Running, version: u8, key: &str) -> String {
    let mut client = Client::connect(running.api).await;
    let target = format!("/attendantservice/hubs/recording/negotiate?negotiateVersion={version}");
    client.send(&request("POST", &target, &[], b"")).await;
    let body = client.receive_unchecked().await.body;
    let document: serde_json::Value = serde_json::from_str(&body).unwrap();
    document[key].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn ids_begin_with_the_servers_name() {
    let mut names = HashSet::new();
    for given in [Some("b"), Some("Rack-7"), None, None, None] {
        let running = Running::start(&given.map_or_else(Vec::new, |name| vec!["--server-name", name]));
        for (version, key) in [(0, "connectionId"), (1, "connectionToken")] {
            let id = negotiated(&running, version, key).await;
            let (name, secret) = id.split_once('.').unwrap();
            assert_eq!(secret.len(), 22, "{id}");
            assert!(given.is_none_or(|given| given == name) && !name.is_empty(), "{id}");
            names.insert(name.to_owned());
        }
    }
    // Random ones differ at each start, and stay until its end.
    assert_eq!(names.len(), 5, "{names:?}");
}

#[test]
fn a_name_that_a_query_could_not_carry_is_refused() {
    let longer = "x".repeat(33);
    for bad in ["", "a.b", "a b", "a_b", "ä", "a%2e", longer.as_str()] {
        let line = format!("--server-name: '{bad}' is not a name of 1 to 32 letters, digits and hyphens (see --help)");
        refuses(&["--server-name", bad], &line);
    }
}
