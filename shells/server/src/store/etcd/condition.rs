//! Whether etcd is well, as far as can be said without a request for it.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::sync::{Mutex, PoisonError};

use etcd_kv::messages::{AlarmKind, StatusResponse};
use etcd_kv::{Client, Error, Kind};
use tokio::time::{Instant, sleep};

use super::carry::revision;
use super::keys::Keys;
use crate::store::StoreError;

/// How often the members are asked for their state.
const EVERY: Duration = Duration::from_secs(5);

/// After how long without a word the watch counts as silent.
const SILENT: Duration = Duration::from_secs(12);

/// The oldest etcd that loses no events of watches.
const OLDEST: [u32; 3] = [3, 5, 30];

/// What is known of etcd.
#[derive(Debug)]
pub(super) struct Condition {
    heard: Mutex<Instant>,
    /// What is wrong with the members, if anything is.
    wrong: Mutex<Option<StoreError>>,
    members: Mutex<Members>,
    lists: AtomicU64,
    watches: AtomicU64,
}

/// What the members said of themselves when they were last asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Members {
    /// How many answered.
    pub(super) answering: usize,
    /// The greatest revision of one.
    pub(super) revision: u64,
    /// The size of the largest database, in bytes.
    pub(super) database: u64,
    /// The most that it may have; 0 if that is not said.
    pub(super) quota: u64,
}

impl Members {
    fn of(states: &[StatusResponse]) -> Self {
        let bytes = |bytes: i64| u64::try_from(bytes).unwrap_or_default();
        let most = |value: fn(&StatusResponse) -> i64| states.iter().map(value).max().map_or(0, bytes);
        Self {
            answering: states.len(),
            revision: states
                .iter()
                .filter_map(|state| state.header)
                .map(|header| revision(header.revision))
                .max()
                .unwrap_or(0),
            database: most(|state| state.db_size),
            quota: most(|state| state.db_size_quota),
        }
    }
}

impl Condition {
    /// Of members in these states.
    pub(super) fn new(states: &[StatusResponse]) -> Self {
        Self {
            heard: Mutex::new(Instant::now()),
            wrong: Mutex::default(),
            members: Mutex::new(Members::of(states)),
            lists: AtomicU64::new(0),
            watches: AtomicU64::new(0),
        }
    }

    /// The watch has said something.
    pub(super) fn heard(&self) {
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Since when it has said nothing.
    pub(super) fn silence(&self) -> Duration {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    /// The watch ended, and is begun again.
    pub(super) fn began_again(&self) {
        self.watches.fetch_add(1, Ordering::Relaxed);
    }

    /// How often that happened.
    pub(super) fn watches(&self) -> u64 {
        self.watches.load(Ordering::Relaxed)
    }

    /// What the members said of themselves.
    pub(super) fn members(&self) -> Members {
        *self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All sessions are listed again, since changes may be missing.
    pub(super) fn listed_again(&self) {
        self.lists.fetch_add(1, Ordering::Relaxed);
    }

    /// How often that happened.
    pub(super) fn lists(&self) -> u64 {
        self.lists.load(Ordering::Relaxed)
    }

    /// # Errors
    ///
    /// What is wrong.
    pub(super) fn well(&self) -> Result<(), StoreError> {
        if self.silence() > SILENT {
            let error = StoreError::new("the watch on etcd is silent");
            return Err(error.saying("The watch on etcd is silent: changes of other servers may be missing."));
        }
        self.wrong.lock().unwrap_or_else(PoisonError::into_inner).clone().map_or(Ok(()), Err)
    }

    /// Asks the members for their state, for ever.
    pub(super) async fn look(&self, client: &Client, keys: &Keys, cluster: u64) {
        loop {
            sleep(EVERY).await;
            let states = states(client, keys).await;
            let members = match &states {
                Ok(states) => Members::of(states),
                // How large they are is as good as it was.
                Err(_) => Members { answering: 0, ..self.members() },
            };
            *self.members.lock().unwrap_or_else(PoisonError::into_inner) = members;
            let wrong = states.and_then(|states| check(&states, Some(cluster)).map(drop)).err();
            *self.wrong.lock().unwrap_or_else(PoisonError::into_inner) = wrong;
        }
    }
}

/// The states of all members that answer. Of a member that tells its state to no user without the role `root`: what it tells all.
pub(super) async fn states(client: &Client, keys: &Keys) -> Result<Vec<StatusResponse>, StoreError> {
    let (mut states, mut last, mut is_outline) = (Vec::new(), None, false);
    for endpoint in 0..client.endpoints().count() {
        let state = match client.status(endpoint).await {
            Err(error) if error.kind() == Kind::PermissionDenied => {
                is_outline = true;
                client.outline(endpoint, keys.meta("format")).await
            }
            state => state,
        };
        match state {
            Ok(state) => states.push(state),
            Err(error) => last = Some(error),
        }
    }
    if let (true, Some(state)) = (is_outline, states.first_mut()) {
        match client.alarms().await {
            Ok(answer) => state.errors.extend(answer.alarms.iter().map(|alarm| match alarm.alarm() {
                AlarmKind::NoSpace => "alarm:NOSPACE".to_owned(),
                AlarmKind::Corrupt => "alarm:CORRUPT".to_owned(),
                AlarmKind::None => "alarm".to_owned(),
            })),
            Err(error) => return Err(failed(&error)),
        }
    }
    match last {
        Some(error) if states.is_empty() => {
            let line = failed(&error).line().unwrap_or("No member of etcd answers.").to_owned();
            Err(StoreError::new(format!("no member of etcd answers: {error}")).saying(line))
        }
        _ => Ok(states),
    }
}

/// A request that failed, with a sentence for those who ask whether the server is ready.
pub(super) fn failed(error: &Error) -> StoreError {
    let line = match error.kind() {
        Kind::NoLeader => "etcd has no leader.",
        Kind::NoSpace => NO_SPACE,
        Kind::Corrupt => CORRUPT,
        Kind::Unauthenticated => "etcd does not accept this server's user, password or certificate.",
        Kind::PermissionDenied => "The user of etcd may not read and write the keys of the store.",
        Kind::Connect | Kind::Lost | Kind::TimedOut | Kind::Unavailable | Kind::Busy => "No member of etcd answers.",
        _ => "etcd answers with an error.",
    };
    StoreError::new(error.to_string()).saying(line)
}

const NO_SPACE: &str = "etcd has no space: compact, defragment, and disarm the alarm NOSPACE.";
const CORRUPT: &str = "Members of etcd have different data: alarm CORRUPT.";

/// That all members are of one cluster, new enough and without an alarm. Gives the cluster's id.
pub(super) fn check(states: &[StatusResponse], cluster: Option<u64>) -> Result<u64, StoreError> {
    let wrong = |reason: String, line: &str| Err(StoreError::new(reason).saying(line));
    let ids = || states.iter().map(|state| state.header.map_or(0, |header| header.cluster_id));
    let id = cluster.or_else(|| ids().next()).unwrap_or_default();
    if let Some(other) = ids().find(|other| *other != id) {
        let reason = format!("the endpoints are of different clusters of etcd: {id:x} and {other:x}");
        return wrong(reason, "The endpoints are of different clusters of etcd.");
    }
    for state in states {
        let version = version(&state.version);
        if version.is_none_or(|version| version < OLDEST) {
            let [major, minor, patch] = OLDEST;
            let reason = format!(
                "a member is etcd {}, which can lose changes: {major}.{minor}.{patch} or newer is needed",
                state.version
            );
            return wrong(reason, "A member of etcd is of a version that can lose changes.");
        }
    }
    let alarm = |name: &str| states.iter().flat_map(|state| &state.errors).any(|error| error.contains(name));
    if alarm("NOSPACE") {
        return wrong(NO_SPACE.trim_end_matches('.').to_owned(), NO_SPACE);
    }
    if alarm("CORRUPT") {
        return wrong("members of etcd have different data: alarm CORRUPT".to_owned(), CORRUPT);
    }
    Ok(id)
}

fn version(text: &str) -> Option<[u32; 3]> {
    let numbers: Result<Vec<u32>, _> = text.split('-').next()?.split('.').map(str::parse).collect();
    numbers.ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use etcd_kv::messages::Header;

    use super::*;

    fn state(cluster_id: u64, version: &str, errors: &[&str]) -> StatusResponse {
        StatusResponse {
            header: Some(Header { cluster_id, ..Header::default() }),
            version: version.to_owned(),
            errors: errors.iter().map(|error| (*error).to_owned()).collect(),
            ..StatusResponse::default()
        }
    }

    #[test]
    fn each_thing_that_can_be_wrong_is_said() {
        let good = || state(7, "3.5.30", &[]);
        assert_eq!(check(&[good(), state(7, "3.6.0-rc.1", &[])], None), Ok(7));
        assert_eq!(check(&[good()], Some(7)), Ok(7));
        for (states, cluster, says) in [
            (vec![good(), state(8, "3.5.30", &[])], None, "different clusters"),
            (vec![good()], Some(9), "different clusters"),
            (vec![good(), state(7, "3.5.29", &[])], None, "etcd 3.5.29"),
            (vec![state(7, "3.4.99", &[])], None, "3.5.30 or newer"),
            (vec![state(7, "", &[])], None, "3.5.30 or newer"),
            (vec![good(), state(7, "3.5.30", &["memberID:1 alarm:NOSPACE "])], None, "no space"),
            (vec![state(7, "3.5.30", &["memberID:1 alarm:CORRUPT "])], None, "CORRUPT"),
        ] {
            let error = check(&states, cluster).expect_err(says);
            assert!(error.to_string().contains(says), "{error}");
            assert!(error.line().is_some_and(|line| line.ends_with('.')), "{error:?}");
        }
    }
}
