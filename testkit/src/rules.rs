//! The rules that can be held against a server from outside, each with its source.

use core::fmt;

/// Where a rule is from, as `docs/protocol.md` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// The API's page.
    Page,
    /// Older editions of it.
    Older,
    /// Chosen by this project.
    Ours,
}

impl Source {
    /// The marker in the documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Page => "PAGE",
            Self::Older => "OLDER",
            Self::Ours => "OURS",
        }
    }
}

/// `PAGE`, `OLDER` or `OURS`.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

macro_rules! rules {
    ($( $Rule:ident $source:ident $id:literal $text:literal )+) => {
        /// A rule.
        #[allow(clippy::doc_markdown, reason = "the same text goes to a terminal")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule {
            $( #[doc = $text] $Rule, )+
        }

        impl Rule {
            /// All of them, the documented ones first.
            pub const ALL: &'static [Self] = &[$(Self::$Rule),+];

            /// Its short name: the section of the protocol that has it, and a word.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self { $(Self::$Rule => $id,)+ }
            }

            /// Where it is from.
            #[must_use]
            pub const fn source(self) -> Source {
                match self { $(Self::$Rule => Source::$source,)+ }
            }

            /// What it says.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$Rule => $text,)+ }
            }
        }
    };
}

rules! {
    StateShape Page "8-state-shape" "state is answered with the six keys, their types and the codes of the states"
    StateRead Page "7-state" "state of an open session is answered without an error, and by what was read before if nothing changed it"
    EchoId Page "8-echo-id" "CorrelationId is the id asked for"
    EchoUcc Page "8-echo-ucc" "UCCName of a state is the name asked for"
    CapabilitiesShape Page "8-capabilities-shape" "capabilities are answered with the three keys and their types"
    BareError Page "8-bare-error" "what cannot be understood is answered with the bare ErrorMessage body"
    UnmarkIsAState Page "2-unmark" "after UnMark the marking is Unmark, not None"
    ActionByName Page "7-action-name" "an action is asked for by its name as well as by its id"
    VersionTwo Page "7-v2" "v2/ in the path makes no difference"
    NeedsLicense Page "10-check-3" "without the license state and set are refused"
    NeedsAudio Page "10-check-4" "with UseAudioRecording off state and set are refused"
    NeedsEditing Page "10-check-5" "with AgentCanEditAudioRecording off set is refused"
    NeedsAgent Page "10-check-6" "who is no agent of the UCC cannot set"
    NotFound Older "10-check-7" "a session that does not exist is an error"
    NotFoundReply Older "8-not-found" "that error is of type 2, with the known text and all states 0"
    Recording Ours "4-recording" "Start, Stop and Pause lead where the table says"
    Marking Ours "4-marking" "Mark and UnMark lead where the table says"
    Saving Ours "4-saving" "Save and Delete lead where the table says: the last one counts"
    OtherAxes Ours "4-other-axes" "an action leaves the other axes as they are"
    Stored Ours "4-stored" "what a set answered is what a read then shows"
    Refused Ours "10-check-8" "what makes no sense in a state is refused"
    RepeatsAccepted Ours "4-repeats-accepted" "where repeats are accepted a repeat succeeds"
    RepeatsRefused Ours "10-check-9" "where repeats are refused a repeat is an error"
    Begins Ours "2-begin" "a session begins in the state that the call's side names"
    Disposition Ours "6-disposition" "what becomes of a recording is what the table says"
    UnknownUcc Ours "10-check-2" "an unknown UCC is an error"
    CheckOrder Ours "10-order" "of several checks that fail the first one is told"
    ErrorTypes Ours "10-error-types" "Configuration is 1, Validation is 2"
    Messages Ours "10-messages" "the messages have the texts of the table"
    NothingForStrangers Ours "8-zeros" "errors of checks 2 to 7 show all states 0"
    StatesWithRefusal Ours "8-states-as-they-are" "errors of checks 8 and 9 show the states as they are"
    SetShape Ours "8-set-shape" "set is answered in the shape of state"
    CapabilitiesValue Ours "8-capabilities" "AgentCanEditRecordings tells of checks 2 to 5"
    ExactForm Ours "8-exact-form" "a reply has one exact form: order of keys, no white space, escapes"
    Understood Ours "9-200" "what is understood is answered 200, refused or not"
    ReplyHeaders Ours "9-headers" "Content-Type is application/json; charset=utf-8, Cache-Control is no-store"
    Event Ours "11-event" "an event for every change, and for nothing else"
    QueryIgnored Ours "7-query" "a query is ignored"
    AbsoluteForm Ours "7-absolute" "a target in absolute form is taken by its path"
    HeadAsGet Ours "7-head" "HEAD is answered as GET without the body"
    PercentDecoded Ours "7-percent" "names in paths are percent-decoded"
    IdForms Ours "12-id-forms" "an id has three forms in any case, and is written back hyphenated in lower case"
    ActionNameCase Ours "12-action-case" "names of actions are compared without case"
    KeysAnyCase Ours "13-keys-case" "keys match without case"
    UnknownKeysSkipped Ours "13-unknown-keys" "unknown keys are skipped"
    KeysAnyOrder Ours "13-keys-order" "keys come in any order, with white space"
    EscapesDecoded Ours "13-escapes" "escapes in strings are decoded"
    TypeCaseAndParameters Ours "9-type-parameters" "case and parameters of the Content-Type mean nothing"
    RequesterCase Ours "12-requester-case" "requesters are compared without case and echoed as sent"
    UnknownPath Ours "9-404" "an unknown path is answered 404"
    WrongMethod Ours "9-405" "a known path and another method are answered 405, with Allow"
    WrongType Ours "9-415" "a set that is not application/json is answered 415"
    TooLarge Ours "9-413" "a body of more than 2048 bytes is answered 413"
    BadPath Ours "9-400-path" "names and ids that do not hold are answered 400"
    BadJson Ours "13-json" "what is no JSON object as RFC 8259 says is answered 400"
    BadAction Ours "12-action" "what is no action is answered 400"
    BadField Ours "12-fields" "fields that do not hold are answered 400"
    KeyTwice Ours "13-key-twice" "a known key given twice is answered 400"
    KeyMissing Ours "13-key-missing" "a field left out is answered 400"
    TooDeep Ours "13-depth" "a body that nests more than 16 deep is answered 400"
}

impl Rule {
    /// Whether the page documents it, or older editions of it did.
    #[must_use]
    pub const fn is_documented(self) -> bool {
        !matches!(self.source(), Source::Ours)
    }
}
