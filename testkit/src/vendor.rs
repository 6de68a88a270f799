//! Servers that somebody else might have written: none of the core's code is in them.
//!
//! [`Manner::Strict`] chose as this project did, but for what readers and writers of JSON do by themselves in other
//! languages. [`Manner::Otherwise`] keeps to what the API's page documents and chose something else in all that it leaves
//! open.

use core::convert::Infallible;
use std::collections::BTreeMap;

use crate::http::{Request, Response};
use crate::naive::{self, Head, State};
use crate::plan::Plan;
use crate::transport::Transport;
use serde_json::{Value, json};

/// How a server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// As `docs/protocol.md` says, but for its JSON.
    Strict,
    /// As the page says, and else as it likes.
    Otherwise,
}

/// A server in this process.
#[derive(Debug, Clone)]
pub struct Vendor {
    plan: Plan,
    manner: Manner,
    /// The bug: Pause from Stopped succeeds.
    pub pause_from_stopped: bool,
    sessions: BTreeMap<(String, String), State>,
}

fn answer(status: u16, kind: &str, body: impl Into<Vec<u8>>) -> Response {
    Response { status, content_type: Some(kind.into()), body: body.into(), ..Response::default() }
}

fn bare(status: u16, text: &str) -> Response {
    answer(status, "application/json", json!({"ErrorMessage": {"ErrorType": 2, "Message": text}}).to_string())
}

/// A body as a lenient reader takes it: a byte order mark, and what follows the object, are passed over.
fn read(body: &[u8]) -> Option<Value> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let text = String::from_utf8_lossy(body).replace("\\ud800", "?").replace("/**/", "");
    serde_json::Deserializer::from_str(&text).into_iter::<Value>().next()?.ok().filter(Value::is_object)
}

impl Vendor {
    /// A server with the world of a plan.
    #[must_use]
    pub fn new(plan: &Plan, manner: Manner, pause_from_stopped: bool) -> Self {
        Self { plan: plan.clone(), manner, pause_from_stopped, sessions: BTreeMap::new() }
    }

    fn settings(&self, ucc: &str) -> Option<naive::Ucc> {
        self.plan.uccs.iter().find(|planned| planned.name == ucc)?.settings
    }

    /// Whose sessions are where: of one who chose otherwise, an id is a session wherever it was begun.
    fn key(&self, ucc: &str, id: &str) -> (String, String) {
        let ucc = if self.manner == Manner::Otherwise { "" } else { ucc };
        (ucc.into(), id.to_ascii_lowercase())
    }

    fn world(&self, ucc: &str, id: &str, requester: &str) -> naive::World {
        let is_agent = naive::sip_same(requester, &self.plan.agent);
        naive::World { ucc: self.settings(ucc), is_agent, session: self.sessions.get(&self.key(ucc, id)).copied() }
    }

    fn strict(&mut self, request: &Request) -> Response {
        let kind = "application/json; charset=utf-8";
        let reply = |status, text: &str| Response {
            cache_control: Some("no-store".into()),
            // As Python's json writes it.
            ..answer(status, kind, text.replace("\":", "\": ").replace(",\"", ", \""))
        };
        let error = |status: u16, allow: Option<&str>| Response {
            allow: allow.map(Into::into),
            ..reply(status, &json!({"ErrorMessage": {"ErrorType": 2, "Message": "not understood"}}).to_string())
        };
        let mut response = match naive::head(request.method, &request.target, request.content_type.map(str::as_bytes)) {
            Head::Status(status, allow) => error(status, allow),
            Head::Bad400 => error(400, None),
            Head::State { ucc, id } => reply(200, &naive::state_reply(&self.world(&ucc, &id, ""), &ucc, &id)),
            Head::Capabilities { ucc } => reply(200, &naive::capabilities_reply(&self.world(&ucc, "", ""), &ucc)),
            Head::Set if request.body.len() > 2048 => error(413, None),
            Head::Set => match self.strict_set(&request.body) {
                Some(body) => reply(200, &body),
                None => error(400, None),
            },
        };
        if request.method == "HEAD" {
            response.body.clear();
        }
        response
    }

    fn strict_set(&mut self, body: &[u8]) -> Option<String> {
        let value = read(body)?;
        let field = |name: &str| {
            value.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
        };
        let text = |name| field(name)?.as_str().map(str::to_owned);
        let action = match field("Action")? {
            Value::Number(id) => u8::try_from(id.as_u64()?).ok().filter(|id| naive::actions().contains(id))?,
            Value::String(name) => naive::actions().find(|id| naive::action_name(*id).eq_ignore_ascii_case(name))?,
            _ => return None,
        };
        let (sip, ucc) = (text("RequesterSipUri")?, text("UCCName")?);
        let id = naive::guid(&text("CorrelationId")?)?;
        if !naive::sip_ok(&sip) || !naive::ucc_name_ok(&ucc) {
            return None;
        }
        let world = self.world(&ucc, &id, &sip);
        let mut done = naive::set(&world, &ucc, &id, &sip, action);
        if let (true, 3, Some((2, marking, saving))) = (self.pause_from_stopped, action, world.session) {
            // All other checks as they are: they would not refuse a Start.
            let other = naive::set(&world, &ucc, &id, &sip, 1);
            if other.store.is_some() {
                done.store = Some((3, marking, saving));
                done.reply = naive::state_reply(&naive::World { session: done.store, ..world }, &ucc, &id);
            }
        }
        if let Some(state) = done.store {
            self.sessions.insert(self.key(&ucc, &id), state);
        }
        Some(done.reply)
    }

    fn otherwise(&mut self, request: &Request) -> Response {
        let target = String::from_utf8_lossy(&request.target).replace("/v2/", "/");
        let path = target.split('?').next().unwrap_or_default();
        let Some(call) = path.strip_prefix("/attendantservice/api/recording/") else {
            return answer(404, "text/html", "<h1>404</h1>");
        };
        match (request.method, call.split('/').collect::<Vec<_>>().as_slice()) {
            ("POST", ["set"]) => self.otherwise_set(&request.body),
            ("GET", ["capabilities", ucc]) => match self.settings(ucc) {
                Some(naive::Ucc { licensed: true, use_audio_recording: true, agent_can_edit: true, .. }) => {
                    let body = json!({"UCCName": ucc, "AgentCanEditRecordings": true, "ErrorMessage": null});
                    answer(200, "text/json", format!("{body:#}"))
                }
                _ => answer(403, "text/html", "<h1>403</h1>"),
            },
            ("GET", [ucc, id]) => self.otherwise_read(ucc, id),
            _ => answer(405, "text/html", "<h1>405</h1>"),
        }
    }

    fn otherwise_read(&self, ucc: &str, id: &str) -> Response {
        let Some(id) = naive::guid(id) else { return answer(404, "text/html", "<h1>404</h1>") };
        let written = format!("{{{}}}", id.to_ascii_uppercase());
        let Some(settings) = self.settings(ucc) else { return bare(404, "?") };
        if !(settings.licensed && settings.use_audio_recording) {
            return bare(403, "not for you");
        }
        let (state, error, status) = match self.sessions.get(&self.key(ucc, &id)) {
            Some(state) => (*state, Value::Null, 200),
            None => {
                let text = format!("No Audio session with correlation Id:'{written}' was found.");
                ((0, 0, 0), json!({"Message": text, "ErrorType": 2}), 404)
            }
        };
        let body = json!({"UCCName": ucc, "ErrorMessage": error, "SavingState": state.2, "MarkingState": state.1,
            "RecordingState": state.0, "CorrelationId": written});
        answer(status, "text/json", format!("{body:#}"))
    }

    fn otherwise_set(&mut self, body: &[u8]) -> Response {
        let Some(value) = read(body) else { return bare(422, "not understood") };
        let text = |name: &str| value[name].as_str().unwrap_or_default().trim().to_owned();
        let action = match &value["Action"] {
            Value::String(name) => naive::actions().find(|id| naive::action_name(*id) == name).or(name.parse().ok()),
            other => other.as_f64().map(|id| id as u8),
        };
        let action = action.filter(|action| naive::actions().contains(action));
        let (Some(action), Some(id)) = (action, naive::guid(&text("CorrelationId"))) else {
            return answer(200, "text/json", r#"{"Result":"nothing done"}"#);
        };
        let (ucc, sip) = (text("UCCName"), text("RequesterSipUri"));
        let editable =
            self.settings(&ucc).is_some_and(|ucc| ucc.licensed && ucc.use_audio_recording && ucc.agent_can_edit);
        // With case.
        if !editable || sip != self.plan.agent {
            return bare(403, "not for you");
        }
        let key = self.key(&ucc, &id);
        let Some((recording, marking, saving)) = self.sessions.get(&key).copied() else { return bare(404, "?") };
        let after = match (action, recording) {
            // No way back from Stopped, and Pause begins it paused.
            (1 | 3, 2) => return bare(409, "stopped for good"),
            (1..=3, _) => (action, marking, saving),
            // The first decision counts.
            (4 | 5, _) if saving != 0 => return bare(409, "decided"),
            (4 | 5, _) => (recording, marking, action - 3),
            (7, _) if marking == 0 => (recording, 0, saving),
            _ => (recording, action - 5, saving),
        };
        if after == (recording, marking, saving) && action != 7 {
            return bare(409, "a repeat");
        }
        self.sessions.insert(key, after);
        answer(200, "text/json", r#"{"Result":"done"}"#)
    }
}

impl Transport for Vendor {
    type Error = Infallible;

    fn send(&mut self, request: &Request) -> Result<Response, Infallible> {
        Ok(match self.manner {
            Manner::Strict => self.strict(request),
            Manner::Otherwise => self.otherwise(request),
        })
    }

    fn begin(&mut self, ucc: &str, id: &str, state: State) -> Result<Response, Infallible> {
        self.sessions.insert(self.key(ucc, id), state);
        if self.manner == Manner::Otherwise {
            return Ok(answer(201, "text/json", "{}"));
        }
        let world = naive::World { ucc: Some(crate::plan::OPEN), is_agent: true, session: Some(state) };
        Ok(answer(201, "application/json", naive::state_reply(&world, ucc, id)))
    }

    fn end(&mut self, ucc: &str, id: &str) -> Result<Response, Infallible> {
        let key = self.key(ucc, id);
        let state = self.sessions.remove(&key).unwrap_or_default();
        let disposition = naive::disposition(state, self.settings(ucc).is_some_and(|ucc| ucc.save_by_default));
        let body = json!({"Disposition": if self.manner == Manner::Otherwise { "Unknown" } else { disposition }});
        Ok(answer(200, "application/json", body.to_string()))
    }
}
