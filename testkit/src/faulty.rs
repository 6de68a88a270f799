//! A server in this process: the core's desk with its requests and replies, with one planted fault or none.

use core::convert::Infallible;

use recording_core::desk::BeginOutcome;
use recording_core::state::{Disposition, MarkingState, RecordingState, SavingState};
use recording_core::wire::RequestParts;
use recording_core::wire::{CorrelationId, UccName};
use recording_core::{Desk, Directory, Event, Reply, Request, Scratch, Session, Settings, State};

use crate::faults::Fault;
use crate::http::{self, Response};
use crate::naive;
use crate::plan::Plan;
use crate::transport::Transport;

type World = Desk<64, Directory<16, 32, 4096>>;

/// A desk that answers HTTP requests and does one thing wrong, or nothing.
#[derive(Debug, Clone)]
pub struct FaultyDesk {
    pub(crate) desk: World,
    pub(crate) fault: Option<Fault>,
    pub(crate) agent: String,
    pub(crate) first_ucc: String,
    events: Vec<String>,
}

/// A naive state as the core has it; what is no state counts as the first one.
fn state_of((recording, marking, saving): naive::State) -> State {
    State::new(
        RecordingState::from_code(recording).unwrap_or(RecordingState::Uninitialized),
        MarkingState::from_code(marking).unwrap_or(MarkingState::None),
        SavingState::from_code(saving).unwrap_or(SavingState::None),
    )
}

const fn settings_of(ucc: naive::Ucc) -> Settings {
    Settings {
        recording_api_licensed: ucc.licensed,
        use_audio_recording: ucc.use_audio_recording,
        agent_can_edit_audio_recording: ucc.agent_can_edit,
        save_recording_by_default: ucc.save_by_default,
        repeats: if ucc.repeats_accepted {
            recording_core::state::RepeatPolicy::Accept
        } else {
            recording_core::state::RepeatPolicy::Refuse
        },
    }
}

impl FaultyDesk {
    /// A server with the world of a plan.
    ///
    /// # Panics
    ///
    /// If the plan has names that cannot be, or more UCCs than a small desk holds.
    #[must_use]
    pub fn new(plan: &Plan, fault: Option<Fault>) -> Self {
        let mut directory = Directory::new();
        for ucc in &plan.uccs {
            let Some(settings) = ucc.settings else { continue };
            let name = UccName::new(&ucc.name).expect("a UCC's name");
            let key = directory.add_ucc(name, settings_of(settings)).expect("room for the UCCs");
            let agent = plan.agent.as_str().try_into().expect("a SIP URI");
            directory.add_agent(key, agent).expect("room for the agents");
        }
        Self {
            desk: Desk::new(directory),
            fault,
            agent: plan.agent.clone(),
            first_ucc: plan.ucc(0).name.clone(),
            events: Vec::new(),
        }
    }

    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    /// Answers a request.
    pub fn answer(&mut self, request: &http::Request) -> Response {
        let is_head = request.method == "HEAD";
        let (target, body) = self.request_spoilt(request);
        let content_type = request.content_type.map(str::as_bytes);
        let mut scratch = Scratch::new();
        let read = Request::read(
            RequestParts { method: request.method.as_bytes(), target: &target, content_type, body: &body },
            &mut scratch,
        );
        let (reply, event) = match &read {
            Ok(request) => {
                if let Some(mut response) = self.instead(request) {
                    if is_head {
                        response.body.clear();
                    }
                    return response;
                }
                let before = self.state_asked(request);
                let handled = self.desk.handle(request);
                self.afterwards(request, before);
                (handled.reply, handled.event)
            }
            Err(rejection) => ((*rejection).into(), None),
        };
        self.publish(event.as_ref(), &read);
        let mut buffer = [0; Reply::MAX_LEN];
        let mut response = response(reply.status(), reply.write(&mut buffer).unwrap_or_default());
        response.allow = reply.allow().map(Into::into);
        let mut response = self.reply_spoilt(&read, &reply, response);
        if is_head {
            response.body.clear();
        }
        response
    }

    fn state_asked(&self, request: &Request<'_>) -> Option<State> {
        match request {
            Request::Set(set) => self.desk.state(set.ucc, set.correlation_id),
            Request::State(read) => self.desk.state(read.ucc, read.correlation_id),
            Request::Capabilities(_) => None,
        }
    }

    /// Puts a session into a state behind the rules' back.
    pub(crate) fn put(&mut self, ucc: UccName<'_>, correlation_id: CorrelationId, state: State) {
        if self.desk.end(ucc, correlation_id).is_ok() {
            let _ = self.desk.begin(Session { ucc, correlation_id, state });
        }
    }

    fn publish(&mut self, event: Option<&Event<'_>>, request: &Result<Request<'_>, recording_core::wire::Rejection>) {
        use recording_core::Action::{Mark, Pause};
        let mut buffer = [0; Event::MAX_LEN];
        let mut json =
            |event: &Event<'_>| String::from_utf8_lossy(event.write(&mut buffer).unwrap_or_default()).into_owned();
        match (event, request, self.fault) {
            (Some(event), _, Some(Fault::EventMissing)) if event.action == Pause => {}
            (Some(event), _, Some(Fault::EventTwice)) if event.action == Mark => {
                self.events.extend([json(event), json(event)]);
            }
            (Some(event), ..) => self.events.push(json(event)),
            (None, Ok(Request::Set(set)), Some(Fault::EventOfRepeat)) => {
                let state = self.desk.state(set.ucc, set.correlation_id);
                if state.is_some_and(|state| state.apply(set.action).state() == state) {
                    let (ucc, correlation_id) = (set.ucc, set.correlation_id);
                    self.events.push(json(&Event { ucc, correlation_id, action: set.action }));
                }
            }
            _ => {}
        }
    }

    /// The call's side begins a session: 201, or 200 if it is open already; 404 without its UCC.
    pub fn begin_session(&mut self, ucc: &str, id: &str, state: naive::State) -> Response {
        let (Ok(ucc), Ok(correlation_id)) = (UccName::new(ucc), CorrelationId::parse(id)) else {
            return response(400, b"{}");
        };
        let mut state = state_of(state);
        if self.has(Fault::BeginsStarted) {
            state = state.with_recording(RecordingState::Started);
        }
        let (status, state) = match self.desk.begin(Session { ucc, correlation_id, state }) {
            Ok(BeginOutcome::New) => (201, state),
            Ok(BeginOutcome::AlreadyOpen(state)) => (200, state),
            Err(_) => return response(404, b"{}"),
        };
        let reply = recording_core::wire::StateReply { correlation_id, state, error: None, ucc };
        let mut buffer = [0; Reply::MAX_LEN];
        response(status, reply.write(&mut buffer).unwrap_or_default())
    }

    /// The call's side ends a session.
    pub fn end_session(&mut self, ucc: &str, id: &str) -> Response {
        let (Ok(ucc), Ok(correlation_id)) = (UccName::new(ucc), CorrelationId::parse(id)) else {
            return response(400, b"{}");
        };
        let Ok(ended) = self.desk.end(ucc, correlation_id) else { return response(404, b"{}") };
        let mut disposition = ended.disposition;
        if self.has(Fault::DispositionForgetsSave) && disposition == Disposition::Keep {
            disposition = Disposition::Discard;
        }
        response(200, format!(r#"{{"Disposition":"{disposition}"}}"#).as_bytes())
    }
}

pub(crate) fn response(status: u16, body: &[u8]) -> Response {
    Response {
        status,
        content_type: Some(recording_core::wire::CONTENT_TYPE.into()),
        cache_control: Some(recording_core::wire::CACHE_CONTROL.into()),
        allow: None,
        body: body.to_vec(),
    }
}

impl Transport for FaultyDesk {
    type Error = Infallible;

    fn send(&mut self, request: &http::Request) -> Result<Response, Infallible> {
        Ok(self.answer(request))
    }

    fn begin(&mut self, ucc: &str, id: &str, state: naive::State) -> Result<Response, Infallible> {
        Ok(self.begin_session(ucc, id, state))
    }

    fn end(&mut self, ucc: &str, id: &str) -> Result<Response, Infallible> {
        Ok(self.end_session(ucc, id))
    }

    fn events(&mut self, _: Option<&str>) -> Result<Option<Vec<String>>, Infallible> {
        Ok(Some(core::mem::take(&mut self.events)))
    }
}
