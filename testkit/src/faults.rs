//! Wrong behaviours with names: what a conformance test must find.

use core::fmt;

macro_rules! faults {
    ($( $Fault:ident $seen:ident $documented:literal $text:literal )+) => {
        /// A wrong behaviour.
        #[allow(clippy::doc_markdown, reason = "the same text goes to a terminal")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Fault {
            $( #[doc = $text] $Fault, )+
        }

        impl Fault {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$Fault),+];

            /// What is wrong.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$Fault => $text,)+ }
            }

            /// Where it shows.
            #[must_use]
            pub const fn seen(self) -> Seen {
                match self { $(Self::$Fault => Seen::$seen,)+ }
            }

            /// Whether it breaks a rule that the API's page documents, or older editions of it did.
            #[must_use]
            pub const fn breaks_documented(self) -> bool {
                match self { $(Self::$Fault => $documented,)+ }
            }
        }
    };
}

/// Where a fault shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// In replies.
    Replies,
    /// In the replies to the call's side.
    CallSide,
    /// In the published events only, which not every transport carries.
    Events,
}

faults! {
    PauseNotStored Replies false "a Pause is answered as a success and not stored"
    ResumeRefused Replies false "Start is refused while Paused"
    RestartRefused Replies false "Start is refused while Stopped"
    RepeatRefused Replies false "a repeat is refused although the UCC accepts repeats"
    RepeatAccepted Replies false "a repeat succeeds although the UCC refuses repeats"
    StopWithoutStart Replies false "Stop succeeds while Uninitialized"
    UnMarkToNone Replies true "UnMark leads to None instead of Unmark"
    MarkNeedsRecorder Replies false "Mark is refused while Uninitialized"
    DeleteStops Replies false "Delete stops the recorder as well"
    FirstDecisionCounts Replies false "of Save and Delete the first counts"
    EventMissing Events false "a Pause publishes no event"
    EventTwice Events false "a Mark publishes its event twice"
    EventOfRepeat Events false "a repeat publishes an event"
    SessionBeforeAgent Replies false "a stranger learns whether a session exists: check 7 before check 6"
    AgentBeforeLicense Replies false "a requester who is no agent is refused before the license is checked"
    AnybodyMaySet Replies true "a requester who is no agent may set"
    UnlicensedServed Replies true "the license is not checked"
    ErrorTypesSwapped Replies true "ErrorType 1 and 2 are swapped"
    StateShownToStranger Replies false "a requester who is no agent sees the states next to the error"
    IdInUpperCase Replies false "ids are written back in upper case"
    UnknownUccNotFound Replies false "an unknown UCC is answered 404"
    KeysInOtherOrder Replies false "UCCName is the first key of a reply"
    StatesByName Replies true "states are given by their names instead of their codes"
    CapabilitiesAlwaysTrue Replies false "AgentCanEditRecordings is always true"
    NotFoundWithoutError Replies true "a session that does not exist is three zeros without an error"
    VersionTwoUnknown Replies true "v2/ in the path is unknown"
    ActionNameRefused Replies true "an action by its name is not understood"
    IdOfActionAsText Replies false "the id of an action is understood as text, too"
    FirstKeyWins Replies false "of a key given twice the first one is taken"
    RequesterByCase Replies false "requesters are compared with case"
    SessionsOfUccsMixed Replies false "the same id in two UCCs is one session"
    DispositionForgetsSave CallSide false "Save is forgotten when a session ends"
    BeginsStarted CallSide false "a session begins Started, whatever the call's side says"
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text())
    }
}
