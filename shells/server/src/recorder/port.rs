//! The port: what the server asks of a recorder, whatever it is, and what it may learn from it.
//!
//! An adapter decides nothing. It carries an order out, and says what is known afterwards; what is not known it never guesses.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use std::sync::Arc;

use recording_core::recorder::{Channel, Number, Order, RecorderState};
use serde_json::{Map, Value};
use tokio::sync::watch;

use crate::session::{Binding, SessionKey};

/// What a recorder does takes its time.
pub type Work<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The recorder said what it is doing.
    Is(RecorderState),
    /// The recorder does not know the call.
    NoSuchCall,
    /// It is not known what the recorder is doing, with the reason, for people. The command may have been carried out; on an
    /// [ordered](Channel::Ordered) channel it may still be, on a [drained](Channel::Drained) one it has landed.
    Unknown(String),
}

/// What kind of recorder it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// What is assumed of the way to it.
    pub channel: Channel,
    /// Whether a read-back says what is being written.
    pub is_read_back_trusted: bool,
    /// Whether it can pause and go on. One that cannot is only ever asked to record and to stop.
    pub can_pause: bool,
}

impl Capabilities {
    /// Whether the recorder can do this.
    #[must_use]
    pub const fn can(&self, order: Order) -> bool {
        match order {
            Order::Record | Order::Stop => true,
            Order::Pause => self.can_pause,
        }
    }
}

/// What is known of a recorder as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Condition {
    /// Rises each time a new instance of the recorder is proven, so that nothing sent before can still be carried out.
    pub instance: u64,
    /// Whether it may be used: `None` until that is known, or why it may not.
    pub usable: Option<Result<(), String>>,
    /// Whether it answers at present.
    pub answers: bool,
    /// How many restarts of it were seen.
    pub restarts: u64,
    /// How many self-tests it passed.
    pub self_tests_passed: u64,
    /// How many it failed.
    pub self_tests_failed: u64,
}

/// A call, as an adapter knows it.
#[derive(Debug, Clone)]
pub struct Call {
    /// The session.
    pub key: SessionKey,
    /// What names the call at the recorder, such as a SIP Call-ID.
    pub id: Box<str>,
    /// What was fixed when the session began.
    pub binding: Arc<Binding>,
}

/// A recorder.
pub trait Recorder: fmt::Debug + Send + Sync + 'static {
    /// What kind of recorder it is. It never changes.
    fn capabilities(&self) -> Capabilities;

    /// What is known of it, and every change of that.
    fn condition(&self) -> watch::Receiver<Condition>;

    /// Where it is: what two names of one recorder have in common.
    fn place(&self) -> &str;

    /// Reads the files again that its config names. What is returned puts them in force.
    ///
    /// # Errors
    ///
    /// What is wrong with one, naming it.
    fn read_again(&self) -> Result<Box<dyn FnOnce() + Send>, String> {
        Ok(Box::new(|| {}))
    }

    /// What names the call at the recorder, by what the call's side gave when the session began.
    ///
    /// # Errors
    ///
    /// What is wrong with that, naming the field.
    fn call_id(&self, key: &SessionKey, call: &Map<String, Value>) -> Result<Box<str>, String>;

    /// Carries an order out.
    ///
    /// On an ordered channel this ends in bounded time. On a drained one it ends when the sending has landed, which may take as
    /// long as the recorder is away. The caller has never two commands of one call under way.
    fn carry_out<'a>(&'a self, call: &'a Call, order: Order, number: Number) -> Work<'a, Outcome>;

    /// Ends when the Record of this number has landed. An earlier process sent it.
    fn drain<'a>(&'a self, call: &'a Call, number: Number) -> Work<'a, ()>;

    /// Asks the recorder what it is doing. Ends in bounded time.
    fn read_back<'a>(&'a self, call: &'a Call) -> Work<'a, Outcome>;

    /// The call's files, as far as they are known.
    fn files<'a>(&'a self, call: &'a Call) -> Work<'a, Vec<String>>;
}
