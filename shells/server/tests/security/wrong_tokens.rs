//! Invalid tokens, and good ones shown in a wrong way: each is kept out, for the reason in the log.

use recording_server::auth::tokens::make;
use serde_json::{Value, json};

use crate::access::{bearer, get_with, jwt_options, keeps_out};
use crate::attempts::{Attempt, Group};
use crate::jwts::{AUDIENCE, Issuer, base64, claims, now};
use crate::process::{File, Running};
use crate::support::{STATE_PATH, get, once};

/// What the cases are made of.
struct World {
    issuer: Issuer,
    /// The public key that everyone may know.
    public: Vec<u8>,
    good: String,
    /// A good static token.
    fixed: String,
}

/// A request's headers, and the reason in the log.
struct Case {
    what: &'static str,
    headers: fn(&World) -> Vec<String>,
    reason: &'static str,
}

const fn case(what: &'static str, headers: fn(&World) -> Vec<String>, reason: &'static str) -> Case {
    Case { what, headers, reason }
}

fn one(token: impl AsRef<str>) -> Vec<String> {
    vec![bearer(token.as_ref())]
}

/// The header that names the RSA key, but for one member.
fn header(member: &str, value: Value) -> Value {
    let mut header = json!({"typ": "JWT", "alg": "RS256", "kid": "r"});
    header[member] = value;
    header
}

/// Good claims but for one, signed as they should be.
fn with(world: &World, claim: &str, value: Value) -> Vec<String> {
    let mut claims = claims();
    claims[claim] = value;
    one(world.issuer.token(&claims))
}

fn without(world: &World, claim: &str) -> Vec<String> {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(claim);
    one(world.issuer.token(&claims))
}

/// The good token with one of its three parts made into another.
fn changed(world: &World, part: usize, change: fn(&str) -> String) -> Vec<String> {
    let parts = world.good.split('.').enumerate();
    one(parts.map(|(at, text)| if at == part { change(text) } else { text.to_owned() }).collect::<Vec<_>>().join("."))
}

fn signed(world: &World, header: &Value) -> Vec<String> {
    one(world.issuer.sign(header, &claims()))
}

const CASES: &[Case] = &[
    // What is no token, or too many.
    case("no header at all", |_| vec![], "no token"),
    case("an empty header", |_| vec![String::new()], "no bearer token"),
    case("the word Bearer alone", |_| vec!["Bearer".into()], "no bearer token"),
    case("Bearer and spaces", |_| vec!["Bearer    ".into()], "no bearer token"),
    case("a token without Bearer", |world| vec![world.good.clone()], "no bearer token"),
    case("Basic", |world| vec![format!("Basic {}", base64(world.fixed.as_bytes()))], "no bearer token"),
    case("Digest", |world| vec![format!("Digest {}", world.fixed)], "no bearer token"),
    case("Bearer and a tab", |world| vec![format!("Bearer\t{}", world.fixed)], "no bearer token"),
    case("two good ones on two lines", |world| vec![bearer(&world.fixed), bearer(&world.good)], "more than one token"),
    case("the same twice", |world| vec![bearer(&world.fixed), bearer(&world.fixed)], "more than one token"),
    case(
        "a good and a bad one on two lines",
        |world| vec![bearer(&world.fixed), "Bearer x".into()],
        "more than one token",
    ),
    case("two on one line", |world| one(format!("{0}, Bearer {0}", world.fixed)), "unknown token"),
    // Static ones.
    case("a static token that no client has", |_| one(format!("rec_{}", "0".repeat(64))), "unknown token"),
    case("one without its last digit", |world| one(&world.fixed[..world.fixed.len() - 1]), "unknown token"),
    case("one with a digit more", |world| one(format!("{}0", world.fixed)), "unknown token"),
    case("one in capital letters", |world| one(world.fixed.to_uppercase()), "unknown token"),
    case(
        "its hash, as the file has it",
        |world| {
            let hash = ring::digest::digest(&ring::digest::SHA256, world.fixed.as_bytes());
            one(hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<String>())
        },
        "unknown token",
    ),
    case("its name", |_| one("fixed"), "unknown token"),
    case("one of 14 KiB", |_| one("x".repeat(14 * 1024)), "unknown token"),
    case("bytes beyond ASCII", |_| one("tökén"), "unknown token"),
    case("a quoted one", |world| one(format!("\"{}\"", world.fixed)), "unknown token"),
    // JWTs by what their header says.
    case(
        "JWT: `alg` none, no signature",
        |_| one(format!("{}.{}.", base64(br#"{"alg":"none"}"#), base64(claims().to_string().as_bytes()))),
        "malformed JWT",
    ),
    case(
        "JWT: `alg` NoNe, a good token's signature",
        |world| changed(world, 0, |_| base64(br#"{"alg":"NoNe","kid":"r"}"#)),
        "malformed JWT",
    ),
    case(
        "JWT: HS256 by the public key",
        |world| one(Issuer::hs256(&header("alg", json!("HS256")), &claims(), &world.public)),
        "JWT of another algorithm than its key's",
    ),
    case(
        "JWT: HS256 by an empty secret",
        |_| one(Issuer::hs256(&header("alg", json!("HS256")), &claims(), b"")),
        "JWT of another algorithm than its key's",
    ),
    case(
        "JWT: RS512 by a key for RS256",
        |world| signed(world, &header("alg", json!("RS512"))),
        "JWT of another algorithm than its key's",
    ),
    case(
        "JWT: ES256 by a key for RS256",
        |world| signed(world, &header("alg", json!("ES256"))),
        "JWT of another algorithm than its key's",
    ),
    case(
        "JWT: the RSA key's algorithm, the EC key's name",
        |world| signed(world, &header("kid", json!("e"))),
        "JWT of another algorithm than its key's",
    ),
    case(
        "JWT: a key that is not there",
        |world| signed(world, &header("kid", json!("unknown"))),
        "JWT of an unknown key",
    ),
    case(
        "JWT: a path for a key",
        |world| signed(world, &header("kid", json!("../../dev/null"))),
        "JWT of an unknown key",
    ),
    case(
        "JWT: the name of a key for encryption",
        |world| signed(world, &header("kid", json!("x"))),
        "JWT of an unknown key",
    ),
    case("JWT: no key named, of several", |world| signed(world, &header("kid", json!(null))), "JWT of an unknown key"),
    case(
        "JWT: a key of its own in the header",
        |world| {
            let other = Issuer::new();
            let mut header = json!({"alg": "EdDSA", "kid": "d"});
            header["jwk"] = other.jwks()["keys"][2].clone();
            let _ = world;
            one(other.sign(&header, &claims()))
        },
        "JWT with a wrong signature",
    ),
    case(
        "JWT: an address for a key in the header",
        |world| {
            let other = Issuer::new();
            let _ = world;
            one(other.sign(&json!({"alg": "EdDSA", "kid": "d", "jku": "http://127.0.0.1:1/keys"}), &claims()))
        },
        "JWT with a wrong signature",
    ),
    case(
        "JWT: a critical extension",
        |world| signed(world, &header("crit", json!(["b64"]))),
        "JWT with a critical extension",
    ),
    case(
        "JWT: of type `logout+jwt`",
        |world| signed(world, &header("typ", json!("logout+jwt"))),
        "JWT of another type",
    ),
    case("JWT: a header that is no JSON", |world| changed(world, 0, |_| base64(b"{")), "malformed JWT"),
    case("JWT: a header without `alg`", |world| changed(world, 0, |_| base64(br#"{"kid":"r"}"#)), "malformed JWT"),
    // By its signature.
    case(
        "JWT: another's signature",
        |world| {
            let other = Issuer::new();
            let _ = world;
            one(other.sign(&json!({"alg": "EdDSA", "kid": "d"}), &claims()))
        },
        "JWT with a wrong signature",
    ),
    case(
        "JWT: other claims under a good signature",
        |world| changed(world, 1, |_| base64(claims().to_string().replace("payments", "operator").as_bytes())),
        "JWT with a wrong signature",
    ),
    case("JWT: no signature", |world| changed(world, 2, |_| String::new()), "JWT with a wrong signature"),
    case(
        "JWT: half a signature",
        |world| changed(world, 2, |text| text[..text.len() / 8 * 4].to_owned()),
        "JWT with a wrong signature",
    ),
    case(
        "JWT: an ES256 signature of zeros",
        |_| {
            let message =
                format!("{}.{}", base64(br#"{"alg":"ES256","kid":"e"}"#), base64(claims().to_string().as_bytes()));
            one(format!("{message}.{}", base64(&[0; 64])))
        },
        "JWT with a wrong signature",
    ),
    case("JWT: a signature with padding", |world| changed(world, 2, |text| format!("{text}==")), "malformed JWT"),
    case("JWT: two parts", |world| one(world.good.rsplit_once('.').unwrap().0), "unknown token"),
    case("JWT: four parts", |world| one(format!("{}.x", world.good)), "unknown token"),
    case("JWT: three empty parts", |_| one(".."), "malformed JWT"),
    case("JWT: cut in its claims", |world| one(&world.good[..world.good.find('.').unwrap() + 20]), "unknown token"),
    // By its claims.
    case("JWT: expired beyond the leeway", |world| with(world, "exp", json!(now() - 90)), "JWT expired"),
    case("JWT: expired in 1970", |world| with(world, "exp", json!(0)), "JWT expired"),
    case(
        "JWT: without `exp`",
        |world| without(world, "exp"),
        "JWT without exp, iss or aud, or with one that cannot be read",
    ),
    case(
        "JWT: `exp` a text",
        |world| with(world, "exp", json!((now() + 600).to_string())),
        "JWT without exp, iss or aud, or with one that cannot be read",
    ),
    case("JWT: `exp` negative", |world| with(world, "exp", json!(-1)), "JWT expired"),
    case("JWT: not yet valid", |world| with(world, "nbf", json!(now() + 90)), "JWT not yet valid"),
    case(
        "JWT: `nbf` a text",
        |world| with(world, "nbf", json!("now")),
        "JWT without exp, iss or aud, or with one that cannot be read",
    ),
    case(
        "JWT: another issuer",
        |world| with(world, "iss", json!("https://issuer.example.evil")),
        "JWT of another issuer",
    ),
    case(
        "JWT: the issuer with a slash more",
        |world| with(world, "iss", json!("https://issuer.example/")),
        "JWT of another issuer",
    ),
    case("JWT: a list of issuers", |world| with(world, "iss", json!([crate::jwts::ISSUER])), "JWT of another issuer"),
    case(
        "JWT: without `iss`",
        |world| without(world, "iss"),
        "JWT without exp, iss or aud, or with one that cannot be read",
    ),
    case("JWT: another audience", |world| with(world, "aud", json!("recordings")), "JWT for another audience"),
    case("JWT: other audiences", |world| with(world, "aud", json!(["a", "b"])), "JWT for another audience"),
    case("JWT: no audience in the list", |world| with(world, "aud", json!([])), "JWT for another audience"),
    case(
        "JWT: without `aud`",
        |world| without(world, "aud"),
        "JWT without exp, iss or aud, or with one that cannot be read",
    ),
    case("JWT: claims that are a list", |world| one(world.issuer.token(&json!([AUDIENCE]))), "malformed JWT"),
];

pub fn groups() -> Vec<Group> {
    let attempts = CASES.iter().map(|case| {
        // A client that showed nothing gets no error.
        Attempt { what: case.what.into(), outcome: format!("401, {}", case.reason) }
    });
    let test = "wrong_tokens::each_is_kept_out_for_its_reason";
    let in_query = Attempt { what: "a good one in the query of the API".into(), outcome: "401, no token".into() };
    vec![Group {
        title: "Wrong tokens",
        note: "After the status comes the reason in the log.",
        test,
        attempts: attempts.chain([in_query]).collect(),
    }]
}

#[tokio::test]
async fn each_is_kept_out_for_its_reason() {
    let issuer = Issuer::new();
    let fixed = make("fixed").unwrap();
    let jwks = File::new("wrong.jwks", &issuer.jwks().to_string());
    let tokens = File::new("wrong.tokens", &fixed.line);
    let mut options = jwt_options(&jwks).to_vec();
    options.extend(["--tokens", tokens.path()]);
    let mut running = Running::start(&options);
    let good = issuer.token(&claims());
    let public = ring::signature::KeyPair::public_key(&issuer.rsa).as_ref().to_vec();
    let world = World { issuer, public, good, fixed: fixed.token };
    // What the wrong ones are made of is good.
    for token in [&world.good, &world.fixed] {
        assert_eq!(once(running.api, &get_with(STATE_PATH, &[("Authorization", &bearer(token))])).await.status, 200);
    }
    let query = get(&format!("{STATE_PATH}?access_token={}", world.good));
    let cases = CASES.iter().map(|case| {
        let headers = (case.headers)(&world);
        let headers: Vec<_> = headers.iter().map(|value| ("Authorization", &**value)).collect();
        (case.what, get_with(STATE_PATH, &headers), case.reason)
    });
    let mut wrong = Vec::new();
    for (what, bytes, reason) in cases.chain([("in the query", query, "no token")]).collect::<Vec<_>>() {
        let response = once(running.api, &bytes).await;
        let is_told = if reason.starts_with("no ") { "" } else { r#", error="invalid_token""# };
        let line = running.logged("kept out");
        if !line.contains(&format!("reason=\"{reason}\"")) {
            wrong.push(format!("{what}: {}, {line}", response.status));
            continue;
        }
        keeps_out(&response, &format!(r#"Bearer realm="recording"{is_told}"#));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
