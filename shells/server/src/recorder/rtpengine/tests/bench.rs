//! An adapter and its daemon.

use core::time::Duration;
use std::path::PathBuf;
use std::sync::Arc;

use recording_core::recorder::{Number, Order};
use recording_core::wire::{CorrelationId, UccName};
use tokio::time::{Instant, timeout};

use super::super::landing::Rules;
use super::super::orders::Orders;
use super::super::{Options, PauseMode, Rtpengine};
use super::daemon::Daemon;
use crate::recorder::port::{Call, Condition, Outcome, Recorder as _};
use crate::session::{Binding, SessionKey};

pub(super) const CALL: &str = "a84b4c76e66710@pc33";

pub(super) fn number(number: u64) -> Number {
    Number::from_u64(number).expect("a number")
}

pub(super) fn call(id: &str) -> Call {
    let correlation_id = CorrelationId::from_u128(7);
    let key = SessionKey::new(UccName::new("ucc").expect("a name"), correlation_id);
    Call { key, id: id.into(), binding: Arc::new(Binding { recorder: "r".into(), call: "{}".into() }) }
}

pub(super) struct Bench {
    pub(super) daemon: Daemon,
    pub(super) recorder: Arc<Rtpengine>,
}

pub(super) fn options(daemon: &Daemon, pause: PauseMode, recording_dir: Option<PathBuf>) -> Options {
    let self_test = recording_dir.is_some();
    Options { name: "r".into(), address: daemon.address.to_string().into(), pause, recording_dir, self_test }
}

impl Bench {
    /// With a call, without a self-test.
    pub(super) async fn start() -> Self {
        Self::with_rules(Rules::KEPT).await
    }

    pub(super) async fn with_rules(rules: Rules) -> Self {
        let daemon = Daemon::start().await;
        daemon.has_call(CALL);
        let mut orders = Orders::new(options(&daemon, PauseMode::Segments, None), 1, 2);
        orders.rules = rules;
        Self { daemon, recorder: Arc::new(Rtpengine::run(orders).0) }
    }

    /// With a call, by a name that is looked up as an address at which no recorder listens, and then the daemon's.
    pub(super) async fn second_of_two() -> Self {
        let daemon = Daemon::start().await;
        daemon.has_call(CALL);
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
        let nowhere = socket.local_addr().expect("an address");
        drop(socket);
        let mut orders = Orders::new(options(&daemon, PauseMode::Segments, None), 1, 2);
        orders.link.instead = vec![nowhere, daemon.address];
        Self { daemon, recorder: Arc::new(Rtpengine::run(orders).0) }
    }

    pub(super) async fn with(daemon: Daemon, options: Options) -> Self {
        let (recorder, _alive) = Rtpengine::start(options, 1).expect("random numbers");
        Self { daemon, recorder: Arc::new(recorder) }
    }

    pub(super) fn condition(&self) -> Condition {
        self.recorder.condition().borrow().clone()
    }

    /// Waits until this is true of the recorder.
    pub(super) async fn until(&self, is_so: impl FnMut(&Condition) -> bool) {
        let mut changes = self.recorder.condition();
        let seen = timeout(Duration::from_secs(600), changes.wait_for(is_so)).await;
        assert!(seen.is_ok(), "{:?}", self.condition());
    }

    /// Carries an order out, and says how long that took.
    pub(super) async fn order(&self, order: Order, sending: u64) -> (Outcome, Duration) {
        let began = Instant::now();
        let outcome = self.recorder.carry_out(&call(CALL), order, number(sending)).await;
        (outcome, began.elapsed())
    }

    /// The same, while the test goes on.
    pub(super) fn ordering(&self, order: Order, sending: u64) -> tokio::task::JoinHandle<(Outcome, Duration)> {
        let recorder = Arc::clone(&self.recorder);
        tokio::spawn(async move {
            let began = Instant::now();
            let outcome = recorder.carry_out(&call(CALL), order, number(sending)).await;
            (outcome, began.elapsed())
        })
    }
}
