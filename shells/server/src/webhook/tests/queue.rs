//! The queue in any order of calls, against an account that knows nothing of lanes, turns and paces.

use core::time::Duration;
use std::collections::{HashMap, HashSet};

use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};
use tokio::time::Instant;

use super::super::queue::{Failed, Job, Limits, Queue};
use super::{LIMITS, key, noted};

#[derive(Debug, Clone)]
enum Step {
    Offer { session: u128, bytes: usize },
    Next,
    Taken(usize),
    Gone(usize),
    Failed { which: usize, is_answer: bool, wait: Option<u64> },
    Pass(u64),
    Missed,
    Panic,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        5 => (0..4_u128, 0..400_usize).prop_map(|(session, bytes)| Step::Offer { session, bytes }),
        5 => Just(Step::Next),
        4 => any::<usize>().prop_map(Step::Taken),
        1 => any::<usize>().prop_map(Step::Gone),
        2 => (any::<usize>(), any::<bool>(), proptest::option::of(0..400_u64))
            .prop_map(|(which, is_answer, wait)| Step::Failed { which, is_answer, wait }),
        3 => (0..30_000_u64).prop_map(Step::Pass),
        1 => Just(Step::Missed),
        1 => Just(Step::Panic),
    ];
    vec(step, 1..150)
}

/// What is known from outside.
struct Account {
    queue: Queue,
    now: Instant,
    numbers: u64,
    flying: Vec<Job>,
    offered: HashMap<u128, Vec<u64>>,
    /// Numbers of events that were dropped, or taken, in order.
    dropped: u64,
    taken: HashMap<u128, Vec<u64>>,
    taken_in_all: u64,
    /// What posts said at their first try, and how many drops and gaps there had been by then.
    said: HashMap<u64, (u64, bool, (u64, u64))>,
    /// Drops and gaps in all, and those that a post which was taken has reported.
    missed: (u64, u64),
    known: (u64, u64),
}

impl Account {
    fn new(limits: Limits) -> Self {
        Self {
            queue: Queue::new(limits),
            now: Instant::now(),
            numbers: 1_000_000,
            flying: Vec::new(),
            offered: HashMap::new(),
            dropped: 0,
            taken: HashMap::new(),
            taken_in_all: 0,
            said: HashMap::new(),
            missed: (0, 1),
            known: (0, 0),
        }
    }

    fn drop(&mut self, count: usize) {
        self.dropped += count as u64;
        self.missed.0 += count as u64;
    }

    fn next(&mut self) -> Option<Job> {
        let mut number = self.numbers;
        let job = self.queue.next(self.now, || {
            number += 1;
            number
        });
        self.numbers = number;
        let job = job?;
        let number = job.event.as_ref().map_or(job.notice.0, |event| event.number);
        let (missed, known) = (self.missed, self.known);
        let first = *self.said.entry(number).or_insert_with(|| {
            assert_eq!(job.tries, 0);
            (missed.0 - known.0, missed != known, missed)
        });
        assert_eq!((job.report.dropped, job.report.read_again), (first.0, first.1), "the same on each try");
        assert!(self.flying.iter().all(|other| other.of != job.of), "one post of a session at a time");
        self.flying.push(job.clone());
        assert!(self.flying.len() <= LIMITS.parallel);
        Some(job)
    }

    fn taken(&mut self, job: &Job) {
        let number = job.event.as_ref().map_or(job.notice.0, |event| event.number);
        let (.., upto) = self.said[&number];
        self.known = (self.known.0.max(upto.0), self.known.1.max(upto.1));
        if let Some(of) = &job.of {
            self.taken_in_all += 1;
            self.taken.entry(of.correlation_id.to_u128()).or_default().push(number);
        }
        self.queue.taken(job, self.now);
    }

    fn land(&mut self, which: usize) -> Option<Job> {
        let count = self.flying.len();
        (count > 0).then(|| self.flying.swap_remove(which % count))
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Offer { session, bytes } => {
                self.numbers += 1;
                let before = self.queue.level();
                self.offered.entry(session).or_default().push(self.numbers);
                if !self.queue.offer(&key(session), noted(self.numbers, bytes), self.now) {
                    self.drop(1);
                    assert_eq!(self.queue.level(), before);
                }
            }
            Step::Next => drop(self.next()),
            Step::Taken(which) => {
                if let Some(job) = self.land(which) {
                    self.taken(&job);
                }
            }
            Step::Gone(which) => {
                if let Some(job) = self.land(which) {
                    let dropped = self.queue.gone(&job, self.now);
                    assert_eq!(dropped, usize::from(job.event.is_some()));
                    self.drop(dropped);
                }
            }
            Step::Failed { which, is_answer, wait } => {
                if let Some(job) = self.land(which) {
                    let failed = Failed { is_answer, wait: wait.map(Duration::from_secs) };
                    assert_eq!(self.queue.failed(&job, failed, self.now), 0);
                }
            }
            Step::Pass(millis) => {
                self.now += Duration::from_millis(millis);
                let expired = self.queue.expire(self.now);
                self.drop(expired);
            }
            Step::Missed => {
                self.queue.missed();
                self.missed.1 += 1;
            }
            Step::Panic => {
                self.flying.clear();
                self.queue.recover(self.now);
            }
        }
        self.check();
    }

    fn check(&self) {
        let (bytes, events, oldest) = self.queue.level();
        let offered: usize = self.offered.values().map(Vec::len).sum();
        assert_eq!(offered as u64, self.taken_in_all + self.dropped + events as u64, "none is unaccounted for");
        assert_eq!(oldest.is_some(), events > 0);
        assert_eq!(bytes > 0, events > 0);
        for (session, taken) in &self.taken {
            assert!(taken.is_sorted_by(|one, other| one < other), "in order, and once: {taken:?}");
            assert!(taken.iter().collect::<HashSet<_>>().is_subset(&self.offered[session].iter().collect()));
        }
    }

    /// From now on the receiver takes everything: all comes to it, and it knows of all that does not.
    fn finish(&mut self) {
        while let Some(job) = self.land(0) {
            self.taken(&job);
        }
        for _ in 0..10_000 {
            let expired = self.queue.expire(self.now);
            self.drop(expired);
            while let Some(job) = self.next() {
                let job = self.land(self.flying.len() - 1).filter(|last| last.of == job.of).expect("the last one");
                self.taken(&job);
            }
            match self.queue.wake_at(self.now) {
                Some(at) => {
                    assert!(at > self.now, "it is woken for nothing");
                    self.now = at;
                }
                None => break,
            }
        }
        self.check();
        assert_eq!(self.queue.level(), (0, 0, None));
        assert_eq!(self.known, self.missed, "each drop was reported by a post that was taken");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, max_shrink_iters: 2000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_it_is_in_order_bounded_and_accounted_for(steps in steps(), room in 1..40_usize, age in 1..120_u64) {
        let limits = Limits { bytes: room * 300, age: Duration::from_secs(age), ..LIMITS };
        let mut account = Account::new(limits);
        for step in &steps {
            account.step(step);
            assert!(account.queue.level().0 <= limits.bytes);
        }
        account.finish();
    }
}

/// The bytes that are counted are not fewer than those that are kept.
#[test]
fn what_is_counted_is_what_is_kept() {
    let now = Instant::now();
    let mut queue = Queue::new(LIMITS);
    let mut taken_in = 0;
    while queue.offer(&key(taken_in), noted(0, 110), now) {
        taken_in += 1;
    }
    let (bytes, events, _) = queue.level();
    assert_eq!(events as u128, taken_in);
    // A name and an id are in the key, which is there twice.
    let least = 2 * size_of::<crate::session::SessionKey>() + 110;
    assert!(events * least < bytes && bytes <= LIMITS.bytes && bytes > LIMITS.bytes * 9 / 10, "{bytes} {events}");
}

/// A receiver that takes nothing is tried ever more rarely, however many sessions wait.
#[test]
fn a_receiver_that_is_away_is_asked_seldom() {
    let mut now = Instant::now();
    let mut queue = Queue::new(LIMITS);
    for session in 0..500 {
        assert!(queue.offer(&key(session), noted(1, 100), now));
    }
    let (end, mut tries) = (now + Duration::from_secs(1800), 0);
    while now < end {
        let mut jobs: Vec<_> = core::iter::from_fn(|| queue.next(now, || 0)).collect();
        tries += jobs.len();
        for job in jobs.drain(..) {
            assert_eq!(queue.failed(&job, Failed { is_answer: false, wait: None }, now), 0);
        }
        now = queue.wake_at(now).expect("something waits").max(now);
    }
    assert!((25..80).contains(&tries), "{tries}");
    // It is back: all of them come at once.
    let jobs: Vec<_> = core::iter::from_fn(|| {
        let job = queue.next(now, || 0)?;
        queue.taken(&job, now);
        Some(job)
    })
    .collect();
    let due = jobs.len();
    assert!(due > 400, "{due}");
}

/// At the end: a receiver that is away costs one try, and one that refuses some events gets the others.
#[test]
fn what_drains_goes_on_only_while_it_is_taken() {
    let now = Instant::now();
    let filled = || {
        let mut queue = Queue::new(LIMITS);
        for session in 0..10 {
            assert!(queue.offer(&key(session), noted(session as u64, 10), now));
            assert!(queue.offer(&key(session), noted(session as u64 + 100, 10), now));
        }
        queue.drain(now);
        // Not taken in, and not missed: no webhook of the config wants it.
        assert!(queue.offer(&key(99), noted(99, 10), now));
        assert_eq!(queue.level().1, 20);
        queue
    };
    let mut away = filled();
    let job = away.next(now, || 0).expect("a try");
    assert_eq!(away.failed(&job, Failed { is_answer: false, wait: None }, now), 20);
    assert!(away.is_done() && away.level().1 == 0);

    let mut refuses = filled();
    let mut now = now;
    let (mut taken, mut given_up) = (0, 0);
    while !refuses.is_done() {
        while let Some(job) = refuses.next(now, || 0) {
            if job.of == Some(key(3)) {
                given_up += refuses.failed(&job, Failed { is_answer: true, wait: None }, now);
            } else {
                refuses.taken(&job, now);
                taken += 1;
            }
        }
        now = refuses.wake_at(now).unwrap_or(now).max(now);
    }
    assert_eq!((taken, given_up), (18, 2));
}
