//! A recorder that does what the test says, and a server with one.

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use core::time::Duration;
use std::sync::{Arc, Mutex};

use recording_core::recorder::{Channel, Number, Order, RecorderState, ResumePolicy};
use recording_core::state::{RecordingState, RepeatPolicy};
use recording_core::wire::{CorrelationId, SetRequest, SipUri, SipUriBuf, UccName, UccNameBuf};
use recording_core::{Action, Settings, State};
use serde_json::{Map, Value};
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::caller::Caller;
use crate::calls::Begun;
use crate::directory::{Directory, Recording, Ucc};
use crate::events::Published;
use crate::recorder::port::{Call, Capabilities, Condition, Outcome, Recorder, Work};
use crate::recorder::{Recorders, supervise};
use crate::service::Service;
use crate::session::SessionKey;
use crate::store::{MemoryStore, Store};

pub(super) const UCC: &str = "ucc";
pub(super) const RECORDER: &str = "scripted";
pub(super) const ANNA: &str = "sip:anna@domain.com";
pub(super) const BEN: &str = "sip:ben@domain.com";

/// What the recorder is asked, to be answered by the test. If it is dropped, the outcome is unknown.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) order: Order,
    pub(super) number: Number,
    reply: oneshot::Sender<Outcome>,
}

impl Asked {
    pub(super) fn reply(self, outcome: Outcome) {
        let _ = self.reply.send(outcome);
    }

    pub(super) fn is(self, state: RecorderState) {
        self.reply(Outcome::Is(state));
    }

    pub(super) fn carry_out(self) {
        let target = self.order.target();
        self.is(target);
    }
}

#[derive(Debug)]
pub(super) struct Scripted {
    asked: mpsc::UnboundedSender<Asked>,
    drained: mpsc::UnboundedSender<(Number, oneshot::Sender<()>)>,
    condition: watch::Sender<Condition>,
    channel: Channel,
    /// Its read-backs are trusted.
    is_read: AtomicBool,
    /// What it says to one; `None` if that never ends.
    says: Mutex<Option<Outcome>>,
    /// How many there were.
    reads: AtomicUsize,
    cannot_pause: AtomicBool,
    /// It has a fault that ends the task which asks it.
    panics: AtomicBool,
}

impl Recorder for Scripted {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            channel: self.channel,
            is_read_back_trusted: self.is_read.load(Ordering::Relaxed),
            can_pause: !self.cannot_pause.load(Ordering::Relaxed),
        }
    }

    fn condition(&self) -> watch::Receiver<Condition> {
        self.condition.subscribe()
    }

    fn place(&self) -> &str {
        "where the script is"
    }

    fn call_id(&self, key: &SessionKey, call: &Map<String, Value>) -> Result<Box<str>, String> {
        match call.get("CallId") {
            None => Ok(key.correlation_id.to_string().into()),
            Some(Value::String(id)) => Ok(id.as_str().into()),
            Some(_) => Err("CallId: is not a text".to_owned()),
        }
    }

    fn carry_out<'a>(&'a self, _: &'a Call, order: Order, number: Number) -> Work<'a, Outcome> {
        let (reply, replied) = oneshot::channel();
        let _ = self.asked.send(Asked { order, number, reply });
        assert!(!self.panics.load(Ordering::Relaxed), "planted");
        Box::pin(async { replied.await.unwrap_or_else(|_| Outcome::Unknown("no reply".to_owned())) })
    }

    fn drain<'a>(&'a self, _: &'a Call, number: Number) -> Work<'a, ()> {
        let (landed, has_landed) = oneshot::channel();
        let _ = self.drained.send((number, landed));
        Box::pin(async {
            let _ = has_landed.await;
        })
    }

    fn read_back<'a>(&'a self, _: &'a Call) -> Work<'a, Outcome> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let says = self.says.lock().expect("no panic").clone();
        Box::pin(async {
            match says {
                Some(outcome) => outcome,
                None => core::future::pending().await,
            }
        })
    }

    fn files<'a>(&'a self, _: &'a Call) -> Work<'a, Vec<String>> {
        Box::pin(async { Vec::new() })
    }
}

/// A server with a scripted recorder.
pub(super) struct World<S> {
    pub(super) service: Arc<Service<S>>,
    pub(super) asked: mpsc::UnboundedReceiver<Asked>,
    pub(super) drained: mpsc::UnboundedReceiver<(Number, oneshot::Sender<()>)>,
    pub(super) condition: Arc<Scripted>,
    pub(super) events: broadcast::Receiver<Published>,
    supervisor: JoinHandle<()>,
}

impl<S> Drop for World<S> {
    fn drop(&mut self) {
        self.supervisor.abort();
    }
}

/// What a request got: the state, and the error's text.
pub(super) type Got = (State, Option<String>);

pub(super) fn directory(recording: Recording) -> Directory {
    directory_with(recording, &[])
}

/// The same, with these patterns.
pub(super) fn directory_with(recording: Recording, patterns: &[&str]) -> Directory {
    let settings = Settings {
        recording_api_licensed: true,
        use_audio_recording: true,
        agent_can_edit_audio_recording: true,
        save_recording_by_default: true,
        repeats: RepeatPolicy::Accept,
    };
    let agents = [ANNA, BEN].map(|uri| SipUriBuf::new(uri).expect("a URI"));
    let mut directory = Directory::new();
    let patterns = patterns.iter().map(|pattern| pattern.parse().expect("a pattern")).collect();
    let ucc = Ucc::new(settings, agents).with_patterns(patterns).recorded_by(recording);
    directory.add(&UccNameBuf::new(UCC).expect("a name"), ucc).expect("no other");
    directory
}

pub(super) fn recording(resume: ResumePolicy) -> Recording {
    Recording { recorder: Some(RECORDER.into()), resume, pause_limit: None }
}

pub(super) fn key(number: u128) -> SessionKey {
    SessionKey::new(UccName::new(UCC).expect("a name"), CorrelationId::from_u128(number))
}

pub(super) fn started() -> State {
    State::INITIAL.with_recording(RecordingState::Started)
}

pub(super) async fn world() -> World<MemoryStore> {
    World::new(MemoryStore::new(), recording(ResumePolicy::Anyone), Channel::Drained).await
}

impl<S: Store> World<S> {
    pub(super) async fn new(store: S, recording: Recording, channel: Channel) -> Self {
        let (asked, asked_of) = mpsc::unbounded_channel();
        let (drained, drains) = mpsc::unbounded_channel();
        let condition = watch::Sender::new(Condition { instance: 1, answers: true, ..Condition::default() });
        let [is_read, cannot_pause, panics] = [(); 3].map(|()| AtomicBool::new(false));
        let (says, reads) = (Mutex::default(), AtomicUsize::new(0));
        let recorder =
            Arc::new(Scripted { asked, drained, condition, channel, is_read, says, reads, cannot_pause, panics });
        let recorders = Recorders::default();
        recorders.replace([(RECORDER.into(), Arc::clone(&recorder) as Arc<dyn Recorder>)]);
        let service = Arc::new(Service::new(directory(recording), store).with_recorders(recorders));
        let events = service.events().subscribe();
        service.load_recorded().await.expect("the store");
        let supervisor = tokio::spawn(supervise(Arc::clone(&service)));
        Self { service, asked: asked_of, drained: drains, condition: recorder, events, supervisor }
    }

    pub(super) async fn begin(&self, number: u128, state: State) -> Begun {
        let key = key(number);
        let ucc = UccName::new(UCC).expect("a name");
        let begun = self.service.begin(ucc, key.correlation_id, state, Caller::default()).await;
        begun.expect("begun").0
    }

    /// Whether all sessions are driven; waits a while for them not to be.
    pub(super) async fn is_driven(&mut self) -> bool {
        timeout(Duration::from_secs(60), &mut self.supervisor).await.is_err()
    }

    /// Asks for a change, in a task of its own.
    pub(super) fn set(&self, number: u128, action: Action, requester: &'static str) -> JoinHandle<Got> {
        let service = Arc::clone(&self.service);
        tokio::spawn(async move {
            let request = SetRequest {
                action,
                requester: SipUri::new(requester).expect("a URI"),
                correlation_id: CorrelationId::from_u128(number),
                ucc: UccName::new(UCC).expect("a name"),
            };
            match service.set(&request, Caller::default()).await {
                Ok(reply) => (reply.state, reply.error.map(|error| error.to_string())),
                Err(rejection) => (State::INITIAL, Some(format!("rejected: {rejection}"))),
            }
        })
    }

    /// What the recorder is asked next.
    pub(super) async fn next(&mut self) -> Asked {
        timeout(Duration::from_secs(60), self.asked.recv()).await.expect("an order in time").expect("a server")
    }

    /// Whether the recorder is asked nothing for so long.
    pub(super) async fn is_quiet(&mut self, wait: Duration) -> bool {
        timeout(wait, self.asked.recv()).await.is_err()
    }

    /// The stored state, if the API finds the session.
    pub(super) async fn stored(&self, number: u128) -> Option<State> {
        let found = self.service.store().read(&key(number)).await.expect("the store");
        found.and_then(|found| found.session.state())
    }

    /// The events since this was asked the last time.
    pub(super) fn published(&mut self) -> Vec<Action> {
        core::iter::from_fn(|| self.events.try_recv().ok()).map(|event| event.action).collect()
    }

    /// A session that is recorded, with nothing pending.
    pub(super) async fn recorded(&mut self, number: u128) {
        assert_eq!(self.begin(number, State::INITIAL).await, Begun::Opened);
        let start = self.set(number, Action::Start, ANNA);
        self.next().await.carry_out();
        assert_eq!(start.await.expect("a reply"), (started(), None));
        self.published();
    }

    /// A session that is paused, with nothing pending.
    pub(super) async fn paused(&mut self, number: u128) -> State {
        self.recorded(number).await;
        let pause = self.set(number, Action::Pause, ANNA);
        self.next().await.carry_out();
        let (state, error) = pause.await.expect("a reply");
        assert_eq!((state.recording(), error), (RecordingState::Paused, None));
        self.published();
        state
    }
}

impl Scripted {
    /// A new instance of the recorder is proven.
    pub(super) fn restart(&self) {
        self.condition.send_modify(|condition| {
            condition.instance += 1;
            condition.restarts += 1;
        });
    }

    pub(super) fn hang_at_read_backs(&self) {
        self.is_read.store(true, Ordering::Relaxed);
    }

    /// What it says to read-backs from now on.
    pub(super) fn say(&self, outcome: Outcome) {
        self.is_read.store(true, Ordering::Relaxed);
        *self.says.lock().expect("no panic") = Some(outcome);
    }

    /// How many read-backs there were.
    pub(super) fn reads(&self) -> usize {
        self.reads.load(Ordering::Relaxed)
    }

    pub(super) fn panic(&self) {
        self.panics.store(true, Ordering::Relaxed);
    }

    pub(super) fn cannot_pause(&self) {
        self.cannot_pause.store(true, Ordering::Relaxed);
    }

    pub(super) fn fail_self_test(&self) {
        self.condition.send_modify(|condition| {
            condition.usable = Some(Err("it writes in a pause".to_owned()));
            condition.self_tests_failed += 1;
        });
    }
}
