//! The audit trail says whose token it was, and of a set that the token does not allow as well.

use recording_server::auth::tokens::make;
use serde_json::{Value, json};

use crate::access::{bearer, jwt_options};
use crate::jwts::{AGENT, Issuer, claims};
use crate::process::{File, Running};
use crate::support::{ID, SET_PATH, STATE_PATH, once, request, set_body};

#[tokio::test]
async fn the_trail_names_whose_token_it_was() {
    let issuer = Issuer::new();
    let (fixed, operator) = (make("fixed").unwrap(), make("operator").unwrap());
    let jwks = File::new("whose.jwks", &issuer.jwks().to_string());
    let tokens = File::new("whose.tokens", &fixed.line);
    let admin_tokens = File::new("whose.admin", &operator.line);
    let trail = File::new("whose.trail", "");
    let mut options = jwt_options(&jwks).to_vec();
    options.extend(["--tokens", tokens.path(), "--admin-tokens", admin_tokens.path()]);
    options.extend(["--jwt-requester-claim", "agent", "--audit", trail.path()]);
    let running = Running::start(&options);

    // A name that would break the line, or forge another, if it were not escaped.
    let jwt = |agent: &str| {
        let mut claims = claims();
        claims["sub"] = json!("pay\",\n\"Outcome\":\"withdrawn\",\"Revision\":1}\n");
        claims["agent"] = json!(agent);
        issuer.token(&claims)
    };
    let jwt_name = "jwt:pay\",\n\"Outcome\":\"withdrawn\",\"Revision\":1}\n";
    let session = format!("/sessions/ucc-demo-name/{}", ID.replace("1d6c", "2d6c"));
    let capabilities = "/attendantservice/api/recording/capabilities/ucc-demo-name";
    let nobody = format!("{}x", fixed.token);
    let (good, other) = (jwt(AGENT), jwt("sip:other@domain.com"));
    let (api, admin) = (running.api, running.admin);
    let set = set_body("3");
    let mut expected = Vec::new();
    for (address, method, path, body, token, status, line) in [
        (admin, "PUT", &*session, "", &operator.token, 201, Some(("begin", "operator", "opened"))),
        (admin, "PUT", &session, "", &operator.token, 200, Some(("begin", "operator", "already open"))),
        (api, "POST", SET_PATH, &*set, &other, 403, Some(("set", jwt_name, "refused"))),
        (api, "POST", SET_PATH, &set, &good, 200, Some(("set", jwt_name, "changed"))),
        (api, "POST", SET_PATH, &set, &fixed.token, 200, Some(("set", "fixed", "unchanged"))),
        (api, "GET", STATE_PATH, "", &other, 200, Some(("state", jwt_name, "read"))),
        (api, "GET", capabilities, "", &fixed.token, 200, Some(("capabilities", "fixed", "read"))),
        // Who shows no good token, or one for another part, asks for no decision.
        (api, "POST", SET_PATH, &set, &nobody, 401, None),
        (api, "POST", SET_PATH, &set, &operator.token, 401, None),
        (admin, "POST", SET_PATH, &set, &operator.token, 200, Some(("set", "operator", "unchanged"))),
        (admin, "DELETE", &session, "", &operator.token, 200, Some(("end", "operator", "ended"))),
        (admin, "DELETE", &session, "", &operator.token, 200, Some(("end", "operator", "already ended"))),
    ] {
        let headers = [("Content-Type", "application/json"), ("Authorization", &*bearer(token))];
        let response = once(address, &request(method, path, &headers, body.as_bytes())).await;
        assert_eq!(response.status, status, "{method} {path}: {}", response.body);
        expected.extend(line.map(|(call, principal, outcome)| json!([call, principal, outcome])));
    }

    let text = std::fs::read_to_string(trail.path()).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let by_whom = lines.iter().filter(|line| line.get("RemoteAddress").is_some());
    let told: Vec<_> = by_whom.map(|line| json!([line["Call"], line["Principal"], line["Outcome"]])).collect();
    assert_eq!(told, expected, "{text}");
    let refused = lines.iter().find(|line| line["Call"] == "set" && line["Outcome"] == "refused").unwrap();
    for (key, value) in [
        ("Record", json!("RecorderSetToPauseByAgent")),
        ("RequesterSipUri", json!(AGENT)),
        ("UCCName", json!("ucc-demo-name")),
        ("CorrelationId", json!(ID)),
        ("ErrorType", json!(2)),
        ("Message", json!("These credentials do not allow this.")),
    ] {
        assert_eq!(refused[key], value, "{refused}");
    }
    assert!(refused.get("Before").or(refused.get("After")).is_none(), "its state was not looked at: {refused}");
}
