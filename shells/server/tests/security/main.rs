//! The server as those see it who mean it no good: over real connections, and with the outcome of each attempt stated in
//! `docs/security.md`.

#![allow(unreachable_pub)] // nothing of a test is reached from anywhere

mod access;
mod algorithms;
mod attempts;
mod certificates;
mod floods;
mod heads;
mod hosts;
mod http2;
mod init;
mod issuer;
mod jwks;
mod jwts;
mod listening;
mod never_logged;
mod oidc;
mod options;
mod paths;
mod slow;
mod smuggling;
mod tls;
mod whose_token;
mod wrong_tokens;

use recording_server_test_support::{self as support, process};

/// All that was tried, in the order of the page.
fn groups() -> Vec<attempts::Group> {
    let others = [
        ("a head cut in two, at every place", "as the whole one", "heads::a_split_head_has_the_outcome_of_the_whole"),
        (
            "a whole set as the body of a request that has no use for a body",
            "passed over",
            "smuggling::a_request_in_the_body_of_another_is_not_carried_out",
        ),
        (
            "every path above without a token, and with one for events",
            "401, and 403 or 404",
            "paths::no_spelling_gets_around_the_token",
        ),
        (
            "tokens in the debug log, the output or the audit trail, however they were shown",
            "none",
            "never_logged::no_token_is_written_anywhere",
        ),
        (
            "pages of nine origins that are not listed: preflight, read, WebSocket",
            "no CORS header; WebSocket 403",
            "access::pages_of_listed_origins_may_call_and_no_others",
        ),
        (
            "every request of a listener with the id of its connection, without the token",
            "401",
            "listening::each_request_of_a_listener_shows_its_token",
        ),
        ("sets with a JWT of another agent, or of none", "403", "access::a_set_is_in_the_name_that_its_token_says"),
        (
            "a handshake that does not come, or comes byte by byte",
            "cut when a head would be",
            "tls::a_handshake_has_the_time_of_a_request",
        ),
        (
            "an address that others can reach, without TLS or without tokens",
            "does not start",
            "options::an_address_that_others_can_reach_needs_tls_and_tokens",
        ),
    ];
    let others = others.map(|(what, outcome, test)| attempts::Attempt {
        what: what.to_owned(),
        outcome: format!("{outcome} (`{test}`)"),
    });
    let others = vec![attempts::Group {
        title: "Others",
        note: "",
        test: "each its own, named after its outcome",
        attempts: others.into(),
    }];
    [
        smuggling::groups(),
        heads::groups(),
        hosts::groups(),
        http2::groups(),
        paths::groups(),
        wrong_tokens::groups(),
        oidc::groups(),
        slow::groups(),
        floods::groups(),
        others,
    ]
    .into_iter()
    .flatten()
    .collect()
}
