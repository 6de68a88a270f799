//! A storm for one session: its store, its recorder, its clients, and what must be true of them.

use core::fmt;
use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use recording_core::recorder::{Channel, Epoch, Number, Order, RecorderState, ResumePolicy};
use recording_core::state::RecordingState;
use recording_core::wire::{CorrelationId, SetRequest, SipUri, UccName};
use recording_core::{Action, State};
use serde_json::{Map, Value};
use tokio::sync::{broadcast, oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, timeout};

use super::scripted::{ANNA, BEN, RECORDER, UCC, directory, key, recording};
use crate::audit::{Note, Trail};
use crate::caller::Caller;
use crate::events::Published;
use crate::recorder::port::{Call, Capabilities, Condition, Outcome, Recorder, Work};
use crate::recorder::{Recorders, supervise};
use crate::service::Service;
use crate::session::{Found, Revision, Session, SessionKey};
use crate::store::{MemoryStore, Store, StoreError, Swap};

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
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Weather {
    pub(super) seed: u64,
    pub(super) channel: Channel,
    pub(super) planted: Planted,
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
        self.events += other.events;
        self.violations.extend(other.violations);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { runs, sets, confirmed, unknown, failed, killed, restarted, own_will, .. } = self;
        let Self { sendings, checks, begun, ended, events, violations, .. } = self;
        write!(
            f,
            "{runs} runs, {sets} sets ({confirmed} confirmed silences), {sendings} sendings, {begun} begun, {ended} ended, \
             {events} events, {failed} store failures, {unknown} unknown, {killed} kills, {restarted} restarts, \
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
    starts_asked: usize,
    starts_open: usize,
    /// A client was answered that it is silent, and no client has asked for a Start since.
    is_promised: bool,
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
        if self.is_promised && records {
            self.wrong("a pause was answered with success, and by our order the recorder records");
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
            self.is_promised = false;
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

/// A store that outlives the server, and the weather of its disk.
struct Stormy {
    sound: Arc<MemoryStore>,
    truth: Shared,
    events: Arc<Mutex<Option<broadcast::Receiver<Published>>>>,
}

impl Stormy {
    fn fails(&self, percent: u64) -> Result<(), StoreError> {
        let mut truth = lock(&self.truth);
        if truth.chance(percent) {
            truth.report.failed += 1;
            return Err(StoreError::new("the disk is on fire"));
        }
        Ok(())
    }

    async fn pause(&self) {
        let ms = {
            let mut truth = lock(&self.truth);
            if truth.chance(50) { truth.below(40) } else { 0 }
        };
        if ms > 0 {
            sleep(Duration::from_millis(ms)).await;
        }
    }
}

impl Store for Stormy {
    async fn read(&self, key: &SessionKey) -> Result<Option<Found>, StoreError> {
        self.fails(4)?;
        self.sound.read(key).await
    }

    async fn compare_and_set(
        &self,
        key: &SessionKey,
        expected: Option<Revision>,
        session: Option<Session>,
        note: Note,
    ) -> Result<Swap, StoreError> {
        self.pause().await;
        self.fails(8)?;
        let planted = lock(&self.truth).weather.planted;
        if planted == Planted::StoresLater && lock(&self.truth).chance(15) {
            // What is stored is known now; that it is, comes later, and a kill may take it away.
            lock(&self.truth).note("told that it is stored".to_owned());
            return Ok(Swap::Stored);
        }
        let is_lost = {
            let mut truth = lock(&self.truth);
            if let Some(events) = &mut *self.events.lock().expect("no panic") {
                truth.hear(events);
            }
            truth.chance(4)
        };
        if is_lost {
            lock(&self.truth).report.unknown += 1;
            return Err(StoreError::unknown("no answer; nothing was stored"));
        }
        let swap = self.sound.compare_and_set(key, expected, session.clone(), note).await?;
        if swap == Swap::Stored {
            lock(&self.truth).is_stored(session.as_ref());
        }
        self.pause().await;
        if lock(&self.truth).chance(5) {
            lock(&self.truth).report.unknown += 1;
            lock(&self.truth).note("the store does not know".to_owned());
            return Err(match planted {
                Planted::SaysNotStored => StoreError::new("stored, and does not say so"),
                _ => StoreError::unknown("no answer in time"),
            });
        }
        Ok(swap)
    }

    async fn page(&self, after: Option<&SessionKey>, limit: usize) -> Result<Vec<(SessionKey, Session)>, StoreError> {
        self.sound.page(after, limit).await
    }

    async fn epoch(&self) -> Result<Epoch, StoreError> {
        self.fails(4)?;
        self.sound.epoch().await
    }

    fn id(&self) -> u64 {
        self.sound.id()
    }

    async fn open_sessions(&self) -> Result<usize, StoreError> {
        self.sound.open_sessions().await
    }

    fn trail(&self) -> Option<&Trail> {
        None
    }

    async fn ready(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// A recorder in the weather, with its adapter.
#[derive(Clone)]
struct Stubborn {
    truth: Shared,
    condition: Arc<watch::Sender<Condition>>,
    /// One command at a time on a channel that is drained, as far as this process knows.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl fmt::Debug for Stubborn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stubborn")
    }
}

impl Stubborn {
    async fn command(self, order: Order, number: u64) -> Outcome {
        let channel = lock(&self.truth).weather.channel;
        let turn = match channel {
            Channel::Drained => Some(Arc::clone(&self.turn).lock_owned().await),
            Channel::Ordered => None,
        };
        let (is_lost, there, back, is_unheard, claims) = {
            let mut truth = lock(&self.truth);
            truth.report.sendings += 1;
            truth.note(format!("{number}: {order} is sent"));
            let slow = if truth.chance(10) { 4_000 } else { 150 };
            let is_lost = truth.chance(12);
            let (there, back) = if truth.is_fair { (1, 1) } else { (truth.below(slow), truth.below(100)) };
            truth.pending.insert(number, order);
            truth.check();
            let claims = truth.weather.planted == Planted::ClaimsSilence;
            (is_lost, there, back, truth.chance(12), claims)
        };
        let (tell, told) = oneshot::channel();
        let truth = Arc::clone(&self.truth);
        // What is on its way belongs to no process: neither the adapter nor a kill takes it back.
        tokio::spawn(async move {
            sleep(Duration::from_millis(there)).await;
            let outcome = if is_lost {
                let mut truth = lock(&truth);
                truth.note(format!("{number}: {order} is lost"));
                truth.pending.remove(&number);
                None
            } else {
                lock(&truth).arrives(number)
            };
            sleep(Duration::from_millis(back)).await;
            drop(turn);
            let lost = Outcome::Unknown("no reply".to_owned());
            match outcome {
                Some(outcome) if !is_unheard => drop(tell.send(outcome)),
                Some(_) => drop(tell.send(lost)),
                // An instance that is gone does not answer; else the adapter knows when it has landed.
                None if is_lost => drop(tell.send(lost)),
                None => core::mem::forget(tell),
            }
        });
        let outcome = match channel {
            Channel::Drained => told.await.ok(),
            Channel::Ordered => timeout(Duration::from_millis(600), told).await.ok().and_then(Result::ok),
        };
        match outcome {
            Some(Outcome::Unknown(_)) | None if claims => Outcome::Is(order.target()),
            Some(outcome) => outcome,
            None => Outcome::Unknown("no reply in time".to_owned()),
        }
    }
}

impl Recorder for Stubborn {
    fn capabilities(&self) -> Capabilities {
        let weather = lock(&self.truth).weather;
        Capabilities { channel: weather.channel, is_read_back_trusted: weather.seed & 1 == 0, can_pause: true }
    }

    fn condition(&self) -> watch::Receiver<Condition> {
        self.condition.subscribe()
    }

    fn call_id(&self, key: &SessionKey, _: &Map<String, Value>) -> Result<Box<str>, String> {
        Ok(key.correlation_id.to_string().into())
    }

    fn carry_out<'a>(&'a self, _: &'a Call, order: Order, number: Number) -> Work<'a, Outcome> {
        Box::pin(self.clone().command(order, number.get()))
    }

    fn drain<'a>(&'a self, _: &'a Call, number: Number) -> Work<'a, ()> {
        Box::pin(async move {
            let is_under_way = || {
                let truth = lock(&self.truth);
                truth.weather.planted != Planted::DrainsNothing && truth.pending.contains_key(&number.get())
            };
            while is_under_way() {
                sleep(Duration::from_millis(10)).await;
            }
        })
    }

    fn read_back<'a>(&'a self, _: &'a Call) -> Work<'a, Outcome> {
        Box::pin(async move {
            let (there, back) = {
                let mut truth = lock(&self.truth);
                (truth.below(300), truth.below(600))
            };
            sleep(Duration::from_millis(there)).await;
            let is = lock(&self.truth).recorder;
            sleep(Duration::from_millis(back)).await;
            lock(&self.truth).note(format!("read {is}"));
            Outcome::Is(is)
        })
    }

    fn files<'a>(&'a self, _: &'a Call) -> Work<'a, Vec<String>> {
        Box::pin(async { Vec::new() })
    }
}

/// One process of the server.
struct Process {
    service: Arc<Service<Stormy>>,
    supervisor: JoinHandle<()>,
    clients: JoinSet<()>,
}

impl Process {
    async fn start(truth: &Shared, sound: &Arc<MemoryStore>, condition: &Arc<watch::Sender<Condition>>) -> Self {
        let recorder = Stubborn { truth: Arc::clone(truth), condition: Arc::clone(condition), turn: Arc::default() };
        let recorders = Recorders::default();
        recorders.replace([(RECORDER.into(), Arc::new(recorder) as Arc<dyn Recorder>)]);
        let events = Arc::new(Mutex::new(None));
        let store = Stormy { sound: Arc::clone(sound), truth: Arc::clone(truth), events: Arc::clone(&events) };
        let service = Service::new(directory(recording(ResumePolicy::Anyone)), store).with_recorders(recorders);
        let service = Arc::new(service);
        // What an earlier process did not come to publish is missed.
        lock(truth).to_publish.clear();
        *events.lock().expect("no panic") = Some(service.events().subscribe());
        while service.load_recorded().await.is_err() {
            sleep(Duration::from_millis(50)).await;
        }
        let supervisor = tokio::spawn(supervise(Arc::clone(&service)));
        Self { service, supervisor, clients: JoinSet::new() }
    }

    async fn kill(mut self) {
        self.supervisor.abort();
        self.clients.abort_all();
        while self.clients.join_next().await.is_some() {}
        let _ = self.supervisor.await;
    }

    fn set(&mut self, truth: &Shared, action: Action, requester: &'static str) {
        let (service, truth) = (Arc::clone(&self.service), Arc::clone(truth));
        self.clients.spawn(async move {
            let request = SetRequest {
                action,
                requester: SipUri::new(requester).expect("a URI"),
                correlation_id: CorrelationId::from_u128(1),
                ucc: UccName::new(UCC).expect("a name"),
            };
            let (asked, began) = {
                let mut truth = lock(&truth);
                truth.report.sets += 1;
                truth.note(format!("{action:?} is asked for"));
                if action == Action::Start {
                    truth.starts_asked += 1;
                    truth.starts_open += 1;
                    truth.is_promised = false;
                }
                (truth.starts_asked, Instant::now())
            };
            let reply = service.set(&request, Caller::default()).await;
            let mut truth = lock(&truth);
            truth.note(match &reply {
                Ok(reply) => {
                    format!("{action:?} got {:?} {:?}", reply.state, reply.error.map(|error| error.to_string()))
                }
                Err(rejection) => format!("{action:?} got {rejection}"),
            });
            if action == Action::Start {
                truth.starts_open -= 1;
            }
            // Its wait, and the turns of those few before it, each with its disk.
            if began.elapsed() > Duration::from_millis(2_500) {
                truth.wrong(&format!("{action:?} took {:?}", began.elapsed()));
            }
            let is_silence = matches!(action, Action::Pause | Action::Stop);
            if is_silence && reply.is_ok_and(|reply| reply.error.is_none()) {
                truth.report.confirmed += 1;
                if truth.starts_asked == asked && truth.starts_open == 0 && truth.stored.is_some() {
                    truth.is_promised = true;
                    truth.check();
                }
            }
        });
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
        starts_asked: 0,
        starts_open: 0,
        is_promised: false,
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
                let requester = if lock(&truth).below(2) == 0 { ANNA } else { BEN };
                if process.clients.len() < 6 {
                    process.set(&truth, action, requester);
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
                    truth.starts_open = 0;
                    truth.report.killed += 1;
                }
                process = Process::start(&truth, &sound, &condition).await;
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
