//! One process of the server, and its clients.

use core::time::Duration;
use std::sync::{Arc, Mutex};

use recording_core::Action;
use recording_core::recorder::ResumePolicy;
use recording_core::wire::{CorrelationId, SetRequest, SipUri, UccName};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep};

use super::super::scripted::{RECORDER, UCC, directory, recording};
use super::recorder::Stubborn;
use super::store::Stormy;
use super::{CLIENTS, Client, Planted, Shared, lock};
use crate::caller::Caller;
use crate::recorder::port::{Condition, Recorder};
use crate::recorder::{Recorders, supervise};
use crate::service::Service;
use crate::store::MemoryStore;

/// One process of the server.
pub(super) struct Process {
    pub(super) service: Arc<Service<Stormy>>,
    supervisor: JoinHandle<()>,
    pub(super) clients: JoinSet<()>,
}

impl Process {
    pub(super) async fn start(
        truth: &Shared,
        sound: &Arc<MemoryStore>,
        condition: &Arc<watch::Sender<Condition>>,
    ) -> Self {
        let recorder = Stubborn { truth: Arc::clone(truth), condition: Arc::clone(condition), turn: Arc::default() };
        let recorders = Recorders::default();
        recorders.replace([(RECORDER.into(), Arc::new(recorder) as Arc<dyn Recorder>)]);
        let events = Arc::new(Mutex::new(None));
        let resume = {
            let weather = lock(truth).weather;
            if weather.planted == Planted::KeepsNoHolds { ResumePolicy::Anyone } else { weather.resume() }
        };
        let store = Stormy { sound: Arc::clone(sound), truth: Arc::clone(truth), events: Arc::clone(&events) };
        let service = Service::new(directory(recording(resume)), store).with_recorders(recorders);
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

    pub(super) async fn kill(mut self) {
        self.supervisor.abort();
        self.clients.abort_all();
        while self.clients.join_next().await.is_some() {}
        let _ = self.supervisor.await;
    }

    pub(super) fn set(&mut self, truth: &Shared, action: Action, client: usize) {
        let (service, truth) = (Arc::clone(&self.service), Arc::clone(truth));
        self.clients.spawn(async move {
            let request = SetRequest {
                action,
                requester: SipUri::new(CLIENTS[client]).expect("a URI"),
                correlation_id: CorrelationId::from_u128(1),
                ucc: UccName::new(UCC).expect("a name"),
            };
            let (asked, began) = {
                let mut truth = lock(&truth);
                truth.report.sets += 1;
                truth.note(format!("{action:?} is asked for by {}", CLIENTS[client]));
                if action == Action::Start {
                    truth.start_is_asked(Some(client));
                }
                (truth.clients[client].starts_asked, Instant::now())
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
                truth.start_is_answered(Some(client));
                let is_held = |text: String| text.contains("held back");
                let error = reply.as_ref().ok().and_then(|reply| reply.error);
                truth.report.held_back += usize::from(error.is_some_and(|error| is_held(error.to_string())));
            }
            // Its wait, and the turns of those few before it, each with its disk.
            if began.elapsed() > Duration::from_millis(2_500) {
                truth.wrong(&format!("{action:?} took {:?}", began.elapsed()));
            }
            let is_silence = matches!(action, Action::Pause | Action::Stop);
            if is_silence && reply.is_ok_and(|reply| reply.error.is_none()) {
                truth.report.confirmed += 1;
                let Client { starts_asked, starts_open, .. } = truth.clients[client];
                if starts_asked == asked && starts_open == 0 && truth.stored.is_some() {
                    truth.clients[client].is_promised = true;
                    truth.check();
                }
            }
        });
    }
}
