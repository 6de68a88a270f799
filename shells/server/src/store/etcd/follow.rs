//! The watch: it keeps the image, proves that it missed nothing, and reports every change.

use core::time::Duration;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use etcd_kv::messages::{Event, EventKind, RangeRequest, WatchCreateRequest};
use etcd_kv::{Client, Kind, News, Watch};
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{info, warn};

use super::agreed::Agreed;
use super::carry::{found, revision};
use super::change::read_end_mark;
use super::condition::Condition;
use super::keys::Keys;
use super::known::Known;
use super::list::list;
use crate::session::{OpId, Revision};
use crate::store::{Made, Watcher};

/// How long a watch may be silent before it is asked how far it is, and then once more before it is given up.
const SILENCE: Duration = Duration::from_secs(4);

/// Before a watch that ended is begun again.
const PAUSE: Duration = Duration::from_millis(100);

/// What follows the changes of all servers.
#[derive(Debug)]
pub(super) struct Follower {
    pub(super) client: Client,
    pub(super) keys: Keys,
    pub(super) known: Arc<Known>,
    pub(super) condition: Arc<Condition>,
    pub(super) agreed: Arc<Agreed>,
    pub(super) watcher: Arc<Mutex<Option<Arc<dyn Watcher>>>>,
    /// This start of a server: what it asked for is its own.
    pub(super) start: u64,
}

/// Why a watch is over.
enum Over {
    /// It is begun again from where it was.
    Ended(String),
    /// Changes may be missing: all sessions are listed again.
    Gap(String),
}

impl Follower {
    /// Follows for ever.
    pub(super) async fn run(self) {
        loop {
            let from = self.known.applied_revision() + 1;
            let request = WatchCreateRequest::prefix(self.keys.all(), i64::try_from(from).unwrap_or(i64::MAX));
            let over = match self.client.watch(request).await {
                // A member may lag behind the others, and catch up; the cluster may not.
                Ok(watch) if revision(watch.begun_at()) + 1 < from && self.is_set_back(from).await => {
                    Over::Gap("etcd is at an older revision than it was".to_owned())
                }
                Ok(watch) => self.listen(watch).await,
                Err(error) => over(&error),
            };
            match over {
                Over::Ended(why) => {
                    self.condition.began_again();
                    warn!(target: "recording", reason = why, "the watch on etcd ended, and is begun again");
                }
                Over::Gap(why) => self.list_again(&why).await,
            }
            sleep(PAUSE).await;
        }
    }

    /// Whether the cluster has not come to the revision before this one: then it was restored from a snapshot.
    async fn is_set_back(&self, from: u64) -> bool {
        let answer = self.client.range(RangeRequest::key(self.keys.meta("format"))).await;
        answer.is_ok_and(|answer| revision(answer.header.map_or(0, |header| header.revision)) + 1 < from)
    }

    async fn listen(&self, mut watch: Watch) -> Over {
        // The changes of a revision that may not be whole.
        let mut rest = Vec::new();
        let mut silent_at = Instant::now() + SILENCE;
        let mut asked = false;
        self.condition.heard();
        loop {
            tokio::select! {
                news = watch.next() => match news {
                    Ok(news) => {
                        self.condition.heard();
                        (silent_at, asked) = (Instant::now() + SILENCE, false);
                        if let Err(gap) = self.take(news, &mut rest) {
                            return Over::Gap(gap);
                        }
                    }
                    Err(error) => return over(&error),
                },
                () = self.known.ask_progress.notified() => {
                    if let Err(error) = watch.ask_progress() {
                        return over(&error);
                    }
                }
                () = sleep_until(silent_at) => {
                    if asked {
                        return Over::Ended("the member is silent".to_owned());
                    }
                    if let Err(error) = watch.ask_progress() {
                        return over(&error);
                    }
                    (silent_at, asked) = (Instant::now() + SILENCE, true);
                }
            }
        }
    }

    /// Takes in what is whole of the news, and leaves the rest for the next.
    fn take(&self, news: News, rest: &mut Vec<Event>) -> Result<(), String> {
        rest.extend(news.events);
        let at = |event: &Event| event.kv.as_ref().map_or(0, |kv| kv.mod_revision);
        let last = rest.last().map(at);
        let whole = match last.filter(|_| news.more) {
            Some(last) => rest.iter().take_while(|event| at(event) < last).count(),
            None => rest.len(),
        };
        let mut to = None;
        let whole: Vec<_> = rest.drain(..whole).collect();
        let ends = ends(&self.keys, &whole);
        for event in &whole {
            to = Some(at(event));
            self.apply(event, &ends)?;
        }
        // Without events, the answer says how far the watch is.
        let to = if last.is_none() && !news.more { Some(news.revision) } else { to };
        if let Some(to) = to {
            self.known.applied(revision(to));
        }
        Ok(())
    }

    /// Takes in one change, if it fits on what is there: otherwise one is missing.
    fn apply(&self, event: &Event, ends: &Ends) -> Result<(), String> {
        let kv = event.kv.as_ref().ok_or("a change without a key")?;
        let at = revision(kv.mod_revision);
        let is_end = event.kind == i32::from(EventKind::Delete);
        let Some(key) = self.keys.read(&kv.key)? else {
            if kv.key == self.keys.meta("config") {
                self.agreed.shown(kv.mod_revision, (!is_end).then_some(&kv.value));
            }
            return Ok(());
        };
        if at <= self.known.applied_revision() {
            return Ok(());
        }
        let last = self.known.image.read(&key);
        let there = last.as_ref().map(|found| found.revision);
        let before = event.prev_kv.as_ref().map(|kv| Revision(revision(kv.mod_revision)));
        let is_begin = !is_end && kv.version == 1;
        if there != before || is_begin != before.is_none() {
            return Err(format!("a change of {} does not fit on the one before it", String::from_utf8_lossy(&kv.key)));
        }
        let (new, action, op) = if is_end {
            (None, None, ends.get(&(at, kv.key.clone())).copied())
        } else {
            let (found, value) = found(kv)?;
            (Some(found), value.action, Some(value.op))
        };
        self.known.image.put_all(&[(key.clone(), new)]);
        self.known.shown(&key, op, at);
        match (action, last) {
            (Some(action), _) => {
                let by_this_server = op.is_some_and(|op| op.start == self.start);
                let made = Made { revision: Revision(at), by_this_server };
                self.report(|watcher| watcher.changed(&key, action, made));
            }
            (None, Some(last)) if is_end => self.report(|watcher| watcher.ended(&key, &last.session)),
            (None, None) => self.report(|watcher| watcher.begun(&key)),
            (None, Some(_)) => {}
        }
        Ok(())
    }

    fn report(&self, report: impl FnOnce(&dyn Watcher)) {
        let watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(watcher) = watcher {
            report(&*watcher);
        }
    }

    /// Lists all sessions until that succeeds, and says that changes may be missing.
    async fn list_again(&self, why: &str) {
        warn!(target: "recording", reason = why, "changes may be missing: all sessions are listed again, and listeners sent away");
        self.condition.listed_again();
        loop {
            match list(&self.client, &self.keys).await {
                Ok((sessions, revision)) => {
                    info!(target: "recording", sessions = sessions.len(), revision, "sessions listed again");
                    let open: HashSet<_> = sessions.iter().map(|(key, _)| key).collect();
                    let mut changes = Vec::new();
                    let ended = self.known.image.each(|key, _| {
                        changes.extend((!open.contains(key)).then(|| (key.clone(), None)));
                        Ok::<(), core::convert::Infallible>(())
                    });
                    let Ok(()) = ended;
                    drop(open);
                    changes.extend(sessions.into_iter().map(|(key, found)| (key, Some(found))));
                    self.known.image.put_all(&changes);
                    self.known.listed(revision);
                    self.agreed.missed();
                    self.report(|watcher| watcher.missed());
                    return;
                }
                Err(error) => {
                    warn!(target: "recording", reason = error, "the sessions cannot be listed");
                    sleep(SILENCE).await;
                }
            }
        }
    }
}

/// Which change deleted a key at a revision.
pub(super) type Ends = HashMap<(u64, Bytes), OpId>;

/// Those of these events, which have all of their revisions.
pub(super) fn ends(keys: &Keys, events: &[Event]) -> Ends {
    let marks = events.iter().filter_map(|event| event.kv.as_ref()).filter(|kv| keys.is_of_end(&kv.key));
    let ends = marks.filter_map(|kv| {
        let (op, key) = read_end_mark(&kv.value)?;
        Some(((revision(kv.mod_revision), Bytes::copy_from_slice(key)), op))
    });
    ends.collect()
}

fn over(error: &etcd_kv::Error) -> Over {
    match error.kind() {
        Kind::Compacted(_) => Over::Gap(error.to_string()),
        _ => Over::Ended(error.to_string()),
    }
}
