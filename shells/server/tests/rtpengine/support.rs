//! A daemon with its adapter.

use core::sync::atomic::{AtomicU16, Ordering};
use core::time::Duration;
use std::path::PathBuf;
use std::sync::Arc;

use recording_core::recorder::{Number, Order};
use recording_core::wire::{CorrelationId, UccName};
use recording_lab::{Rtpengine as Daemon, Settings};
use recording_server::recorder::port::{Call, Condition, Outcome, Recorder as _};
use recording_server::recorder::rtpengine::{Options, PauseMode, Rtpengine};
use recording_server::session::{Binding, SessionKey};
use serde_json::json;
use tokio::time::timeout;

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Above the ports of the laboratory's other daemons, and below those that the system gives to others.
const FIRST_PORT: u16 = 31_000;

/// How many ports a daemon has for media.
const PORTS: u16 = 40;

pub(crate) struct Bench {
    pub(crate) daemon: Daemon,
    pub(crate) recorder: Arc<Rtpengine>,
}

/// A daemon, started with these arguments besides.
pub(crate) fn daemon(arguments: &[&str]) -> Daemon {
    let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    start(Settings { arguments, ..Settings::default() })
}

/// A daemon of the installed version, or of the one that `RTPENGINE` names.
pub(crate) fn start(settings: Settings) -> Daemon {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let program = std::env::var("RTPENGINE").unwrap_or_else(|_| settings.program.clone());
    // Ports of its own: a daemon shares those that another has bound, and one of the two gets the packets.
    let first = FIRST_PORT + PORTS * NEXT.fetch_add(1, Ordering::Relaxed);
    let mut arguments = settings.arguments;
    arguments.extend([format!("--port-min={first}"), format!("--port-max={}", first + PORTS - 1)]);
    let started = Daemon::start(Settings { program, arguments, ..settings });
    started.expect("rtpengine, which `cargo xtask recorder install` installs")
}

pub(crate) fn call(id: &str) -> Call {
    let key = SessionKey::new(UccName::new("ucc").expect("a name"), CorrelationId::from_u128(7));
    Call { key, id: id.into(), binding: Arc::new(Binding { recorder: "r".into(), call: "{}".into() }) }
}

impl Bench {
    pub(crate) fn start() -> Self {
        let daemon = daemon(&[]);
        let folder = daemon.recording_dir();
        Self::with(daemon, PauseMode::Segments, folder)
    }

    pub(crate) fn with(daemon: Daemon, pause: PauseMode, recording_dir: PathBuf) -> Self {
        let options = Options {
            name: "r".into(),
            address: daemon.ng().to_string().into(),
            pause,
            recording_dir: Some(recording_dir),
            self_test: true,
        };
        // Of each test process its own, as of each store.
        let store_id = u64::from(std::process::id()) << 32 | u64::from(daemon.ng().port());
        let (recorder, _alive) = Rtpengine::start(options, store_id).expect("random numbers");
        Self { daemon, recorder: Arc::new(recorder) }
    }

    pub(crate) fn condition(&self) -> Condition {
        self.recorder.condition().borrow().clone()
    }

    /// Waits until this is true of the recorder.
    pub(crate) async fn until(&self, is_so: impl FnMut(&Condition) -> bool) -> Condition {
        let mut changes = self.recorder.condition();
        let seen = timeout(PATIENCE, changes.wait_for(is_so)).await;
        assert!(seen.is_ok(), "{:?}", self.condition());
        self.condition()
    }

    /// Waits for the verdict of the first self-test.
    pub(crate) async fn verdict(&self) -> Result<(), String> {
        self.until(|condition| condition.usable.is_some()).await.usable.expect("a verdict")
    }

    /// Sets up a call at the daemon.
    pub(crate) fn has_call(&self, id: &str) {
        self.daemon.client().expect("a socket").call(id, 40_000, 40_002, &json!({})).expect("a call");
    }

    pub(crate) async fn order(&self, id: &str, order: Order, sending: u64) -> Outcome {
        let number = Number::from_u64(sending).expect("a number");
        self.recorder.carry_out(&call(id), order, number).await
    }

    /// The same, while the test goes on.
    pub(crate) fn ordering(&self, id: &'static str, order: Order, sending: u64) -> tokio::task::JoinHandle<Outcome> {
        let recorder = Arc::clone(&self.recorder);
        let number = Number::from_u64(sending).expect("a number");
        tokio::spawn(async move { recorder.carry_out(&call(id), order, number).await })
    }
}
