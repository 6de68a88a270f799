//! A storm for one session: its store, its recorder, its clients, and what must be true of them.

mod process;
mod recorder;
mod store;

use core::fmt;
use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use recording_core::recorder::{Channel, Order, RecorderState, ResumePolicy};
use recording_core::state::RecordingState;
use recording_core::wire::{CorrelationId, UccName};
use recording_core::{Action, State};
use tokio::sync::{broadcast, oneshot, watch};
use tokio::time::{sleep, timeout};

use super::scripted::{ANNA, BEN, UCC, key};
use crate::caller::Caller;
use crate::events::Published;
use crate::recorder::port::{Condition, Outcome};
use crate::session::{Found, Session};
use crate::store::{MemoryStore, Store as _};
use process::Process;

/// What is wrong on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Planted {
    Nothing,
    /// The store says that it has stored before it has: so what is sent and answered comes too early.
    StoresLater,
    /// The store has stored, and says that it certainly has not.
    SaysNotStored,
    /// A Record of an earlier process is not drained.
    DrainsNothing,
    /// Restarts of the recorder are not seen.
    HidesRestarts,
    /// A late order is carried out after a later one.
    NoFence,
    /// The adapter takes a lost reply for success.
    ClaimsSilence,
    /// The server keeps no holds where it should.
    KeepsNoHolds,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Weather {
    pub(super) seed: u64,
    pub(super) channel: Channel,
    pub(super) planted: Planted,
}

impl Weather {
    /// Who may end a silence: half of the runs have holds.
    fn resume(self) -> ResumePolicy {
        if (self.seed / 6).is_multiple_of(2) { ResumePolicy::Anyone } else { ResumePolicy::Holders }
    }
}

/// The clients, and what each of them may count on.
const CLIENTS: [&str; 2] = [ANNA, BEN];

#[derive(Debug, Clone, Copy, Default)]
struct Client {
    /// How often it, or one whose Start counts as its own, has asked for a Start; and how many of these are not answered.
    starts_asked: usize,
    starts_open: usize,
    /// It was answered that the recorder is silent, and none of those has asked for a Start since.
    is_promised: bool,
}

/// What the runs have done.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) runs: usize,
    sets: usize,
    pub(super) confirmed: usize,
    pub(super) unknown: usize,
    failed: usize,
    pub(super) killed: usize,
    pub(super) restarted: usize,
    own_will: usize,
    sendings: usize,
    checks: usize,
    begun: usize,
    ended: usize,
    pub(super) released: usize,
    pub(super) held_back: usize,
    events: usize,
    pub(super) violations: Vec<String>,
}

impl Report {
    pub(super) fn add(&mut self, other: Self) {
        self.runs += 1;
        self.sets += other.sets;
        self.confirmed += other.confirmed;
        self.unknown += other.unknown;
        self.failed += other.failed;
        self.killed += other.killed;
        self.restarted += other.restarted;
        self.own_will += other.own_will;
        self.sendings += other.sendings;
        self.checks += other.checks;
        self.begun += other.begun;
        self.ended += other.ended;
        self.released += other.released;
        self.held_back += other.held_back;
        self.events += other.events;
        self.violations.extend(other.violations);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { runs, sets, confirmed, unknown, failed, killed, restarted, own_will, .. } = self;
        let Self { sendings, checks, begun, ended, released, held_back, events, violations, .. } = self;
        write!(
            f,
            "{runs} runs, {sets} sets ({confirmed} confirmed silences), {sendings} sendings, {begun} begun, {ended} ended, \
             {held_back} starts held back, {released} times all holds ended, {events} events, {failed} store failures, {unknown} unknown, {killed} kills, {restarted} restarts, \
             {own_will} starts by itself; {checks} checks, {} violations",
            violations.len()
        )
    }
}

/// Who makes the recorder record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    Order,
    Itself,
}

/// What is so, whatever the server believes.
struct Truth {
    random: u64,
    weather: Weather,
    is_fair: bool,
    recorder: RecorderState,
    cause: Cause,
    /// What is under way to the recorder.
    pending: BTreeMap<u64, Order>,
    /// The greatest number that the recorder has seen.
    seen: u64,
    /// The axis that is stored; `None` if there is no session, or it is closing.
    stored: Option<RecordingState>,
    /// The changes of the axis that are stored and have not been published.
    to_publish: VecDeque<Action>,
    /// Those who wait for an instance that is gone: it says nothing more, not even that.
    unanswered: Vec<oneshot::Sender<Outcome>>,
    clients: [Client; 2],
    trace: VecDeque<String>,
    report: Report,
}

type Shared = Arc<Mutex<Truth>>;

fn lock(truth: &Shared) -> MutexGuard<'_, Truth> {
    truth.lock().expect("no panic under the lock")
}

impl Truth {
    fn below(&mut self, end: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut x = self.random;
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (x ^ (x >> 31)) % end
    }

    fn chance(&mut self, percent: u64) -> bool {
        // Some runs are rough, and some are nearly calm.
        let level = [1, 2, 4][(self.weather.seed / 2 % 3) as usize];
        !self.is_fair && self.below(400) < percent * level
    }

    fn note(&mut self, what: String) {
        if std::env::var_os("RECORDER_TRACE").is_some() {
            eprintln!("{what}");
        }
        if self.trace.len() >= 60 {
            self.trace.pop_front();
        }
        self.trace.push_back(what);
    }

    fn wrong(&mut self, what: &str) {
        let trace: Vec<_> = self.trace.iter().cloned().collect();
        self.report.violations.push(format!("seed {}: {what}\n  {}", self.weather.seed, trace.join("\n  ")));
    }

    fn check(&mut self) {
        self.report.checks += 1;
        let says_silent = matches!(self.stored, Some(RecordingState::Paused | RecordingState::Stopped));
        let records = self.recorder == RecorderState::Recording && self.cause == Cause::Order;
        let is_ordered = self.weather.channel == Channel::Ordered;
        let may_record =
            self.pending.iter().any(|(number, order)| *order == Order::Record && (!is_ordered || *number > self.seen));
        if says_silent && records {
            self.wrong("the stored state is silent, and by our order the recorder records");
        }
        if says_silent && may_record {
            self.wrong("the stored state is silent, and a Record is under way");
        }
        if records && let Some(at) = self.clients.iter().position(|client| client.is_promised) {
            let client = CLIENTS[at];
            self.wrong(&format!(
                "a pause of {client} was answered with success, and by our order the recorder records"
            ));
        }
    }

    /// A Start is asked for by this client, or by the call's side for all: what was promised to those for whom it counts
    /// is so no more. Without holds it counts for all.
    fn start_is_asked(&mut self, by: Option<usize>) {
        for at in self.for_whom(by) {
            let client = &mut self.clients[at];
            client.starts_asked += 1;
            client.starts_open += 1;
            client.is_promised = false;
        }
    }

    fn start_is_answered(&mut self, by: Option<usize>) {
        for at in self.for_whom(by) {
            self.clients[at].starts_open -= 1;
        }
    }

    fn for_whom(&self, by: Option<usize>) -> core::ops::Range<usize> {
        match by {
            Some(at) if self.weather.resume() == ResumePolicy::Holders => at..at + 1,
            _ => 0..CLIENTS.len(),
        }
    }

    /// A sending arrives. `None` if it is no longer under way.
    fn arrives(&mut self, number: u64) -> Option<Outcome> {
        let order = self.pending.remove(&number)?;
        if self.weather.channel == Channel::Ordered && number <= self.seen && self.weather.planted != Planted::NoFence {
            return Some(Outcome::Unknown("a greater number was seen".to_owned()));
        }
        self.seen = self.seen.max(number);
        if self.chance(4) {
            self.note(format!("{number}: {order} finds no call"));
            return Some(Outcome::NoSuchCall);
        }
        if self.chance(6) {
            self.note(format!("{number}: {order} is refused, it is {}", self.recorder));
            return Some(Outcome::Is(self.recorder));
        }
        (self.recorder, self.cause) = (order.target(), Cause::Order);
        self.note(format!("{number}: {order} is carried out"));
        self.check();
        Some(Outcome::Is(self.recorder))
    }

    fn is_stored(&mut self, session: Option<&Session>) {
        let stored = session.and_then(Session::state).map(State::recording);
        if let (Some(before), Some(after)) = (self.stored, stored)
            && before != after
        {
            self.to_publish.push_back(match after {
                RecordingState::Started => Action::Start,
                RecordingState::Paused => Action::Pause,
                RecordingState::Stopped | RecordingState::Uninitialized => Action::Stop,
            });
        }
        if stored.is_none() {
            self.clients.iter_mut().for_each(|client| client.is_promised = false);
        }
        let order = session.and_then(Session::bound).map(|bound| (bound.kept.order(), bound.kept.closing()));
        self.note(format!("stored {stored:?} {order:?}"));
        self.stored = stored;
        self.check();
    }

    /// Each event is of a change that is stored, in their order; one of which the store did not know may be missing.
    fn hear(&mut self, events: &mut broadcast::Receiver<Published>) {
        while let Ok(event) = events.try_recv() {
            if !matches!(event.action, Action::Start | Action::Pause | Action::Stop) {
                continue;
            }
            self.report.events += 1;
            loop {
                match self.to_publish.pop_front() {
                    Some(action) if action == event.action => break,
                    Some(_) => {}
                    None => {
                        self.wrong(&format!("event {:?} of nothing that is stored", event.action));
                        break;
                    }
                }
            }
        }
    }
}

pub(super) async fn run(weather: Weather) -> Report {
    let truth: Shared = Arc::new(Mutex::new(Truth {
        random: weather.seed.wrapping_mul(0xD134_2543_DE82_EF95) ^ 77,
        weather,
        is_fair: false,
        recorder: RecorderState::Off,
        cause: Cause::Itself,
        pending: BTreeMap::new(),
        seen: 0,
        stored: None,
        to_publish: VecDeque::new(),
        unanswered: Vec::new(),
        clients: [Client::default(); 2],
        trace: VecDeque::new(),
        report: Report::default(),
    }));
    let sound = Arc::new(MemoryStore::new());
    let condition = watch::Sender::new(Condition { instance: 1, answers: true, ..Condition::default() });
    let condition = Arc::new(condition);
    let mut process = Process::start(&truth, &sound, &condition).await;
    let ucc = UccName::new(UCC).expect("a name");
    let id = CorrelationId::from_u128(1);
    for _ in 0..120 {
        let (what, how_long) = {
            let mut truth = lock(&truth);
            let long = [5, 60, 900, 900, 900, 7_000][truth.below(6) as usize];
            (truth.below(100), truth.below(long))
        };
        match what {
            0..35 => {
                let action = [
                    Action::Pause,
                    Action::Pause,
                    Action::Start,
                    Action::Start,
                    Action::Stop,
                    Action::Mark,
                    Action::UnMark,
                ][lock(&truth).below(7) as usize];
                let client = lock(&truth).below(2) as usize;
                if process.clients.len() < 6 {
                    process.set(&truth, action, client);
                }
                while process.clients.try_join_next().is_some() {}
            }
            35..45 => {
                let axis = [RecordingState::Uninitialized, RecordingState::Started, RecordingState::Paused]
                    [lock(&truth).below(3) as usize];
                let state = State::INITIAL.with_recording(axis);
                let begun = process.service.begin(ucc, id, state, Caller::default());
                match timeout(Duration::from_secs(60), begun).await {
                    Ok(begun) => lock(&truth).report.begun += usize::from(begun.is_ok()),
                    Err(_) => lock(&truth).wrong("a begin hangs"),
                }
            }
            45..47 => {
                lock(&truth).note("the call ends".to_owned());
                let end = process.service.end(ucc, id, Caller::default());
                match timeout(Duration::from_secs(60), end).await {
                    Ok(ended) => lock(&truth).report.ended += usize::from(ended.is_ok()),
                    Err(_) => lock(&truth).wrong("an end hangs"),
                }
            }
            47..49 => {
                {
                    let mut truth = lock(&truth);
                    truth.note("the recorder starts again".to_owned());
                    truth.report.restarted += 1;
                    truth.pending.clear();
                    truth.recorder = RecorderState::Off;
                }
                if weather.planted != Planted::HidesRestarts {
                    condition.send_modify(|condition| condition.instance += 1);
                }
            }
            49..51 => {
                let mut truth = lock(&truth);
                truth.note("the recorder records by itself".to_owned());
                truth.report.own_will += 1;
                if truth.recorder != RecorderState::Recording {
                    (truth.recorder, truth.cause) = (RecorderState::Recording, Cause::Itself);
                }
            }
            51..54 => {
                lock(&truth).note("the server is killed".to_owned());
                process.kill().await;
                {
                    let mut truth = lock(&truth);
                    truth.clients.iter_mut().for_each(|client| client.starts_open = 0);
                    truth.report.killed += 1;
                }
                process = Process::start(&truth, &sound, &condition).await;
            }
            54..56 => {
                lock(&truth).note("the call's side ends all holds".to_owned());
                lock(&truth).start_is_asked(None);
                let key = key(1);
                let released = process.service.release_holds(&key, Caller::default());
                match timeout(Duration::from_secs(60), released).await {
                    Ok(released) => lock(&truth).report.released += usize::from(matches!(released, Ok(true))),
                    Err(_) => lock(&truth).wrong("an end of holds hangs"),
                }
                lock(&truth).start_is_answered(None);
            }
            _ => sleep(Duration::from_millis(how_long)).await,
        }
        if !lock(&truth).report.violations.is_empty() {
            break;
        }
    }
    settle(&truth, &mut process).await;
    process.kill().await;
    core::mem::take(&mut lock(&truth).report)
}

/// From now on all goes well: what was asked for is answered, and what is pending comes to its end.
async fn settle(truth: &Shared, process: &mut Process) {
    lock(truth).is_fair = true;
    lock(truth).note("the weather is fair".to_owned());
    let all = async { while process.clients.join_next().await.is_some() {} };
    if timeout(Duration::from_secs(30), all).await.is_err() {
        lock(truth).wrong("a request was not answered");
    }
    // Longer than the longest time until something is sent again, and than a Stopped session's repeat.
    sleep(Duration::from_secs(45)).await;
    let key = key(1);
    let found = process.service.store().sound.read(&key).await.expect("a store in memory");
    let mut truth = lock(truth);
    match found {
        None if process.service.recorders().is_empty() => {}
        None => truth.wrong("a session that is over is still driven"),
        Some(Found { session, .. }) => {
            let kept = session.bound().expect("a session with a recorder").kept;
            if let Some(order) = kept.order() {
                truth.wrong(&format!("{order} is never settled"));
            }
            if kept.closing().is_some() {
                truth.wrong("a closing session is never over");
            }
            let driver = process.service.recorders().driver(&key);
            let view = driver.map(|driver| driver.view());
            if view.as_ref().is_none_or(|view| view.order.is_some() && !view.is_repeat) {
                truth.wrong(&format!("what is driven is not what is stored: {view:?}"));
            }
            let is_silent = matches!(kept.state().recording(), RecordingState::Paused | RecordingState::Stopped);
            if is_silent && truth.recorder == RecorderState::Recording {
                truth.wrong("a recorder that records by itself is never silenced");
            }
        }
    }
}
