//! The provisioning document of a gateway: UCCs, settings and agents as one JSON text.
//!
//! ```json
//! {"uccs": [{
//!     "name": "ucc-demo-name",
//!     "recording_api_licensed": true,
//!     "use_audio_recording": true,
//!     "agent_can_edit_audio_recording": true,
//!     "save_recording_by_default": false,
//!     "repeats": "accept",
//!     "agents": ["sip:agent@domain.com"]
//! }]}
//! ```
//!
//! Every key is required but `repeats`, which is `"accept"` unless it says `"refuse"`. Keys match exactly, and an
//! unknown one is an error: a setting that is never read must not look as if it were in force. There is at least one UCC,
//! and none is named `.` or `..`, which no client can ask for. The server's config has the same rules. [Protocol](crate#protocol): OURS.

use core::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::tables::TablesMut;
use super::{Directory, DirectoryError, UccKey};
use crate::Settings;
use crate::pieces::{Pieces, Sink, display_by_pieces};
use crate::state::RepeatPolicy;
use crate::wire::json::{self, JsonError, Text, Unescaped, Writer};
use crate::wire::{BufferTooSmall, FieldErrorKind, SipUri, UccName};

/// Why a provisioning document is refused, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProvisioningError {
    /// Which UCC, counted from 0 in the order of the document; `None` if it is no UCC's fault.
    pub ucc: Option<usize>,
    /// Which key; `None` if the error is not in one key.
    pub key: Option<&'static str>,
    /// Which agent of the UCC, counted from 0.
    pub agent: Option<usize>,
    /// What is wrong there.
    pub kind: ProvisioningErrorKind,
}

/// What is wrong with a provisioning document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProvisioningErrorKind {
    /// It is no JSON.
    Json(JsonError),
    /// The value is not what is expected there.
    Expected(&'static str),
    /// There is a key that is not known.
    UnknownKey,
    /// A name or a URI is invalid, or a key is missing or repeated.
    Value(FieldErrorKind),
    /// It does not get into the directory.
    Directory(DirectoryError),
}

/// `uccs[2].agents[0]: does not begin with sip: or sips:`
impl Pieces for ProvisioningError {
    fn pieces(&self, sink: &mut impl Sink) {
        if let Some(ucc) = self.ucc {
            sink.text("uccs[");
            sink.number(ucc);
            sink.text("]");
        }
        if let Some(key) = self.key {
            sink.text(if self.ucc.is_some() { "." } else { "" });
            sink.text(key);
        }
        if let Some(agent) = self.agent {
            sink.text("[");
            sink.number(agent);
            sink.text("]");
        }
        if self.ucc.is_some() || self.key.is_some() {
            sink.text(": ");
        }
        match self.kind {
            ProvisioningErrorKind::Json(error) => error.pieces(sink),
            ProvisioningErrorKind::Expected(what) => {
                sink.text("expected ");
                sink.text(what);
            }
            ProvisioningErrorKind::UnknownKey => sink.text("has a key that is not known"),
            ProvisioningErrorKind::Value(fault) => fault.pieces(sink),
            ProvisioningErrorKind::Directory(error) => error.pieces(sink),
        }
    }
}

display_by_pieces!(ProvisioningError);

impl ProvisioningError {
    /// The longest text: into a buffer of this size writing cannot fail.
    pub const MAX_LEN: usize = 192;

    /// Writes the text that `Display` shows, without what formatting costs a small device.
    ///
    /// # Errors
    ///
    /// If the buffer is too small; never with [`MAX_LEN`](Self::MAX_LEN) bytes.
    pub fn write<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], BufferTooSmall> {
        let mut plain = Plain(Writer::new(buffer));
        self.pieces(&mut plain);
        plain.0.finish()
    }
}

/// A text as it is, where the writer alone would take it for the inside of a JSON string.
struct Plain<'b>(Writer<'b>);

impl Sink for Plain<'_> {
    fn text(&mut self, piece: &str) {
        self.0.raw(piece.as_bytes());
    }
}

impl core::error::Error for ProvisioningError {}

impl<const UCCS: usize, const AGENTS: usize, const TEXT: usize> Directory<UCCS, AGENTS, TEXT> {
    /// Fills the directory from a provisioning document, in place of what was in it.
    ///
    /// The strict reader checks the whole document first; what then reaches the recursive decoder is JSON of a bounded
    /// depth, of which no value is skipped.
    ///
    /// # Errors
    ///
    /// The first error, and where it is. The directory is empty then: a gateway knows no UCC rather than
    /// some of them.
    pub fn load(&mut self, document: &[u8]) -> Result<(), ProvisioningError> {
        load(&mut self.tables_mut(), document)
    }
}

/// See [`Directory::load`].
pub(super) fn load(directory: &mut TablesMut<'_>, document: &[u8]) -> Result<(), ProvisioningError> {
    directory.clear();
    let result = fill(directory, document);
    if result.is_err() {
        directory.clear();
    }
    result
}

fn fill(directory: &mut TablesMut<'_>, document: &[u8]) -> Result<(), ProvisioningError> {
    let nowhere =
        ProvisioningError { ucc: None, key: None, agent: None, kind: ProvisioningErrorKind::Expected("an object") };
    json::read(document).map_err(|error| ProvisioningError { kind: ProvisioningErrorKind::Json(error), ..nowhere })?;
    let mut loading = Loading { directory, at: nowhere };
    let mut decoder = serde_json_core::de::Deserializer::new(document, None);
    let result = Reading { part: Part::Document, loading: &mut loading }.deserialize(&mut decoder);
    // Where and why was noted before the decoder gave up: its own errors say neither.
    result.map_err(|_| loading.at)
}

/// What is being filled, and what to say if it stops here: where we are and what we expect there.
struct Loading<'l, 't> {
    directory: &'l mut TablesMut<'t>,
    at: ProvisioningError,
}

impl Loading<'_, '_> {
    const fn expect(&mut self, key: Option<&'static str>, what: &'static str) {
        self.at.key = key;
        self.at.kind = ProvisioningErrorKind::Expected(what);
    }

    fn fail<E: Error>(&mut self, key: Option<&'static str>, kind: ProvisioningErrorKind) -> E {
        self.at.key = key;
        self.at.kind = kind;
        E::custom("")
    }
}

/// A part of the document, to be read into the directory.
struct Reading<'a, 'l, 't> {
    part: Part,
    loading: &'a mut Loading<'l, 't>,
}

#[derive(Clone, Copy)]
enum Part {
    Document,
    Uccs,
    Ucc,
    Agents,
    Agent,
}

impl<'de> DeserializeSeed<'de> for Reading<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.part {
            Part::Document | Part::Ucc => deserializer.deserialize_map(self),
            Part::Uccs | Part::Agents => deserializer.deserialize_seq(self),
            Part::Agent => deserializer.deserialize_str(self),
        }
    }
}

impl<'de> Visitor<'de> for Reading<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what the provisioning document holds here")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        match self.part {
            Part::Document => self.loading.document(map),
            _ => self.loading.ucc(map),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let Reading { part, loading } = self;
        for count in 0.. {
            let part = if let Part::Uccs = part {
                loading.at.ucc = Some(count);
                loading.expect(None, "an object");
                Part::Ucc
            } else {
                loading.at.agent = Some(count);
                loading.expect(Some("agents"), "a string");
                Part::Agent
            };
            if elements.next_element_seed(Reading { part, loading: &mut *loading })?.is_none() {
                break;
            }
        }
        loading.at.agent = None;
        Ok(())
    }

    fn visit_borrowed_str<E: Error>(self, raw: &'de str) -> Result<(), E> {
        self.loading.agent(raw)
    }
}

impl Loading<'_, '_> {
    fn document<'de, A: MapAccess<'de>>(&mut self, mut map: A) -> Result<(), A::Error> {
        let mut seen = false;
        while let Some(key) = map.next_key::<&str>()? {
            if !Text::of_checked(key).eq_str("uccs") {
                return Err(self.fail(None, ProvisioningErrorKind::UnknownKey));
            }
            if core::mem::replace(&mut seen, true) {
                return Err(self.fail(Some("uccs"), ProvisioningErrorKind::Value(FieldErrorKind::Repeated)));
            }
            self.expect(Some("uccs"), "an array");
            map.next_value_seed(Reading { part: Part::Uccs, loading: &mut *self })?;
            self.at.ucc = None;
        }
        let kind = match (seen, self.directory.next_key()) {
            (false, _) => ProvisioningErrorKind::Value(FieldErrorKind::Missing),
            (true, UccKey(0)) => ProvisioningErrorKind::Directory(DirectoryError::NoUcc),
            (true, _) => return Ok(()),
        };
        Err(self.fail(Some("uccs"), kind))
    }

    fn ucc<'de, A: MapAccess<'de>>(&mut self, mut map: A) -> Result<(), A::Error> {
        let mut name = None;
        let mut switches = [None; Settings::SWITCHES.len()];
        let mut repeats = None;
        let mut agents = None;
        while let Some(key) = map.next_key::<&str>()? {
            let key = Text::of_checked(key);
            if key.eq_str("name") {
                self.once(&mut name, "name", "a string", &mut map)?;
            } else if key.eq_str(RepeatPolicy::KEY) {
                self.once(&mut repeats, RepeatPolicy::KEY, RepeatPolicy::EXPECTED, &mut map)?;
            } else if key.eq_str("agents") {
                if agents.replace(()).is_some() {
                    return Err(self.fail(Some("agents"), ProvisioningErrorKind::Value(FieldErrorKind::Repeated)));
                }
                self.expect(Some("agents"), "an array");
                map.next_value_seed(Reading { part: Part::Agents, loading: &mut *self })?;
            } else if let Some((slot, name)) =
                switches.iter_mut().zip(Settings::SWITCHES).find(|(_, name)| key.eq_str(name))
            {
                self.once(slot, name, "true or false", &mut map)?;
            } else {
                return Err(self.fail(None, ProvisioningErrorKind::UnknownKey));
            }
        }
        let mut on = [false; Settings::SWITCHES.len()];
        for ((on, given), key) in on.iter_mut().zip(switches).zip(Settings::SWITCHES) {
            *on = self.required(given, key)?;
        }
        let repeats = match repeats.map(Text::of_checked) {
            None => RepeatPolicy::default(),
            Some(text) => self.repeats(text)?,
        };
        let settings = Settings::from_switches(on, repeats);
        self.required(agents, "agents")?;
        let raw = self.required(name, "name")?;
        let mut buffer = [0; UccName::MAX_LEN];
        let name = Unescaped::into(&mut buffer).text(Text::of_checked(raw)).ok_or(UccName::TOO_LONG);
        let name = name
            .and_then(|name| UccName::new(name).map_err(|error| error.kind))
            .map_err(|fault| self.fail(Some("name"), ProvisioningErrorKind::Value(fault)))?;
        match self.directory.add_ucc(name, settings) {
            Ok(_) => Ok(()),
            Err(error) => Err(self.fail(Some("name"), ProvisioningErrorKind::Directory(error))),
        }
    }

    fn repeats<E: Error>(&mut self, text: Text<'_>) -> Result<RepeatPolicy, E> {
        // Longer than either of the two.
        let mut buffer = [0; 8];
        let policy = Unescaped::into(&mut buffer).text(text).and_then(|text| text.parse().ok());
        let kind = ProvisioningErrorKind::Expected(RepeatPolicy::EXPECTED);
        policy.ok_or_else(|| self.fail(Some(RepeatPolicy::KEY), kind))
    }

    /// The UCC that the agent belongs to is added after its agents, since a document may name them first.
    fn agent<E: Error>(&mut self, raw: &str) -> Result<(), E> {
        let mut buffer = [0; SipUri::MAX_LEN];
        let uri = Unescaped::into(&mut buffer).text(Text::of_checked(raw)).ok_or(SipUri::TOO_LONG);
        let uri = uri
            .and_then(|uri| SipUri::new(uri).map_err(|error| error.kind))
            .map_err(|fault| self.fail(Some("agents"), ProvisioningErrorKind::Value(fault)))?;
        let ucc = self.directory.next_key();
        match self.directory.enter_agent(ucc, uri) {
            Ok(()) => Ok(()),
            Err(error) => Err(self.fail(Some("agents"), ProvisioningErrorKind::Directory(error))),
        }
    }

    fn once<'de, T: serde::Deserialize<'de>, A: MapAccess<'de>>(
        &mut self,
        slot: &mut Option<T>,
        key: &'static str,
        what: &'static str,
        map: &mut A,
    ) -> Result<(), A::Error> {
        self.expect(Some(key), what);
        match slot.replace(map.next_value()?) {
            None => Ok(()),
            Some(_) => Err(self.fail(Some(key), ProvisioningErrorKind::Value(FieldErrorKind::Repeated))),
        }
    }

    fn required<T, E: Error>(&mut self, slot: Option<T>, key: &'static str) -> Result<T, E> {
        slot.ok_or_else(|| self.fail(Some(key), ProvisioningErrorKind::Value(FieldErrorKind::Missing)))
    }
}
