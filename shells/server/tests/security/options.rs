//! What the program refuses to start with.

use recording_server::auth::tokens::make;
use serde_json::json;

use crate::access::jwt_options;
use crate::certificates::Certificate;
use crate::jwts::Issuer;
use crate::process::{File, Running, refuses, run};

#[test]
fn an_address_that_others_can_reach_needs_tls_and_tokens() {
    let certificate = Certificate::new("needs");
    let token = make("needs").unwrap();
    let tokens = File::new("needs.tokens", &token.line);
    let (tls, tokens) = (certificate.options(), tokens.path());
    let needs = |what: &str| format!("can be reached from other machines: it needs {what}, or --insecure (see --help)");
    let (cert, token) = ("--tls-cert FILE and --tls-key FILE", "--tokens FILE, --oidc-issuer URL or --jwks FILE");
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:80", "[::ffff:192.0.2.1]:80", "[fe80::1]:80"] {
        let line = |what: &str| format!("--listen {address} {}", needs(what));
        refuses(&["--listen", address], &line(&format!("{cert}, {token}")));
        refuses(&["--listen", address, "--tokens", tokens], &line(cert));
        refuses(&["--listen", address, tls[0], tls[1], tls[2], tls[3]], &line(token));
        let line = |what: &str| format!("--admin {address} {}", needs(what));
        refuses(&["--admin", address], &line(&format!("{cert}, --admin-tls, --admin-tokens FILE")));
        refuses(&["--admin", address, tls[0], tls[1], tls[2], tls[3], "--admin-tls"], &line("--admin-tokens FILE"));
        // The API's tokens are not the admin's.
        let options = ["--admin", address, tls[0], tls[1], tls[2], tls[3], "--admin-tls", "--tokens", tokens];
        refuses(&options, &line("--admin-tokens FILE"));
    }
    // With all of it, or on one's own risk, or on this machine alone, it starts.
    let all = [
        "--listen",
        "0.0.0.0:0",
        "--admin",
        "0.0.0.0:0",
        tls[0],
        tls[1],
        tls[2],
        tls[3],
        "--tokens",
        tokens,
        "--admin-tls",
        "--admin-tokens",
        tokens,
    ];
    drop(Running::spawn(crate::process::program().args(all)));
    drop(Running::spawn(crate::process::program().args([
        "--listen",
        "0.0.0.0:0",
        "--admin",
        "0.0.0.0:0",
        "--insecure",
    ])));
    for address in ["127.0.0.1:0", "127.9.9.9:0", "[::ffff:127.0.0.1]:0"] {
        drop(Running::spawn(crate::process::program().args(["--listen", address, "--admin", address])));
    }
}

#[test]
fn wrong_options_and_files_are_one_line_and_code_2() {
    let origin = "an origin as browsers write it, as in https://desk.example or http://localhost:3000 (see --help)";
    for wrong in [
        "*",
        "null",
        "file://",
        "file://desk",
        "https://",
        "app://",
        "desk.example",
        "https://desk.example/",
        "https://Desk.example",
        "ftp://desk",
    ] {
        refuses(&["--cors-origin", wrong], &format!("--cors-origin: '{wrong}' is not {origin}"));
    }
    let port = "an origin as browsers write it, which is without the usual port (see --help)";
    refuses(&["--cors-origin", "https://a:443"], &format!("--cors-origin: 'https://a:443' is not {port}"));
    refuses(&["--rate", "0"], "--rate: '0' is not off or a number from 1 to 1000000 (see --help)");
    refuses(&["--tls-cert", "x"], "--tls-cert needs --tls-key FILE (see --help)");
    refuses(&["--tls-key", "x"], "--tls-key needs --tls-cert FILE (see --help)");
    refuses(&["--admin-tls"], "--admin-tls needs --tls-cert FILE and --tls-key FILE (see --help)");
    refuses(&["--jwks", "x"], "--jwks needs --jwt-issuer TEXT (see --help)");
    refuses(&["--jwks", "x", "--jwt-issuer", "y"], "--jwks needs --jwt-audience TEXT (see --help)");
    refuses(&["--jwt-issuer", "y"], "--jwt-issuer needs --jwks FILE or --oidc-issuer URL (see --help)");
    refuses(&["--jwt-audience", "y"], "--jwt-audience needs --jwks FILE or --oidc-issuer URL (see --help)");
    refuses(&["--jwt-scope", "y"], "--jwt-scope needs --jwks FILE or --oidc-issuer URL (see --help)");
    refuses(&["--jwt-scope", "a b"], "--jwt-scope: 'a b' is not one word, as the issuer writes it (see --help)");
    refuses(&["--jwt-leeway", "1"], "--jwt-leeway needs --jwks FILE or --oidc-issuer URL (see --help)");
    refuses(
        &["--jwt-requester-claim", "y"],
        "--jwt-requester-claim needs --jwks FILE or --oidc-issuer URL (see --help)",
    );
    refuses(&["--jwt-issuer", ""], "--jwt-issuer needs a value (see --help)");
    refuses(&["--insecure=yes"], "--insecure takes no value (see --help)");

    let hash = "0123456789abcdef".repeat(4);
    let name = "a name has 1 to 64 letters, digits, dots, dashes or underscores";
    let hex = "after the name must come a SHA-256 in hex: 64 digits";
    for (number, (text, line, reason)) in [
        (format!("a {hash}\n\nb {hash}0"), 3, hex),
        (format!("a {}", &hash[1..]), 1, hex),
        (format!("a g{}", &hash[1..]), 1, hex),
        ("a".to_owned(), 1, hex),
        (format!("a/b {hash}"), 1, name),
        (format!("{} {hash}", "a".repeat(65)), 1, name),
        (format!("a {hash} admin"), 1, "after the hash may come 'api' and 'hub', nothing else"),
        (format!("a {hash}\nb {}", hash.to_uppercase()), 2, "this hash is there twice"),
        (format!("a {hash}\na {}", hash.replace('0', "1")), 2, "the name 'a' is there twice"),
    ]
    .into_iter()
    .enumerate()
    {
        let file = File::new(&format!("bad-{number}.tokens"), &text);
        refuses(&["--tokens", file.path()], &format!("{}:{line}: {reason}", file.path()));
        refuses(&["--admin-tokens", file.path()], &format!("{}:{line}: {reason}", file.path()));
    }

    let good = Issuer::new().jwks();
    let key = |at: usize, member: &str, value: serde_json::Value| {
        let mut document = good.clone();
        document["keys"][at][member] = value;
        document.to_string()
    };
    let secret = "is secret or private; only public keys belong here";
    for (number, (text, reason)) in [
        ("{".to_owned(), "no JSON: EOF while parsing an object at line 1 column 1".to_owned()),
        ("[]".to_owned(), "no JWKS: there is no list 'keys'".to_owned()),
        (r#"{"keys":[]}"#.to_owned(), "holds no usable key of RSA, P-256, P-384 or Ed25519".to_owned()),
        (
            json!({"keys": [good["keys"][3]]}).to_string(),
            "holds no usable key of RSA, P-256, P-384 or Ed25519".to_owned(),
        ),
        (key(0, "d", json!("AQAB")), format!("key 1: {secret}")),
        (key(2, "d", json!("AQAB")), format!("key 3: {secret}")),
        (json!({"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}).to_string(), format!("key 1: {secret}")),
        // Wherever it is, and whatever else is wrong.
        (json!({"keys": [7, good["keys"][0], {"kty": "AKP", "priv": "x"}]}).to_string(), format!("key 3: {secret}")),
        (
            json!({"keys": [{"kty": "RSA", "n": good["keys"][0]["n"], "e": "AQAB", "p": "x"}]}).to_string(),
            format!("key 1: {secret}"),
        ),
        (
            json!({"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}, {"kty": "EC", "kid": 7}]}).to_string(),
            "holds no usable key of RSA, P-256, P-384 or Ed25519; key 1: has a wrong length (RSA: 2048 to 8192 bits); \
             key 2: is no JWK of RFC 7517"
                .to_owned(),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let file = File::new(&format!("bad-{number}.jwks"), &text);
        let options = jwt_options(&file);
        refuses(&options, &format!("{}: {reason}", file.path()));
    }
}

#[test]
fn a_token_is_made_with_its_line() {
    let output = run(&["--make-token", "payments"]);
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<_> = text.lines().collect();
    let (token, line) = (lines[1], lines[4]);
    // The usual tool for it comes to the same.
    let hash = ring::digest::digest(&ring::digest::SHA256, token.as_bytes());
    let hash: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(line, format!("payments {hash}"));
    assert_ne!(run(&["--make-token", "payments"]).stdout, text.as_bytes());
    let name = "--make-token: a name has 1 to 64 letters, digits, dots, dashes or underscores";
    refuses(&["--make-token", "a b"], name);
}
