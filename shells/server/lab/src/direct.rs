//! Orders given to rtpengine directly: the right way, and ways with a fault that the laboratory must find.

use crate::{
    drive::{Action, Answer, Driver},
    ng::{self, Ng},
};
use anyhow::Result;
use core::{net::SocketAddr, time::Duration};
use serde_json::json;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    thread,
};

/// What is done wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// A pause counts as done when it was sent.
    BeforeReply,
    /// A resume does not make sure that the daemon keeps up.
    NoGuard,
    /// A resume is not waited for before the next pause.
    NoDrain,
    /// A pause has the cookie of the resume before it.
    UsedCookie,
    /// Nothing is ever recorded.
    NoStart,
}

/// How long the guard waits.
const GUARD: Duration = Duration::from_millis(100);
/// A daemon whose pings take longer has not read yet what came before.
const FAST: Duration = Duration::from_millis(50);

/// A client that knows no server.
#[derive(Debug)]
pub struct Direct {
    to: SocketAddr,
    fault: Fault,
    pause: &'static str,
    starts: Mutex<HashMap<String, String>>,
}

impl Direct {
    /// A client of the daemon at this address.
    #[must_use]
    pub fn new(to: SocketAddr, fault: Fault) -> Self {
        Self { to, fault, pause: "stop recording", starts: Mutex::default() }
    }

    /// Pauses by the command that newer daemons have for it, which goes on in the same file.
    #[must_use]
    pub const fn natively(mut self) -> Self {
        self.pause = "pause recording";
        self
    }

    fn ng(&self) -> Result<Ng> {
        let mut ng = Ng::new(self.to)?;
        // Until it is answered: a command that was given up may still be carried out.
        (ng.patience, ng.tries) = (Duration::from_millis(200), 75);
        Ok(ng)
    }

    /// Waits until nothing that came before is still unread at the daemon.
    fn guard(ng: &Ng) -> bool {
        let ping = || {
            let began = std::time::Instant::now();
            ng.ping() && began.elapsed() < FAST
        };
        (0..100).any(|_| {
            let was_fast = ping();
            thread::sleep(GUARD);
            was_fast && ping()
        })
    }

    fn order(&self, call: &str, action: Action) -> Result<Answer> {
        let ng = self.ng()?;
        let command = match action {
            Action::Start => "start recording",
            Action::Pause => self.pause,
            Action::Stop => "stop recording",
        };
        let message = json!({"command": command, "call-id": call});
        let mut starts = self.starts.lock().unwrap_or_else(PoisonError::into_inner);
        let cookie = match (action, self.fault) {
            (Action::Start, _) => starts.entry(call.to_owned()).insert_entry(ng::cookie()).get().clone(),
            (_, Fault::UsedCookie) => starts.get(call).cloned().unwrap_or_else(ng::cookie),
            _ => ng::cookie(),
        };
        drop(starts);
        match (action, self.fault) {
            (Action::Start, Fault::NoStart) => return Ok(Answer::Done),
            (Action::Start, Fault::NoDrain) | (Action::Pause | Action::Stop, Fault::BeforeReply) => {
                ng.send(&cookie, &message)?;
                return Ok(Answer::Done);
            }
            (Action::Start, Fault::NoGuard) => {}
            (Action::Start, _) if !Self::guard(&ng) => return Ok(Answer::NotDone("no fast ping".to_owned())),
            _ => {}
        }
        Ok(match ng.ask_with(&cookie, &message) {
            None => Answer::NotDone("no reply".to_owned()),
            Some(reply) if reply["result"] == "ok" => Answer::Done,
            Some(reply) if reply["error-reason"] == "Unknown call-id" => Answer::NoSuchCall,
            Some(reply) => Answer::NotDone(reply.to_string()),
        })
    }
}

impl Driver for Direct {
    fn begin(&self, _: &str) -> Result<()> {
        Ok(())
    }

    fn set(&self, call: &str, _: &str, action: Action) -> Answer {
        self.order(call, action).unwrap_or_else(|error| Answer::NotDone(error.to_string()))
    }

    fn end(&self, _: &str) -> Result<()> {
        Ok(())
    }
}
