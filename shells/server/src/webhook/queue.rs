//! What waits for one webhook: each session's events in their order, all of them bounded in bytes, and an account of what was
//! dropped. It has no clock and sends nothing: the time is given, and what is to be sent is asked for.

use core::time::Duration;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::SystemTime;

use bytes::Bytes;
use tokio::time::Instant;

use super::pace::Pace;
use crate::session::SessionKey;

/// How much may wait, for how long, and how many posts may be on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) bytes: usize,
    pub(super) age: Duration,
    pub(super) parallel: usize,
}

/// An event that is to be posted.
#[derive(Debug, Clone)]
pub(super) struct Noted {
    /// The type of the post.
    pub(super) kind: &'static str,
    /// The event as JSON.
    pub(super) json: Bytes,
    /// What its id is made of.
    pub(super) number: u64,
    /// Greater for each later event of a session.
    pub(super) sequence: u64,
    /// When the server learned of the change.
    pub(super) at: SystemTime,
}

/// Whose post it is: a session's, or that of a notice, which belongs to none.
pub(super) type Of = Option<SessionKey>;

/// What a post says of events that will not come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Report {
    /// How many were dropped since the last post that was taken.
    pub(super) dropped: u64,
    /// Whether states must be read again: something was dropped, or may be missing without a count.
    pub(super) read_again: bool,
    /// What the receiver knows of when it has taken this.
    upto: Count,
}

/// A post that is to be sent now.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) of: Of,
    /// `None` is a notice: there is no event, and something to report.
    pub(super) event: Option<Noted>,
    /// What the id of a notice is made of, and its time.
    pub(super) notice: (u64, SystemTime),
    /// The same on each try, as the rest of the body.
    pub(super) report: Report,
    /// How often it was tried before.
    pub(super) tries: u32,
    round: u64,
}

#[derive(Debug)]
struct Waiting {
    event: Option<Noted>,
    notice: (u64, SystemTime),
    since: Instant,
    tries: u32,
    /// Fixed at the first try. A receiver that has taken a post whose answer was lost ignores the second try by its id, so
    /// that may say nothing that the first did not.
    report: Option<Report>,
}

#[derive(Debug, Default)]
struct Lane {
    waiting: VecDeque<Waiting>,
    /// When its first may be sent; `None` while that is on its way.
    turn: Option<Turn>,
}

/// A time, and a number that makes it unique.
type Turn = (Instant, u64);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Count {
    dropped: u64,
    /// Times at which events may have been missed, and nothing says how many.
    gaps: u64,
}

/// What the queue is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Open,
    /// Nothing new is taken in. What waits is sent as long as posts are taken.
    Draining,
}

/// How a try failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Failed {
    /// The receiver is there, and answered something else than that it has taken the post.
    pub(super) is_answer: bool,
    /// It wants no post for this long.
    pub(super) wait: Option<Duration>,
}

/// How many answers in a row that are none end what drains.
const LAST_FAILURES: u32 = 3;

#[derive(Debug)]
pub(super) struct Queue {
    limits: Limits,
    lanes: HashMap<Of, Lane>,
    /// The lanes of which nothing is on its way.
    schedule: BTreeMap<Turn, Of>,
    turns: u64,
    flying: usize,
    events: usize,
    bytes: usize,
    pace: Pace,
    /// What was missed in all, and what of that the receiver knows of.
    missed: Count,
    reported: Count,
    sweep_at: Option<Instant>,
    stage: Stage,
}

impl Queue {
    /// About what a session takes with one event, besides that.
    const LANE: usize = 2 * size_of::<Of>() + size_of::<Lane>() + 3 * size_of::<Turn>() + 64;

    /// An empty one. What its receiver has missed before is not known, which is to be reported.
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            lanes: HashMap::new(),
            schedule: BTreeMap::new(),
            turns: 0,
            flying: 0,
            events: 0,
            bytes: 0,
            pace: Pace::new(limits.parallel),
            missed: Count { dropped: 0, gaps: 1 },
            reported: Count::default(),
            sweep_at: None,
            stage: Stage::Open,
        }
    }

    /// Puts other limits in force. What waits already stays, as long as the new age lets it.
    pub(super) fn limit(&mut self, limits: Limits, now: Instant) {
        self.limits = limits;
        self.pace.allow(limits.parallel);
        self.sweep_at = self.sweep_at.map(|_| now);
    }

    /// How many bytes wait, how many events, and since when the oldest does.
    pub(super) fn level(&self) -> (usize, usize, Option<Instant>) {
        let events = self.lanes.iter().filter(|(of, _)| of.is_some());
        let oldest = events.filter_map(|(_, lane)| lane.waiting.front()).map(|first| first.since).min();
        (self.bytes, self.events, oldest)
    }

    const fn size(event: &Noted) -> usize {
        size_of::<Waiting>() + event.json.len()
    }

    /// Takes an event in; false if there is no room for it, which is accounted for.
    pub(super) fn offer(&mut self, key: &SessionKey, event: Noted, now: Instant) -> bool {
        if self.stage != Stage::Open {
            return true;
        }
        let of = Some(key.clone());
        let lane = if self.lanes.contains_key(&of) { 0 } else { Self::LANE };
        let size = Self::size(&event) + lane;
        if self.bytes + size > self.limits.bytes {
            self.missed.dropped += 1;
            return false;
        }
        self.bytes += size;
        self.events += 1;
        self.sweep_at.get_or_insert(now + self.limits.age);
        let waiting =
            Waiting { event: Some(event), notice: (0, SystemTime::UNIX_EPOCH), since: now, tries: 0, report: None };
        self.lanes.entry(of.clone()).or_default().waiting.push_back(waiting);
        if lane > 0 {
            self.schedule(of, now);
        }
        true
    }

    /// Events may be missing, and nothing says how many.
    pub(super) const fn missed(&mut self) {
        self.missed.gaps += 1;
    }

    fn schedule(&mut self, of: Of, at: Instant) {
        self.turns += 1;
        let turn = (at, self.turns);
        if let Some(lane) = self.lanes.get_mut(&of) {
            lane.turn = Some(turn);
            self.schedule.insert(turn, of);
        }
    }

    /// Whether only a notice can report what was missed.
    fn needs_notice(&self) -> bool {
        self.stage == Stage::Open && self.lanes.is_empty() && self.missed != self.reported
    }

    /// What is to be sent now, if anything is and one more may be on its way. `number` makes the id of a notice.
    pub(super) fn next(&mut self, now: Instant, number: impl FnOnce() -> u64) -> Option<Job> {
        if !self.pace.allows(self.flying, now) {
            return None;
        }
        if self.needs_notice() {
            let notice = (number(), SystemTime::now());
            let waiting = Waiting { event: None, notice, since: now, tries: 0, report: None };
            self.lanes.entry(None).or_default().waiting.push_back(waiting);
            self.schedule(None, now);
        }
        if self.schedule.first_key_value().is_none_or(|(&(at, _), _)| at > now) {
            return None;
        }
        let (_, of) = self.schedule.pop_first()?;
        let lane = self.lanes.get_mut(&of)?;
        lane.turn = None;
        let first = lane.waiting.front_mut()?;
        let (missed, reported) = (self.missed, self.reported);
        let report = *first.report.get_or_insert(Report {
            dropped: missed.dropped - reported.dropped,
            read_again: missed != reported,
            upto: missed,
        });
        let tries = first.tries;
        first.tries += 1;
        self.flying += 1;
        let (event, notice, round) = (first.event.clone(), first.notice, self.pace.round());
        Some(Job { of, event, notice, report, tries, round })
    }

    /// When to ask for the [next](Self::next) again if nothing happens until then.
    pub(super) fn wake_at(&self, now: Instant) -> Option<Instant> {
        let first = self.schedule.first_key_value().map(|(&(at, _), _)| at);
        let first = if self.needs_notice() { Some(now) } else { first };
        let next = first.and_then(|at| self.pace.from(self.flying, at));
        next.into_iter().chain(self.sweep_at).min()
    }

    /// The post was taken.
    pub(super) fn taken(&mut self, job: &Job, now: Instant) {
        let Report { upto, .. } = job.report;
        self.reported.dropped = self.reported.dropped.max(upto.dropped);
        self.reported.gaps = self.reported.gaps.max(upto.gaps);
        self.pace.taken();
        self.landed(job, now);
        // A notice that waits has nothing to say any more.
        if self.missed == self.reported && self.lanes.get(&None).is_some_and(|lane| lane.turn.is_some()) {
            self.remove(&None);
        }
    }

    /// The receiver wants no such post, ever. Says how many events were dropped.
    pub(super) fn gone(&mut self, job: &Job, now: Instant) -> usize {
        if job.event.is_none() {
            // Without a pause there would be another notice at once.
            return self.failed(job, Failed { is_answer: true, wait: None }, now);
        }
        self.missed.dropped += 1;
        self.pace.taken();
        self.landed(job, now);
        1
    }

    /// The first of a lane is done with.
    fn landed(&mut self, job: &Job, now: Instant) {
        self.flying = self.flying.saturating_sub(1);
        if let Some(lane) = self.lanes.get_mut(&job.of).filter(|lane| lane.turn.is_none()) {
            let first = lane.waiting.pop_front();
            self.forget(first.and_then(|first| first.event).as_ref());
            self.again(&job.of, now);
        }
    }

    /// The post was not taken. Says how many events were given up for that: none, unless this is the end.
    pub(super) fn failed(&mut self, job: &Job, failed: Failed, now: Instant) -> usize {
        self.flying = self.flying.saturating_sub(1);
        let is_news = self.pace.failed(job.round, failed.wait, now);
        let is_last = self.stage == Stage::Draining && is_news;
        if is_last && (!failed.is_answer || self.pace.failures() >= LAST_FAILURES) {
            return self.give_up();
        }
        if self.lanes.get(&job.of).is_none_or(|lane| lane.turn.is_some()) {
            return 0;
        }
        if is_last {
            // Others may be taken.
            let before = self.events;
            self.remove(&job.of);
            return before - self.events;
        }
        let at = now + self.pace.delay(job.tries);
        self.again(&job.of, at);
        0
    }

    /// Takes out of the account what is not there any more.
    const fn forget(&mut self, event: Option<&Noted>) {
        if let Some(event) = event {
            self.bytes = self.bytes.saturating_sub(Self::size(event));
            self.events = self.events.saturating_sub(1);
        }
    }

    /// The lane waits for its turn again, if anything waits in it.
    fn again(&mut self, of: &Of, at: Instant) {
        match self.lanes.get(of) {
            Some(lane) if lane.waiting.is_empty() => self.remove(of),
            Some(_) => self.schedule(of.clone(), at),
            None => {}
        }
    }

    fn remove(&mut self, of: &Of) {
        let Some(lane) = self.lanes.remove(of) else { return };
        if of.is_some() {
            self.bytes = self.bytes.saturating_sub(Self::LANE);
        }
        lane.waiting.iter().for_each(|waiting| self.forget(waiting.event.as_ref()));
        if let Some(turn) = lane.turn {
            self.schedule.remove(&turn);
        }
    }

    /// Drops what has waited too long, and is not on its way; says how many.
    pub(super) fn expire(&mut self, now: Instant) -> usize {
        if self.sweep_at.is_none_or(|at| at > now) {
            return 0;
        }
        let age = self.limits.age;
        let (mut dropped, mut emptied, mut oldest) = (Vec::new(), Vec::new(), None::<Instant>);
        for (of, lane) in self.lanes.iter_mut().filter(|(of, _)| of.is_some()) {
            // What is on its way may be taken yet.
            let kept = usize::from(lane.turn.is_none());
            while lane.waiting.get(kept).is_some_and(|waiting| waiting.since + age <= now) {
                dropped.extend(lane.waiting.remove(kept));
            }
            if lane.waiting.is_empty() {
                emptied.push(of.clone());
            }
            let first = lane.waiting.get(kept).map(|waiting| waiting.since);
            oldest = first.into_iter().chain(oldest).min();
            // What is on its way is looked at when it fails.
            if kept > 0 && lane.waiting.len() == 1 {
                oldest = Some(now).into_iter().chain(oldest).min();
            }
        }
        dropped.iter().for_each(|waiting| self.forget(waiting.event.as_ref()));
        emptied.iter().for_each(|of| self.remove(of));
        self.missed.dropped += dropped.len() as u64;
        // Not for each one: those that come one after the other go together.
        let soonest = now + (age / 16).max(Duration::from_millis(50));
        self.sweep_at = oldest.map(|since| (since + age).max(soonest));
        dropped.len()
    }

    /// From now on nothing is taken in, and what waits is sent at once, once more.
    pub(super) fn drain(&mut self, now: Instant) {
        if self.stage == Stage::Draining {
            return;
        }
        self.stage = Stage::Draining;
        self.pace.begin_again();
        if self.lanes.get(&None).is_some_and(|lane| lane.turn.is_some()) {
            self.remove(&None);
        }
        for of in core::mem::take(&mut self.schedule).into_values() {
            self.schedule(of, now);
        }
    }

    /// Whether it drains and nothing is left.
    pub(super) fn is_done(&self) -> bool {
        self.stage == Stage::Draining && self.lanes.is_empty()
    }

    /// Drops everything, for good; says how many events.
    pub(super) fn give_up(&mut self) -> usize {
        self.stage = Stage::Draining;
        self.lanes.clear();
        self.schedule.clear();
        self.bytes = 0;
        core::mem::take(&mut self.events)
    }

    /// The task that sends has ended with posts on their way: they are to be sent again, and nothing that was counted is
    /// believed.
    pub(super) fn recover(&mut self, now: Instant) {
        self.schedule.clear();
        self.lanes.retain(|_, lane| !lane.waiting.is_empty());
        let lanes: Vec<_> = self.lanes.keys().cloned().collect();
        for of in lanes {
            self.schedule(of, now);
        }
        let events = self.lanes.values().flat_map(|lane| &lane.waiting).filter_map(|waiting| waiting.event.as_ref());
        let (events, bytes) = events.fold((0, 0), |(events, bytes), event| (events + 1, bytes + Self::size(event)));
        let lanes = self.lanes.keys().filter(|of| of.is_some()).count();
        (self.flying, self.events, self.bytes) = (0, events, bytes + lanes * Self::LANE);
    }
}
