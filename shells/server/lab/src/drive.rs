//! Who gives the orders: the server, asked by HTTP as a payment system and a telephony system ask it.

use anyhow::{Context as _, Result};
use core::{net::SocketAddr, time::Duration};
use serde_json::{Value, json};
use std::sync::{PoisonError, RwLock};

/// The UCC of all sessions.
pub const UCC: &str = "lab";
/// The UCC whose sessions are bound to no recorder.
pub const UCC_WITHOUT: &str = "lab-without";
/// Its agents.
pub const AGENTS: [&str; 2] = ["sip:agent@domain.com", "sip:second@domain.com"];

/// What a payment system asks for, with its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Record.
    Start = 1,
    /// Be silent for good.
    Stop = 2,
    /// Be silent for a while.
    Pause = 3,
}

/// What a payment system is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Success: it is so now.
    Done,
    /// Anything else: nothing may be relied on. The reason is for people.
    NotDone(String),
    /// The recorder, or the server, does not know the call.
    NoSuchCall,
}

/// What gives orders to a recorder.
pub trait Driver: Sync {
    /// A call is there whose recording can be controlled.
    ///
    /// # Errors
    ///
    /// If it was not taken.
    fn begin(&self, call: &str) -> Result<()>;

    /// An agent's order.
    fn set(&self, call: &str, agent: &str, action: Action) -> Answer;

    /// The call is over.
    ///
    /// # Errors
    ///
    /// If it was not taken.
    fn end(&self, call: &str) -> Result<()>;
}

/// A client of the server, whose addresses change when it is started again.
#[derive(Debug)]
pub struct ByServer {
    agent: ureq::Agent,
    addresses: RwLock<(SocketAddr, SocketAddr)>,
}

impl ByServer {
    /// A client of the API and of the admin's port.
    #[must_use]
    pub fn new(addresses: (SocketAddr, SocketAddr)) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(15)))
            .http_status_as_error(false)
            .max_idle_connections_per_host(64);
        Self { agent: config.build().into(), addresses: RwLock::new(addresses) }
    }

    /// The server listens elsewhere now.
    pub fn moved(&self, addresses: (SocketAddr, SocketAddr)) {
        *self.addresses.write().unwrap_or_else(PoisonError::into_inner) = addresses;
    }

    fn addresses(&self) -> (SocketAddr, SocketAddr) {
        *self.addresses.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request to the admin's port. Gives the status and the body.
    ///
    /// # Errors
    ///
    /// If there is no reply.
    pub fn admin(&self, method: &str, path: &str, body: Option<&Value>) -> Result<(u16, Value)> {
        let url = format!("http://{}{path}", self.addresses().1);
        let reply = match (method, body) {
            ("PUT", Some(body)) => self.agent.put(url).send_json(body),
            ("PUT", None) => self.agent.put(url).send_empty(),
            ("DELETE", _) => self.agent.delete(url).call(),
            _ => self.agent.get(url).call(),
        };
        let mut reply = reply.with_context(|| format!("{method} {path}"))?;
        let status = reply.status().as_u16();
        let text = reply.body_mut().read_to_string()?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
    }

    /// Begins a session of a UCC; a body may name its state and what its recorder needs to know of the call.
    ///
    /// # Errors
    ///
    /// If it is not open then.
    pub fn begin_with(&self, ucc: &str, call: &str, body: Option<&Value>) -> Result<()> {
        match self.admin("PUT", &format!("/sessions/{ucc}/{call}"), body)? {
            (200 | 201, _) => Ok(()),
            (status, body) => anyhow::bail!("begin is answered {status} {body}"),
        }
    }

    /// An agent's order to a session of a UCC.
    pub fn set_in(&self, ucc: &str, call: &str, agent: &str, action: Action) -> Answer {
        let body = json!({"Action": action as u8, "RequesterSipUri": agent, "CorrelationId": call, "UCCName": ucc});
        let url = format!("http://{}/attendantservice/api/recording/set", self.addresses().0);
        let answer = || -> Result<(u16, Value)> {
            let mut reply = self.agent.post(url).send_json(&body)?;
            Ok((reply.status().as_u16(), reply.body_mut().read_json()?))
        };
        match answer() {
            Ok((200, reply)) => understood(&reply, action),
            Ok((status, reply)) => Answer::NotDone(format!("{status} {}", reply["ErrorMessage"]["Message"])),
            Err(_) => Answer::NotDone("no reply from the server".to_owned()),
        }
    }
}

/// Success is `"ErrorMessage":null` with the state that was asked for.
fn understood(reply: &Value, action: Action) -> Answer {
    match reply["ErrorMessage"]["Message"].as_str() {
        None if reply["ErrorMessage"].is_null() && reply["RecordingState"] == action as u8 => Answer::Done,
        Some("The recorder does not know the call.") => Answer::NoSuchCall,
        Some(text) if text.starts_with("No Audio session ") => Answer::NoSuchCall,
        Some(text) => Answer::NotDone(text.to_owned()),
        None => Answer::NotDone(format!("not understood: {reply}")),
    }
}

impl Driver for ByServer {
    fn begin(&self, call: &str) -> Result<()> {
        self.begin_with(UCC, call, None)
    }

    fn set(&self, call: &str, agent: &str, action: Action) -> Answer {
        self.set_in(UCC, call, agent, action)
    }

    fn end(&self, call: &str) -> Result<()> {
        match self.admin("DELETE", &format!("/sessions/{UCC}/{call}"), None)? {
            (200 | 404, _) => Ok(()),
            (status, body) => anyhow::bail!("end is answered {status} {body}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn success_is_no_error_and_the_state_that_was_asked_for() {
        let reply = |state: u8, message: Option<&str>| {
            let error = message.map_or(Value::Null, |text| json!({"ErrorType": 1, "Message": text}));
            understood(&json!({"RecordingState": state, "ErrorMessage": error}), Action::Pause)
        };
        assert_eq!(reply(3, None), Answer::Done);
        assert!(matches!(reply(1, None), Answer::NotDone(_)));
        assert_eq!(reply(1, Some("The recorder does not know the call.")), Answer::NoSuchCall);
        assert_eq!(reply(0, Some("No Audio session with correlation Id:'1' was found.")), Answer::NoSuchCall);
        let late = "Action:'Pause' is not confirmed by the recorder.";
        assert_eq!(reply(3, Some(late)), Answer::NotDone(late.to_owned()));
        assert!(matches!(understood(&json!({}), Action::Start), Answer::NotDone(_)));
    }
}
