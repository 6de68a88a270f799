//! Tokens and keys: read, and looked up for a request.

use core::time::Duration;
use std::path::Path;
use std::sync::Arc;

use recording_server::auth::jwt::{Jwts, Rules};
use recording_server::auth::keys::Keys;
use recording_server::auth::tokens::{Tokens, make};
use recording_server::auth::{FromFile, Guard, Parse};
use recording_server::{api, demo};

use crate::measure::{Cpu, Outcome, Thing, shortest};
use crate::store::{Place, asks, block_on, one_service};

pub(crate) const THINGS: &[Thing] = &[
    Thing { one: "a token of a file, read", usual: 10, each: true, time: tokens },
    Thing { one: "a request with one of so many tokens", usual: 10, each: false, time: with_a_token },
    Thing { one: "a request with none of so many tokens", usual: 10, each: false, time: with_no_token },
    Thing { one: "a key of a JWKS, read", usual: 10, each: true, time: keys },
    Thing { one: "a request with a JWT of none of so many keys", usual: 10, each: false, time: with_a_jwt },
];

/// How many requests are timed together.
const REQUESTS: usize = 200;

fn token_lines(number: usize) -> String {
    (0..number).map(|token| format!("token-{token} {token:064x}\n")).collect()
}

fn tokens(number: usize) -> Outcome<Duration> {
    let text = token_lines(number);
    Ok(shortest(|| assert_eq!(Tokens::parse(Path::new("tokens"), &text).map(|tokens| tokens.len()), Ok(number))))
}

fn with_a_token(number: usize) -> Outcome<Duration> {
    let made = make("one")?;
    let lines = format!("{}{}\n", token_lines(number - 1), made.line);
    requests(&lines, &made.token, 200)
}

fn with_no_token(number: usize) -> Outcome<Duration> {
    requests(&token_lines(number), "rec_nobody", 401)
}

fn requests(lines: &str, token: &str, status: u16) -> Outcome<Duration> {
    let place = Place::new()?;
    let file = place.file("tokens");
    std::fs::write(&file, lines)?;
    ask_of(Guard { tokens: Some(FromFile::load(file)?), ..Guard::default() }, token, status)
}

fn ask_of(guard: Guard, token: &str, status: u16) -> Outcome<Duration> {
    let target = format!("/attendantservice/api/recording/{}/{}", demo::UCC, demo::SESSION);
    block_on(async {
        let router = Arc::new(guard).before_api(api::router(one_service().await?));
        let mut least = Duration::MAX;
        for _ in 0..5 {
            let began = Cpu::now();
            for _ in 0..REQUESTS {
                let (said, _) = asks(&router, "GET", &target, &format!("Bearer {token}"), "").await?;
                if said != status {
                    return Err(format!("{said} in place of {status}").into());
                }
            }
            least = least.min(began.elapsed());
        }
        Ok(least / REQUESTS as u32)
    })
}

/// Of P-256; no token is checked with them, so they need not be points of the curve.
fn jwks(number: usize) -> String {
    let keys: Vec<_> = (0..number)
        .map(|key| {
            let coordinate = format!("A{key:041}A");
            format!(r#"{{"kty":"EC","crv":"P-256","alg":"ES256","kid":"{key}","x":"{coordinate}","y":"{coordinate}"}}"#)
        })
        .collect();
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
}

fn keys(number: usize) -> Outcome<Duration> {
    let text = jwks(number);
    Ok(shortest(|| assert_eq!(Keys::parse(Path::new("jwks"), &text).map(|keys| keys.len()), Ok(number))))
}

/// `{"alg":"ES256","kid":"nobody"}`, no claims, no signature to speak of.
const OF_NO_KEY: &str = "eyJhbGciOiJFUzI1NiIsImtpZCI6Im5vYm9keSJ9.e30.AAAA";

fn with_a_jwt(number: usize) -> Outcome<Duration> {
    let place = Place::new()?;
    let file = place.file("jwks");
    std::fs::write(&file, jwks(number))?;
    let rules = Rules { issuer: "i".into(), audience: "a".into(), leeway: 0, scope: None, requester_claim: None };
    let jwts = Jwts::new(rules, FromFile::load(file)?);
    ask_of(Guard { jwts: Some(jwts), ..Guard::default() }, OF_NO_KEY, 401)
}
