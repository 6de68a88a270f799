//! Call control and operations, on a listener of their own: begin, end and list sessions; health, metrics, a console.
//!
//! | request | answer |
//! |---|---|
//! | `PUT /sessions/{ucc}/{correlation id}`, with a state's document or without a body | 201 and the state reply; 200 if the session is open: it stays as it is |
//! | `DELETE /sessions/{ucc}/{correlation id}` | `{"Disposition":"Keep"}`, or `"Discard"`, `"NothingRecorded"`; the same again for a minute |
//! | `GET /sessions/{ucc}/{correlation id}`, and what the call's side can do about its recorder | see `admin::one` |
//! | `GET /recorders` | how each recorder is, see `admin::recorded` |
//! | `GET /sessions?limit=100&after=…` | a page of open sessions, see [`list`] |
//! | `GET /uccs`, `GET /uccs/{ucc}` | the UCCs of the config and their agents, see [`uccs`] |
//! | `GET /` and its files | the console, a page for people |
//! | what begins with `/attendantservice/` | the recording API, for that page |
//! | `GET /healthz` | `{"Status":"ok"}`: the server runs, all of it; or 503 |
//! | `GET /readyz` | `{"Status":"ready"}`, with `Warnings` if a recorder is away; or 503 while requests cannot be served |
//! | `GET /metrics` | counters for Prometheus, see [`metrics`](crate::metrics) |
//! | `GET /openapi.json`, `GET /openapi-admin.json` | the API, and these requests, as `OpenAPI` documents, see [`openapi`] |
//!
//! Errors have the shape of the API's: 404 for an unknown UCC or session, 400 for what cannot be understood.

mod asked;
mod begin;
mod console;
pub mod list;
mod one;
mod recorded;
mod status;
pub mod uccs;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::header::ALLOW;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use recording_core::state::Disposition;
use recording_core::wire::RequestParts;
use recording_core::wire::{Allow, ErrorMessage, ErrorType, Rejection, SetRequest};
use recording_core::{Reply, Scratch};

use self::asked::{API, api_target, caller, line, reject, session};
use self::one::Part;
use crate::body::{self, Received};
use crate::calls::{Begun, NotDone};
use crate::service::Service;
use crate::store::Store;
use crate::tasks::to_the_end;
use crate::{api, hub, log, openapi, reply};

/// The admin's requests. As on the API, one handler takes them all.
pub fn router<S: Store>(service: Arc<Service<S>>) -> Router {
    // The console listens here, too.
    service.hub().router(hub::PATH).fallback(move |request: Request| {
        let service = Arc::clone(&service);
        async move { answer(service, request).await }
    })
}

/// What a path means.
enum Route<'a> {
    Console(console::File),
    Uccs,
    Ucc(&'a str),
    Health,
    Ready,
    Metrics,
    OpenApi(fn() -> &'static str),
    Sessions,
    Session { ucc: &'a str, correlation_id: &'a str },
    PartOf { ucc: &'a str, correlation_id: &'a str, part: Part },
    Recorders,
}

impl<'a> Route<'a> {
    fn of(path: &'a str) -> Option<Self> {
        match path {
            "/healthz" => Some(Self::Health),
            "/readyz" => Some(Self::Ready),
            "/metrics" => Some(Self::Metrics),
            "/openapi.json" => Some(Self::OpenApi(openapi::document)),
            "/openapi-admin.json" => Some(Self::OpenApi(openapi::admin_document)),
            "/sessions" => Some(Self::Sessions),
            "/uccs" => Some(Self::Uccs),
            "/recorders" => Some(Self::Recorders),
            _ => {
                if let Some(file) = console::File::at(path) {
                    return Some(Self::Console(file));
                }
                if let Some(ucc) = path.strip_prefix("/uccs/") {
                    return (!ucc.is_empty() && !ucc.contains('/')).then_some(Self::Ucc(ucc));
                }
                let (ucc, correlation_id) = path.strip_prefix("/sessions/")?.split_once('/')?;
                let (correlation_id, part) = match correlation_id.split_once('/') {
                    None => (correlation_id, None),
                    Some((correlation_id, "holds")) => (correlation_id, Some(Part::Holds)),
                    Some((correlation_id, "recorder")) => (correlation_id, Some(Part::Recorder)),
                    Some(_) => return None,
                };
                let sound = !ucc.is_empty() && !correlation_id.is_empty();
                sound.then_some(match part {
                    None => Self::Session { ucc, correlation_id },
                    Some(part) => Self::PartOf { ucc, correlation_id, part },
                })
            }
        }
    }
}

/// Whether the path exposes no data and so needs no token: health checks, and the console, which holds no data itself.
pub(crate) fn is_open(path: &str) -> bool {
    matches!(Route::of(path), Some(Route::Health | Route::Ready | Route::Console(_)))
}

async fn answer<S: Store>(service: Arc<Service<S>>, request: Request) -> Response {
    if request.uri().path().starts_with(API) {
        return api::routed(&service, request).await;
    }
    let (parts, body) = request.into_parts();
    let parts = Arc::new(parts);
    let response = match (Route::of(parts.uri.path()), &parts.method) {
        (Some(Route::Session { .. }), &Method::PUT) if body::is_encoded(&parts.headers) => reply::encoded(line(&parts)),
        (Some(Route::Session { ucc, correlation_id }), &Method::PUT) => {
            let target = api_target(ucc, correlation_id);
            return match body::read(body, &parts, parts.extensions.get()).await {
                Received::Body { whole: false, .. } => reply::and_close(reject(&parts, Rejection::BodyTooLarge)),
                Received::Body { bytes, .. } => {
                    let (tasks, parts) = (service.tasks().clone(), Arc::clone(&parts));
                    to_the_end(&tasks, async move { begin(&service, &parts, &target, &bytes).await }).await
                }
                Received::Failed(response) => response,
            };
        }
        (Some(Route::Session { ucc, correlation_id }), &Method::DELETE) => {
            let target = api_target(ucc, correlation_id);
            let (tasks, service, parts) = (service.tasks().clone(), Arc::clone(&service), Arc::clone(&parts));
            to_the_end(&tasks, async move { end(&service, &parts, &target).await }).await
        }
        (Some(Route::Session { ucc, correlation_id }), &Method::GET | &Method::HEAD) => {
            one::show(&service, &parts, &api_target(ucc, correlation_id)).await
        }
        (Some(Route::Session { .. }), _) => {
            not_allowed("This path answers only to GET, HEAD, PUT, DELETE.", "GET, HEAD, PUT, DELETE")
        }
        (Some(Route::PartOf { ucc, correlation_id, part }), &Method::DELETE) => {
            let target = api_target(ucc, correlation_id);
            let (tasks, service, parts) = (service.tasks().clone(), Arc::clone(&service), Arc::clone(&parts));
            to_the_end(&tasks, async move { one::release(&service, &parts, &target, part).await }).await
        }
        (Some(Route::PartOf { .. }), _) => not_allowed("This path answers only to DELETE.", "DELETE"),
        (Some(Route::Recorders), &Method::GET | &Method::HEAD) => recorded::all(&service),
        (Some(Route::Health), &Method::GET | &Method::HEAD) => status::health(&service),
        (Some(Route::Ready), &Method::GET | &Method::HEAD) => status::ready(&service).await,
        (Some(Route::Metrics), &Method::GET | &Method::HEAD) => status::metrics(&service, &parts.headers).await,
        (Some(Route::OpenApi(document)), &Method::GET | &Method::HEAD) => {
            reply::json(StatusCode::OK, Bytes::from_static(document().as_bytes()))
        }
        (Some(Route::Console(file)), &Method::GET | &Method::HEAD) => file.response(),
        (Some(Route::Uccs), &Method::GET | &Method::HEAD) => uccs::all(&service.directory().current()),
        (Some(Route::Ucc(name)), &Method::GET | &Method::HEAD) => {
            ucc(&service, name).unwrap_or_else(|rejection| reject(&parts, rejection))
        }
        (Some(Route::Sessions), &Method::GET | &Method::HEAD) => list::answer(&service, parts.uri.query()).await,
        (Some(_), _) => reject(&parts, Rejection::MethodNotAllowed { allow: Allow::GetHead }),
        (None, _) => reject(&parts, Rejection::UnknownPath),
    };
    let usable = body::discard(body, &parts.headers, parts.extensions.get()).await;
    if usable { response } else { reply::and_close(response) }
}

fn not_allowed(text: &'static str, allow: &'static str) -> Response {
    let mut response = reply::invalid(StatusCode::METHOD_NOT_ALLOWED, text);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
    response
}

fn ucc<S: Store>(service: &Service<S>, name: &str) -> Result<Response, Rejection> {
    let mut scratch = Scratch::new();
    let target = format!("{API}api/recording/capabilities/{name}");
    match recording_core::Request::read(
        RequestParts { method: b"GET", target: target.as_bytes(), content_type: None, body: &[] },
        &mut scratch,
    )? {
        recording_core::Request::Capabilities(request) => uccs::one(&service.directory().current(), request.ucc),
        _ => Err(Rejection::UnknownPath),
    }
}

async fn begin<S: Store>(service: &Service<S>, parts: &Parts, target: &str, body: &[u8]) -> Response {
    let mut scratch = Scratch::new();
    let session = match session(target, &mut scratch) {
        Ok(session) => session,
        Err(rejection) => return reject(parts, rejection),
    };
    let (state, call) = match begin::read(body) {
        Ok(begin) => begin,
        Err(begin::Wrong::State(error)) => return reject(parts, error.into()),
        Err(begin::Wrong::Recorder(text)) => {
            log::not_arrived(line(parts), StatusCode::BAD_REQUEST.as_u16(), &text);
            return reply::error(StatusCode::BAD_REQUEST, ErrorMessage::new(ErrorType::Validation, &text));
        }
    };
    let begun = service.begin_call(session.ucc, session.correlation_id, (state, call.as_ref()), caller(parts)).await;
    match begun {
        Ok((begun, found)) => {
            let mut response = reply::of(&Reply::State(found));
            if begun == Begun::Opened {
                *response.status_mut() = StatusCode::CREATED;
            }
            response
        }
        Err(why) => not_done(parts, &why),
    }
}

async fn end<S: Store>(service: &Service<S>, parts: &Parts, target: &str) -> Response {
    let mut scratch = Scratch::new();
    let session = match session(target, &mut scratch) {
        Ok(session) => session,
        Err(rejection) => return reject(parts, rejection),
    };
    match service.end(session.ucc, session.correlation_id, caller(parts)).await {
        Ok(disposition) => reply::json(StatusCode::OK, disposition_document(disposition)),
        Err(why) => not_done(parts, &why),
    }
}

const fn disposition_document(disposition: Disposition) -> Bytes {
    Bytes::from_static(match disposition {
        Disposition::Keep => br#"{"Disposition":"Keep"}"#,
        Disposition::Discard => br#"{"Disposition":"Discard"}"#,
        Disposition::NothingRecorded => br#"{"Disposition":"NothingRecorded"}"#,
    })
}

fn not_done(parts: &Parts, why: &NotDone<'_>) -> Response {
    if let NotDone::Store(error) = why {
        log::store_failed(parts.method.as_str(), error);
        return why.with_error(|error| reply::error(StatusCode::SERVICE_UNAVAILABLE, error));
    }
    let status = match why {
        NotDone::Refused(_) | NotDone::NothingToEnd(_) => StatusCode::NOT_FOUND,
        NotDone::BadCall(_) => StatusCode::BAD_REQUEST,
        NotDone::CallTaken(_) | NotDone::OtherCall | NotDone::Closing => StatusCode::CONFLICT,
        NotDone::NoRecorder(_) | NotDone::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    why.with_error(|error| {
        log::not_arrived(line(parts), status.as_u16(), &error.to_string());
        reply::error(status, error)
    })
}

/// What the help tells: the limit of a body is the core's.
pub const BODY_MAX: usize = SetRequest::MAX_BODY_LEN;
