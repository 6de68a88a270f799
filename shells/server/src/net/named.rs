//! A listener that answers for some names only.

use core::future::Future;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;

use super::{Client, Handler};
use crate::auth::hosts::Hosts;
use crate::caller::RequestLine;
use crate::{body, log, reply};

/// What stands before a handler: nothing that is for another name comes through, whatever its path.
#[derive(Debug, Clone)]
pub(crate) struct Named<H> {
    handler: H,
    /// `None` where every name will do. Each request has a clone.
    hosts: Option<Arc<Hosts>>,
}

impl<H> Named<H> {
    pub(crate) fn new(handler: H, hosts: Option<Hosts>) -> Self {
        Self { handler, hosts: hosts.map(Arc::new) }
    }
}

impl<H: Handler> Handler for Named<H> {
    #[expect(clippy::manual_async_fn, reason = "copies the request once less")]
    fn answer(&self, request: Request, client: Client) -> impl Future<Output = Response> + Send {
        async move {
            match &self.hosts {
                Some(hosts) if !hosts.answer_for(request.uri(), request.headers()) => {
                    misdirected(request, &client).await
                }
                _ => self.handler.answer(request, client).await,
            }
        }
    }
}

/// The text of a 421.
pub(crate) const ANOTHER_HOST: &str = "This server does not answer for the host of this request.";

async fn misdirected(request: Request, client: &Client) -> Response {
    let status = StatusCode::MISDIRECTED_REQUEST;
    let (parts, body) = request.into_parts();
    log::kept_out(RequestLine::of(&parts, Some(client.peer())), status.as_u16(), None, "another host");
    let usable = body::discard(body, &parts.headers, Some(client)).await;
    let response = reply::invalid(status, ANOTHER_HOST);
    if usable { response } else { reply::and_close(response) }
}
