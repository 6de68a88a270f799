//! Tokens stay out of everything that the server writes: its log at the most talkative, its output, its files.

use recording_server::auth::tokens::make;

use crate::access::{HUB_PATH, bearer, get_with, jwt_options};
use crate::certificates::Certificate;
use crate::jwts::{Issuer, claims};
use crate::process::{File, Running};
use crate::support::{Client, SET_PATH, STATE_PATH, get, request, set_body};
use crate::tls::{HTTP_2, Http2};

/// Each way to show a token, and a wrong one, to everything that looks at one.
fn requests(token: &str) -> Vec<Vec<u8>> {
    let (header, wrong) = (bearer(token), bearer(&format!("{token}x")));
    let json = ("Content-Type", "application/json");
    let upgrade = [
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let hub = format!("{HUB_PATH}?id=none&access_token={token}");
    let negotiate = format!("{HUB_PATH}/negotiate?access_token={token}&negotiateVersion=1");
    vec![
        get_with(STATE_PATH, &[("Authorization", &header)]),
        get_with(STATE_PATH, &[("Authorization", &wrong)]),
        get_with(STATE_PATH, &[("Authorization", &header), ("Authorization", &wrong)]),
        get_with("/nowhere", &[("Authorization", &header)]),
        get(&format!("{STATE_PATH}?access_token={token}")),
        request("POST", SET_PATH, &[json, ("Authorization", &header)], set_body("3").as_bytes()),
        request("POST", SET_PATH, &[json, ("Authorization", &header)], b"{"),
        request("POST", SET_PATH, &[json, ("Authorization", &wrong)], set_body("3").as_bytes()),
        request("POST", &negotiate, &[], b""),
        request("POST", &format!("{HUB_PATH}/negotiate"), &[("Authorization", &header)], b""),
        request("PUT", &negotiate, &[], b""),
        request("POST", &hub, &[], b"{\"protocol\":\"json\",\"version\":1}\x1e"),
        request("DELETE", &hub, &[], b""),
        get(&hub),
        get(&format!("{hub}x")),
        get_with(&hub, &[("Accept", "text/event-stream")]),
        get_with(&hub, &upgrade),
        get_with(&format!("{hub}x"), &upgrade),
        // No HTTP any more, but there.
        format!("GET {hub} HTTP/1.1\r\nBad Header: x\r\n\r\n").into_bytes(),
    ]
}

#[tokio::test]
async fn no_token_is_written_anywhere() {
    let issuer = Issuer::new();
    let (fixed, admin) = (make("fixed").unwrap(), make("operator").unwrap());
    let jwks = File::new("log.jwks", &issuer.jwks().to_string());
    let tokens = File::new("log.tokens", &fixed.line);
    let admin_tokens = File::new("log.admin", &admin.line);
    let jwt = issuer.token(&claims());
    let certificate = Certificate::new("log");
    let tls = certificate.options();
    // With tokens; with TLS as well; and where the tokens that clients send are not asked for.
    let mut with_tokens = jwt_options(&jwks).to_vec();
    with_tokens.extend(["--tokens", tokens.path(), "--admin-tokens", admin_tokens.path()]);
    with_tokens.extend(["--jwt-requester-claim", "agent"]);
    let with_tls = [&with_tokens[..], &tls].concat();
    let all = [&*fixed.token, &*jwt, &*admin.token];
    for (options, is_tls) in [(&with_tokens[..], false), (&with_tls, true), (&[], false)] {
        // A server for each: its log is not read while it runs, and pipes hold little.
        for token in all {
            let trail = File::new("log.trail", "");
            let running = Running::start(&[&["--log", "debug", "--audit", trail.path()], options].concat());
            show(&running, is_tls.then_some(&certificate), token).await;
            running.signal("-HUP");
            running.signal("-TERM");
            let mut written = running.all_written();
            assert!(written.contains("outcome="), "nothing was logged: {written}");
            let trail = std::fs::read_to_string(trail.path()).unwrap();
            assert!(trail.contains(r#""Call":"state""#), "nothing is in the trail: {trail}");
            let names = ["fixed", "jwt:payments", "operator"].map(|name| format!(r#""Principal":"{name}""#));
            assert_eq!(names.iter().any(|name| trail.contains(name)), !options.is_empty(), "{trail}");
            written.push_str(&trail);
            // Neither whole nor the part that opens something.
            let signature = token.rsplit_once('.').map_or(&token[4..], |(_, signature)| signature);
            for secret in [token, signature, &signature[..32]] {
                assert!(!written.contains(secret), "{}", written.lines().find(|line| line.contains(secret)).unwrap());
            }
        }
    }
}

async fn show(running: &Running, certificate: Option<&Certificate>, token: &str) {
    for bytes in requests(token) {
        let stream = Client::connect(running.api).await.stream;
        match certificate {
            Some(certificate) => answered(certificate.try_connect(stream, &[]).await.unwrap(), &bytes).await,
            None => answered(stream, &bytes).await,
        }
        answered(Client::connect(running.admin).await.stream, &bytes).await;
    }
    let Some(certificate) = certificate else { return };
    let stream = Client::connect(running.api).await.stream;
    let mut client = Http2::over(certificate.try_connect(stream, &[HTTP_2]).await.unwrap()).await;
    let negotiate = format!("https://localhost{HUB_PATH}/negotiate?access_token={token}");
    for request in [
        hyper::Request::get(format!("https://localhost{STATE_PATH}")).header("authorization", bearer(token)),
        hyper::Request::post(negotiate),
    ] {
        let _ = client.exchange(request.body(()).unwrap(), "").await;
    }
}

/// Some answers go on for ever: the first byte of one is enough.
async fn answered<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin>(mut stream: S, bytes: &[u8]) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    stream.write_all(bytes).await.unwrap();
    stream.flush().await.unwrap();
    let mut first = [0; 1];
    tokio::time::timeout(crate::support::PATIENCE, stream.read(&mut first)).await.expect("an answer").unwrap();
}
