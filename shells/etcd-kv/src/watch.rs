//! A watch: one stream, one watcher.

use core::time::Duration;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use crate::call::{self, Token};
use crate::connection::Connection;
use crate::error::{Error, Kind};
use crate::messages::{Event, WatchAsk, WatchCreateRequest, WatchProgressRequest, WatchRequest, WatchResponse};
use crate::status;

/// Requests that wait to be sent: the one that creates the watch, and those for its progress.
const REQUESTS: usize = 4;

/// A watch that has begun. It ends when it is dropped, and with the first error: to go on, watch again from the revision after
/// the last one whose changes have come.
#[derive(Debug)]
pub struct Watch {
    requests: mpsc::Sender<WatchRequest>,
    responses: Streaming<WatchResponse>,
    begun_at: i64,
    endpoint: Option<Arc<str>>,
}

/// What a watch has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// The member's revision. If there are no events, all changes up to this one have come.
    pub revision: i64,
    /// What happened, in the order of the revisions. Those of one revision are all here, unless `more` is true.
    pub events: Vec<Event>,
    /// The answer was too long for one message: the next news belongs to it, and the last revision may not be whole.
    pub more: bool,
}

impl Watch {
    /// Waits for news. It loses nothing if it is dropped before it is done.
    ///
    /// # Errors
    ///
    /// The watch has ended. With [`Kind::Compacted`], changes that it should have brought are no longer kept.
    pub async fn next(&mut self) -> Result<News, Error> {
        let response = read(&mut self.responses).await.map_err(|error| self.here(error))?;
        let revision = response.header.map_or(0, |header| header.revision);
        Ok(News { revision, events: response.events, more: response.fragment })
    }

    /// Asks for news without events once all changes up to now have come. Several questions may have one answer.
    ///
    /// # Errors
    ///
    /// The watch has ended.
    pub fn ask_progress(&self) -> Result<(), Error> {
        let request = WatchRequest { ask: Some(WatchAsk::Progress(WatchProgressRequest {})) };
        match self.requests.try_send(request) {
            // Those that wait are answered at the same time.
            Ok(()) | Err(mpsc::error::TrySendError::Full(_)) => Ok(()),
            Err(mpsc::error::TrySendError::Closed(_)) => {
                Err(self.here(Error::unknown(Kind::Lost, "the watch's stream has ended")))
            }
        }
    }

    /// The member's revision when the watch began.
    #[must_use]
    pub const fn begun_at(&self) -> i64 {
        self.begun_at
    }

    /// The endpoint of the member that watches.
    #[must_use]
    pub fn endpoint(&self) -> Option<&str> {
        self.endpoint.as_deref()
    }

    pub(crate) fn at(mut self, endpoint: &Arc<str>) -> Self {
        self.endpoint = Some(endpoint.clone());
        self
    }

    fn here(&self, error: Error) -> Error {
        match &self.endpoint {
            Some(endpoint) => error.at(endpoint),
            None => error,
        }
    }
}

/// Opens a stream and waits until the watch on it has begun.
pub(crate) async fn open(
    connection: Connection,
    request: WatchCreateRequest,
    token: Option<Token>,
    longest: Duration,
) -> Result<Watch, Error> {
    let opening = async {
        let (requests, receiver) = mpsc::channel(REQUESTS);
        let create = WatchRequest { ask: Some(WatchAsk::Create(request)) };
        requests.try_send(create).map_err(|_| Error::not_done(Kind::Lost, "the watch's stream has ended"))?;
        let mut responses = call::streaming(connection, call::WATCH, ReceiverStream::new(receiver), token).await?;
        let response = read(&mut responses).await?;
        if !response.created {
            return Err(Error::unknown(Kind::Protocol, "the watch did not begin with its creation"));
        }
        let begun_at = response.header.map_or(0, |header| header.revision);
        Ok(Watch { requests, responses, begun_at, endpoint: None })
    };
    timeout(longest, opening).await.unwrap_or_else(|_| Err(call::late(longest)))
}

async fn read(responses: &mut Streaming<WatchResponse>) -> Result<WatchResponse, Error> {
    let response = responses.message().await.map_err(|status| status::error(&status))?;
    let response = response.ok_or_else(|| Error::unknown(Kind::Lost, "the member ended the watch's stream"))?;
    if !response.canceled {
        return Ok(response);
    }
    Err(match (response.compact_revision, response.cancel_reason) {
        (revision @ 1.., _) => {
            let detail = format!("the watch wants changes before revision {revision}, which are no longer kept");
            Error::not_done(Kind::Compacted(revision), detail)
        }
        (_, reason) => status::known(&reason)
            .unwrap_or_else(|| Error::unknown(Kind::Unavailable, format!("the member ended the watch: {reason}"))),
    })
}
