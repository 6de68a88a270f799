//! Keys that are fetched from an issuer: one that changes them, that fails in each way, and strangers that have it asked.

use core::time::Duration;

use recording_server::auth::tokens::make;
use serde_json::{Value, json};

use crate::access::{bearer, get_with};
use crate::attempts::{Attempt, Group};
use crate::issuer::{Does, KeyServer, NAME};
use crate::jwts::{AUDIENCE, Issuer, claims};
use crate::process::{File, Running, program, refuses, run};
use crate::support::{PATIENCE, Response, STATE_PATH, get, once};

/// What an issuer does, what comes of it, and what the log says.
const FAULTS: &[(Does, &str, &str, &str)] = &[
    (Does::Closes, "it closes each connection", "unreachable", ""),
    (Does::Waits, "it takes each request and answers nothing", "late", "no reply within 5000 ms"),
    (Does::Endless, "a document without end", "invalid", "the reply is longer than 524288 bytes"),
    (Does::Page, "a page in HTML with status 200", "invalid", "no JSON: it is of the type 'text/html'"),
    (Does::Fails, "status 500", "status", "answered with status 500"),
    (Does::Circle, "a redirect to itself", "status", "answered with status 302, which is not followed any more"),
    (Does::LeadsOut, "a redirect to http", "invalid", "it takes https://"),
    (Does::IsAnother, "a document of another issuer: a slash more", "invalid", "it is of the issuer"),
    (Does::PlainKeys, "a document that names keys by http", "invalid", "it takes https://"),
    (Does::NoKeys, "a JWKS without a key", "invalid", "holds no usable key of RSA, P-256, P-384 or Ed25519"),
    (
        Does::OtherKeys,
        "a JWKS with keys for encryption alone",
        "invalid",
        "holds no usable key of RSA, P-256, P-384 or Ed25519",
    ),
    (Does::Private, "a JWKS with a private key", "invalid", "key 1: is secret or private"),
];

pub fn groups() -> Vec<Group> {
    let attempts =
        FAULTS.iter().map(|(_, what, outcome, _)| Attempt { what: (*what).to_owned(), outcome: (*outcome).to_owned() });
    let more = [
        ("it is away when the server starts", "the server starts, and JWTs are answered 503 until it is there"),
        ("a certificate of an authority that is not trusted", "unreachable"),
        ("500 tokens of unknown keys", "401; the issuer is asked twice at most"),
        ("500 tokens of unknown keys that name another issuer", "401; the issuer is not asked"),
    ];
    let more = more.map(|(what, outcome)| Attempt { what: what.to_owned(), outcome: outcome.to_owned() });
    vec![Group {
        title: "An issuer that fails, and strangers that have it asked",
        note: "What it comes to is as `recording_issuer_fetches_total` counts it. Before keys have been fetched, JWTs are \
               answered 503; after that the keys that are held stay in force",
        test: "oidc::*",
        attempts: attempts.chain(more).collect(),
    }]
}

fn options(issuer: &KeyServer) -> [&str; 6] {
    ["--oidc-issuer", &issuer.url, "--oidc-ca", issuer.ca.path(), "--jwt-audience", AUDIENCE]
}

async fn state(running: &Running, token: &str) -> Response {
    once(running.api, &get_with(STATE_PATH, &[("Authorization", &bearer(token))])).await
}

async fn ready(running: &Running) -> Response {
    once(running.admin, &get("/readyz")).await
}

async fn until_ready(running: &Running) {
    let begin = std::time::Instant::now();
    while ready(running).await.status != 200 {
        assert!(begin.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The value of a metric.
async fn metric(running: &Running, name: &str) -> f64 {
    let mut client = crate::support::Client::connect(running.admin).await;
    client.send(&get("/metrics")).await;
    let page = client.receive_any("GET").await.body;
    let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name} in {page}")).parse().unwrap()
}

fn of(issuer: &KeyServer) -> Value {
    let mut claims = claims();
    claims["iss"] = json!(issuer.url);
    claims
}

/// A token by the key that only this one of all issuers here has: they share the RSA key.
fn token(keys: &Issuer, claims: &Value, kid: &str) -> String {
    keys.sign_as(&json!({"alg": "EdDSA", "kid": kid}), claims, "d")
}

/// The issuer's Ed25519 key alone, under this name.
fn only(keys: &Issuer, kid: &str) -> Value {
    let mut key = keys.jwks()["keys"][2].clone();
    key["kid"] = json!(kid);
    json!({ "keys": [key] })
}

/// Tokens of the issuer are good, and of no other; a new key is good with its first token, a withdrawn one is not.
#[tokio::test]
async fn keys_come_from_the_issuer_and_change_with_it() {
    let (old, new) = (Issuer::new(), Issuer::new());
    let issuer = KeyServer::start("changes", "localhost", only(&old, "old"));
    let mut running = Running::start(&options(&issuer));
    assert!(running.logged("keys fetched").contains("number=1 passed_over=0"));
    until_ready(&running).await;
    let good = of(&issuer);
    let with = |claim: &str, value: Value| {
        let mut claims = good.clone();
        claims[claim] = value;
        token(&old, &claims, "old")
    };
    assert_eq!(state(&running, &token(&old, &good, "old")).await.status, 200);
    assert_eq!(state(&running, &with("iss", json!(format!("{}/", issuer.url)))).await.status, 401);
    assert_eq!(state(&running, &with("aud", json!("another"))).await.status, 401);
    assert_eq!(state(&running, &token(&new, &good, "old")).await.status, 401);
    assert_eq!(issuer.times(), 1);

    issuer.has(only(&new, "new"));
    assert_eq!(state(&running, &token(&new, &good, "new")).await.status, 200);
    assert_eq!(issuer.times(), 1);
    assert!(running.logged("keys fetched").contains("number=1"));
    assert_eq!(state(&running, &token(&old, &good, "old")).await.status, 401);
    assert_eq!(state(&running, &token(&new, &good, "new")).await.status, 200);
    assert_eq!(metric(&running, "recording_issuer_fetches_total{outcome=\"changed\"}").await, 2.0);
    assert_eq!(metric(&running, "recording_issuer_keys").await, 1.0);
    assert_eq!(metric(&running, "recording_issuer_keys_usable").await, 1.0);
    let age = crate::jwts::now() as f64 - metric(&running, "recording_issuer_keys_fetched_seconds").await;
    assert!((-1.0..60.0).contains(&age), "{age}");
}

/// Each fault at the start, and after that with keys that are held.
#[tokio::test]
async fn what_an_issuer_does_wrong_has_its_outcome() {
    let keys = Issuer::new();
    let issuer = KeyServer::start("wrong", "localhost", keys.jwks());
    let good = token(&keys, &of(&issuer), "d");
    for &(does, what, outcome, reason) in FAULTS {
        issuer.does(does);
        let mut running = Running::start(&options(&issuer));
        let not_fetched = |line: &str| {
            assert!(line.contains(&format!("outcome=\"{outcome}\"")) && line.contains(reason), "{what}: {line}");
        };
        not_fetched(&running.logged("keys not fetched"));
        let response = state(&running, &good).await;
        let text = response.error(1);
        assert_eq!((response.status, response.header("retry-after")), (503, Some("5")), "{what}");
        assert_eq!(text, "The token cannot be checked: the keys of its issuer are missing.");
        // That there are no keys excuses nothing.
        assert_eq!(state(&running, "no.token.atall").await.status, 401, "{what}");
        let unready = ready(&running).await;
        assert_eq!(unready.status, 503, "{what}");
        assert!(unready.error(1).contains("no caller can be authenticated"), "{what}");

        issuer.does(Does::Right);
        running.signal("-HUP");
        let _ = running.logged("keys fetched");
        assert_eq!(state(&running, &good).await.status, 200, "{what}");
        assert_eq!(ready(&running).await.body, r#"{"Status":"ready"}"#, "{what}");

        // A server that has keys goes on with them.
        issuer.does(does);
        running.signal("-HUP");
        not_fetched(&running.logged("keys not fetched"));
        assert_eq!(state(&running, &good).await.status, 200, "{what}");
        let warned = ready(&running).await;
        assert!(warned.status == 200 && warned.body.contains("Warnings") && warned.body.contains("cannot be fetched"));
        assert!(metric(&running, &format!("recording_issuer_fetches_total{{outcome=\"{outcome}\"}}")).await >= 2.0);
        issuer.does(Does::Right);
    }
}

/// An issuer that comes later, or whose certificate is of another authority, is no reason not to start. Static tokens are
/// good all the while, so the server is ready.
#[tokio::test]
async fn other_tokens_do_not_wait_for_the_issuer() {
    let keys = Issuer::new();
    let (issuer, other) =
        (KeyServer::start("later", "localhost", keys.jwks()), KeyServer::start("another", "localhost", keys.jwks()));
    let fixed = make("fixed").unwrap();
    let tokens = File::new("later.tokens", &fixed.line);
    let ca = File::new("later.pem", &std::fs::read_to_string(other.ca.path()).unwrap());
    let mut options = options(&issuer);
    options[3] = ca.path();
    let mut running = Running::start(&[&options[..], &["--tokens", tokens.path()]].concat());
    let line = running.logged("keys not fetched");
    assert!(line.contains("outcome=\"unreachable\"") && line.contains("invalid peer certificate"), "{line}");
    let good = token(&keys, &of(&issuer), "d");
    assert_eq!([state(&running, &fixed.token).await.status, state(&running, &good).await.status], [200, 503]);
    let warned = ready(&running).await;
    assert!(warned.status == 200 && warned.body.contains("JWTs are answered 503"), "{}", warned.body);
    // The authority is read again as well.
    std::fs::copy(issuer.ca.path(), ca.path()).unwrap();
    running.signal("-HUP");
    let _ = running.logged("keys fetched");
    assert_eq!([state(&running, &fixed.token).await.status, state(&running, &good).await.status], [200, 200]);
}

/// Strangers cannot make the server flood the issuer.
#[tokio::test]
async fn unknown_keys_are_fetched_for_twice_at_most() {
    let keys = Issuer::new();
    let issuer = KeyServer::start("flood", "localhost", keys.jwks());
    // The rate would refuse most of them before they are looked at.
    let running = Running::start(&[&options(&issuer)[..], &["--rate", "off"]].concat());
    until_ready(&running).await;
    assert_eq!(issuer.times(), 1);
    let stranger = Issuer::new();
    let flood = async |claims: &Value| {
        let mut sent = tokio::task::JoinSet::new();
        for number in 0..500 {
            let token = token(&stranger, claims, &format!("unknown {number}"));
            let (api, token) = (running.api, bearer(&token));
            sent.spawn(async move { once(api, &get_with(STATE_PATH, &[("Authorization", &token)])).await.status });
        }
        sent.join_all().await
    };
    assert!(flood(&claims()).await.iter().all(|&status| status == 401));
    assert_eq!(issuer.times(), 0);
    assert!(flood(&of(&issuer)).await.iter().all(|&status| status == 401));
    let times = issuer.times();
    assert!((1..=2).contains(&times), "{times}");
    assert_eq!(state(&running, &token(&keys, &of(&issuer), "d")).await.status, 200);
    assert!(metric(&running, "recording_issuer_unknown_keys_total{outcome=\"limited\"}").await > 0.0);
}

/// The environment names the proxy; its password is written nowhere.
#[tokio::test]
async fn the_environment_names_the_proxy() {
    let keys = Issuer::new();
    let issuer = KeyServer::start("proxy", NAME, keys.jwks());
    let proxy = issuer.proxy();
    let arguments = options(&issuer);
    let mut command = program();
    command.env("HTTPS_PROXY", &proxy.url).args([
        "--listen",
        "127.0.0.1:0",
        "--admin",
        "127.0.0.1:0",
        "--log",
        "debug",
    ]);
    let mut running = Running::spawn(command.args(arguments));
    until_ready(&running).await;
    assert_eq!(state(&running, &token(&keys, &of(&issuer), "d")).await.status, 200);
    let heads = core::mem::take(&mut *proxy.heads.lock().unwrap());
    assert!(!heads.is_empty());
    for head in heads {
        assert!(head.starts_with(&format!("CONNECT {NAME}:443 HTTP/1.1\r\n")), "{head}");
        assert!(head.contains("\r\nProxy-Authorization: Basic b3BlcmF0b3I6cGFzc3dvcmQ=\r\n"), "{head}");
    }
    drop(proxy);
    running.signal("-HUP");
    let line = running.logged("keys not fetched");
    assert!(line.contains("through the proxy http://127.0.0.1:") && !line.contains("password"), "{line}");
    running.signal("-TERM");
    let written = running.all_written();
    assert!(!written.contains("password") && !written.contains("b3BlcmF0b3I6cGFzc3dvcmQ"), "{written}");
}

/// An operator can try it without serving.
#[test]
fn an_issuer_can_be_checked() {
    let issuer = KeyServer::start("check", "localhost", Issuer::new().jwks());
    let check = || {
        let output = run(&[&options(&issuer)[..4], &["--check-issuer"]].concat());
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let found = format!(
        "{url}: good, keys: 3, passed over: 3, from {url}/keys, fetched again after 600 s at most\n",
        url = issuer.url
    );
    assert_eq!(check(), (Some(0), found, String::new()));
    issuer.does(Does::Fails);
    let wrong =
        format!("recording-server: {}/.well-known/openid-configuration: answered with status 500\n", issuer.url);
    assert_eq!(check(), (Some(1), String::new(), wrong));
}

#[test]
fn options_that_contradict_each_other_are_refused() {
    let issuer = "https://issuer.example";
    let needs = "--oidc-issuer needs --jwt-audience TEXT (see --help)";
    refuses(&["--oidc-issuer", issuer], needs);
    refuses(&["--oidc-ca", "x"], "--oidc-ca needs --oidc-issuer URL (see --help)");
    refuses(&["--oidc-max-age", "60"], "--oidc-max-age needs --oidc-issuer URL (see --help)");
    refuses(&["--check-issuer"], "--check-issuer needs --oidc-issuer URL (see --help)");
    let with = |more: &[&'static str]| [&["--oidc-issuer", issuer, "--jwt-audience", "a"], more].concat();
    let two = "--jwks and --oidc-issuer: the keys come from one of them (see --help)";
    refuses(&with(&["--jwks", "x", "--jwt-issuer", issuer]), two);
    let other = "--jwt-issuer: with --oidc-issuer the 'iss' of a JWT must be 'https://issuer.example' (see --help)";
    refuses(&with(&["--jwt-issuer", "https://issuer.example/"]), other);
    let is = "the URL of an issuer, as in https://issuer.example/realm";
    for (wrong, why) in [
        ("issuer.example", "it takes https://"),
        ("http://issuer.example", "http:// is for loopback addresses only; it takes https://"),
        ("https://user@issuer.example", "a user or password does not belong in it"),
        ("https://issuer.example#a", "without a query or a fragment"),
    ] {
        refuses(&["--oidc-issuer", wrong], &format!("--oidc-issuer: '{wrong}' is not {is}: {why} (see --help)"));
    }
    let missing = "/nonexistent/ca.pem: No such file or directory (os error 2)";
    refuses(&with(&["--oidc-ca", "/nonexistent/ca.pem"]), missing);
}
