//! Sending a command until it has landed.
//!
//! A command without a reply may still be carried out: a recorder that stood still carries out what waits in its socket. The
//! same bytes are sent until a reply comes. After [`Rules::resend_for`] they must not be sent any more, since an instance
//! forgets what it has carried out. From then on the command is *sealed*: pings with its cookie are sent. An instance
//! carries out only the first command with a cookie and answers all others with the reply to that, so any reply shows that
//! the command has landed. A copy of it that is still under way finds its cookie used, for longer than a datagram takes.

use core::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::command::{Command, Reply, seal};
use super::link::{Heard, Link};
use super::options::{RESEND_EVERY, RESEND_FOR, SEAL_EVERY};
use crate::recorder::port::Condition;

/// What the adapter holds itself to. Tests take a rule away to see what it is for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    /// For how long the bytes of a command are sent.
    pub(super) resend_for: Duration,
    /// Whether a command that is not sent any more is sealed, or just given up.
    pub(super) seals: bool,
    /// Whether pings come before a Record.
    pub(super) guards: bool,
    /// Whether one call's commands wait for each other.
    pub(super) takes_turns: bool,
    /// Whether a reply that came after a new instance was seen is that of another one.
    pub(super) minds_instances: bool,
}

impl Rules {
    pub(super) const KEPT: Self =
        Self { resend_for: RESEND_FOR, seals: true, guards: true, takes_turns: true, minds_instances: true };
}

/// What became of a command that cannot be carried out any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Landed {
    Answered(Reply),
    /// An instance of the recorder answered, and it is not certain which.
    Restarted,
    /// It was not sent: too many wait for replies, or this one is under way already.
    NotSent,
}

/// Sends a command until it has landed.
pub(super) async fn land(link: &Link, condition: &watch::Sender<Condition>, command: &Command, rules: Rules) -> Landed {
    let Some(mut waiter) = link.wait_for(&command.cookie) else { return Landed::NotSent };
    let mut changes = condition.subscribe();
    let instance = changes.borrow_and_update().instance;
    let began = Instant::now();
    let (mut is_sealed, mut is_new) = (false, false);
    loop {
        is_sealed |= began.elapsed() >= rules.resend_for;
        if is_sealed && !rules.seals {
            return Landed::Restarted;
        }
        if is_sealed {
            link.send(&seal(&command.cookie)).await;
        } else {
            link.send(&command.bytes).await;
        }
        let every = if is_sealed { SEAL_EVERY } else { RESEND_EVERY };
        tokio::select! {
            // First, so that a reply is never seen before the instance that may have given it.
            biased;
            () = new_instance(&mut changes, instance), if !is_new => {
                is_new = true;
                is_sealed |= rules.minds_instances;
            }
            reply = timeout(every, waiter.reply()) => {
                let Ok(Heard { body, .. }) = reply else { continue };
                let is_another = rules.minds_instances && condition.borrow().instance != instance;
                return if is_another { Landed::Restarted } else { Landed::Answered(Reply::read(&body)) };
            }
        }
    }
}

/// Waits until a command of an earlier process has landed.
pub(super) async fn drain(link: &Link, command: &Command) {
    loop {
        // Else a command of this process with the same cookie is under way; it is sealed in the end.
        if let Some(mut waiter) = link.wait_for(&command.cookie) {
            loop {
                link.send(&seal(&command.cookie)).await;
                if timeout(RESEND_EVERY, waiter.reply()).await.is_ok() {
                    return;
                }
            }
        }
        tokio::time::sleep(SEAL_EVERY).await;
    }
}

/// Ends once another instance than this one is known.
async fn new_instance(changes: &mut watch::Receiver<Condition>, instance: u64) {
    if changes.wait_for(|condition| condition.instance != instance).await.is_err() {
        core::future::pending::<()>().await;
    }
}
