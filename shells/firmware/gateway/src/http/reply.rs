//! What goes back: a status line, the headers that every reply has, and a body of the core's writers.

use recording_core::Reply;
use recording_core::wire::{CACHE_CONTROL, CONTENT_TYPE, ErrorMessage, ErrorReply, ErrorType, Rejection};

use super::Fault;
use crate::text::Text;

/// Whether the connection stays open after a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Persistence {
    /// Another request may follow.
    Keep,
    /// It is closed.
    Close,
}

/// The longest head of a reply; see the test.
const HEAD_MAX: usize = 224;

/// One reply on its way out.
#[derive(Debug, Clone)]
pub struct Outgoing {
    head: Text<HEAD_MAX>,
    body: Text<{ Reply::MAX_LEN }>,
    bodiless: bool,
}

impl Outgoing {
    /// The most bytes that a reply takes.
    pub const MAX_LEN: usize = HEAD_MAX + Reply::MAX_LEN;

    /// Nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { head: Text::new(), body: Text::new(), bodiless: false }
    }

    /// The reply, in two pieces.
    #[must_use]
    pub fn pieces(&self) -> [&[u8]; 2] {
        [self.head.get(), if self.bodiless { &[] } else { self.body.get() }]
    }

    /// `100 Continue`.
    pub fn go_on(&mut self) {
        self.begin(true);
        self.head.text("HTTP/1.1 100 Continue\r\n\r\n");
    }

    /// A reply of the core. To a `HEAD` no body is sent.
    pub fn reply(&mut self, reply: &Reply<'_>, to_head: bool, persistence: Persistence) {
        self.begin(to_head);
        self.body.fill(|buffer| reply.write(buffer).map_or(0, <[u8]>::len));
        self.finish(reply.status(), reply.allow(), persistence);
    }

    /// A reply to what is not HTTP, or not for this server. The connection is closed.
    pub fn fault(&mut self, fault: Fault) {
        match fault.text() {
            None => self.reply(&Rejection::BodyTooLarge.into(), false, Persistence::Close),
            Some(text) => {
                let kind = if fault.status() == 503 { ErrorType::Configuration } else { ErrorType::Validation };
                let error = ErrorMessage::new(kind, text);
                self.error(fault.status(), error, false, Persistence::Close);
            }
        }
    }

    /// The core's bare error body with a text of ours.
    pub fn error(&mut self, status: u16, error: ErrorMessage<'_>, to_head: bool, persistence: Persistence) {
        self.begin(to_head);
        self.body.fill(|buffer| ErrorReply { error }.write(buffer).map_or(0, <[u8]>::len));
        self.finish(status, None, persistence);
    }

    fn begin(&mut self, bodiless: bool) {
        self.head.clear();
        self.body.clear();
        self.bodiless = bodiless;
    }

    // No `Date`: a server without a clock must not send one (RFC 9110, 6.6.1).
    fn finish(&mut self, status: u16, allow: Option<&str>, persistence: Persistence) {
        let head = &mut self.head;
        head.text("HTTP/1.1 ").number(status.into()).text(" ").text(reason(status));
        head.text("\r\nContent-Type: ").text(CONTENT_TYPE).text("\r\nCache-Control: ").text(CACHE_CONTROL);
        if let Some(allow) = allow {
            head.text("\r\nAllow: ").text(allow);
        }
        if persistence == Persistence::Close {
            head.text("\r\nConnection: close");
        }
        head.text("\r\nContent-Length: ").number(self.body.get().len() as u32).text("\r\n\r\n");
    }
}

impl Default for Outgoing {
    fn default() -> Self {
        Self::new()
    }
}

const fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        417 => "Expectation Failed",
        431 => "Request Header Fields Too Large",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        // A phrase may be empty (RFC 9112, 4).
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_head_fits() {
        let mut outgoing = Outgoing::new();
        for status in 100..600 {
            outgoing.begin(false);
            outgoing.body.fill(|buffer| buffer.len());
            outgoing.finish(status, Some("GET, HEAD"), Persistence::Close);
            assert!(outgoing.head.get().ends_with(b"\r\n\r\n"), "{status}");
        }
    }
}
