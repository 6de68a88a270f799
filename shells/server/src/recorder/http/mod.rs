//! Any recorder, by HTTP: orders are posted to it, and a `GET` says what it is doing.
//!
//! | request | reply |
//! |---|---|
//! | `POST` of `{"Order":"Pause","Number":…,"UCCName":"…","CorrelationId":"…","Recorder":{…}}` | 200 and `{"RecorderState":"Paused"}`: what it is doing, after it has carried the order out. 404: it does not know the call. 409: it has seen a greater number for this call, and has done nothing |
//! | `GET` with `?UCCName=…&CorrelationId=…` | 200 and `{"RecorderState":"Paused","Number":…}`, with the greatest number that it has seen for the call. 404: it does not know the call |
//! | `GET` without a query, now and then | any status: it is there |
//!
//! The 409 is the fence: an order that was given up and arrives late is refused, so orders of a call are carried out in order
//! or not at all. Whatever else comes back says nothing about what the recorder is doing.

mod client;
mod options;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::http::{Method, StatusCode};
use bytes::Bytes;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use recording_core::recorder::{Channel, Number, Order, RecorderState};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::sleep;
use tracing::{info, warn};

use client::Client;
pub use client::ClientError;
pub use options::{GIVE_UP_AFTER, Options};

use super::port::{Call, Capabilities, Condition, Outcome, Recorder, Work};
use crate::reloadable::Reloadable;
use crate::session::SessionKey;

/// A recorder that speaks HTTP.
#[derive(Debug)]
pub struct HttpRecorder {
    inner: Arc<Inner>,
    looking: AbortHandle,
}

#[derive(Debug)]
struct Inner {
    name: Box<str>,
    options: Options,
    place: String,
    client: Reloadable<Client>,
    condition: watch::Sender<Condition>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct OrderDocument<'a> {
    order: &'a str,
    number: u64,
    #[serde(rename = "UCCName")]
    ucc_name: &'a str,
    correlation_id: &'a str,
    recorder: &'a Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ReplyDocument {
    recorder_state: String,
}

impl HttpRecorder {
    /// Reads the files that these options name.
    ///
    /// # Errors
    ///
    /// If one cannot be read or holds something else than it should.
    pub fn check(options: Options) -> Result<(), ClientError> {
        Client::new(options).map(drop)
    }

    /// Begins to look for the recorder, which need not be there. What is returned besides must live as long as this does.
    ///
    /// Must be called in a runtime.
    ///
    /// # Errors
    ///
    /// If a file cannot be read or holds something else than it should.
    pub fn start(name: Box<str>, options: Options) -> Result<(Self, JoinHandle<()>), ClientError> {
        let condition = watch::Sender::new(Condition { instance: 1, usable: Some(Ok(())), ..Condition::default() });
        let client = Reloadable::new(Client::new(options.clone())?);
        let inner = Arc::new(Inner { name, place: options.url.to_string(), options, client, condition });
        let looks = tokio::spawn({
            let inner = Arc::clone(&inner);
            async move { inner.look().await }
        });
        Ok((Self { inner, looking: looks.abort_handle() }, looks))
    }
}

impl Drop for HttpRecorder {
    fn drop(&mut self) {
        self.looking.abort();
    }
}

impl Inner {
    /// Asks now and then whether the recorder is there.
    async fn look(&self) {
        loop {
            let found = self.client.current().ask(Method::GET, "", None).await;
            self.answers(found.err());
            sleep(options::LOOK_EVERY).await;
        }
    }

    fn answers(&self, error: Option<String>) {
        let answers = error.is_none();
        let is_new =
            self.condition.send_if_modified(|condition| core::mem::replace(&mut condition.answers, answers) != answers);
        if is_new {
            let recorder = &*self.name;
            match error {
                None => info!(target: "recording", recorder, "the recorder answers"),
                Some(reason) => warn!(target: "recording", recorder, reason, "the recorder does not answer"),
            }
        }
    }

    async fn post(&self, call: &Call, order: Order, number: Number) -> Outcome {
        let data: Map<String, Value> = serde_json::from_str(&call.binding.call).unwrap_or_default();
        let correlation_id = call.key.correlation_id.hyphenated();
        let document = OrderDocument {
            order: order.name(),
            number: number.get(),
            ucc_name: call.key.ucc.as_str(),
            correlation_id: correlation_id.as_str(),
            recorder: &data,
        };
        // Texts and numbers only: this does not fail.
        let body = serde_json::to_vec(&document).unwrap_or_default();
        self.heard(self.client.current().ask(Method::POST, "", Some(body)).await)
    }

    async fn get(&self, call: &Call) -> Outcome {
        let ucc = utf8_percent_encode(call.key.ucc.as_str(), NON_ALPHANUMERIC);
        let query = format!("?UCCName={ucc}&CorrelationId={}", call.key.correlation_id);
        self.heard(self.client.current().ask(Method::GET, &query, None).await)
    }

    fn heard(&self, reply: Result<(StatusCode, Bytes), String>) -> Outcome {
        self.answers(reply.as_ref().err().cloned());
        match reply {
            Ok((StatusCode::OK, body)) => match serde_json::from_slice::<ReplyDocument>(&body) {
                Ok(reply) => RecorderState::from_name(&reply.recorder_state).map_or_else(
                    || Outcome::Unknown("the reply's RecorderState is not Recording, Paused or Off".to_owned()),
                    Outcome::Is,
                ),
                Err(error) => Outcome::Unknown(format!("the reply is not understood: {error}")),
            },
            Ok((StatusCode::NOT_FOUND, _)) => Outcome::NoSuchCall,
            Ok((StatusCode::CONFLICT, _)) => {
                Outcome::Unknown("the recorder has seen a greater number for this call".to_owned())
            }
            Ok((status, _)) => Outcome::Unknown(format!("the recorder answered with status {}", status.as_u16())),
            Err(reason) => Outcome::Unknown(reason),
        }
    }
}

impl Recorder for HttpRecorder {
    fn capabilities(&self) -> Capabilities {
        Capabilities { channel: Channel::Ordered, is_read_back_trusted: true, can_pause: self.inner.options.can_pause }
    }

    fn condition(&self) -> watch::Receiver<Condition> {
        self.inner.condition.subscribe()
    }

    fn place(&self) -> &str {
        &self.inner.place
    }

    fn read_again(&self) -> Result<Box<dyn FnOnce() + Send>, String> {
        let client = Client::new(self.inner.options.clone()).map_err(|error| error.to_string())?;
        let inner = Arc::clone(&self.inner);
        Ok(Box::new(move || inner.client.replace(client)))
    }

    /// What was given as a whole: two sessions with the same data are the same call. Without data, the session.
    fn call_id(&self, key: &SessionKey, call: &Map<String, Value>) -> Result<Box<str>, String> {
        if call.is_empty() {
            return Ok(format!("{} {}", key.correlation_id, key.ucc.as_str()).into());
        }
        // serde_json's objects have their keys in order.
        Ok(Value::Object(call.clone()).to_string().into())
    }

    fn carry_out<'a>(&'a self, call: &'a Call, order: Order, number: Number) -> Work<'a, Outcome> {
        Box::pin(self.inner.post(call, order, number))
    }

    /// The fence refuses what arrives late.
    fn drain<'a>(&'a self, _: &'a Call, _: Number) -> Work<'a, ()> {
        Box::pin(core::future::ready(()))
    }

    fn read_back<'a>(&'a self, call: &'a Call) -> Work<'a, Outcome> {
        Box::pin(self.inner.get(call))
    }

    /// The protocol has no names of files.
    fn files<'a>(&'a self, _: &'a Call) -> Work<'a, Vec<String>> {
        Box::pin(core::future::ready(Vec::new()))
    }
}
