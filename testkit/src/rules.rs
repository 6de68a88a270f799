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

/// What a broken rule leads to, the worst first: in this order differences are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Harm {
    /// A caller sees a state that the recorder is not in: the recorder may go on while it is said to be paused.
    Deceives,
    /// The recorder does not do what was asked, and says so.
    Recorder,
    /// A caller may do or see what it must not, or may not do what it should.
    Access,
    /// A recording may be lost or kept that should not be, or its mark.
    Evidence,
    /// A wrong request is accepted, or refused in another way.
    Requests,
    /// A reply says something else, or in another shape.
    Replies,
    /// Another way to write the same is not understood, or the same is written in another way.
    Spellings,
}

impl Harm {
    /// One word, for a report.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Deceives => "deceives",
            Self::Recorder => "recorder",
            Self::Access => "access",
            Self::Evidence => "evidence",
            Self::Requests => "requests",
            Self::Replies => "replies",
            Self::Spellings => "spellings",
        }
    }
}

macro_rules! rules {
    ($( $Rule:ident $source:ident $harm:ident $id:literal $text:literal )+) => {
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

            /// What happens where it is broken.
            #[must_use]
            pub const fn harm(self) -> Harm {
                match self { $(Self::$Rule => Harm::$harm,)+ }
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
    StateShape Page Replies "8-state-shape" "state is answered with the six keys, their types and the codes of the states"
    StateRead Page Deceives "7-state" "state of an open session is answered without an error, and by what was read before if nothing changed it"
    EchoId Page Replies "8-echo-id" "CorrelationId is the id asked for"
    EchoUcc Page Replies "8-echo-ucc" "UCCName of a state is the name asked for"
    CapabilitiesShape Page Replies "8-capabilities-shape" "capabilities are answered with the three keys and their types"
    BareError Page Replies "8-bare-error" "what cannot be understood is answered with the bare ErrorMessage body"
    UnmarkIsAState Page Evidence "2-unmark" "after UnMark the marking is Unmark, not None"
    ActionByName Page Spellings "7-action-name" "an action is asked for by its name as well as by its id"
    VersionTwo Page Spellings "7-v2" "v2/ in the path makes no difference"
    NeedsLicense Page Access "10-check-3" "without the license state and set are refused"
    NeedsAudio Page Access "10-check-4" "with UseAudioRecording off state and set are refused"
    NeedsEditing Page Access "10-check-5" "with AgentCanEditAudioRecording off set is refused"
    NeedsAgent Page Access "10-check-6" "who is no agent of the UCC cannot set"
    NotFound Older Recorder "10-check-7" "a session that does not exist is an error"
    NotFoundReply Older Replies "8-not-found" "that error is of type 2, with the known text and all states 0"
    Recording Ours Recorder "4-recording" "Start, Stop and Pause lead where the table says"
    Marking Ours Evidence "4-marking" "Mark and UnMark lead where the table says"
    Saving Ours Evidence "4-saving" "Save and Delete lead where the table says: the last one counts"
    OtherAxes Ours Deceives "4-other-axes" "an action leaves the other axes as they are"
    Stored Ours Deceives "4-stored" "what a set answered is what a read then shows"
    Refused Ours Deceives "10-check-8" "what makes no sense in a state is refused"
    RepeatsAccepted Ours Evidence "4-repeats-accepted" "where repeats are accepted a repeat succeeds"
    RepeatsRefused Ours Evidence "10-check-9" "where repeats are refused a repeat is an error"
    Begins Ours Evidence "2-begin" "a session begins in the state that the call's side names"
    Disposition Ours Evidence "6-disposition" "what becomes of a recording is what the table says"
    UnknownUcc Ours Access "10-check-2" "an unknown UCC is an error"
    CheckOrder Ours Replies "10-order" "of several checks that fail the first one is reported"
    ErrorTypes Ours Replies "10-error-types" "Configuration is 1, Validation is 2"
    Messages Ours Spellings "10-messages" "the messages have the texts of the table"
    NothingForStrangers Ours Access "8-zeros" "errors of checks 2 to 7 show all states 0"
    StatesWithRefusal Ours Replies "8-states-as-they-are" "errors of checks 8 and 9 show the states as they are"
    SetShape Ours Replies "8-set-shape" "set is answered in the shape of state"
    CapabilitiesValue Ours Replies "8-capabilities" "AgentCanEditRecordings tells of checks 2 to 5"
    ExactForm Ours Spellings "8-exact-form" "a reply has one exact form: order of keys, no white space, escapes"
    Understood Ours Replies "9-200" "what is understood is answered 200, refused or not"
    ReplyHeaders Ours Spellings "9-headers" "Content-Type is application/json; charset=utf-8, Cache-Control is no-store"
    Event Ours Deceives "11-event" "an event for every change, and for nothing else"
    QueryIgnored Ours Spellings "7-query" "a query is ignored"
    AbsoluteForm Ours Spellings "7-absolute" "a target in absolute form is taken by its path"
    HeadAsGet Ours Spellings "7-head" "HEAD is answered as GET without the body"
    PercentDecoded Ours Spellings "7-percent" "names in paths are percent-decoded"
    IdForms Ours Spellings "12-id-forms" "an id has three forms in any case, and is written back hyphenated in lower case"
    ActionNameCase Ours Spellings "12-action-case" "names of actions are compared without case"
    KeysAnyCase Ours Spellings "13-keys-case" "keys match without case"
    UnknownKeysSkipped Ours Spellings "13-unknown-keys" "unknown keys are skipped"
    KeysAnyOrder Ours Spellings "13-keys-order" "keys come in any order, with white space"
    EscapesDecoded Ours Spellings "13-escapes" "escapes in strings are decoded"
    TypeCaseAndParameters Ours Spellings "9-type-parameters" "case and parameters of the Content-Type mean nothing"
    RequesterCase Ours Spellings "12-requester-case" "requesters are compared without case and echoed as sent"
    UnknownPath Ours Requests "9-404" "an unknown path is answered 404"
    WrongMethod Ours Requests "9-405" "a known path and another method are answered 405, with Allow"
    WrongType Ours Requests "9-415" "a set that is not application/json is answered 415"
    TooLarge Ours Requests "9-413" "a body of more than 2048 bytes is answered 413"
    BadPath Ours Requests "9-400-path" "invalid names and ids are answered 400"
    BadJson Ours Requests "13-json" "what is no JSON object as RFC 8259 says is answered 400"
    BadAction Ours Requests "12-action" "what is no action is answered 400"
    BadField Ours Requests "12-fields" "invalid fields are answered 400"
    KeyTwice Ours Requests "13-key-twice" "a known key given twice is answered 400"
    KeyMissing Ours Requests "13-key-missing" "a field left out is answered 400"
    TooDeep Ours Requests "13-depth" "a body that nests more than 16 deep is answered 400"
}

impl Rule {
    /// Whether the page documents it, or older editions of it did.
    #[must_use]
    pub const fn is_documented(self) -> bool {
        !matches!(self.source(), Source::Ours)
    }
}
