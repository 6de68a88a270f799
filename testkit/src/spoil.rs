//! How each planted fault spoils requests, states and replies.

use recording_core::decide::Refusal;
use recording_core::state::{MarkingState, Outcome, RecordingState, SavingState};
use recording_core::wire::{CorrelationId, Rejection, SetRequest, StateReply, StateRequest};
use recording_core::{Action, Reply, Request, State};
use serde_json::Value;

use crate::faults::Fault;
use crate::faulty::{FaultyDesk, response};
use crate::http::{self, Response};
use crate::naive;

impl FaultyDesk {
    /// What is read in place of target and body.
    pub(crate) fn request_spoilt(&self, request: &http::Request) -> (Vec<u8>, Vec<u8>) {
        let target = String::from_utf8_lossy(&request.target);
        let text = String::from_utf8(request.body.clone());
        let exact = (request.target.clone(), request.body.clone());
        let Ok(text) = text else { return exact };
        match self.fault {
            Some(Fault::VersionTwoUnknown) => (target.replace("/v2/", "/v2//").into_bytes(), exact.1),
            Some(Fault::ActionNameRefused) => {
                let spoilt = Action::ALL
                    .iter()
                    .fold(text, |text, action| text.replace(&format!("\"Action\":\"{action}\""), "\"Action\":\"?\""));
                (exact.0, spoilt.into_bytes())
            }
            Some(Fault::IdOfActionAsText) => {
                let spoilt = naive::actions()
                    .fold(text, |text, id| text.replace(&format!("\"Action\":\"{id}\""), &format!("\"Action\":{id}")));
                (exact.0, spoilt.into_bytes())
            }
            Some(Fault::FirstKeyWins) => {
                let twice = text.strip_prefix("{\"Action\":").filter(|rest| rest.contains(",\"Action\":"));
                match twice {
                    Some(rest) => {
                        let rest = rest.replacen(",\"Action\":", ",\"-\":", 1);
                        (exact.0, format!("{{\"Action\":{rest}").into_bytes())
                    }
                    None => exact,
                }
            }
            _ => exact,
        }
    }

    /// The answer that a fault gives without looking any further.
    pub(crate) fn instead(&mut self, request: &Request<'_>) -> Option<Response> {
        let (ucc, set) = match request {
            Request::Set(set) => (set.ucc, Some(set)),
            Request::State(read) => (read.ucc, None),
            Request::Capabilities(question) => (question.ucc, None),
        };
        let settings = self.desk.directory().find(ucc).and_then(|key| self.desk.directory().settings(key));
        if self.has(Fault::UnknownUccNotFound) && settings.is_none() {
            let mut buffer = [0; Reply::MAX_LEN];
            let reply: Reply<'_> = Rejection::UnknownPath.into();
            return Some(response(404, reply.write(&mut buffer).unwrap_or_default()));
        }
        if let (true, Request::State(read)) = (self.has(Fault::SessionsOfUccsMixed), request) {
            let first = self.first_ucc.clone();
            let served = settings.is_some_and(|ucc| ucc.recording_api_licensed && ucc.use_audio_recording);
            if self.desk.state(ucc, read.correlation_id).is_none() && served {
                let state = self.desk.state(first.as_str().try_into().ok()?, read.correlation_id)?;
                return Some(written(StateReply { correlation_id: read.correlation_id, state, error: None, ucc }));
            }
        }
        let settings = settings?;
        let unlicensed = self.has(Fault::UnlicensedServed) && !settings.recording_api_licensed;
        if let (true, &Request::State(StateRequest { ucc, correlation_id })) = (unlicensed, request) {
            let state = self.desk.state(ucc, correlation_id)?;
            return Some(written(StateReply { correlation_id, state, error: None, ucc }));
        }
        let set = set?;
        let is_agent = self.is_agent(set);
        let state = self.desk.state(set.ucc, set.correlation_id);
        let refusal = |refusal, state| Some(refused(set, refusal, state));
        let not_an_agent = Refusal::NotAnAgent { requester: set.requester, ucc };
        let sound =
            settings.recording_api_licensed && settings.use_audio_recording && settings.agent_can_edit_audio_recording;
        match self.fault? {
            Fault::AgentBeforeLicense if !is_agent => refusal(not_an_agent, State::INITIAL),
            Fault::RequesterByCase if sound && set.requester.as_str() != self.agent => {
                refusal(not_an_agent, State::INITIAL)
            }
            Fault::SessionBeforeAgent if sound && !is_agent && state.is_none() => {
                refusal(Refusal::UnknownSession { correlation_id: set.correlation_id }, State::INITIAL)
            }
            Fault::StateShownToStranger if sound && !is_agent => refusal(not_an_agent, state?),
            Fault::AnybodyMaySet if sound && !is_agent => {
                let to = state?.apply(set.action).state();
                self.put(set.ucc, set.correlation_id, to);
                let correlation_id = set.correlation_id;
                Some(written(StateReply { correlation_id, state: to, error: None, ucc }))
            }
            fault if sound && is_agent => self.transition_instead(fault, set, state?),
            _ => None,
        }
    }

    fn is_agent(&self, set: &SetRequest<'_>) -> bool {
        let directory = self.desk.directory();
        directory.find(set.ucc).is_some_and(|ucc| directory.is_agent(ucc, set.requester))
    }

    /// The same, where a known agent asks for an action on an open session.
    fn transition_instead(&mut self, fault: Fault, set: &SetRequest<'_>, state: State) -> Option<Response> {
        let (ucc, correlation_id) = (set.ucc, set.correlation_id);
        let unchanged = matches!(state.apply(set.action), Outcome::Unchanged { .. });
        // Any reason that is one: the text then names another recorder state, which is part of the fault.
        let not_allowed = match State::INITIAL.apply(Action::Pause) {
            Outcome::Refused { reason, .. } => Refusal::NotAllowed { action: set.action, reason },
            _ => return None,
        };
        let success = |state| Some(written(StateReply { correlation_id, state, error: None, ucc }));
        match (fault, set.action, state.recording()) {
            (Fault::ResumeRefused, Action::Start, RecordingState::Paused)
            | (Fault::RestartRefused, Action::Start, RecordingState::Stopped)
            | (Fault::MarkNeedsRecorder, Action::Mark, RecordingState::Uninitialized) => {
                Some(refused(set, not_allowed, state))
            }
            (Fault::RepeatRefused, ..) if unchanged => {
                let already = match set.action {
                    Action::Start | Action::Stop | Action::Pause => state.recording().name(),
                    Action::Save | Action::Delete => state.saving().name(),
                    Action::Mark | Action::UnMark => state.marking().name(),
                };
                Some(refused(set, Refusal::Repeat { action: set.action, already }, state))
            }
            (Fault::RepeatAccepted, ..) if unchanged => success(state),
            (Fault::StopWithoutStart, Action::Stop, RecordingState::Uninitialized) => {
                let stopped = state.with_recording(RecordingState::Stopped);
                self.put(ucc, correlation_id, stopped);
                success(stopped)
            }
            (Fault::FirstDecisionCounts, Action::Save | Action::Delete, _) if state.saving() != SavingState::None => {
                success(state)
            }
            (Fault::UnMarkToNone, Action::UnMark, _) => {
                let none = state.with_marking(MarkingState::None);
                self.put(ucc, correlation_id, none);
                success(none)
            }
            (Fault::DeleteStops, Action::Delete, RecordingState::Started | RecordingState::Paused) => {
                let stopped = state.with_saving(SavingState::Delete).with_recording(RecordingState::Stopped);
                self.put(ucc, correlation_id, stopped);
                success(stopped)
            }
            _ => None,
        }
    }

    /// What happens to a state behind the reply's back.
    pub(crate) fn afterwards(&mut self, request: &Request<'_>, before: Option<State>) {
        match (self.fault, request, before) {
            (Some(Fault::PauseNotStored), Request::Set(set), Some(before)) if set.action == Action::Pause => {
                self.put(set.ucc, set.correlation_id, before);
            }
            _ => {}
        }
    }

    /// What is sent in place of a reply.
    pub(crate) fn reply_spoilt(
        &self,
        request: &Result<Request<'_>, Rejection>,
        reply: &Reply<'_>,
        mut response: Response,
    ) -> Response {
        let text = response.text();
        let edited = match (self.fault, reply) {
            (Some(Fault::ErrorTypesSwapped), _) => swapped(&text),
            (Some(Fault::IdInUpperCase), Reply::State(state)) => {
                let id = state.correlation_id.to_string();
                text.replacen(&id, &id.to_ascii_uppercase(), 1)
            }
            (Some(Fault::KeysInOtherOrder), Reply::State(state)) => {
                let name = format!(",\"UCCName\":{}", Value::from(state.ucc.as_str()));
                text.replace(&name, "").replacen('{', &format!("{{{},", &name[1..]), 1)
            }
            (Some(Fault::StatesByName), Reply::State(state)) => {
                let code = format!("\"RecordingState\":{}", state.state.recording().code());
                text.replace(&code, &format!("\"RecordingState\":\"{}\"", state.state.recording()))
            }
            (Some(Fault::CapabilitiesAlwaysTrue), Reply::Capabilities(_)) => text.replacen("false", "true", 1),
            (Some(Fault::NotFoundWithoutError), Reply::State(state))
                if request.is_ok() && text.contains("No Audio session") =>
            {
                return written(StateReply { error: None, ..*state });
            }
            _ => return response,
        };
        response.body = edited.into_bytes();
        response
    }
}

fn swapped(text: &str) -> String {
    let (one, two) = ("\"ErrorType\":1", "\"ErrorType\":2");
    if text.contains(one) { text.replacen(one, two, 1) } else { text.replacen(two, one, 1) }
}

fn written(reply: StateReply<'_>) -> Response {
    let mut buffer = [0; Reply::MAX_LEN];
    response(200, reply.write(&mut buffer).unwrap_or_default())
}

fn refused(set: &SetRequest<'_>, refusal: Refusal<'_>, state: State) -> Response {
    let correlation_id: CorrelationId = set.correlation_id;
    written(StateReply { correlation_id, state, error: Some(refusal.into()), ucc: set.ucc })
}
