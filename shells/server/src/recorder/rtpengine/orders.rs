//! Carrying orders out, and what is known afterwards.

use std::sync::Arc;

use recording_core::recorder::{Number, Order, RecorderState};
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::bencode::Value;
use super::command::{Command, Reply, command};
use super::guard::before_record;
use super::landing::{Landed, Rules, drain, land};
use super::link::Link;
use super::options::{MOST_COMMANDS, MOST_DRAINS, Options, READ_BACK_WITHIN, WAIT_FOR_CONDITION};
use super::turns::Turns;
use crate::recorder::port::{Call, Condition, Outcome};

/// What the commands of one recorder share.
#[derive(Debug)]
pub(super) struct Orders {
    pub(super) options: Options,
    pub(super) link: Link,
    pub(super) condition: watch::Sender<Condition>,
    pub(super) rules: Rules,
    /// The recorder was dropped.
    pub(super) over: CancellationToken,
    store_id: u64,
    turns: Arc<Turns>,
    /// A place for each command under way.
    places: Semaphore,
    drains: Semaphore,
}

impl Orders {
    pub(super) fn new(options: Options, store_id: u64, nonce: u64) -> Self {
        Self {
            link: Link::new(&options.address, nonce),
            options,
            condition: watch::Sender::default(),
            rules: Rules::KEPT,
            over: CancellationToken::new(),
            store_id,
            turns: Arc::default(),
            places: Semaphore::new(MOST_COMMANDS),
            drains: Semaphore::new(MOST_DRAINS),
        }
    }

    fn command(&self, call: &Call, order: Order, number: Number) -> Command {
        command(self.store_id, call, order, number, self.options.pause)
    }

    /// Waits a while until this is true of the recorder.
    async fn wait_for(&self, is_so: impl FnMut(&Condition) -> bool) {
        let mut changes = self.condition.subscribe();
        // What it is when the time is up is looked at by the caller.
        let _ = timeout(WAIT_FOR_CONDITION, changes.wait_for(is_so)).await;
    }

    /// Ends when the command of the order has landed.
    pub(super) async fn carry_out(&self, call: &Call, order: Order, number: Number) -> Outcome {
        let Ok(_place) = self.places.try_acquire() else {
            return not_sent("too many commands are under way");
        };
        let turn = if self.rules.takes_turns { Some(self.turns.of(&call.id).await) } else { None };
        // The first word of a recorder is no restart; without waiting for it, a first order would seem to go to two instances.
        self.wait_for(|condition| condition.instance > 0).await;
        if order == Order::Record
            && let Err(why) = self.may_record().await
        {
            return not_sent(&why);
        }
        let instance = self.condition.borrow().instance;
        let landed = land(&self.link, &self.condition, &self.command(call, order, number), self.rules).await;
        drop(turn);
        match landed {
            Landed::Answered(Reply::Ok) if order == Order::Record => Outcome::Is(RecorderState::Recording),
            Landed::Answered(Reply::Ok) => self.silenced(order, instance).await,
            Landed::Answered(Reply::NoSuchCall) => Outcome::NoSuchCall,
            Landed::Answered(Reply::Refused(reason)) => Outcome::Unknown(format!("refused: {reason}")),
            Landed::Answered(Reply::Pong) => Outcome::Unknown("its reply was lost, or it never arrived".to_owned()),
            Landed::Restarted => Outcome::Unknown("the recorder was started again".to_owned()),
            Landed::NotSent => not_sent("too many commands are under way"),
        }
    }

    /// A Record is not sent to a recorder that has not passed its self-test, nor to one that does not keep up.
    async fn may_record(&self) -> Result<(), String> {
        self.wait_for(|condition| condition.usable.is_some()).await;
        if self.rules.guards {
            let instance = self.usable()?;
            before_record(&self.link).await?;
            if self.usable()? != instance {
                return Err("the recorder was started again".to_owned());
            }
        }
        self.usable().map(drop)
    }

    /// The instance that passed its self-test.
    fn usable(&self) -> Result<u64, String> {
        let condition = self.condition.borrow();
        match &condition.usable {
            Some(Ok(())) => Ok(condition.instance),
            Some(Err(wrong)) => Err(format!("the recorder failed its self-test: {wrong}")),
            None if condition.instance == 0 => Err("the recorder does not answer".to_owned()),
            None => Err("the recorder's self-test is not finished".to_owned()),
        }
    }

    /// What an `ok` to an order for silence is worth: as much as the self-test of the instance that gave it.
    async fn silenced(&self, order: Order, instance: u64) -> Outcome {
        self.wait_for(|condition| condition.usable.is_some() || condition.instance != instance).await;
        match self.usable() {
            Ok(tested) if tested == instance || !self.rules.minds_instances => Outcome::Is(order.target()),
            Ok(_) => Outcome::Unknown("the recorder was started again".to_owned()),
            Err(why) => Outcome::Unknown(format!("it answered 'ok', but {why}")),
        }
    }

    /// Ends when the Record of this number, which an earlier process sent, has landed.
    pub(super) async fn drain(&self, call: &Call, number: Number) {
        let _turn = self.turns.of(&call.id).await;
        // After a start of the server there may be as many as calls. An error is about a semaphore that is closed; this one is not.
        let _place = self.drains.acquire().await;
        drain(&self.link, &self.command(call, Order::Record, number)).await;
    }

    /// Asks whether the call is being recorded.
    ///
    /// From 12.5 on `query` says so; 10.5 does not, and then nothing is known. Nor is it after "no": 12.5 says that of a pause
    /// which it records, and no version tells a pause from a stop.
    pub(super) async fn read_back(&self, call_id: &str) -> Outcome {
        let question = Value::dictionary([("call-id", Value::text(call_id)), ("command", Value::text("query"))]);
        let Some(heard) = self.link.ask(&question, READ_BACK_WITHIN).await else {
            return Outcome::Unknown(format!("no answer within {:?}", READ_BACK_WITHIN));
        };
        match Reply::read(&heard.body) {
            Reply::Ok => {}
            Reply::NoSuchCall => return Outcome::NoSuchCall,
            Reply::Refused(reason) => return Outcome::Unknown(format!("refused: {reason}")),
            Reply::Pong => return Outcome::Unknown("the reply is to something else".to_owned()),
        }
        let reply = Value::decode(&heard.body);
        let recording = reply.as_ref().and_then(|reply| reply.get("recording")?.get("call recording")?.as_number());
        match recording {
            Some(1) => Outcome::Is(RecorderState::Recording),
            Some(_) => Outcome::Unknown("the recorder does not tell Paused from Off".to_owned()),
            None => Outcome::Unknown("this version does not say whether it records".to_owned()),
        }
    }
}

fn not_sent(why: &str) -> Outcome {
    Outcome::Unknown(format!("not sent: {why}"))
}
