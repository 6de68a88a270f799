//! One session with a recorder: its machine, and who waits for it.

use std::sync::{Mutex as StdMutex, MutexGuard as StdGuard, OnceLock, PoisonError};

use recording_core::recorder::{Answer, Answers, Flight, Holder, Machine, Number, Order, Reread, Sending};
use recording_core::state::RecordingState;
use tokio::sync::{Mutex, MutexGuard, Notify, oneshot};
use tokio::time::Instant;

use super::clock;
use super::port::Call;
use super::view::View;
use crate::session::Revision;

/// One session with a recorder.
#[derive(Debug)]
pub struct Driver {
    /// As it was made; of a session that was loaded the recorder may name the call in another way.
    call: Call,
    /// The call as its recorder names it. No other session has it from then on.
    claimed: OnceLock<Call>,
    /// What can wait takes its turn here first, so that at most one such change is ahead of a Pause.
    line: Mutex<()>,
    inner: Mutex<Inner>,
    /// Wakes the task that sends.
    pub(super) wake: Notify,
    view: StdMutex<View>,
    /// The machine as it was after the last step, for those who cannot wait for a turn.
    last: StdMutex<Option<Machine>>,
}

/// What is done under the session's lock.
#[derive(Debug)]
pub(crate) struct Inner {
    /// `None` before the session begins, and once it is over.
    pub(super) machine: Option<Machine>,
    pub(super) revision: Revision,
    /// The store did not say whether it stored what was asked for last: the session is read again before its next input.
    pub(super) unsure: Option<Reread>,
    /// What is to be sent. Nothing else is until it has been.
    pub(super) outbox: Option<Sending>,
    /// Requests that wait for an answer. There are no more than requests under way, which are limited.
    waiting: Vec<(Holder, oneshot::Sender<Answer>)>,
    progress: Option<Progress>,
    /// Since when the machine is where it is: what is due is counted from here, and no Mark puts it off.
    pub(super) since: Instant,
    /// When an alarm was raised that has been followed by neither silence nor a Start yet, and when silence was confirmed
    /// before it.
    pub(super) alarm: Option<Alarm>,
}

/// The recorder recorded although it was silent, or was to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Alarm {
    /// When it was last known to be silent, in milliseconds since 1970.
    pub(crate) last_silent_ms: Option<u64>,
    /// When it was found recording.
    pub(crate) found_ms: u64,
}

/// What has to change for time to be counted again.
type Progress = (Option<Order>, Option<Flight>, Option<Number>, RecordingState);

/// The session's lock.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    inner: MutexGuard<'a, Inner>,
    _line: Option<MutexGuard<'a, ()>>,
}

impl core::ops::Deref for Turn<'_> {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.inner
    }
}

impl core::ops::DerefMut for Turn<'_> {
    fn deref_mut(&mut self) -> &mut Inner {
        &mut self.inner
    }
}

impl Driver {
    /// A session that has not begun yet, or is to be loaded.
    pub(super) fn new(call: Call) -> Self {
        let inner = Inner {
            machine: None,
            revision: Revision(0),
            unsure: None,
            outbox: None,
            waiting: Vec::new(),
            progress: None,
            since: Instant::now(),
            alarm: None,
        };
        Self {
            call,
            claimed: OnceLock::new(),
            last: StdMutex::default(),
            line: Mutex::new(()),
            inner: Mutex::new(inner),
            wake: Notify::new(),
            view: StdMutex::new(View::default()),
        }
    }

    /// The call.
    #[must_use]
    pub fn call(&self) -> &Call {
        self.claimed.get().unwrap_or(&self.call)
    }

    /// The call as its recorder names it, if this session has it: nothing is sent before.
    pub(super) fn claimed(&self) -> Option<&Call> {
        self.claimed.get()
    }

    /// The session has this call from now on.
    pub(super) fn claim(&self, call: Call) {
        let _ = self.claimed.set(call);
    }

    /// The machine as it was after the last step.
    pub(super) fn last(&self) -> Option<Machine> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What people see.
    #[must_use]
    pub fn view(&self) -> View {
        self.viewed().clone()
    }

    // Nothing under this lock can panic half-way.
    pub(super) fn viewed(&self) -> StdGuard<'_, View> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session's turn, for what must not wait for others that can: silence, replies, ends.
    pub(crate) async fn urgent(&self) -> Turn<'_> {
        Turn { inner: self.inner.lock().await, _line: None }
    }

    /// The session's turn.
    pub(crate) async fn in_line(&self) -> Turn<'_> {
        let line = self.line.lock().await;
        Turn { inner: self.inner.lock().await, _line: Some(line) }
    }

    /// The machine is here now.
    pub(super) fn follow(&self, inner: &mut Inner) {
        let progress = inner
            .machine
            .as_ref()
            .map(|machine| (machine.order(), machine.flight(), machine.latest(), machine.kept().state().recording()));
        if progress != inner.progress {
            inner.progress = progress;
            inner.since = Instant::now();
        }
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&inner.machine);
        if let Some(machine) = &inner.machine {
            let mut view = self.viewed();
            view.follow(machine, clock::unix_ms());
            view.found_recording_at_ms = inner.alarm.map(|alarm| alarm.found_ms);
        }
        self.wake.notify_one();
    }
}

impl Inner {
    /// A request waits for an answer.
    pub(super) fn wait(&mut self, holder: Holder) -> oneshot::Receiver<Answer> {
        let (tell, told) = oneshot::channel();
        self.waiting.push((holder, tell));
        told
    }

    /// Answers those that are meant.
    pub(super) fn answer(&mut self, answers: &Answers) {
        for (_, tell) in self.waiting.extract_if(.., |(holder, _)| answers.only.is_none_or(|only| only == *holder)) {
            // One whose time is up just now finds it when it has the lock.
            let _ = tell.send(answers.answer);
        }
    }

    /// The session is over: nothing is sent, and those who wait find no session.
    pub(super) fn over(&mut self) {
        self.machine = None;
        self.unsure = None;
        self.outbox = None;
        self.waiting.clear();
    }

    /// How often the pending order was sent.
    pub(super) fn times_sent(&self) -> u32 {
        self.machine.as_ref().map_or(0, Machine::times_sent)
    }

    /// Forgets requests that wait no longer.
    pub(super) fn forget_gone(&mut self) {
        self.waiting.retain(|(_, tell)| !tell.is_closed());
    }
}
