//! Each algorithm that an issuer may sign with, and keys and tokens as the issuers that people have write them.

use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512,
    RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding,
};
use serde_json::{Value, json};

use crate::access::{bearer, get_with, jwt_options};
use crate::jwts::{AUDIENCE, Issuer, base64, claims, now};
use crate::process::{File, Running};
use crate::support::{STATE_PATH, once};

const RSA: &[(&str, &dyn RsaEncoding)] = &[
    ("RS256", &RSA_PKCS1_SHA256),
    ("RS384", &RSA_PKCS1_SHA384),
    ("RS512", &RSA_PKCS1_SHA512),
    ("PS256", &RSA_PSS_SHA256),
    ("PS384", &RSA_PSS_SHA384),
    ("PS512", &RSA_PSS_SHA512),
];

async fn status(running: &Running, token: &str) -> u16 {
    once(running.api, &get_with(STATE_PATH, &[("Authorization", &bearer(token))])).await.status
}

fn with(key: &Value, members: Value) -> Value {
    let mut key = key.clone();
    let Value::Object(members) = members else { panic!("members") };
    key.as_object_mut().unwrap().extend(members);
    key
}

/// Signs by one algorithm, whatever the header says.
struct Signer {
    issuer: Issuer,
    p384: EcdsaKeyPair,
    random: SystemRandom,
}

impl Signer {
    fn new() -> Self {
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &random).unwrap();
        let p384 = EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, key.as_ref(), &random).unwrap();
        Self { issuer: Issuer::new(), p384, random }
    }

    fn sign(&self, by: &str, header: &Value) -> String {
        let claims = claims();
        let message = format!("{}.{}", base64(header.to_string().as_bytes()), base64(claims.to_string().as_bytes()));
        let signature = match RSA.iter().find(|(name, _)| *name == by) {
            Some((_, encoding)) => {
                let rsa = &self.issuer.rsa;
                let mut signature = vec![0; rsa.public().modulus_len()];
                rsa.sign(*encoding, &self.random, message.as_bytes(), &mut signature).unwrap();
                signature
            }
            None if by == "ES384" => self.p384.sign(&self.random, message.as_bytes()).unwrap().as_ref().to_vec(),
            None => return self.issuer.sign_as(header, &claims, if by == "ES256" { "e" } else { "d" }),
        };
        format!("{message}.{}", base64(&signature))
    }
}

/// Every key with every algorithm: a token is good if it is of its key's, and signed by that.
#[tokio::test]
async fn a_token_has_the_algorithm_of_its_key() {
    let signer = Signer::new();
    let good = signer.issuer.jwks()["keys"].clone();
    let point = signer.p384.public_key().as_ref();
    let p384 = json!({"kty": "EC", "crv": "P-384", "x": base64(&point[1..49]), "y": base64(&point[49..])});
    let mut rsa = good[0].clone();
    rsa.as_object_mut().unwrap().remove("alg");
    // The name of each key, and the algorithm that it is for.
    let mut keys: Vec<_> =
        RSA.iter().map(|(alg, _)| (*alg, *alg, with(&rsa, json!({"kid": alg, "alg": alg})))).collect();
    keys.push(("rsa", "RS256", with(&rsa, json!({"kid": "rsa"}))));
    keys.push(("p256", "ES256", with(&good[1], json!({"kid": "p256"}))));
    keys.push(("ES256", "ES256", with(&good[1], json!({"kid": "ES256", "alg": "ES256"}))));
    keys.push(("p384", "ES384", with(&p384, json!({"kid": "p384"}))));
    keys.push(("ES384", "ES384", with(&p384, json!({"kid": "ES384", "alg": "ES384", "use": "sig"}))));
    keys.push(("EdDSA", "EdDSA", with(&good[2], json!({"kid": "EdDSA"}))));
    let usable = keys.len();
    let list: Vec<_> = keys.iter().map(|(_, _, key)| key.clone()).collect();
    // What is for no algorithm that there is here, or for none of its kind.
    let others = [("x1", "RSA-OAEP"), ("x2", "HS256"), ("x3", "ES256"), ("x4", "RSA1_5"), ("x5", "later")];
    let more = others.iter().map(|(kid, alg)| with(&rsa, json!({"kid": kid, "alg": alg})));
    let list: Vec<_> = list.into_iter().chain(more).collect();
    let jwks = File::new("algorithms.jwks", &json!({ "keys": list }).to_string());
    let mut options = jwt_options(&jwks).to_vec();
    options.extend(["--rate", "off"]);
    let mut running = Running::start(&options);

    let names: Vec<_> = RSA.iter().map(|(name, _)| *name).chain(["ES256", "ES384", "EdDSA"]).collect();
    for (kid, algorithm, _) in &keys {
        for says in &names {
            for by in &names {
                let token = signer.sign(by, &json!({"alg": says, "kid": kid}));
                let is_good = says == algorithm && by == algorithm;
                assert_eq!(status(&running, &token).await, if is_good { 200 } else { 401 }, "{kid}: {says} by {by}");
            }
        }
    }
    for (kid, _) in others {
        assert_eq!(status(&running, &signer.sign("RS256", &json!({"alg": "RS256", "kid": kid}))).await, 401, "{kid}");
    }
    running.signal("-HUP");
    let line = running.logged("keys read again");
    assert!(line.contains(&format!("number={usable} passed_over={}", others.len())), "{line}");
}

/// Members of certificates, which mean nothing here.
fn certified(key: &Value) -> Value {
    with(key, json!({"x5c": ["MIICmzCCAYMCBgGX"], "x5t": "Zm9v", "x5t#S256": "YmFy"}))
}

struct Sample {
    issuer: &'static str,
    audience: &'static str,
    keys: Vec<Value>,
    header: Value,
    /// Besides `iss`, `exp` and `iat`.
    claims: Value,
}

/// As their manuals show them, with keys of this test.
fn samples(issuer: &Issuer) -> Vec<(&'static str, Sample)> {
    let key = issuer.jwks()["keys"][0].clone();
    let mut no_alg = with(&certified(&key), json!({"kid": "k"}));
    no_alg.as_object_mut().unwrap().remove("alg");
    let signing = with(&certified(&key), json!({"kid": "k"}));
    let encrypting = with(&signing, json!({"kid": "x", "use": "enc", "alg": "RSA-OAEP"}));
    let entra = with(
        &no_alg,
        json!({"cloud_instance_name": "microsoftonline.com", "issuer": "https://login.microsoftonline.com/{tenantid}/v2.0"}),
    );
    let keycloak = |aud: Value| Sample {
        issuer: "https://sso.example/realms/calls",
        audience: AUDIENCE,
        keys: vec![encrypting.clone(), signing.clone()],
        header: json!({"alg": "RS256", "typ": "JWT", "kid": "k"}),
        claims: json!({"jti": "trrtcc:1", "aud": aud, "sub": "8e1b", "typ": "Bearer", "azp": "payments", "acr": "1",
            "realm_access": {"roles": ["offline_access"]}, "scope": "email profile", "client_id": "payments"}),
    };
    let auth0 = |typ: &str, aud: Value| Sample {
        issuer: "https://tenant.eu.auth0.com/",
        audience: "https://recording.example/",
        keys: vec![signing.clone(), with(&signing, json!({"kid": "next"}))],
        header: json!({"alg": "RS256", "typ": typ, "kid": "k"}),
        claims: json!({"sub": "AbC@clients", "aud": aud, "azp": "AbC", "gty": "client-credentials"}),
    };
    let okta = Sample {
        issuer: "https://org.okta.com/oauth2/default",
        audience: "api://default",
        keys: vec![with(&key, json!({"kid": "k"}))],
        header: json!({"kid": "k", "alg": "RS256"}),
        claims: json!({"ver": 1, "jti": "AT.1", "aud": "api://default", "cid": "0oa", "scp": ["recording"], "sub": "0oa"}),
    };
    let tenant = json!({"aio": "E2", "appid": "b1", "oid": "c1", "rh": "0.", "sub": "c1", "tid": "t", "uti": "u"});
    vec![
        ("Keycloak", keycloak(json!([AUDIENCE, "account"]))),
        ("Keycloak, one audience", keycloak(json!(AUDIENCE))),
        ("Auth0", auth0("JWT", json!("https://recording.example/"))),
        (
            "Auth0, the profile of RFC 9068 and two audiences",
            auth0("at+jwt", json!(["https://recording.example/", "https://tenant.eu.auth0.com/userinfo"])),
        ),
        (
            "Entra ID, version 2",
            Sample {
                issuer: "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0",
                audience: "66666666-7777-8888-9999-000000000000",
                keys: vec![entra.clone()],
                header: json!({"typ": "JWT", "alg": "RS256", "kid": "k"}),
                claims: with(&tenant, json!({"aud": "66666666-7777-8888-9999-000000000000", "ver": "2.0"})),
            },
        ),
        (
            "Entra ID, version 1",
            Sample {
                issuer: "https://sts.windows.net/11111111-2222-3333-4444-555555555555/",
                audience: "api://66666666-7777-8888-9999-000000000000",
                keys: vec![entra],
                header: json!({"typ": "JWT", "alg": "RS256", "x5t": "k", "kid": "k"}),
                claims: with(&tenant, json!({"aud": "api://66666666-7777-8888-9999-000000000000", "ver": "1.0"})),
            },
        ),
        ("Okta", okta),
        // Not good: a client of the same realm that was given no audience.
        ("refused: Keycloak without an audience mapper", keycloak(json!("account"))),
        ("refused: Keycloak without any audience", keycloak(json!(null))),
    ]
}

#[tokio::test]
async fn tokens_of_the_issuers_that_people_have_are_good() {
    let issuer = Issuer::new();
    for (number, (name, sample)) in samples(&issuer).into_iter().enumerate() {
        let Sample { issuer: url, audience, keys, header, claims } = sample;
        let jwks = File::new(&format!("people-{number}.jwks"), &json!({ "keys": keys }).to_string());
        let running = Running::start(&["--jwks", jwks.path(), "--jwt-issuer", url, "--jwt-audience", audience]);
        let mut claims = with(&claims, json!({"iss": url, "iat": now(), "nbf": now(), "exp": now() + 300}));
        if claims["aud"].is_null() {
            claims.as_object_mut().unwrap().remove("aud");
        }
        let token = issuer.sign_as(&header, &claims, "r");
        let expected = if name.starts_with("refused") { 401 } else { 200 };
        assert_eq!(status(&running, &token).await, expected, "{name}");
    }
}

/// A scope that is asked for is in the token, in one of the ways in which issuers write it.
#[tokio::test]
async fn a_scope_that_is_asked_for_must_be_there() {
    let issuer = Issuer::new();
    let jwks = File::new("scope.jwks", &issuer.jwks().to_string());
    let mut options = jwt_options(&jwks).to_vec();
    options.extend(["--jwt-scope", "recording.pause"]);
    let mut running = Running::start(&options);
    for (more, is_good) in [
        (json!({"scope": "recording.pause"}), true),
        (json!({"scope": "email recording.pause profile"}), true),
        (json!({"scp": ["recording.pause"]}), true),
        (json!({"scp": "openid recording.pause"}), true),
        (json!({"roles": ["x", "recording.pause"]}), true),
        (json!({"scope": "email", "roles": ["recording.pause"]}), true),
        (json!({}), false),
        (json!({"scope": ""}), false),
        (json!({"scope": "recording.pauses"}), false),
        (json!({"scope": "Recording.Pause"}), false),
        (json!({"scope": "x-recording.pause"}), false),
        (json!({"scope": "recording.pause,email"}), false),
        (json!({"scope": {"recording.pause": true}}), false),
        (json!({"roles": ["email recording.pause"]}), false),
        (json!({"roles": [["recording.pause"]]}), false),
        (json!({"permissions": ["recording.pause"], "sub": "recording.pause"}), false),
    ] {
        let token = issuer.token(&with(&claims(), more.clone()));
        // The second time it is known, or not.
        for _ in 0..2 {
            assert_eq!(status(&running, &token).await, if is_good { 200 } else { 401 }, "{more}");
        }
    }
    assert!(running.logged("kept out").contains("reason=\"JWT without the scope\""));
}
