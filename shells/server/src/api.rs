//! The recording API over HTTP: every request to the core, every answer from it.

use core::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Uri};
use axum::response::Response;
use recording_core::wire::{Head, Rejection, SipUri};
use recording_core::{Reply, Scratch};
use tokio::time::Instant;

use crate::auth::{Guard, Principal};
use crate::body::{self, Received};
use crate::caller::{Caller, RequestLine};
use crate::metrics::Call;
use crate::net::{Client, Handler};
use crate::occurrence::Occurrence;
use crate::service::Service;
use crate::store::Store;
use crate::tasks::to_the_end;
use crate::{hub, log, reply};

/// The recording API, and the hub that tells of its changes. One handler takes every request of the API, so that nothing
/// but the core says what is unknown, not allowed, unsupported, too large or not understood.
pub fn router<S: Store>(service: Arc<Service<S>>) -> Router {
    service.hub().router(hub::PATH).fallback(move |request: Request| {
        let service = Arc::clone(&service);
        async move { routed(&service, request).await }
    })
}

/// The same, for a listener: only what a guard must see first, or what is for the hub, takes the way through a router.
#[derive(Debug)]
pub(crate) struct Api<S>(Arc<Ways<S>>);

#[derive(Debug)]
struct Ways<S> {
    service: Arc<Service<S>>,
    router: Router,
    guard: Arc<Guard>,
}

impl<S: Store> Api<S> {
    pub(crate) fn new(service: Arc<Service<S>>, guard: &Arc<Guard>) -> Self {
        let router = Arc::clone(guard).before_api(router(Arc::clone(&service)));
        Self(Arc::new(Ways { service, router, guard: Arc::clone(guard) }))
    }
}

impl<S> Clone for Api<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: Store> Handler for Api<S> {
    #[expect(clippy::manual_async_fn, reason = "copies the request once less")]
    fn answer(&self, mut request: Request, client: Client) -> impl Future<Output = Response> + Send {
        async move {
            let Ways { service, router, guard } = &*self.0;
            let is_for_the_hub = request.uri().path().starts_with(hub::PATH);
            if is_for_the_hub && request.method() == Method::GET {
                client.waits_with_its_client();
                let carrier = client.clone();
                request.extensions_mut().insert(signalr_hub::GivenUp::new(move || carrier.is_slow()));
            }
            // The clock is asked once.
            let now = Instant::now();
            if !is_for_the_hub && guard.lets_through(&client, now) {
                answer(service, request, Some(client), now).await
            } else {
                router.answer(request, client).await
            }
        }
    }
}

/// The answer to a request that came through a router.
pub(crate) async fn routed<S: Store>(service: &Arc<Service<S>>, request: Request) -> Response {
    let client = request.extensions().get().cloned();
    answer(service, request, client, Instant::now()).await
}

#[expect(clippy::manual_async_fn, reason = "copies the request once less")]
fn answer<S: Store>(
    service: &Arc<Service<S>>,
    request: Request,
    client: Option<Client>,
    since: Instant,
) -> impl Future<Output = Response> + Send {
    async move {
        let (call, response) = respond(service, request, client).await;
        service.metrics().request(call, since.into_std(), response.status().as_u16());
        response
    }
}

#[expect(clippy::manual_async_fn, reason = "copies the request once less")]
fn respond<S: Store>(
    service: &Arc<Service<S>>,
    request: Request,
    client: Option<Client>,
) -> impl Future<Output = (Call, Response)> + Send {
    async move {
        let (parts, body) = request.into_parts();
        let target = Target::of(&parts.uri);
        match read_head(&parts, &target) {
            Ok(head) if head.wants_body() && body::is_encoded(&parts.headers) => {
                let usable = body::discard(body, &parts.headers, client.as_ref()).await;
                let response = reply::encoded(line(&parts, client.as_ref()));
                (Call::Unknown, if usable { response } else { reply::and_close(response) })
            }
            Ok(head) if head.wants_body() => {
                // It borrows from the parts, which the decision takes along: it is read again there.
                drop(target);
                match body::read(body, &parts, client.as_ref()).await {
                    Received::Body { bytes, whole } => {
                        let (tasks, service) = (service.tasks().clone(), Arc::clone(service));
                        let decided = async move {
                            let target = Target::of(&parts.uri);
                            decide(&service, &parts, client.as_ref(), read_head(&parts, &target), &bytes).await
                        };
                        let (call, response) = to_the_end(&tasks, decided).await;
                        (call, if whole { response } else { reply::and_close(response) })
                    }
                    Received::Failed(response) => (Call::Unknown, response),
                }
            }
            head => {
                let (call, response) = decide(service, &parts, client.as_ref(), head, &[]).await;
                let usable = body::discard(body, &parts.headers, client.as_ref()).await;
                (call, if usable { response } else { reply::and_close(response) })
            }
        }
    }
}

fn read_head<'a>(parts: &Parts, target: &'a Target<'_>) -> Result<Head<'a>, Rejection> {
    let content_type = ContentType::of(&parts.headers);
    Head::read(parts.method.as_str().as_bytes(), target.as_bytes(), content_type.as_bytes())
}

/// From a whole request to its response.
async fn decide<S: Store>(
    service: &Service<S>,
    parts: &Parts,
    client: Option<&Client>,
    head: Result<Head<'_>, Rejection>,
    body: &[u8],
) -> (Call, Response) {
    let caller = caller(client, parts);
    let mut scratch = Scratch::new();
    match head.and_then(|head| head.request(body, &mut scratch)) {
        Ok(recording_core::Request::State(request)) => {
            let found = service.state(&request, caller).await;
            (Call::State, found.map_or_else(|_| reply::store_unavailable(), |found| reply::of(&Reply::State(found))))
        }
        Ok(recording_core::Request::Capabilities(request)) => {
            (Call::Capabilities, reply::of(&Reply::Capabilities(service.capabilities(&request, caller).await)))
        }
        Ok(recording_core::Request::Set(request)) if !may_act(parts, request.requester) => {
            let line = line(parts, client);
            service.observe(&Occurrence::NotPermitted { request: &request, line }, caller).await;
            (Call::Set, reply::rejection(Rejection::Forbidden))
        }
        Ok(recording_core::Request::Set(request)) => {
            // Kept apart: all requests have room for it, and most are reads.
            let done = Box::pin(service.set(&request, caller)).await;
            (Call::Set, done.map_or_else(reply::rejection, |done| reply::of(&Reply::State(done))))
        }
        Err(rejection) => {
            log::rejected(line(parts, client), &rejection);
            (Call::Unknown, reply::rejection(rejection))
        }
    }
}

/// Where a request came from.
pub(crate) fn caller<'a>(client: Option<&Client>, parts: &'a Parts) -> Caller<'a> {
    let principal = parts.extensions.get().map(Principal::name);
    Caller { address: client.map(Client::peer), principal }
}

fn line<'a>(parts: &'a Parts, client: Option<&Client>) -> RequestLine<'a> {
    RequestLine::of(parts, client.map(Client::peer))
}

/// Whether the request's token, if tokens are asked for, allows a set in this name.
fn may_act(parts: &Parts, requester: SipUri<'_>) -> bool {
    parts.extensions.get::<Principal>().is_none_or(|principal| principal.may_act_as(requester))
}

/// The request target as it came.
///
/// Two things are gone before anyone can see them: a `#` and what follows (which RFC 9112 has no place for), and the
/// slash after an authority without a path, which makes no difference here.
pub(crate) enum Target<'a> {
    Origin(&'a str),
    Other(String),
}

impl<'a> Target<'a> {
    pub(crate) fn of(uri: &'a Uri) -> Self {
        match uri.path_and_query() {
            Some(target) if uri.scheme().is_none() && uri.authority().is_none() => Self::Origin(target.as_str()),
            _ => Self::Other(uri.to_string()),
        }
    }

    pub(crate) const fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Origin(target) => target.as_bytes(),
            Self::Other(target) => target.as_bytes(),
        }
    }
}

/// The value of the `Content-Type` header, or of all of them together.
enum ContentType<'a> {
    AtMostOne(Option<&'a [u8]>),
    Joined(Vec<u8>),
}

impl<'a> ContentType<'a> {
    fn of(headers: &'a HeaderMap) -> Self {
        let mut values = headers.get_all(CONTENT_TYPE).iter().map(HeaderValue::as_bytes);
        match (values.next(), values.next()) {
            (Some(first), Some(second)) => {
                let mut joined = [first, second].join(&b", "[..]);
                for value in values {
                    joined.extend_from_slice(b", ");
                    joined.extend_from_slice(value);
                }
                Self::Joined(joined)
            }
            (first, _) => Self::AtMostOne(first),
        }
    }

    fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::AtMostOne(value) => *value,
            Self::Joined(value) => Some(value),
        }
    }
}
