//! One HTTP/2 connection, as the gRPC client asks it.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use tonic::body::Body;
use tower_service::Service;

/// One HTTP/2 connection. It is cheap to clone.
#[derive(Clone)]
pub(crate) struct Connection {
    sender: SendRequest<Body>,
    pub(crate) origin: Uri,
}

/// A request that no byte was sent of.
#[derive(Debug)]
pub(crate) struct NotSent(hyper::Error);

impl Connection {
    pub(crate) const fn new(sender: SendRequest<Body>, origin: Uri) -> Self {
        Self { sender, origin }
    }

    /// Whether nothing can be asked over it any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }
}

impl Service<Request<Body>> for Connection {
    type Response = Response<Incoming>;
    type Error = Box<dyn core::error::Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.sender.poll_ready(context).map_err(|error| NotSent(error).into())
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let answer = self.sender.try_send_request(request);
        Box::pin(async move {
            answer.await.map_err(|mut error| match error.take_message() {
                Some(_) => NotSent(error.into_error()).into(),
                None => error.into_error().into(),
            })
        })
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("origin", &self.origin).finish_non_exhaustive()
    }
}

impl fmt::Display for NotSent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the connection broke before the request was sent: {}", self.0)
    }
}

impl core::error::Error for NotSent {}
