//! A reply taken apart, as far as it can be.

use serde_json::Value;

use crate::http::Response;
use crate::naive::State;

/// What a body says.
pub(crate) struct Reply {
    pub(crate) value: Value,
}

impl Reply {
    pub(crate) fn of(body: &[u8]) -> Self {
        Self { value: serde_json::from_slice(body).unwrap_or(Value::Null) }
    }

    fn has_keys(&self, keys: &[&str]) -> bool {
        let object = self.value.as_object();
        object.is_some_and(|object| object.len() == keys.len() && keys.iter().all(|key| object.contains_key(*key)))
    }

    /// Whether `ErrorMessage` is null, or an object of a number and a text.
    fn error_is_sound(&self) -> bool {
        match &self.value["ErrorMessage"] {
            Value::Null => true,
            Value::Object(error) => {
                let sound = |key, is: fn(&Value) -> bool| error.get(key).is_some_and(is);
                error.len() == 2 && sound("ErrorType", Value::is_u64) && sound("Message", Value::is_string)
            }
            _ => false,
        }
    }

    pub(crate) fn is_state(&self) -> bool {
        let keys = ["CorrelationId", "RecordingState", "MarkingState", "SavingState", "ErrorMessage", "UCCName"];
        let texts = self.value["CorrelationId"].is_string() && self.value["UCCName"].is_string();
        self.has_keys(&keys) && texts && self.state().is_some() && self.error_is_sound()
    }

    pub(crate) fn is_capabilities(&self) -> bool {
        let keys = ["AgentCanEditRecordings", "ErrorMessage", "UCCName"];
        let types = self.value["AgentCanEditRecordings"].is_boolean() && self.value["UCCName"].is_string();
        self.has_keys(&keys) && types && self.error_is_sound()
    }

    pub(crate) fn is_bare_error(&self) -> bool {
        self.has_keys(&["ErrorMessage"]) && self.value["ErrorMessage"].is_object() && self.error_is_sound()
    }

    pub(crate) fn state(&self) -> Option<State> {
        let code = |key: &str, most: u64| self.value[key].as_u64().filter(|code| *code <= most).map(|code| code as u8);
        Some((code("RecordingState", 3)?, code("MarkingState", 2)?, code("SavingState", 2)?))
    }

    pub(crate) fn is_error(&self) -> bool {
        self.value["ErrorMessage"].is_object()
    }

    pub(crate) fn error_type(&self) -> Option<u64> {
        self.value["ErrorMessage"]["ErrorType"].as_u64()
    }

    pub(crate) fn message(&self) -> &str {
        self.value["ErrorMessage"]["Message"].as_str().unwrap_or("")
    }

    pub(crate) fn text(&self, key: &str) -> &str {
        self.value[key].as_str().unwrap_or("")
    }

    pub(crate) fn has_text(&self, key: &str) -> bool {
        self.value[key].is_string()
    }

    /// The number of the check that has such a message; 0 if there is no error or no such check.
    pub(crate) fn check(&self) -> u8 {
        let message = self.message();
        let begins = [
            ("No UCC with name:", 2),
            ("The license of UCC:", 3),
            ("UseAudioRecording is not", 4),
            ("AgentCanEditAudioRecording is not", 5),
            ("Requester:", 6),
            ("No Audio session", 7),
        ];
        if let Some((_, check)) = begins.iter().find(|(text, _)| message.starts_with(text)) {
            return *check;
        }
        match (message.starts_with("Action:"), message.contains("would change nothing")) {
            (true, false) => 8,
            (true, true) => 9,
            (false, _) => 0,
        }
    }
}

/// Whether a response tells of a refusal, whatever its shape.
pub(crate) fn refuses(response: &Response, reply: &Reply) -> bool {
    response.status >= 400 || reply.is_error()
}
