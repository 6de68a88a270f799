//! A client of a cluster: it chooses which member is asked.

use core::future::Future;
use core::pin::Pin;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use core::time::Duration;
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use prost::Message;
use tokio::time::{Instant, sleep, timeout_at};

use crate::call::{self, Method, Token};
use crate::connection::Connection;
use crate::dial::dial;
use crate::endpoint::Endpoint;
use crate::error::{Error, Outcome};
use crate::member::Member;
use crate::messages::{
    AlarmAction, AlarmRequest, AlarmResponse, RangeRequest, RangeResponse, StatusRequest, StatusResponse, TxnRequest,
    TxnResponse, WatchCreateRequest,
};
use crate::options::{Credentials, Options};
use crate::status::wants_new_token;
use crate::tls::Tls;
use crate::token::{Tokens, authenticate};
use crate::version::version;
use crate::watch::{self, Watch};

/// How long a request that changes nothing waits after no member could serve it, before it asks all of them again.
const PAUSE: Duration = Duration::from_millis(50);

/// Asks one member once.
type Ask<A> =
    Box<dyn Fn(Connection, Option<Token>) -> Pin<Box<dyn Future<Output = Result<A, Error>> + Send>> + Send + Sync>;

/// What became of asking one member once.
enum Once<A> {
    Answered(Result<A, Error>),
    /// It does not take the token with this number.
    Refused(u64, Error),
}

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
    options: RwLock<Arc<Options>>,
    tokens: Tokens,
    requests: AtomicU64,
    left: AtomicU64,
}

/// What a client has done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests to members, watches that were begun among them; one that is sent again counts again.
    pub requests: u64,
    /// How often the member that is asked first failed, so that another one is asked first since.
    pub left: u64,
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
        let (requests, left) = (AtomicU64::new(0), AtomicU64::new(0));
        Self(Arc::new(Shared {
            members,
            first: AtomicUsize::new(0),
            options: RwLock::new(Arc::new(options)),
            tokens: Tokens::default(),
            requests,
            left,
        }))
    }

    /// The endpoints, in the order in which they were given.
    pub fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        self.0.members.iter().map(|member| &member.endpoint)
    }

    fn options(&self) -> Arc<Options> {
        // Nothing under this lock can panic half-way.
        Arc::clone(&self.0.options.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Has connections and tokens that are made from now on use these. Those that are there stay.
    pub fn renew(&self, tls: Option<Tls>, credentials: Option<Credentials>) {
        let mut options = self.0.options.write().unwrap_or_else(PoisonError::into_inner);
        *options = Arc::new(Options { tls, credentials, ..Options::clone(&options) });
    }

    /// Asks the member at an endpoint by a new connection and for a new token, which are used for nothing else: so it is found
    /// out whether the member accepts what the client was [renewed](Self::renew) with.
    ///
    /// # Errors
    ///
    /// If the member does not accept it, or does not answer in time.
    ///
    /// # Panics
    ///
    /// If there is no such endpoint.
    pub async fn try_out(&self, endpoint: usize) -> Result<(), Error> {
        let (member, options) = (&self.0.members[endpoint], self.options());
        let trying = async {
            let connection = dial(&member.endpoint, &options).await?;
            match &options.credentials {
                // Who is given a token is accepted, whatever the user may do.
                Some(credentials) => authenticate(connection, credentials, &options).await.map(drop),
                None => {
                    let status = call::unary(connection, call::STATUS, StatusRequest {}, None, options.attempt);
                    status.await.map(|_: StatusResponse| ())
                }
            }
        };
        trying.await.map_err(|error: Error| error.at(&member.endpoint.name))
    }

    /// What it has done so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts { requests: count(&self.0.requests), left: count(&self.0.left) }
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
        let ask = self.unary(call::TXN, request);
        let mut last = None;
        for index in self.order() {
            match self.attempt(index, &ask).await {
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
        let longest = self.options().attempt;
        let ask: Ask<Watch> =
            Box::new(move |connection, token| Box::pin(watch::open(connection, request.clone(), token, longest)));
        let (watch, index) = self.until_total(&ask).await?;
        Ok(watch.at(&self.0.members[index].endpoint.name))
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
        self.attempt(endpoint, &self.unary(call::STATUS, StatusRequest {})).await
    }

    /// What the member at an endpoint tells of its [state](Self::status) to a user who may not ask for it: members of 3.5.30 tell it
    /// to none without the role `root`. That is who the member is and its version, and nothing else. `key` is one that the user
    /// may read.
    ///
    /// # Errors
    ///
    /// If it does not answer in time, or shows no version at its client URL.
    ///
    /// # Panics
    ///
    /// If there is no such endpoint.
    pub async fn outline(&self, endpoint: usize, key: impl Into<Bytes>) -> Result<StatusResponse, Error> {
        // As for its state, it need not know a leader.
        let range = RangeRequest { serializable: true, count_only: true, ..RangeRequest::key(key) };
        let answer: RangeResponse = self.attempt(endpoint, &self.unary(call::RANGE, range)).await?;
        let version = version(&self.0.members[endpoint].endpoint, &self.options()).await?;
        Ok(StatusResponse { header: answer.header, version, ..StatusResponse::default() })
    }

    /// The alarms of the cluster.
    ///
    /// # Errors
    ///
    /// If no member could answer in time.
    pub async fn alarms(&self) -> Result<AlarmResponse, Error> {
        self.read(call::ALARM, AlarmRequest { action: AlarmAction::Get.into(), ..AlarmRequest::default() }).await
    }

    fn unary<Q, A>(&self, method: Method, request: Q) -> Ask<A>
    where
        Q: Message + Clone + Send + Sync + 'static,
        A: Message + Default + Send + Sync + 'static,
    {
        let longest = self.options().attempt;
        Box::new(move |connection, token| Box::pin(call::unary(connection, method, request.clone(), token, longest)))
    }

    async fn read<Q, A>(&self, method: Method, request: Q) -> Result<A, Error>
    where
        Q: Message + Clone + Send + Sync + 'static,
        A: Message + Default + Send + Sync + 'static,
    {
        self.until_total(&self.unary(method, request)).await.map(|(answer, _)| answer)
    }

    /// Asks the members one after the other, again and again, until one answers or the time is over.
    async fn until_total<A>(&self, ask: &Ask<A>) -> Result<(A, usize), Error> {
        let total = self.options().total;
        let end = Instant::now() + total;
        let mut last = None;
        loop {
            for index in self.order() {
                match timeout_at(end, self.attempt(index, ask)).await {
                    Ok(Ok(answer)) => return Ok((answer, index)),
                    Ok(Err(error)) if error.is_of_the_member() => last = Some(error),
                    Ok(Err(error)) => return Err(error),
                    Err(_) => return Err(last.unwrap_or_else(|| call::late(total))),
                }
            }
            if Instant::now() + PAUSE >= end {
                return Err(last.expect("there is a member"));
            }
            sleep(PAUSE).await;
        }
    }

    /// Asks one member once; once more with a new token if it does not take the old one.
    async fn attempt<A>(&self, index: usize, ask: &Ask<A>) -> Result<A, Error> {
        let member = &self.0.members[index];
        let mut answer = self.once(member, ask).await;
        if let Once::Refused(number, _) = answer {
            self.0.tokens.refused(number).await;
            answer = self.once(member, ask).await;
        }
        let answer = match answer {
            Once::Answered(answer) => answer,
            Once::Refused(_, error) => Err(error),
        };
        match &answer {
            Err(error) if error.is_of_the_member() => self.leave(index),
            _ => member.answered(),
        }
        answer.map_err(|error| error.at(&member.endpoint.name))
    }

    async fn once<A>(&self, member: &Member, ask: &Ask<A>) -> Once<A> {
        let (options, tokens) = (self.options(), &self.0.tokens);
        let connection = match member.connection(&options).await {
            Ok(connection) => connection,
            Err(error) => return Once::Answered(Err(error)),
        };
        let (token, number) = match tokens.current(&connection, &options).await {
            Ok(token) => token,
            Err(error) => return Once::Answered(Err(error)),
        };
        self.0.requests.fetch_add(1, Ordering::Relaxed);
        match ask(connection, token).await {
            Err(error) if options.credentials.is_some() && wants_new_token(&error) => Once::Refused(number, error),
            answer => Once::Answered(answer),
        }
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
        let Shared { members, first, left, .. } = &*self.0;
        members[index].shun();
        let next = (index + 1) % members.len();
        let was_first = first.compare_exchange(index, next, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if was_first && next != index {
            left.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A caller may do any of it in a task of its own.
    #[test]
    fn what_a_client_does_can_go_to_another_thread() {
        fn goes<T: Send>(_: impl Future<Output = T> + Send) {}
        let endpoint = "http://127.0.0.1:1".parse().expect("an endpoint");
        let client = Client::new(vec![endpoint], Options::default());
        goes(client.range(RangeRequest::default()));
        goes(client.txn(TxnRequest::default()));
        goes(client.watch(WatchCreateRequest::default()));
        goes(client.status(0));
        goes(client.alarms());
    }
}
