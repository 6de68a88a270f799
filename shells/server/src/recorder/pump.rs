//! The task of one session: sends what is to be sent, hears what becomes of it, repeats while silent, counts the pause.
//!
//! It decides nothing. When something is due, and what it means, is the machine's to say.

use core::future::pending;
use core::hash::BuildHasher as _;
use core::pin::Pin;
use core::time::Duration;
use std::collections::hash_map::RandomState;
use std::sync::Arc;

use recording_core::recorder::{Due, Input, Machine, Number, ReadBack, RecorderState, Reported, Sending};
use recording_core::state::RecordingState;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use super::clock;
use super::drive::Settled;
use super::driver::{Driver, Inner};
use super::port::{Call, Condition, Outcome, Recorder};
use super::reading::{BEFORE_REPEAT, Reading};
use crate::audit::Note;
use crate::caller::Caller;
use crate::log;
use crate::occurrence::{Change, Occurrence, Recorded};
use crate::service::Service;
use crate::session::Revision;
use crate::store::Store;

/// How soon what could not be stored is tried again for the first time, and at the latest.
const STORE_AGAIN: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(5)];

/// How soon a session whose recorder is not in the config looks for it again.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// What has come of a command.
enum Heard {
    Of(Sending, Outcome),
    Drained(Number),
    Read(ReadBack, Outcome),
}

type Command = Pin<Box<dyn Future<Output = Heard> + Send>>;

/// What a session is given.
#[derive(Clone, Copy)]
enum Given {
    Input(Input),
    /// The answer to a read-back, which counts only as long as nothing else has happened.
    Read(ReadBack, RecorderState),
    /// The recorder was read back and does not know the call. Nothing of it is under way then, and what it is to do is ordered
    /// again: the answer to that is evidence.
    Forgotten(ReadBack),
}

/// What could not be stored, to be given again.
struct Again {
    given: Given,
    after: Duration,
    at: Instant,
    /// What was stored then. Once something else is, the store works again.
    revision: Revision,
}

impl Again {
    fn now(given: Given, inner: &Inner) -> Self {
        Self { given, after: Duration::ZERO, at: Instant::now(), revision: inner.revision }
    }
}

pub(super) struct Pump<S> {
    service: Arc<Service<S>>,
    driver: Arc<Driver>,
    recorder: Option<(Arc<dyn Recorder>, Call)>,
    condition: Option<watch::Receiver<Condition>>,
    /// The instance that what was sent went to.
    instance: u64,
    command: Option<Command>,
    /// Whether the command only asks what the recorder is doing.
    is_reading: bool,
    /// Why nothing can be sent at present, if that was logged.
    refused: Option<String>,
    again: Option<Again>,
    /// When the last command was sent.
    sent_at: Instant,
    reading: Reading,
    /// Makes the pace of this session differ from others'.
    jitter: u64,
}

impl<S: Store> Pump<S> {
    pub(super) fn new(service: Arc<Service<S>>, driver: Arc<Driver>) -> Self {
        let jitter = RandomState::new().hash_one(&driver.call().key);
        Self {
            service,
            driver,
            recorder: None,
            condition: None,
            instance: 0,
            command: None,
            is_reading: false,
            refused: None,
            again: None,
            sent_at: Instant::now(),
            reading: Reading::new(jitter),
            jitter,
        }
    }

    /// Works until the session is over and what was sent has landed.
    pub(super) async fn run(mut self) {
        loop {
            self.look_up();
            let (due, is_over) = self.begin().await;
            if is_over && self.command.is_none() {
                return;
            }
            let wake = async {
                match due {
                    Some(at) => sleep_until(at).await,
                    None => pending().await,
                }
            };
            let heard = async {
                match &mut self.command {
                    Some(command) => command.await,
                    None => pending().await,
                }
            };
            let changed = async {
                let changed = match &mut self.condition {
                    Some(condition) => condition.changed().await.is_ok(),
                    None => false,
                };
                // A recorder that is gone says nothing more.
                if !changed {
                    pending::<()>().await;
                }
            };
            tokio::select! {
                heard = heard => {
                    self.command = None;
                    self.hear(heard).await;
                }
                () = changed => self.look_at_condition().await,
                () = self.driver.wake.notified() => {}
                () = wake => {}
            }
        }
    }

    /// Finds the recorder, which a reload may bring later.
    fn look_up(&mut self) {
        if self.recorder.is_some() {
            return;
        }
        match self.service.recorders().claim(&self.driver) {
            Ok((recorder, call)) => {
                let mut condition = recorder.condition();
                self.instance = condition.borrow_and_update().instance;
                self.condition = Some(condition);
                self.recorder = Some((recorder, call));
            }
            Err(reason) => {
                if self.refused.as_ref() != Some(&reason) {
                    log::not_driven(&self.driver.call().key, &reason);
                    self.driver.viewed().last_error = Some(reason.as_str().into());
                    self.refused = Some(reason);
                }
            }
        }
    }

    /// Begins what is due, and says when to look again, and whether the session is over.
    async fn begin(&mut self) -> (Option<Instant>, bool) {
        let driver = Arc::clone(&self.driver);
        let mut turn = driver.urgent().await;
        let now = Instant::now();
        let mut wake = self.tick(&mut turn).await;
        let mut sooner = |at: Instant| wake = Some(wake.map_or(at, |wake: Instant| wake.min(at)));
        if turn.unsure.is_some() && self.again.is_none() {
            // The step was another's, who does not come again.
            self.again = Some(Again::now(Given::Input(Input::Send), &turn));
        }
        if let Some(again) = self.again.take() {
            if again.at > now && again.revision == turn.revision {
                sooner(again.at);
                self.again = Some(again);
            } else {
                self.give(&mut turn, again.given, again.after).await;
                if let Some(again) = &self.again {
                    sooner(again.at);
                }
            }
        }
        if turn.machine.is_none() && turn.unsure.is_none() {
            return (None, true);
        }
        if self.recorder.is_none() {
            sooner(now + LOOK_AGAIN);
            return (wake, false);
        }
        if self.is_reading && turn.outbox.is_some() {
            // Nothing that is to be sent waits for that.
            self.command = None;
        }
        if self.command.is_none() && self.again.is_none() {
            match self.due_at(&turn) {
                Some(at) if at > now || turn.outbox.is_some() => sooner(at),
                Some(_) if self.asks_first(&turn) => {}
                Some(_) => self.give(&mut turn, Given::Input(Input::Send), Duration::ZERO).await,
                None => {}
            }
            if self.command.is_none() {
                self.command_for(&mut turn);
            }
            if let Some(again) = &self.again {
                sooner(again.at);
            }
            sooner(self.reading.wake_at());
        }
        (wake, turn.machine.is_none() && turn.unsure.is_none())
    }

    /// When the machine wants to send next; `None` if it does not.
    fn due_at(&self, inner: &Inner) -> Option<Instant> {
        match inner.machine.as_ref()?.due() {
            Due::Never => None,
            Due::Now => Some(inner.since),
            // Up to an eighth more or less.
            Due::After(ms) => {
                let (ms, jitter) = (u64::from(ms), self.jitter.rotate_left(inner.times_sent()) % 1024);
                let most = ms / 8;
                Some(inner.since + Duration::from_millis(ms - most + 2 * most * jitter / 1024))
            }
        }
    }

    /// Makes the command for what is to be sent, drained or read back, if there is such a thing.
    fn command_for(&mut self, inner: &mut Inner) {
        let (Some((recorder, call)), Some(machine)) = (self.recorder.clone(), &inner.machine) else { return };
        if inner.unsure.is_some() {
            return;
        }
        self.is_reading = false;
        if let Some(sending) = inner.outbox.take() {
            self.sent_at = Instant::now();
            self.command = Some(Box::pin(async move {
                let outcome = recorder.carry_out(&call, sending.order, sending.number).await;
                Heard::Of(sending, outcome)
            }));
        } else if let Some(number) = machine.to_drain() {
            // After what is to be sent: the machine drains only what this process has not sent.
            self.command = Some(Box::pin(async move {
                recorder.drain(&call, number).await;
                Heard::Drained(number)
            }));
        } else if let Some(asked) = self.reading.now_and_then(machine)
            && recorder.capabilities().is_read_back_trusted
        {
            self.is_reading = true;
            self.command = Some(Box::pin(async move { Heard::Read(asked, recorder.read_back(&call).await) }));
        }
    }

    /// Whether the recorder is asked what it is doing before a repeat that is due.
    fn asks_first(&mut self, inner: &Inner) -> bool {
        let (Some((recorder, call)), Some(machine)) = (self.recorder.clone(), &inner.machine) else { return false };
        if inner.unsure.is_some() || !recorder.capabilities().is_read_back_trusted {
            return false;
        }
        let Some(asked) = self.reading.before_repeat(machine, inner.since) else { return false };
        self.is_reading = true;
        self.command = Some(Box::pin(async move {
            let said = timeout(BEFORE_REPEAT, recorder.read_back(&call)).await;
            Heard::Read(asked, said.unwrap_or_else(|_| Outcome::Unknown("no answer in time".to_owned())))
        }));
        true
    }

    /// A command has come to its end.
    async fn hear(&mut self, heard: Heard) {
        let driver = Arc::clone(&self.driver);
        let mut turn = driver.urgent().await;
        let input = match heard {
            Heard::Of(Sending { number, order, .. }, outcome) => match outcome {
                Outcome::Is(state) => {
                    self.service.metrics().recorders().confirmed(order, self.sent_at.elapsed());
                    if state != order.target() {
                        driver.viewed().last_error = Some(format!("the recorder is '{}'", state.name()).into());
                    }
                    Input::Reply { number, reported: Reported::Is(state) }
                }
                Outcome::NoSuchCall => {
                    driver.viewed().last_error = Some("the recorder does not know the call".into());
                    Input::Reply { number, reported: Reported::NoSuchCall }
                }
                Outcome::Unknown(reason) => {
                    driver.viewed().last_error = Some(reason.into());
                    Input::GivenUp { number }
                }
            },
            Heard::Drained(number) => Input::GivenUp { number },
            Heard::Read(asked, outcome) => {
                self.reading.answered(&outcome);
                let given = match outcome {
                    Outcome::Is(state) => Given::Read(asked, state),
                    Outcome::NoSuchCall => Given::Forgotten(asked),
                    Outcome::Unknown(_) => return,
                };
                return self.give(&mut turn, given, Duration::ZERO).await;
            }
        };
        self.give(&mut turn, Given::Input(input), Duration::ZERO).await;
    }

    /// Nothing that was sent to an earlier instance can still be carried out.
    async fn look_at_condition(&mut self) {
        let instance = match &self.condition {
            Some(condition) => condition.borrow().instance,
            None => return,
        };
        let before = core::mem::replace(&mut self.instance, instance);
        if instance <= before || before == 0 {
            return;
        }
        self.command = None;
        let driver = Arc::clone(&self.driver);
        let mut turn = driver.urgent().await;
        turn.outbox = None;
        self.again = None;
        self.give(&mut turn, Given::Input(Input::Restarted), Duration::ZERO).await;
    }

    /// Gives an input to the session, and keeps it to be given again if the store fails.
    async fn give(&mut self, inner: &mut Inner, given: Given, waited: Duration) {
        let (service, driver) = (&self.service, &*self.driver);
        let input = match given {
            Given::Input(input) => input,
            // What was read is of another time.
            Given::Read(..) | Given::Forgotten(_) if inner.unsure.is_some() => return,
            Given::Forgotten(asked) => {
                let is_as_it_was = |machine| asked.answered(machine, RecorderState::Off).is_some();
                if !inner.machine.as_ref().is_some_and(is_as_it_was) {
                    return;
                }
                Input::Restarted
            }
            Given::Read(asked, state) => {
                match inner.machine.as_ref().and_then(|machine| asked.answered(machine, state)) {
                    Some(input) => input,
                    None => return,
                }
            }
        };
        let key = &driver.call().key;
        let order = inner.machine.as_ref().and_then(Machine::order);
        let number = match input {
            Input::Reply { number, .. } | Input::GivenUp { number } => Some(number),
            _ => None,
        };
        let settled = service
            .drive(
                driver,
                inner,
                |machine| machine.step(input, clock::now()),
                |pending, inner| {
                    let Some(machine) = &inner.machine else { return Note::none() };
                    let (before, after, outcome) = (machine.kept().state(), pending.state(), pending.outcome());
                    let holds = &service.holds_change(key.ucc.to_ref(), machine.kept(), pending.to_store());
                    let (alarm, of) =
                        (inner.alarm, Recorded { recorder: &driver.call().binding.recorder, number, holds });
                    let change = Change::ByRecorder { key, order, before, after, outcome, alarm, of };
                    service.note(&change, Caller::default())
                },
            )
            .await;
        match settled {
            Ok(Some(settled)) => self.tell(&settled, order, number).await,
            Ok(None) => {}
            Err(error) => {
                log::store_failed("recorder", &error);
                let [first, last] = STORE_AGAIN;
                let after = (waited * 2).clamp(first, last);
                self.again = Some(Again { given, after, at: Instant::now() + after, revision: inner.revision });
            }
        }
    }

    async fn tell(
        &mut self,
        settled: &Settled<()>,
        order: Option<recording_core::recorder::Order>,
        number: Option<Number>,
    ) {
        let key = &self.driver.call().key;
        let (before, after) = (settled.before.state(), settled.after.map(|kept| kept.state()));
        let (outcome, alarm) = (settled.outcome, settled.alarm);
        let holds = &self.service.holds_change(key.ucc.to_ref(), &settled.before, settled.after.as_ref());
        let of = Recorded { recorder: &self.driver.call().binding.recorder, number, holds };
        let change = Change::ByRecorder { key, order, before, after, outcome, alarm, of };
        let is_stored = settled.after != Some(settled.before);
        let occurrence = if is_stored { Occurrence::Changed(change) } else { Occurrence::Recorder(change) };
        self.service.observe(&occurrence, Caller::default()).await;
    }

    /// Counts the pause, and reports once that it has reached its limit. Says when to count again.
    async fn tick(&mut self, inner: &mut Inner) -> Option<Instant> {
        let key = &self.driver.call().key;
        let limit = self.service.pause_limit(key.ucc.to_ref())?;
        let machine = inner.machine.as_mut()?;
        if machine.kept().state().recording() != RecordingState::Paused || machine.kept().closing().is_some() {
            return None;
        }
        let is_overdue = machine.tick(clock::now(), u64::try_from(limit.as_millis()).unwrap_or(u64::MAX));
        if is_overdue {
            let recorder = &*self.driver.call().binding.recorder;
            let since_ms = machine.kept().paused_since_ms();
            self.driver.viewed().is_overdue = true;
            self.service.observe(&Occurrence::Overdue { key, recorder, since_ms, limit }, Caller::default()).await;
        }
        Some(Instant::now() + Duration::from_secs(1))
    }
}
