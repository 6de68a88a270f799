//! One webhook: its settings, what waits for it, what is counted, and the task that posts.

use core::future::Future;
use core::pin::Pin;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use core::{fmt, mem};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::message::Message;
use super::options::WebhookConfig;
use super::queue::{Failed, Job, Limits, Noted, Queue};
use crate::hub::EventCase;
use crate::metrics::{WebhookDropped, WebhookLevel};
use crate::reloadable::Reloadable;
use crate::session::SessionKey;

/// What a receiver said to a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// It has taken it.
    Taken,
    /// It wants no such post, ever.
    Gone,
    /// It has not taken it, for this reason.
    Failed(Failed, String),
}

/// What posts.
pub(super) trait Transport: fmt::Debug + Send + Sync {
    /// Posts once. It takes bounded time.
    fn post(&self, message: Message) -> Pin<Box<dyn Future<Output = Answer> + Send + '_>>;
}

/// What a webhook is at present.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) config: WebhookConfig,
    pub(super) case: EventCase,
    pub(super) transport: Arc<dyn Transport>,
}

impl Settings {
    const fn limits(&self) -> Limits {
        let WebhookConfig { queue_bytes, max_age, parallel, .. } = self.config;
        Limits { bytes: queue_bytes, age: max_age, parallel }
    }
}

/// How long after a panic the task is begun again.
const AFTER_PANIC: Duration = Duration::from_secs(1);

/// How often a log line of the same kind is written at most.
const LOG_EVERY: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
struct Counters {
    delivered: AtomicU64,
    retried: AtomicU64,
    dropped: [AtomicU64; WebhookDropped::ALL.len()],
}

/// What the log is to hear.
#[derive(Debug, Default)]
struct Told {
    /// Since when posts fail, and how many have.
    failing: Option<(Instant, u64)>,
    failure_at: Option<Instant>,
    /// Drops that no line has named yet.
    dropped: [u64; WebhookDropped::ALL.len()],
    dropped_at: Option<Instant>,
}

/// A webhook.
#[derive(Debug)]
pub(super) struct Hook {
    pub(super) name: Box<str>,
    /// What the ids of this start of the server have in common.
    start: u64,
    numbers: Arc<AtomicU64>,
    /// Cancelled when the server listens: a receiver that reads states after a post must find it.
    begun: CancellationToken,
    settings: Reloadable<Settings>,
    queue: Mutex<Queue>,
    wake: Notify,
    counters: Counters,
    told: Mutex<Told>,
    /// Cancelled when nothing will be posted any more.
    over: CancellationToken,
    /// Has the task panic once, with its queue locked.
    #[cfg(test)]
    pub(super) planted: core::sync::atomic::AtomicBool,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What a panic left half done is put in order by `recover`.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hook {
    pub(super) fn new(settings: Settings, start: u64, numbers: Arc<AtomicU64>, begun: CancellationToken) -> Self {
        Self {
            name: settings.config.name.clone(),
            start,
            numbers,
            begun,
            queue: Mutex::new(Queue::new(settings.limits())),
            settings: Reloadable::new(settings),
            wake: Notify::new(),
            counters: Counters::default(),
            told: Mutex::default(),
            over: CancellationToken::new(),
            #[cfg(test)]
            planted: core::sync::atomic::AtomicBool::new(false),
        }
    }

    /// Puts other settings in force. What waits is posted by them.
    pub(super) fn replace(&self, settings: Settings) {
        locked(&self.queue).limit(settings.limits(), Instant::now());
        self.settings.replace(settings);
        self.wake.notify_one();
    }

    /// The config in force.
    pub(super) fn config(&self) -> WebhookConfig {
        self.settings.current().config.clone()
    }

    /// An event, if it wants it. Returns at once.
    pub(super) fn offer(&self, key: &SessionKey, json: impl FnOnce(EventCase) -> Bytes, event: &Noted) {
        let settings = self.settings.current();
        if settings.config.uccs.as_ref().is_some_and(|uccs| !uccs.contains(&key.ucc)) {
            return;
        }
        let event = Noted { json: json(settings.case), ..event.clone() };
        if !locked(&self.queue).offer(key, event, Instant::now()) {
            self.dropped(WebhookDropped::Full, 1);
        }
        self.wake.notify_one();
    }

    /// Events may be missing.
    pub(super) fn missed(&self) {
        locked(&self.queue).missed();
        self.wake.notify_one();
    }

    fn dropped(&self, why: WebhookDropped, count: usize) {
        let at = why as usize;
        if let (Some(counter), true) = (self.counters.dropped.get(at), count > 0) {
            counter.fetch_add(count as u64, Ordering::Relaxed);
            if let Some(dropped) = locked(&self.told).dropped.get_mut(at) {
                *dropped += count as u64;
            }
        }
    }

    /// From now on takes no more, and posts what waits as long as the receiver takes it.
    pub(super) fn drain(&self) {
        locked(&self.queue).drain(Instant::now());
        self.wake.notify_one();
    }

    /// Waits until nothing will be posted any more.
    pub(super) async fn until_over(&self) {
        self.over.cancelled().await;
    }

    /// Drops what waits, and ends.
    pub(super) fn abandon(&self) {
        let left = locked(&self.queue).give_up();
        self.dropped(WebhookDropped::Ended, left);
        self.over.cancel();
        self.tell_dropped(None);
    }

    /// How it stands.
    pub(super) fn level(&self) -> WebhookLevel {
        let (queue_bytes, queued, oldest) = locked(&self.queue).level();
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        WebhookLevel {
            name: self.name.clone(),
            delivered: count(&self.counters.delivered),
            retried: count(&self.counters.retried),
            dropped: self.counters.dropped.each_ref().map(count),
            queue_bytes,
            queued,
            oldest: oldest.map(|since| since.elapsed()).unwrap_or_default(),
            answers: locked(&self.told).failing.is_none(),
        }
    }

    /// Posts until it is over, whatever panics.
    pub(super) async fn supervise(self: Arc<Self>) {
        tokio::select! {
            () = self.begun.cancelled() => {}
            () = self.over.cancelled() => return,
        }
        loop {
            // Dropping the set ends the task with it.
            let mut task = JoinSet::new();
            task.spawn(Arc::clone(&self).run());
            let ended = tokio::select! {
                ended = task.join_next() => ended,
                () = self.over.cancelled() => return,
            };
            match ended {
                Some(Err(failed)) if failed.is_panic() => {
                    let webhook = &*self.name;
                    error!(target: "recording", webhook, "a panic ended the task that posts events; it is begun again");
                    locked(&self.queue).recover(Instant::now());
                    sleep(AFTER_PANIC).await;
                }
                _ => return self.over.cancel(),
            }
        }
    }

    async fn run(self: Arc<Self>) {
        let mut posts = JoinSet::new();
        let mut jobs = HashMap::<Id, Job>::new();
        loop {
            let wake_at = {
                let now = Instant::now();
                let mut queue = locked(&self.queue);
                #[cfg(test)]
                assert!(!self.planted.swap(false, Ordering::Relaxed), "planted");
                let expired = queue.expire(now);
                while let Some(job) = queue.next(now, || self.numbers.fetch_add(1, Ordering::Relaxed)) {
                    let settings = self.settings.current();
                    let message = Message::of(&job, self.start);
                    let post = posts.spawn(async move { settings.transport.post(message).await });
                    if job.tries > 0 {
                        self.counters.retried.fetch_add(1, Ordering::Relaxed);
                    }
                    jobs.insert(post.id(), job);
                }
                let (is_done, wake_at) = (queue.is_done(), queue.wake_at(now));
                drop(queue);
                self.dropped(WebhookDropped::Expired, expired);
                if is_done {
                    return;
                }
                let tell_at = self.tell_dropped(Some(now));
                wake_at.into_iter().chain(tell_at).min()
            };
            let waits = async {
                match wake_at {
                    Some(at) => sleep_until(at).await,
                    None => core::future::pending().await,
                }
            };
            tokio::select! {
                Some(ended) = posts.join_next_with_id() => self.settle(&mut jobs, ended),
                () = self.wake.notified() => {}
                () = waits => {}
            }
        }
    }

    fn settle(&self, jobs: &mut HashMap<Id, Job>, ended: Result<(Id, Answer), JoinError>) {
        let (id, answer) = ended.unwrap_or_else(|failed| {
            let reason = "a panic ended the post".to_owned();
            (failed.id(), Answer::Failed(Failed { is_answer: true, wait: None }, reason))
        });
        let Some(job) = jobs.remove(&id) else { return };
        let now = Instant::now();
        let mut queue = locked(&self.queue);
        match answer {
            Answer::Taken => {
                queue.taken(&job, now);
                drop(queue);
                if job.event.is_some() {
                    self.counters.delivered.fetch_add(1, Ordering::Relaxed);
                }
                self.tell_works();
            }
            Answer::Gone => {
                let dropped = queue.gone(&job, now);
                drop(queue);
                self.dropped(WebhookDropped::Gone, dropped);
                self.tell_fails(now, "status 410: it wants no more events; remove the webhook from the config");
            }
            Answer::Failed(failed, reason) => {
                let given_up = queue.failed(&job, failed, now);
                drop(queue);
                self.dropped(WebhookDropped::Ended, given_up);
                self.tell_fails(now, &reason);
            }
        }
    }

    fn tell_works(&self) {
        let failing = mem::take(&mut locked(&self.told).failing);
        if let Some((since, failures)) = failing {
            let (webhook, seconds) = (&*self.name, since.elapsed().as_secs());
            info!(target: "recording", webhook, failures, seconds, "the webhook's receiver takes events again");
        }
    }

    fn tell_fails(&self, now: Instant, reason: &str) {
        let mut told = locked(&self.told);
        let (_, failures) = told.failing.get_or_insert((now, 0));
        *failures += 1;
        let failures = *failures;
        // A receiver that takes every other event must not fill the log, either.
        if told.failure_at.is_some_and(|at| now < at + LOG_EVERY) {
            return;
        }
        told.failure_at = Some(now);
        drop(told);
        let webhook = &*self.name;
        warn!(target: "recording", webhook, failures, reason, "the webhook's receiver does not take events");
    }

    /// Logs what was dropped since the last line, at `now` or, without one, for the last time. Says when there is something to log.
    fn tell_dropped(&self, now: Option<Instant>) -> Option<Instant> {
        let mut told = locked(&self.told);
        if told.dropped.iter().all(|&count| count == 0) {
            return None;
        }
        if let (Some(now), Some(at)) = (now, told.dropped_at.map(|at| at + LOG_EVERY))
            && now < at
        {
            return Some(at);
        }
        told.dropped_at = now;
        let dropped = mem::take(&mut told.dropped);
        drop(told);
        let webhook = &*self.name;
        for (why, count) in WebhookDropped::ALL.into_iter().zip(dropped).filter(|&(_, count)| count > 0) {
            warn!(target: "recording", webhook, events = count, reason = why.name(), "events were not posted");
        }
        None
    }

    /// Ends in order, for at most this long: what is not taken then is dropped.
    pub(super) async fn retire(self: Arc<Self>, within: Duration) {
        self.drain();
        let _ = timeout(within, self.until_over()).await;
        self.abandon();
    }
}
