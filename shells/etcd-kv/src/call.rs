//! One request to one member.

use core::time::Duration;

use http::uri::PathAndQuery;
use prost::Message;
use tokio::time::timeout;
use tokio_stream::Stream;
use tonic::client::Grpc;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::{Request, Streaming};
use tonic_prost::ProstCodec;

use crate::connection::Connection;
use crate::error::{Error, Kind};
use crate::status;

/// The most that one answer may take. etcd cuts the answers of watches at 1.5 MiB, but those of ranges nowhere.
const LONGEST_ANSWER: usize = 64 << 20;

/// A method of etcd, with the path that it is asked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Method(pub(crate) &'static str);

pub(crate) const RANGE: Method = Method("/etcdserverpb.KV/Range");
pub(crate) const TXN: Method = Method("/etcdserverpb.KV/Txn");
pub(crate) const WATCH: Method = Method("/etcdserverpb.Watch/Watch");
pub(crate) const STATUS: Method = Method("/etcdserverpb.Maintenance/Status");
pub(crate) const ALARM: Method = Method("/etcdserverpb.Maintenance/Alarm");
pub(crate) const AUTHENTICATE: Method = Method("/etcdserverpb.Auth/Authenticate");

/// What a request is sent with.
pub(crate) type Token = MetadataValue<Ascii>;

/// Asks once, and waits for the answer at most as long as given.
pub(crate) async fn unary<Q, A>(
    connection: Connection,
    method: Method,
    request: Q,
    token: Option<Token>,
    longest: Duration,
) -> Result<A, Error>
where
    Q: Message + Send + Sync + 'static,
    A: Message + Default + Send + Sync + 'static,
{
    let asking = async {
        let mut grpc = ready(connection).await?;
        let mut request = Request::new(request);
        // The member gives up then, too.
        request.set_timeout(longest);
        // A member that Status asks need not know a leader; any other request would only wait for one.
        decorate(&mut request, token, method.0 != STATUS.0);
        let answer = grpc.unary(request, PathAndQuery::from_static(method.0), ProstCodec::<Q, A>::default()).await;
        answer.map(tonic::Response::into_inner).map_err(|status| status::error(&status))
    };
    timeout(longest, asking).await.unwrap_or_else(|_| Err(late(longest)))
}

/// Opens a stream in both directions.
pub(crate) async fn streaming<Q, A>(
    connection: Connection,
    method: Method,
    requests: impl Stream<Item = Q> + Send + 'static,
    token: Option<Token>,
) -> Result<Streaming<A>, Error>
where
    Q: Message + Send + Sync + 'static,
    A: Message + Default + Send + Sync + 'static,
{
    let mut grpc = ready(connection).await?;
    let mut request = Request::new(requests);
    decorate(&mut request, token, true);
    let answer = grpc.streaming(request, PathAndQuery::from_static(method.0), ProstCodec::<Q, A>::default()).await;
    answer.map(tonic::Response::into_inner).map_err(|status| status::error(&status))
}

pub(crate) fn late(longest: Duration) -> Error {
    Error::unknown(Kind::TimedOut, format!("no answer within {longest:?}"))
}

async fn ready(connection: Connection) -> Result<Grpc<Connection>, Error> {
    let origin = connection.origin.clone();
    let mut grpc = Grpc::with_origin(connection, origin).max_decoding_message_size(LONGEST_ANSWER);
    grpc.ready().await.map_err(|error| Error::not_done(Kind::Lost, error.to_string()))?;
    Ok(grpc)
}

fn decorate<T>(request: &mut Request<T>, token: Option<Token>, with_leader: bool) {
    if with_leader {
        // Without it, a member that is cut off from the others takes a watch and is silent.
        request.metadata_mut().insert("hasleader", MetadataValue::from_static("true"));
    }
    if let Some(token) = token {
        request.metadata_mut().insert("token", token);
    }
}
