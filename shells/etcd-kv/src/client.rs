//! A client of a cluster: it chooses which member is asked.

use core::future::Future;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::sync::Arc;

use prost::Message;
use tokio::time::{Instant, sleep, timeout_at};

use crate::call::{self, Method, Token};
use crate::connection::Connection;
use crate::endpoint::Endpoint;
use crate::error::{Error, Outcome};
use crate::member::Member;
use crate::messages::{
    AlarmAction, AlarmRequest, AlarmResponse, RangeRequest, RangeResponse, StatusRequest, StatusResponse, TxnRequest,
    TxnResponse, WatchCreateRequest,
};
use crate::options::Options;
use crate::status::wants_new_token;
use crate::token::Tokens;
use crate::watch::{self, Watch};

/// How long a request that changes nothing waits after no member could serve it, before it asks all of them again.
const PAUSE: Duration = Duration::from_millis(50);

/// A client of a cluster. It is cheap to clone; connections are made when they are needed, one for each member.
///
/// All requests go to one member as long as it answers, then to the next. What changes nothing is asked again at other
/// members; a change is asked for again only if it was certainly not made.
#[derive(Debug, Clone)]
pub struct Client(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    members: Vec<Member>,
    /// Which member is asked first.
    first: AtomicUsize,
    options: Options,
    tokens: Tokens,
}

impl Client {
    /// A client of the cluster whose members are at `endpoints`.
    ///
    /// # Panics
    ///
    /// If there is no endpoint.
    #[must_use]
    pub fn new(endpoints: Vec<Endpoint>, options: Options) -> Self {
        assert!(!endpoints.is_empty(), "a cluster has a member");
        let members = endpoints.into_iter().map(Member::new).collect();
        Self(Arc::new(Shared { members, first: AtomicUsize::new(0), options, tokens: Tokens::default() }))
    }

    /// The endpoints, in the order in which they were given.
    pub fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        self.0.members.iter().map(|member| &member.endpoint)
    }

    /// Reads keys: linearizably unless the request says otherwise.
    ///
    /// # Errors
    ///
    /// If no member could answer in time, or the request is invalid.
    pub async fn range(&self, request: RangeRequest) -> Result<RangeResponse, Error> {
        self.read(call::RANGE, request).await
    }

    /// Compares and changes.
    ///
    /// # Errors
    ///
    /// Their [`outcome`](Error::outcome) says whether the change may have been made.
    pub async fn txn(&self, request: TxnRequest) -> Result<TxnResponse, Error> {
        let mut last = None;
        for index in self.order() {
            match self
                .attempt(index, |connection, token| {
                    call::unary(connection, call::TXN, request.clone(), token, self.0.options.attempt)
                })
                .await
            {
                Err(error) if error.outcome() == Outcome::NotDone && error.is_of_the_member() => last = Some(error),
                done => return done,
            }
        }
        Err(last.expect("there is a member"))
    }

    /// Watches keys. Only a member that knows a leader begins a watch, and it ends it when it knows none any more.
    ///
    /// # Errors
    ///
    /// If no member began the watch in time.
    pub async fn watch(&self, request: WatchCreateRequest) -> Result<Watch, Error> {
        self.until_total(async |index| {
            self.attempt(index, |connection, token| {
                watch::open(connection, request.clone(), token, self.0.options.attempt)
            })
            .await
        })
        .await
        .map(|(watch, index)| watch.at(&self.0.members[index].endpoint.name))
    }

    /// The state of the member at an endpoint, which need not know a leader.
    ///
    /// # Errors
    ///
    /// If it does not answer in time.
    ///
    /// # Panics
    ///
    /// If there is no such endpoint.
    pub async fn status(&self, endpoint: usize) -> Result<StatusResponse, Error> {
        self.attempt(endpoint, |connection, token| {
            call::unary(connection, call::STATUS, StatusRequest {}, token, self.0.options.attempt)
        })
        .await
    }

    /// The alarms of the cluster.
    ///
    /// # Errors
    ///
    /// If no member could answer in time.
    pub async fn alarms(&self) -> Result<AlarmResponse, Error> {
        self.read(call::ALARM, AlarmRequest { action: AlarmAction::Get.into(), ..AlarmRequest::default() }).await
    }

    async fn read<Q, A>(&self, method: Method, request: Q) -> Result<A, Error>
    where
        Q: Message + Clone + Send + Sync + 'static,
        A: Message + Default + Send + Sync + 'static,
    {
        self.until_total(async |index| {
            self.attempt(index, |connection, token| {
                call::unary(connection, method, request.clone(), token, self.0.options.attempt)
            })
            .await
        })
        .await
        .map(|(answer, _)| answer)
    }

    /// Asks the members one after the other, again and again, until one answers or the time is over.
    async fn until_total<A>(&self, ask: impl AsyncFn(usize) -> Result<A, Error>) -> Result<(A, usize), Error> {
        let end = Instant::now() + self.0.options.total;
        let mut last = None;
        loop {
            for index in self.order() {
                match timeout_at(end, ask(index)).await {
                    Ok(Ok(answer)) => return Ok((answer, index)),
                    Ok(Err(error)) if error.is_of_the_member() => last = Some(error),
                    Ok(Err(error)) => return Err(error),
                    Err(_) => return Err(last.unwrap_or_else(|| call::late(self.0.options.total))),
                }
            }
            if Instant::now() + PAUSE >= end {
                return Err(last.expect("there is a member"));
            }
            sleep(PAUSE).await;
        }
    }

    /// Asks one member once; once more with a new token if it does not take the old one.
    async fn attempt<A, F>(&self, index: usize, ask: impl Fn(Connection, Option<Token>) -> F) -> Result<A, Error>
    where
        F: Future<Output = Result<A, Error>>,
    {
        let Shared { members, options, tokens, .. } = &*self.0;
        let member = &members[index];
        let once = async || {
            let connection = member.connection(options).await?;
            let (token, number) = tokens.current(&connection, options).await?;
            ask(connection, token)
                .await
                .map_err(|error| (error, number))
                .map_or_else(|(error, number)| Ok(Err((error, number))), |answer| Ok::<_, Error>(Ok(answer)))
        };
        let answer = match once().await {
            Ok(Err((error, number))) if options.credentials.is_some() && wants_new_token(&error) => {
                tokens.refused(number).await;
                once().await
            }
            answer => answer,
        };
        let answer = answer.and_then(|answer| answer.map_err(|(error, _)| error));
        match &answer {
            Err(error) if error.is_of_the_member() => self.leave(index),
            _ => member.answered(),
        }
        answer.map_err(|error| error.at(&member.endpoint.name))
    }

    /// The members in the order in which they are asked: those that failed a moment ago last.
    fn order(&self) -> Vec<usize> {
        let members = &self.0.members;
        let first = self.0.first.load(Ordering::Relaxed);
        let mut order: Vec<_> = (0..members.len()).map(|step| (first + step) % members.len()).collect();
        order.sort_by_key(|index| members[*index].is_shunned());
        order
    }

    /// Has others ask the next member first, unless one of them did that already.
    fn leave(&self, index: usize) {
        let Shared { members, first, .. } = &*self.0;
        members[index].shun();
        let next = (index + 1) % members.len();
        let _ = first.compare_exchange(index, next, Ordering::Relaxed, Ordering::Relaxed);
    }
}
