//! Whether etcd is well, as far as can be said without a request for it.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::sync::{Mutex, PoisonError};

use etcd_kv::Client;
use etcd_kv::messages::StatusResponse;
use tokio::time::{Instant, sleep};

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
    wrong: Mutex<Option<String>>,
    lists: AtomicU64,
}

impl Condition {
    pub(super) fn new() -> Self {
        Self { heard: Mutex::new(Instant::now()), wrong: Mutex::default(), lists: AtomicU64::new(0) }
    }

    /// The watch has said something.
    pub(super) fn heard(&self) {
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
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
    pub(super) fn well(&self) -> Result<(), String> {
        if self.heard.lock().unwrap_or_else(PoisonError::into_inner).elapsed() > SILENT {
            return Err("the watch on etcd is silent".to_owned());
        }
        self.wrong.lock().unwrap_or_else(PoisonError::into_inner).clone().map_or(Ok(()), Err)
    }

    /// Asks the members for their state, for ever.
    pub(super) async fn look(&self, client: &Client, cluster: u64) {
        loop {
            sleep(EVERY).await;
            let wrong = states(client).await.and_then(|states| check(&states, Some(cluster)).map(drop)).err();
            *self.wrong.lock().unwrap_or_else(PoisonError::into_inner) = wrong;
        }
    }
}

/// The states of all members that answer.
pub(super) async fn states(client: &Client) -> Result<Vec<StatusResponse>, String> {
    let (mut states, mut last) = (Vec::new(), String::new());
    for endpoint in 0..client.endpoints().count() {
        match client.status(endpoint).await {
            Ok(state) => states.push(state),
            Err(error) => last = error.to_string(),
        }
    }
    if states.is_empty() { Err(format!("no member of etcd answers: {last}")) } else { Ok(states) }
}

/// That all members are of one cluster, new enough and without an alarm. Gives the cluster's id.
pub(super) fn check(states: &[StatusResponse], cluster: Option<u64>) -> Result<u64, String> {
    let ids = || states.iter().map(|state| state.header.map_or(0, |header| header.cluster_id));
    let id = cluster.or_else(|| ids().next()).unwrap_or_default();
    if let Some(other) = ids().find(|other| *other != id) {
        return Err(format!("the endpoints are of different clusters of etcd: {id:x} and {other:x}"));
    }
    for state in states {
        let version = version(&state.version);
        if version.is_none_or(|version| version < OLDEST) {
            let [major, minor, patch] = OLDEST;
            return Err(format!(
                "a member is etcd {}, which can lose changes: {major}.{minor}.{patch} or newer is needed",
                state.version
            ));
        }
    }
    let alarm = |name: &str| states.iter().flat_map(|state| &state.errors).any(|error| error.contains(name));
    if alarm("NOSPACE") {
        return Err("etcd has no space: compact, defragment, and disarm the alarm NOSPACE".to_owned());
    }
    if alarm("CORRUPT") {
        return Err("members of etcd have different data: alarm CORRUPT".to_owned());
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
            assert!(error.contains(says), "{error}");
        }
    }
}
