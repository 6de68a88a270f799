//! Files of keys as issuers write them: what cannot be used decides nothing about the rest.

use serde_json::{Value, json};

use crate::access::{bearer, get_with, jwt_options};
use crate::jwts::{Issuer, base64, claims};
use crate::process::{File, Running};
use crate::support::{STATE_PATH, once};

async fn status(running: &Running, token: &str) -> u16 {
    once(running.api, &get_with(STATE_PATH, &[("Authorization", &bearer(token))])).await.status
}

/// The next line of the log that is about keys.
fn about_keys(running: &mut Running) -> String {
    loop {
        let line = running.logged("");
        if line.contains("keys read again") || line.contains("passed over: ") {
            return line;
        }
    }
}

/// An issuer that goes from an RSA key to an EC key, and lists something else next to the new one: the new key is taken,
/// the withdrawn one is not, whatever else there is and wherever it is.
#[tokio::test]
async fn an_entry_that_cannot_be_used_decides_nothing() {
    let (issuer, other) = (Issuer::new(), Issuer::new());
    let good = issuer.jwks()["keys"].clone();
    let (rsa, ec) = (&good[0], &good[1]);
    let with = |key: &Value, member: &str, value: Value| {
        let mut key = key.clone();
        key[member] = value;
        key
    };
    let short = base64(&[0xc5; 128]);
    let cases = [
        (with(rsa, "n", json!(short)), "has a wrong length (RSA: 2048 to 8192 bits)"),
        (
            with(&with(ec, "kid", json!("padded")), "x", json!(format!("{}=", ec["x"].as_str().unwrap()))),
            "is not base64url where it must be",
        ),
        (with(ec, "kid", json!(7)), "is no JWK of RFC 7517"),
        (with(ec, "key_ops", json!("verify")), "is no JWK of RFC 7517"),
        (with(ec, "x", json!(null)), "lacks a member of its kind"),
        (ec.clone(), "is there twice"),
        (json!("a text"), "is no JWK of RFC 7517"),
        (json!({}), "is no JWK of RFC 7517"),
        (json!(null), "is no JWK of RFC 7517"),
        // Of another kind, of another curve, for another use: nothing to warn of.
        (json!({"kty": "NEW", "kid": "e", "q": "something that comes later"}), ""),
        (with(ec, "crv", json!("P-521")), ""),
        (with(rsa, "key_ops", json!(["encrypt", "wrapKey"])), ""),
        (with(rsa, "use", json!("enc")), ""),
        // A good one that shares the name: distinguished by what it is.
        (with(&other.jwks()["keys"][2], "kid", json!("e")), "usable"),
        // A member of private keys that says that it is not there.
        (with(&with(&other.jwks()["keys"][2], "kid", json!("e")), "d", json!(null)), "usable"),
    ];
    let jwks = File::new("passed-over.jwks", &json!({"keys": [rsa]}).to_string());
    let mut running = Running::start(&jwt_options(&jwks));
    let new = |number: u64| issuer.sign(&json!({"alg": "ES256", "kid": "e"}), &with(&claims(), "sub", json!(number)));
    let withdrawn =
        |number: u64| issuer.sign(&json!({"alg": "RS256", "kid": "r"}), &with(&claims(), "sub", json!(number)));
    let mut number = 0;
    for (entry, why) in cases {
        for (keys, at) in [(json!([entry, ec]), 1), (json!([ec, entry]), 2)] {
            number += 1;
            std::fs::write(jwks.path(), json!({"keys": [rsa]}).to_string()).unwrap();
            running.signal("-HUP");
            running.logged("keys read again");
            let (new, withdrawn) = (new(number), withdrawn(number));
            assert_eq!([status(&running, &new).await, status(&running, &withdrawn).await], [401, 200], "{keys}");
            std::fs::write(jwks.path(), json!({ "keys": keys }).to_string()).unwrap();
            running.signal("-HUP");
            let line = about_keys(&mut running);
            let line = if why.is_empty() || why == "usable" {
                line
            } else {
                // Of two that are the same, it is the second one.
                let at = if why == "is there twice" { 2 } else { at };
                assert!(
                    line.contains("WARN") && line.contains(&format!("passed over: key {at}: {why}")),
                    "{keys}: {line}"
                );
                about_keys(&mut running)
            };
            let passed_over = u8::from(why != "usable");
            let expected = format!("number={} passed_over={passed_over}", 2 - passed_over);
            assert!(line.contains("keys read again") && line.contains(&expected), "{keys}: {line}");
            // The withdrawn one was shown and found good before: that does not help it.
            assert_eq!([status(&running, &new).await, status(&running, &withdrawn).await], [200, 401], "{keys}");
        }
    }
}

/// Keys of one name are distinguished by their algorithm, and where that is the same by which one fits.
#[tokio::test]
async fn one_name_may_stand_for_several_keys() {
    let (one, other) = (Issuer::new(), Issuer::new());
    let all = |issuer: &Issuer| {
        let mut keys = issuer.jwks()["keys"].as_array().unwrap()[..3].to_vec();
        keys.iter_mut().for_each(|key| key["kid"] = json!("same"));
        keys
    };
    let (ours, theirs) = (all(&one), all(&other));
    // Both have the same RSA key.
    let mut keys = vec![&ours[0], &ours[1], &theirs[1], &ours[2], &theirs[2]];
    for _ in 0..keys.len() {
        keys.rotate_left(1);
        let jwks = File::new("one-name.jwks", &json!({ "keys": keys }).to_string());
        let running = Running::start(&jwt_options(&jwks));
        for issuer in [&one, &other] {
            for alg in ["RS256", "ES256", "EdDSA"] {
                let signer = json!({"RS256": "r", "ES256": "e", "EdDSA": "d"})[alg].clone();
                let token = issuer.sign_as(&json!({"alg": alg, "kid": "same"}), &claims(), signer.as_str().unwrap());
                assert_eq!(status(&running, &token).await, 200, "{alg}");
            }
        }
        let forged = Issuer::new().sign_as(&json!({"alg": "ES256", "kid": "same"}), &claims(), "e");
        assert_eq!(status(&running, &forged).await, 401);
    }
}

/// A token that was found good once holds no longer than it says.
#[tokio::test]
async fn a_token_that_was_good_is_not_good_for_ever() {
    let issuer = Issuer::new();
    let jwks = File::new("for-ever.jwks", &issuer.jwks().to_string());
    let mut options = jwt_options(&jwks).to_vec();
    options.extend(["--jwt-leeway", "0"]);
    let running = Running::start(&options);
    let mut claims = claims();
    claims["exp"] = json!(crate::jwts::now() + 3);
    let token = issuer.token(&claims);
    assert_eq!(status(&running, &token).await, 200);
    let begin = std::time::Instant::now();
    while status(&running, &token).await == 200 {
        assert!(begin.elapsed() < crate::support::PATIENCE);
        tokio::time::sleep(core::time::Duration::from_millis(50)).await;
    }
    assert_eq!(status(&running, &token).await, 401);
}
