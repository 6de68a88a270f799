//! Static tokens, JWTs, rates and origins as they are meant to be used.

use core::net::SocketAddr;
use core::time::Duration;

use recording_server::auth::tokens::make;
use serde_json::json;

use crate::jwts::{AGENT, AUDIENCE, ISSUER, Issuer, claims};
use crate::process::{File, Running};
use crate::support::{Client, ID, Response, SET_PATH, STATE_PATH, get, once, request, set, set_body};

pub const HUB_PATH: &str = "/attendantservice/hubs/recording";

pub fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

pub fn get_with(path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    request("GET", path, headers, b"")
}

/// The status of an answer that need not be the API's: the hub's own ones have another shape.
async fn status_of(address: SocketAddr, bytes: &[u8]) -> u16 {
    let mut client = Client::connect(address).await;
    client.send(bytes).await;
    client.receive_unchecked().await.status
}

/// The 401 of the API's shape.
#[track_caller]
pub fn keeps_out(response: &Response, challenge: &str) {
    assert_eq!((response.status, response.error(2).as_str()), (401, "Authentication is required."));
    assert_eq!(response.header("www-authenticate"), Some(challenge));
}

const NOTHING_SHOWN: &str = r#"Bearer realm="recording""#;
const NOTHING_GOOD: &str = r#"Bearer realm="recording", error="invalid_token""#;

#[tokio::test]
async fn a_token_opens_what_it_is_good_for() {
    let [all, api, hub, admin] = ["all", "api-only", "hub-only", "operator"].map(|name| make(name).unwrap());
    let tokens =
        File::new("open.tokens", &format!("# ours\n\n{}\n{} api # not more\n{} hub\n", all.line, api.line, hub.line));
    let admin_tokens = File::new("open.admin", &admin.line);
    let running = Running::start(&["--tokens", tokens.path(), "--admin-tokens", admin_tokens.path()]);
    let to_api =
        async |path: &str, token: &str| once(running.api, &get_with(path, &[("Authorization", &bearer(token))])).await;
    for token in [&all.token, &api.token] {
        assert_eq!(to_api(STATE_PATH, token).await.status, 200);
        // A client that is let in learns what there is; the core says so.
        assert_eq!(to_api("/nowhere", token).await.status, 404);
        let with_token = [("content-type", "application/json"), ("authorization", &*bearer(token))];
        let response = once(running.api, &request("POST", SET_PATH, &with_token, set_body("3").as_bytes())).await;
        assert_eq!(response.status, 200, "{}", response.body);
    }
    let response = to_api(STATE_PATH, &hub.token).await;
    assert_eq!((response.status, response.error(2).as_str()), (403, "These credentials do not allow this."));
    for path in [HUB_PATH, "/attendantservice/hubs/recording/negotiate?negotiateVersion=1"] {
        assert_eq!(to_api(path, &api.token).await.status, 403);
        let status = status_of(running.api, &get_with(path, &[("Authorization", &bearer(&hub.token))])).await;
        assert!(status != 401 && status != 403, "{path} {status}");
    }
    // The scheme's case does not matter.
    for scheme in ["bearer", "BEARER", "Bearer "] {
        let value = format!("{scheme} {}", all.token);
        assert_eq!(once(running.api, &get_with(STATE_PATH, &[("Authorization", &value)])).await.status, 200);
    }
    // Nothing is learned without one: every path and method gets the same.
    let json = [("Content-Type", "application/json")];
    for bytes in [get(STATE_PATH), get("/nowhere"), get(HUB_PATH), set("3"), request("PUT", SET_PATH, &json, b"{")] {
        keeps_out(&once(running.api, &bytes).await, NOTHING_SHOWN);
    }
    keeps_out(&to_api(STATE_PATH, &admin.token).await, NOTHING_GOOD);

    let to_admin = async |path: &str, token: &str| {
        once(running.admin, &get_with(path, &[("Authorization", &bearer(token))])).await
    };
    assert_eq!(to_admin("/sessions", &admin.token).await.status, 200);
    keeps_out(&to_admin("/sessions", &all.token).await, NOTHING_GOOD);
    keeps_out(&once(running.admin, &get("/sessions")).await, NOTHING_SHOWN);
    keeps_out(&once(running.admin, &get("/nowhere")).await, NOTHING_SHOWN);
    keeps_out(
        &once(running.admin, &request("DELETE", &format!("/sessions/ucc-demo-name/{ID}"), &[], b"")).await,
        NOTHING_SHOWN,
    );
    // The admin's token opens the API and the events there, for the console; its files hold no data.
    assert_eq!(to_admin(STATE_PATH, &admin.token).await.status, 200);
    keeps_out(&to_admin(STATE_PATH, &all.token).await, NOTHING_GOOD);
    keeps_out(&once(running.admin, &get(HUB_PATH)).await, NOTHING_SHOWN);
    assert!(
        ![401, 403]
            .contains(&status_of(running.admin, &get(&format!("{HUB_PATH}?access_token={}", admin.token))).await)
    );
    for path in ["/healthz", "/readyz", "/", "/console.js"] {
        assert_eq!(status_of(running.admin, &get(path)).await, 200, "{path}");
    }
    keeps_out(&once(running.admin, &get("/metrics")).await, NOTHING_SHOWN);
}

#[tokio::test]
async fn the_hub_alone_takes_a_token_from_the_query() {
    let token = make("query").unwrap();
    let tokens = File::new("query.tokens", &token.line);
    let running = Running::start(&["--tokens", tokens.path()]);
    let secret = &token.token;
    for target in [
        format!("{HUB_PATH}?access_token={secret}"),
        format!("{HUB_PATH}?id=x&access_token={secret}"),
        format!("{HUB_PATH}/negotiate?access_token={secret}&negotiateVersion=1"),
    ] {
        let status = status_of(running.api, &get(&target)).await;
        assert!(status != 401 && status != 403, "{target} {status}");
    }
    for target in [
        format!("{STATE_PATH}?access_token={secret}"),
        format!("/attendantservice/hubs2/recording?access_token={secret}"),
        format!("{HUB_PATH}?Access_Token={secret}"),
        format!("{HUB_PATH}?x=access_token={secret}"),
    ] {
        keeps_out(&once(running.api, &get(&target)).await, NOTHING_SHOWN);
    }
    for target in [
        format!("{HUB_PATH}?access_token={secret}&access_token={secret}"),
        format!("{HUB_PATH}?access_token={secret}x"),
        format!("{HUB_PATH}?access_token=&id={secret}"),
        format!("{HUB_PATH}?access_token"),
    ] {
        keeps_out(&once(running.api, &get(&target)).await, NOTHING_GOOD);
    }
    let both = get_with(&format!("{HUB_PATH}?access_token={secret}"), &[("Authorization", &bearer(secret))]);
    keeps_out(&once(running.api, &both).await, NOTHING_GOOD);
}

pub fn jwt_options(jwks: &File) -> [&str; 6] {
    ["--jwks", jwks.path(), "--jwt-issuer", ISSUER, "--jwt-audience", AUDIENCE]
}

#[tokio::test]
async fn a_jwt_of_each_algorithm_is_taken() {
    let issuer = Issuer::new();
    let jwks = File::new("good.jwks", &issuer.jwks().to_string());
    let running = Running::start(&jwt_options(&jwks));
    let status =
        async |token: &str| once(running.api, &get_with(STATE_PATH, &[("Authorization", &bearer(token))])).await.status;
    for (kid, alg) in [("r", "RS256"), ("e", "ES256"), ("d", "EdDSA")] {
        for typ in [json!("JWT"), json!("application/jwt"), json!("at+jwt"), json!("application/AT+JWT"), json!(null)] {
            let header = json!({"alg": alg, "kid": kid, "typ": typ});
            assert_eq!(status(&issuer.sign(&header, &claims())).await, 200, "{header}");
        }
    }
    // Several audiences, times with fractions, no nbf; and within the leeway of a minute.
    let now = crate::jwts::now();
    for (claim, value) in [
        ("aud", json!(["other", AUDIENCE])),
        ("exp", json!(now as f64 + 60.5)),
        ("exp", json!(now - 30)),
        ("nbf", json!(now + 30)),
    ] {
        let mut claims = claims();
        claims[claim] = value;
        assert_eq!(status(&issuer.token(&claims)).await, 200, "{claims}");
    }
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove("nbf");
    assert_eq!(status(&issuer.token(&claims)).await, 200);
}

#[tokio::test]
async fn a_set_is_in_the_name_that_its_token_says() {
    let issuer = Issuer::new();
    let jwks = File::new("claim.jwks", &issuer.jwks().to_string());
    let mut options = jwt_options(&jwks).to_vec();
    options.extend(["--jwt-requester-claim", "agent"]);
    let running = Running::start(&options);
    let with = |claim: serde_json::Value| {
        let mut claims = claims();
        claims["agent"] = claim;
        bearer(&issuer.token(&claims))
    };
    let set = async |token: &str, body: &str| {
        let headers = [("Content-Type", "application/json"), ("Authorization", token)];
        once(running.api, &request("POST", SET_PATH, &headers, body.as_bytes())).await
    };
    // As the core compares: without case.
    for claim in [AGENT, "SIP:Agent@DOMAIN.com"] {
        let response = set(&with(json!(claim)), &set_body("3")).await;
        assert_eq!(
            (response.status, response.body.contains(r#""ErrorMessage":null"#)),
            (200, true),
            "{}",
            response.body
        );
    }
    let text = "These credentials do not allow this.";
    for claim in [
        json!("sip:other@domain.com"),
        json!("sip:agent@domain.com "),
        json!("agent@domain.com"),
        json!(""),
        json!(null),
        json!([AGENT]),
        json!(7),
    ] {
        let response = set(&with(claim.clone()), &set_body("3")).await;
        assert_eq!((response.status, response.error(2).as_str()), (403, text), "{claim}");
        // It is for sets alone: reading goes by the token, whatever agent it names.
        let read = get_with(STATE_PATH, &[("Authorization", &with(claim))]);
        assert_eq!(once(running.api, &read).await.status, 200);
    }
    // What is not understood is reported before.
    assert_eq!(set(&with(json!(null)), "{").await.status, 400);
}

#[tokio::test]
async fn sighup_reads_tokens_and_keys_again_and_keeps_the_old_ones_if_they_are_bad() {
    let (one, other) = (make("one").unwrap(), make("other").unwrap());
    let (old, new) = (Issuer::new(), Issuer::new());
    let tokens = File::new("again.tokens", &one.line);
    let jwks = File::new("again.jwks", &old.jwks().to_string());
    let mut options = jwt_options(&jwks).to_vec();
    options.extend(["--tokens", tokens.path(), "--admin-tokens", tokens.path()]);
    let mut running = Running::start(&options);
    let api = running.api;
    let status =
        async |token: &str| once(api, &get_with(STATE_PATH, &[("Authorization", &bearer(token))])).await.status;
    // Both have the same RSA key, so the one that was drawn again distinguishes them.
    let jwt = |issuer: &Issuer| issuer.sign(&json!({"alg": "EdDSA", "kid": "d"}), &claims());
    assert_eq!([status(&one.token).await, status(&other.token).await], [200, 401]);
    assert_eq!([status(&jwt(&old)).await, status(&jwt(&new)).await], [200, 401]);

    std::fs::write(tokens.path(), &other.line).unwrap();
    std::fs::write(jwks.path(), new.jwks().to_string()).unwrap();
    running.signal("-HUP");
    running.logged("tokens read again");
    running.logged("keys read again");
    running.logged("tokens read again"); // the admin's
    assert_eq!([status(&one.token).await, status(&other.token).await], [401, 200]);
    assert_eq!([status(&jwt(&old)).await, status(&jwt(&new)).await], [401, 200]);

    std::fs::write(tokens.path(), "one 1234").unwrap();
    std::fs::write(jwks.path(), "{}").unwrap();
    running.signal("-HUP");
    let line = running.logged("bad file");
    assert!(line.contains(&format!("{}:1: after the name", tokens.path())), "{line}");
    running.logged("what was read before stays in force");
    let line = running.logged("bad file");
    assert!(line.contains(&format!("{}: no JWKS: there is no list 'keys'", jwks.path())), "{line}");
    // The admin's: nothing is read any more when the files change again.
    running.logged("bad file");
    assert_eq!([status(&one.token).await, status(&other.token).await], [401, 200]);
    assert_eq!([status(&jwt(&old)).await, status(&jwt(&new)).await], [401, 200]);

    // A file without tokens lets no client in: so all of them can be withdrawn.
    std::fs::write(tokens.path(), "# none\n").unwrap();
    running.signal("-HUP");
    running.logged("tokens read again");
    assert_eq!(status(&other.token).await, 401);
}

#[tokio::test]
async fn who_calls_too_often_is_told_when_to_come_back() {
    let (one, other) = (make("one").unwrap(), make("other").unwrap());
    let tokens = File::new("rate.tokens", &format!("{}\n{}\n", one.line, other.line));
    let running = Running::start(&["--tokens", tokens.path(), "--rate", "5"]);
    let mut client = Client::connect(running.api).await;
    let mut refused = 0;
    // More than a second's worth each tenth of a second: whatever the machine is at, most are too many.
    for _ in 0..100 {
        let response = client.exchange(&get_with(STATE_PATH, &[("Authorization", &bearer(&one.token))])).await;
        if response.status == 429 {
            refused += 1;
            assert_eq!(response.error(2), "There were too many requests.");
            assert_eq!(response.header("retry-after"), Some("1"));
        } else {
            assert_eq!(response.status, 200);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!((30..=95).contains(&refused), "{refused} of 100");
    // Another token has its own allowance, on the same connection.
    let response = client.exchange(&get_with(STATE_PATH, &[("Authorization", &bearer(&other.token))])).await;
    assert_eq!(response.status, 200);
    // A client without a token uses up no other's rate.
    assert_eq!(client.exchange(&get(STATE_PATH)).await.status, 401);

    // Without tokens the address counts, over all of its connections.
    let running = Running::start(&["--rate", "1"]);
    let first = once(running.api, &get(STATE_PATH)).await.status;
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(once(running.api, &get(STATE_PATH)).await.status);
    }
    assert_eq!(first, 200);
    assert!(statuses.contains(&429), "{statuses:?}");
    // The admin's port has no such limit.
    assert_eq!(once(running.admin, &get("/healthz")).await.status, 200);
}

const DESK: &str = "https://desk.example";

#[tokio::test]
async fn pages_of_listed_origins_may_call_and_no_others() {
    let token = make("page").unwrap();
    let tokens = File::new("cors.tokens", &token.line);
    let running = Running::start(&[
        "--tokens",
        tokens.path(),
        "--cors-origin",
        DESK,
        "--cors-origin",
        "http://localhost:3000",
        "--cors-origin",
        "capacitor://localhost",
        "--cors-origin",
        "app://-",
        "--cors-origin",
        "tauri://localhost",
    ]);
    let asks = |origin: &str, path: &str| {
        let headers = [
            ("Origin", origin),
            ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Headers", "authorization,x-requested-with,x-signalr-user-agent"),
        ];
        request("OPTIONS", path, &headers, b"")
    };
    for origin in [DESK, "http://localhost:3000", "capacitor://localhost", "app://-", "tauri://localhost"] {
        for path in [SET_PATH, HUB_PATH] {
            let mut client = Client::connect(running.api).await;
            client.send(&asks(origin, path)).await;
            let response = client.receive_unchecked().await;
            assert_eq!((response.status, response.body.as_str()), (204, ""));
            assert_eq!(response.header("access-control-allow-origin"), Some(origin));
            assert_eq!(response.header("access-control-allow-credentials"), Some("true"));
            assert_eq!(response.header("access-control-allow-methods"), Some("GET, HEAD, POST, DELETE"));
            let headers = Some("authorization,x-requested-with,x-signalr-user-agent");
            assert_eq!(response.header("access-control-allow-headers"), headers);
            assert_eq!(response.header("vary"), Some("Origin"));
        }
    }
    // The page sees the answer, be it a refusal.
    for (authorization, status) in [(bearer(&token.token), 200), ("Bearer x".to_owned(), 401)] {
        let bytes = get_with(STATE_PATH, &[("Origin", DESK), ("Authorization", &authorization)]);
        let response = once(running.api, &bytes).await;
        assert_eq!(response.status, status);
        assert_eq!(response.header("access-control-allow-origin"), Some(DESK));
        assert_eq!(response.header("vary"), Some("Origin"));
    }
    for origin in [
        "https://desk.example.evil",
        "https://desk.example:444",
        "http://desk.example",
        "HTTPS://DESK.EXAMPLE",
        "null",
        "https://evil.example",
        "https://desk.example/",
        "*",
        "",
        "file://",
        "tauri://evil",
    ] {
        let response = once(running.api, &asks(origin, SET_PATH)).await;
        assert_eq!(response.status, 401, "{origin}");
        let bytes = get_with(STATE_PATH, &[("Origin", origin), ("Authorization", &bearer(&token.token))]);
        let answered = once(running.api, &bytes).await;
        for response in [response, answered] {
            assert!(
                response.headers.iter().all(|(name, _)| !name.starts_with("access-control")),
                "{origin} {response:?}"
            );
            assert_eq!(response.header("vary"), Some("Origin"));
        }
        // Browsers open a WebSocket without a preflight.
        let bytes = get_with(
            HUB_PATH,
            &[
                ("Origin", origin),
                ("Connection", "Upgrade"),
                ("Upgrade", "websocket"),
                ("Authorization", &bearer(&token.token)),
            ],
        );
        assert_eq!(status_of(running.api, &bytes).await, 403, "{origin}");
    }
    // A page of the server's own origin needs no list; it gets as far as the handshake.
    let authorization = bearer(&token.token);
    let headers = [
        ("Origin", "http://localhost"),
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Authorization", authorization.as_str()),
    ];
    assert_eq!(status_of(running.api, &get_with(HUB_PATH, &headers)).await, 426, "a handshake without a version");
    // Two origins are none.
    let bytes = get_with(STATE_PATH, &[("Origin", DESK), ("Origin", DESK), ("Authorization", &bearer(&token.token))]);
    assert_eq!(once(running.api, &bytes).await.header("access-control-allow-origin"), None);

    // Without the option no page of another origin may call.
    let running = Running::start(&[]);
    let response = once(running.api, &get_with(STATE_PATH, &[("Origin", DESK)])).await;
    assert!(response.headers.iter().all(|(name, _)| !name.starts_with("access-control")), "{response:?}");
}
