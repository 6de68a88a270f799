//! Requests and responses, as far as the API gives them a meaning.

/// A request, byte for byte as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: &'static str,
    /// The request target, exactly as it is in the request line.
    pub target: Vec<u8>,
    /// The value of `Content-Type`, if there is that header.
    pub content_type: Option<&'static str>,
    /// The body; empty if there is none.
    pub body: Vec<u8>,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The value of `Content-Type`, if there was one.
    pub content_type: Option<String>,
    /// The value of `Cache-Control`, if there was one.
    pub cache_control: Option<String>,
    /// The value of `Allow`, if there was one.
    pub allow: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// A `GET`.
    #[must_use]
    pub const fn get(target: Vec<u8>) -> Self {
        Self { method: "GET", target, content_type: None, body: Vec::new() }
    }

    /// A `POST` of JSON.
    #[must_use]
    pub const fn post(target: Vec<u8>, body: Vec<u8>) -> Self {
        Self { method: "POST", target, content_type: Some("application/json"), body }
    }
}

impl Response {
    /// The body as text; what is no UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}
