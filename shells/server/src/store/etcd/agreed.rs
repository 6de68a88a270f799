//! The config that all servers are to have: `PREFIX/meta/config` holds what it comes to.
//!
//! Two servers with different configs decide differently. So one whose config is another is not ready, and says which part
//! differs. It answers all the same those who reach it: an agent's pause that is decided by the config of a minute ago or by
//! the next one is worth more than none. The first server writes the key; later it changes only if a server was asked to.

use core::time::Duration;
use std::sync::{Mutex, MutexGuard, PoisonError};

use etcd_kv::messages::{Answer, Compare, KeyValue, RequestOp, TxnRequest};
use etcd_kv::{Client, Error};
use tokio::sync::Notify;
use tokio::time::sleep;
use tracing::{info, warn};

use super::keys::Keys;
use crate::fingerprint::{Fingerprint, ReadFingerprint};
use crate::store::StoreError;

/// Before etcd is asked again that did not answer.
const PAUSE: Duration = Duration::from_secs(1);

/// This server's config and that of the cluster, as far as they are known.
#[derive(Debug, Default)]
pub(super) struct Agreed {
    state: Mutex<State>,
    /// There may be something to do.
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    own: Option<Fingerprint>,
    /// This server makes its own config the cluster's, now and whenever it changes.
    sets: bool,
    /// That is still to be done.
    to_set: bool,
    cluster: There,
    /// The revision at which the cluster's was last changed.
    at: i64,
    verdict: Verdict,
}

/// What is under the key.
#[derive(Debug, Default)]
enum There {
    #[default]
    NotAsked,
    Nothing,
    Config(ReadFingerprint),
    /// Another version of the server wrote it.
    NotUnderstood,
}

#[derive(Debug, Default, Clone, PartialEq, Eq)]
enum Verdict {
    /// No config is to be compared.
    #[default]
    None,
    NotCompared,
    Same,
    /// What differs.
    Differs(String),
}

/// What is to be done next.
enum Step {
    Wait,
    /// Write this if the key is as it was at this revision; not there if that is 0.
    Write(String, i64),
}

impl Agreed {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under this lock can panic half-way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on this server makes its own config the cluster's.
    pub(super) fn set_own(&self) {
        self.lock().sets = true;
    }

    /// This server's config is this from now on.
    pub(super) fn configured(&self, own: Fingerprint) {
        let mut state = self.lock();
        state.own = Some(own);
        state.to_set = state.sets;
        state.judge();
        self.changed.notify_one();
    }

    /// The key was changed at this revision: to this value, or away.
    pub(super) fn shown(&self, at: i64, value: Option<&[u8]>) {
        let mut state = self.lock();
        // The answer to a request of this server may have been here before the watch.
        if at < state.at {
            return;
        }
        state.at = at;
        state.cluster = match value {
            None => There::Nothing,
            Some(json) => ReadFingerprint::from_json(json).map_or(There::NotUnderstood, There::Config),
        };
        state.judge();
        self.changed.notify_one();
    }

    /// The watch may have missed a change of the key.
    pub(super) fn missed(&self) {
        let mut state = self.lock();
        (state.at, state.cluster) = (0, There::NotAsked);
        state.judge();
        self.changed.notify_one();
    }

    /// Whether the configs are the same, or none is to be compared.
    pub(super) fn agrees(&self) -> bool {
        matches!(self.lock().verdict, Verdict::Same | Verdict::None)
    }

    /// # Errors
    ///
    /// What differs.
    pub(super) fn well(&self) -> Result<(), StoreError> {
        let wrong = |line: String| Err(StoreError::new(line.trim_end_matches('.')).saying(line));
        match &self.lock().verdict {
            Verdict::None | Verdict::Same => Ok(()),
            Verdict::NotCompared => wrong("The config has not been compared with the cluster's yet.".to_owned()),
            Verdict::Differs(part) => wrong(format!("The config differs from the cluster's: {part}.")),
        }
    }

    /// Writes the key when that is to be done, for ever.
    pub(super) async fn run(&self, client: &Client, keys: &Keys) {
        loop {
            let step = self.lock().next();
            match step {
                Step::Wait => self.changed.notified().await,
                Step::Write(json, expected) => {
                    if let Err(error) = self.write(client, keys, json, expected).await {
                        warn!(target: "recording", reason = error.to_string(), "the cluster's config cannot be compared");
                        sleep(PAUSE).await;
                    }
                }
            }
        }
    }

    /// Writes it if it is still as it was at `expected`; finds out what is there otherwise.
    async fn write(&self, client: &Client, keys: &Keys, json: String, expected: i64) -> Result<(), Error> {
        let key = keys.meta("config");
        let compare = match expected {
            0 => Compare::absent(key.clone()),
            at => Compare::changed_at(key.clone(), at),
        };
        let request = TxnRequest {
            compare: vec![compare],
            success: vec![RequestOp::put(key.clone(), json.clone())],
            failure: vec![RequestOp::get(key)],
        };
        let mut answer = client.txn(request).await?;
        let at = answer.header.map_or(0, |header| header.revision);
        if answer.succeeded {
            info!(target: "recording", "this server's config is the cluster's from now on");
            self.shown(at, Some(json.as_bytes()));
            return Ok(());
        }
        match answer.responses.pop().and_then(|response| response.answer) {
            Some(Answer::Range(mut range)) => self.found(at, range.kvs.pop()),
            _ => self.found(at, None),
        }
        Ok(())
    }

    fn found(&self, at: i64, kv: Option<KeyValue>) {
        match kv {
            Some(kv) => self.shown(kv.mod_revision, Some(&kv.value)),
            None => self.shown(at, None),
        }
    }
}

impl State {
    fn next(&mut self) -> Step {
        let Some(own) = &self.own else { return Step::Wait };
        match &self.cluster {
            // Without a revision it is not written over, and what is there is found out.
            There::NotAsked | There::Nothing => Step::Write(own.to_json(), 0),
            There::Config(_) | There::NotUnderstood if self.to_set && self.verdict != Verdict::Same => {
                Step::Write(own.to_json(), self.at)
            }
            There::Config(_) | There::NotUnderstood => {
                self.to_set = false;
                Step::Wait
            }
        }
    }

    fn judge(&mut self) {
        let verdict = match (&self.own, &self.cluster) {
            (None, _) => Verdict::None,
            (Some(_), There::NotAsked | There::Nothing) => Verdict::NotCompared,
            (Some(own), There::Config(cluster)) => own.difference(cluster).map_or(Verdict::Same, Verdict::Differs),
            (Some(_), There::NotUnderstood) => {
                Verdict::Differs("it was written by another version of the server".to_owned())
            }
        };
        if verdict == self.verdict {
            return;
        }
        match &verdict {
            Verdict::Same => info!(target: "recording", "the config is the cluster's"),
            Verdict::Differs(part) => {
                let text =
                    "the config differs from the cluster's: this server is not ready until one of the two changes";
                warn!(target: "recording", differs = part, "{text}");
            }
            Verdict::None | Verdict::NotCompared => {}
        }
        self.verdict = verdict;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fingerprint::Facts;

    fn config(agent: &str) -> Fingerprint {
        let mut agents = Facts::new();
        agents.fact("agent", agent);
        let mut config = Fingerprint::new(Facts::new());
        config.add("u", Facts::new(), agents);
        config
    }

    fn expected(agreed: &Agreed) -> Option<i64> {
        match agreed.lock().next() {
            Step::Wait => None,
            Step::Write(_, expected) => Some(expected),
        }
    }

    #[test]
    fn the_first_writes_and_the_others_compare() {
        let agreed = Agreed::default();
        assert_eq!((expected(&agreed), agreed.well()), (None, Ok(())));
        agreed.configured(config("a"));
        assert_eq!(expected(&agreed), Some(0));
        assert!(agreed.well().is_err() && !agreed.agrees());
        agreed.shown(7, Some(config("b").to_json().as_bytes()));
        assert_eq!(expected(&agreed), None);
        let error = agreed.well().expect_err("it differs");
        assert_eq!(error.line(), Some("The config differs from the cluster's: the agents of UCC 'u'."));
        // Either side changes.
        agreed.shown(8, Some(config("a").to_json().as_bytes()));
        assert_eq!((agreed.well(), expected(&agreed), agreed.agrees()), (Ok(()), None, true));
        agreed.configured(config("c"));
        assert!(agreed.well().is_err());
        agreed.configured(config("a"));
        assert_eq!(agreed.well(), Ok(()));
        // What is older says nothing, and what is gone is written again.
        agreed.shown(6, Some(config("b").to_json().as_bytes()));
        assert_eq!(agreed.well(), Ok(()));
        agreed.shown(9, None);
        assert_eq!(expected(&agreed), Some(0));
        agreed.shown(10, Some(b"{}"));
        assert!(agreed.well().is_err() && expected(&agreed).is_none());
        // A cluster that was restored is at an older revision.
        agreed.missed();
        assert_eq!(expected(&agreed), Some(0));
        agreed.shown(3, Some(config("a").to_json().as_bytes()));
        assert_eq!(agreed.well(), Ok(()));
    }

    #[test]
    fn one_that_is_asked_to_makes_its_own_the_cluster_s() {
        let agreed = Agreed::default();
        agreed.set_own();
        agreed.configured(config("a"));
        assert_eq!(expected(&agreed), Some(0), "what is there is found out first");
        agreed.shown(7, Some(config("b").to_json().as_bytes()));
        assert_eq!(expected(&agreed), Some(7));
        // Another one was faster.
        agreed.shown(8, Some(config("c").to_json().as_bytes()));
        assert_eq!(expected(&agreed), Some(8));
        agreed.shown(9, Some(config("a").to_json().as_bytes()));
        assert_eq!((expected(&agreed), agreed.well()), (None, Ok(())));
        // It is done: another server's config stays, until this one's changes.
        agreed.shown(10, Some(config("b").to_json().as_bytes()));
        assert!(expected(&agreed).is_none() && agreed.well().is_err());
        agreed.configured(config("d"));
        assert_eq!(expected(&agreed), Some(10));
    }
}
