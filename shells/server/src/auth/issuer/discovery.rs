//! What an issuer says of itself (`OpenID` Connect Discovery 1.0), and for how long (RFC 9111).

use core::time::Duration;

use axum::http::header::{AGE, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, Uri};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::outgoing;

/// What is read of the document.
#[derive(Debug, Deserialize)]
struct Document {
    issuer: String,
    jwks_uri: String,
}

/// Whether this can be an issuer: an https URL without query and fragment, or one of http on a loopback address.
///
/// # Errors
///
/// What it should be.
pub fn check(issuer: &str) -> Result<(), String> {
    let is = "the URL of an issuer, as in https://issuer.example/realm";
    // The parser would leave out a fragment without a word.
    if issuer.contains(['?', '#']) {
        return Err(format!("{is}: without a query or a fragment"));
    }
    let url: Uri = issuer.parse().map_err(|_| is.to_owned())?;
    outgoing::is_safe(&url).map_err(|why| format!("{is}: {why}"))
}

/// Where an issuer says of itself: section 4.
pub(super) fn place(issuer: &str) -> String {
    format!("{}/.well-known/openid-configuration", issuer.strip_suffix('/').unwrap_or(issuer))
}

/// Where the keys are, as the document of `issuer` says.
pub(super) fn keys_of(issuer: &str, document: &[u8]) -> Result<Uri, String> {
    let document: Document = json(document)?;
    // Section 4.3: exactly. Otherwise an issuer under one path of a host could speak for another.
    if document.issuer != issuer {
        // Issuers disagree on a slash at the end, and so do their manuals.
        let slash = document.issuer.trim_end_matches('/') == issuer.trim_end_matches('/');
        let hint = if slash { ": give its URL just so" } else { "" };
        return Err(format!("it is of the issuer '{}'{hint}", shown(&document.issuer)));
    }
    document.jwks_uri.parse().map_err(|_| format!("its jwks_uri is no URL: '{}'", shown(&document.jwks_uri)))
}

pub(super) fn json<T: DeserializeOwned>(text: &[u8]) -> Result<T, String> {
    serde_json::from_slice(text).map_err(|error| format!("it is not the JSON that it should be: {error}"))
}

/// A text of others, short enough for a line of a log and without what would break it.
pub(super) fn shown(text: &str) -> String {
    const MOST: usize = 200;
    let mut shown: String = text.chars().take(MOST).flat_map(char::escape_debug).collect();
    if text.chars().nth(MOST).is_some() {
        shown.push('…');
    }
    shown
}

/// What the reply calls itself, where that is not JSON: pages of errors of proxies are often found so.
pub(super) fn other_type(headers: &HeaderMap) -> Option<String> {
    let named = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let is_json = named.split(';').next().is_some_and(|named| named.trim().to_ascii_lowercase().ends_with("json"));
    (!is_json).then(|| shown(named))
}

/// For how long a reply may be kept: what is left of its `max-age`, nothing if it says `no-store` or `no-cache`, and `None`
/// if it does not say.
pub(super) fn fresh_for(headers: &HeaderMap) -> Option<Duration> {
    let directives = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let mut fresh = None;
    for directive in directives.flat_map(|value| value.split(',')) {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "no-store" | "no-cache" => return Some(Duration::ZERO),
            // One that cannot be read is one that is over, as RFC 9111, section 4.2.1, wants it.
            "max-age" => fresh = Some(value.trim().trim_matches('"').parse().unwrap_or(0)),
            _ => {}
        }
    }
    let age = headers.get(AGE).and_then(|age| age.to_str().ok()?.trim().parse::<u64>().ok()).unwrap_or(0);
    fresh.map(|fresh: u64| Duration::from_secs(fresh.saturating_sub(age)))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn an_issuer_is_a_url_that_can_be_trusted() {
        for (issuer, is_good) in [
            ("https://issuer.example", true),
            ("https://issuer.example/", true),
            ("https://issuer.example:8443/realms/a", true),
            ("http://localhost:3000", true),
            ("http://127.0.0.1:3000/a", true),
            ("http://issuer.example", false),
            ("https://issuer.example/?a", false),
            ("https://issuer.example/#a", false),
            ("https://issuer.example#", false),
            ("https://user@issuer.example/", false),
            ("https://issuer example/", false),
            ("issuer.example", false),
            ("https://", false),
            ("", false),
        ] {
            assert_eq!(check(issuer).is_ok(), is_good, "{issuer}");
        }
        assert_eq!(place("https://a.test"), "https://a.test/.well-known/openid-configuration");
        assert_eq!(place("https://a.test/"), "https://a.test/.well-known/openid-configuration");
        assert_eq!(place("https://a.test/b/"), "https://a.test/b/.well-known/openid-configuration");
    }

    #[test]
    fn the_document_is_of_exactly_this_issuer() {
        let issuer = "https://a.test/b";
        let keys = |said: &str, uri: &str| {
            let document = serde_json::json!({ "issuer": said, "jwks_uri": uri, "more": [1] }).to_string();
            keys_of(issuer, document.as_bytes()).map(|uri| uri.to_string())
        };
        assert_eq!(keys(issuer, "https://keys.test/k"), Ok("https://keys.test/k".to_owned()));
        for other in ["https://a.test/b/", "https://a.test", "https://A.test/b", "https://a.test:443/b", "", "x\ny"] {
            let error = keys(other, "https://keys.test/k").unwrap_err();
            let hint = if other == "https://a.test/b/" { ": give its URL just so" } else { "" };
            assert_eq!(error, format!("it is of the issuer '{}'{hint}", other.escape_debug()));
        }
        assert!(keys(issuer, "no URL").is_err());
        assert!(keys(&"x".repeat(5000), "").is_err_and(|error| error.len() < 300));
        for text in ["", "<html>", "[]", "{}", r#"{"issuer":7,"jwks_uri":""}"#, r#"{"issuer":"https://a.test/b"}"#] {
            assert!(keys_of(issuer, text.as_bytes()).is_err(), "{text}");
        }
    }

    /// Where each issuer that people have puts its document, what it calls itself, and where its keys are.
    #[test]
    fn the_documents_that_people_have_are_found() {
        let tenant = "11111111-2222-3333-4444-555555555555";
        let entra = format!("https://login.microsoftonline.com/{tenant}");
        for (issuer, document, keys) in [
            (
                "https://sso.example/realms/calls",
                None,
                "https://sso.example/realms/calls/protocol/openid-connect/certs",
            ),
            ("https://tenant.eu.auth0.com/", None, "https://tenant.eu.auth0.com/.well-known/jwks.json"),
            (&format!("{entra}/v2.0"), None, &format!("{entra}/discovery/v2.0/keys")),
            (&format!("https://sts.windows.net/{tenant}/"), None, &format!("{entra}/discovery/keys")),
            ("https://org.okta.com/oauth2/default", None, "https://org.okta.com/oauth2/default/v1/keys"),
            // One for all tenants is of no tenant, and so of no token.
            (
                "https://login.microsoftonline.com/common/v2.0",
                Some("https://login.microsoftonline.com/{tenantid}/v2.0"),
                "https://login.microsoftonline.com/common/discovery/v2.0/keys",
            ),
        ] {
            check(issuer).unwrap();
            let place = place(issuer);
            let below = place.strip_suffix("/.well-known/openid-configuration").unwrap();
            assert_eq!(below, issuer.trim_end_matches('/'));
            let said = serde_json::json!({"issuer": document.unwrap_or(issuer), "jwks_uri": keys, "end_session_endpoint": null});
            let found = keys_of(issuer, said.to_string().as_bytes()).map(|uri| uri.to_string());
            match document {
                None => assert_eq!(found, Ok(keys.to_owned())),
                Some(other) => assert_eq!(found, Err(format!("it is of the issuer '{other}'"))),
            }
        }
    }

    #[test]
    fn a_reply_says_for_how_long_it_is_fresh() {
        for (values, age, fresh) in [
            (&[][..], None, None),
            (&["public"], None, None),
            (&["public, max-age=600"], None, Some(600)),
            (&["Max-Age=\"600\""], None, Some(600)),
            (&["public", "max-age=600"], Some("100"), Some(500)),
            (&["max-age=600"], Some("1000"), Some(0)),
            (&["max-age=600"], Some("soon"), Some(600)),
            (&["max-age=600, no-store"], None, Some(0)),
            (&["no-cache"], None, Some(0)),
            (&["max-age=much"], None, Some(0)),
            (&["max-age"], None, Some(0)),
            (&["max-age=-1"], None, Some(0)),
            (&["s-maxage=5"], None, None),
            (&["max-age=18446744073709551615"], None, Some(u64::MAX)),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(CACHE_CONTROL, HeaderValue::from_static(value));
            }
            if let Some(age) = age {
                headers.insert(AGE, HeaderValue::from_static(age));
            }
            assert_eq!(fresh_for(&headers), fresh.map(Duration::from_secs), "{values:?} {age:?}");
        }
    }

    #[test]
    fn another_type_than_json_is_named() {
        for (named, other) in [
            ("application/json", None),
            ("application/jwk-set+json; charset=utf-8", None),
            ("Application/JSON", None),
            ("text/html; charset=utf-8", Some("text/html; charset=utf-8")),
            ("text/html; x=json", Some("text/html; x=json")),
        ] {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(named))]);
            assert_eq!(other_type(&headers).as_deref(), other, "{named}");
        }
        assert_eq!(other_type(&HeaderMap::new()), None);
    }
}
