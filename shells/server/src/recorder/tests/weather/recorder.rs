//! A recorder in a storm, with its adapter: it loses, delays, repeats, refuses, forgets and starts again.

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use recording_core::recorder::{Channel, Number, Order};
use serde_json::{Map, Value};
use tokio::sync::{oneshot, watch};
use tokio::time::{sleep, timeout};

use super::{Planted, Shared, lock};
use crate::recorder::port::{Call, Capabilities, Condition, Outcome, Recorder, Work};
use crate::session::SessionKey;

/// A recorder in the weather, with its adapter.
#[derive(Clone)]
pub(super) struct Stubborn {
    pub(super) truth: Shared,
    pub(super) condition: Arc<watch::Sender<Condition>>,
    /// One command at a time on a channel that is drained, as far as this process knows.
    pub(super) turn: Arc<tokio::sync::Mutex<()>>,
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
                None => lock(&truth).unanswered.push(tell),
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

    fn place(&self) -> &str {
        "in the weather"
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
            let (is, is_unknown) = {
                let mut truth = lock(&self.truth);
                (truth.recorder, truth.chance(8))
            };
            sleep(Duration::from_millis(back)).await;
            if is_unknown {
                lock(&self.truth).note("read, and finds no call".to_owned());
                return Outcome::NoSuchCall;
            }
            lock(&self.truth).note(format!("read {is}"));
            Outcome::Is(is)
        })
    }

    fn files<'a>(&'a self, _: &'a Call) -> Work<'a, Vec<String>> {
        Box::pin(async { Vec::new() })
    }
}
