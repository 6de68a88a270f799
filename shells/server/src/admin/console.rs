//! The console: a page for people, made of three files that are built into the program.
//!
//! It holds no data and needs no token; what it shows it asks for by the same requests as everyone else.

use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::Response;
use bytes::Bytes;

/// Nothing from another origin, nothing inline, and no page may frame it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A file of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct File {
    path: &'static str,
    content_type: &'static str,
    content: &'static [u8],
}

/// A file as it is, or as `npm run build` writes it.
macro_rules! file {
    ($path:literal, $file:literal, $content_type:literal) => {
        File { path: $path, content_type: $content_type, content: include_bytes!(concat!("../../console/", $file)) }
    };
}

const FILES: [File; 4] = [
    file!("/", "src/index.html", "text/html; charset=utf-8"),
    file!("/console.js", "dist/console.js", "text/javascript; charset=utf-8"),
    file!("/console.css", "dist/console.css", "text/css; charset=utf-8"),
    file!("/console.svg", "src/console.svg", "image/svg+xml"),
];

impl File {
    /// The file at this path, if one is there.
    pub(super) fn at(path: &str) -> Option<Self> {
        FILES.into_iter().find(|file| file.path == path)
    }

    pub(super) fn response(self) -> Response {
        let mut response = Response::new(Body::from(Bytes::from_static(self.content)));
        let headers = response.headers_mut();
        for (name, value) in [
            (CONTENT_TYPE, self.content_type),
            // A newer server has a newer page.
            (CACHE_CONTROL, recording_core::wire::CACHE_CONTROL),
            (CONTENT_SECURITY_POLICY, POLICY),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (REFERRER_POLICY, "no-referrer"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        response
    }
}
