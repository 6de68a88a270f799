//! What a test may do, as symbols: names and ids come in only when a step is sent, so that one sequence can be tried
//! again and again with fresh sessions.

use crate::rules::Rule;

/// A session: which UCC of the plan, which of the run's ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct At {
    /// The UCC by its place in the plan.
    pub ucc: u8,
    /// The id by its slot.
    pub slot: u8,
}

/// One step of a sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The call's side begins a session.
    Begin {
        /// Which.
        at: At,
        /// In which state.
        state: crate::naive::State,
    },
    /// The call's side ends a session.
    End {
        /// Which.
        at: At,
    },
    /// Reads a session's state.
    Read {
        /// Which.
        at: At,
        /// How it is written.
        spelling: Spelling,
    },
    /// Asks for an action.
    Set {
        /// Of which session.
        at: At,
        /// Which, by its id.
        action: u8,
        /// By the agent, or else by the stranger.
        by_agent: bool,
        /// How it is written.
        spelling: Spelling,
    },
    /// Asks for the capabilities of a UCC.
    Capabilities {
        /// Which, by its place in the plan.
        ucc: u8,
        /// How it is written.
        spelling: Spelling,
    },
    /// Sends what must not be understood: an entry of [`crate::wrong::WRONG`].
    Wrong {
        /// Which, by its place in the table.
        which: usize,
        /// A session that it would change, if it were understood.
        at: At,
        /// The action that it would do.
        action: u8,
    },
    /// Sends a body to `set` that is no JSON object.
    Junk {
        /// The body.
        body: Vec<u8>,
    },
}

/// Another way to say the same. The first one is the plain one, to which sequences shrink.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Spelling {
    /// As the page has it.
    Plain,
    /// By the path with `v2/`.
    V2,
    /// The action by its name.
    ActionName,
    /// With a query that means nothing.
    Query,
    /// The target in absolute form.
    Absolute,
    /// By `HEAD`.
    Head,
    /// The UCC's name in percent codes.
    PercentName,
    /// The id in upper case.
    IdUpper,
    /// The id in braces.
    IdBraces,
    /// The id as 32 digits.
    IdDigits,
    /// The action by its name in upper case.
    ActionNameUpper,
    /// The keys in upper case.
    KeysUpper,
    /// With keys that mean nothing.
    UnknownKeys,
    /// The keys in another order, white space between.
    Reordered,
    /// The UCC's name in escapes.
    Escaped,
    /// The content type in another case and with a parameter.
    TypeParameter,
    /// The requester in upper case.
    RequesterUpper,
}

impl Step {
    /// How it is written; `Plain` where there is no other way.
    #[must_use]
    pub const fn spelling(&self) -> Spelling {
        match self {
            Self::Read { spelling, .. } | Self::Set { spelling, .. } | Self::Capabilities { spelling, .. } => *spelling,
            _ => Spelling::Plain,
        }
    }

    /// The same in the plain spelling.
    #[must_use]
    pub fn plain(&self) -> Self {
        let mut plain = self.clone();
        if let Self::Read { spelling, .. } | Self::Set { spelling, .. } | Self::Capabilities { spelling, .. } =
            &mut plain
        {
            *spelling = Spelling::Plain;
        }
        plain
    }
}

impl Spelling {
    /// How a read may be written.
    pub const OF_READ: &[Self] = &[
        Self::Plain,
        Self::V2,
        Self::Query,
        Self::Absolute,
        Self::Head,
        Self::PercentName,
        Self::IdUpper,
        Self::IdBraces,
        Self::IdDigits,
    ];

    /// How a set may be written.
    pub const OF_SET: &[Self] = &[
        Self::Plain,
        Self::V2,
        Self::ActionName,
        Self::Query,
        Self::Absolute,
        Self::IdUpper,
        Self::IdBraces,
        Self::IdDigits,
        Self::ActionNameUpper,
        Self::KeysUpper,
        Self::UnknownKeys,
        Self::Reordered,
        Self::Escaped,
        Self::TypeParameter,
        Self::RequesterUpper,
    ];

    /// How a question for capabilities may be written.
    pub const OF_CAPABILITIES: &[Self] =
        &[Self::Plain, Self::V2, Self::Query, Self::Absolute, Self::Head, Self::PercentName];

    /// Those of `all` that the page shows.
    #[must_use]
    pub fn documented(all: &[Self]) -> Vec<Self> {
        let shown = |spelling: &&Self| matches!(spelling, Self::Plain | Self::V2 | Self::ActionName);
        all.iter().filter(shown).copied().collect()
    }

    /// The rule that makes this spelling mean the same as the plain one; `None` for the plain one.
    #[must_use]
    pub const fn rule(self) -> Option<Rule> {
        Some(match self {
            Self::Plain => return None,
            Self::V2 => Rule::VersionTwo,
            Self::ActionName => Rule::ActionByName,
            Self::Query => Rule::QueryIgnored,
            Self::Absolute => Rule::AbsoluteForm,
            Self::Head => Rule::HeadAsGet,
            Self::PercentName => Rule::PercentDecoded,
            Self::IdUpper | Self::IdBraces | Self::IdDigits => Rule::IdForms,
            Self::ActionNameUpper => Rule::ActionNameCase,
            Self::KeysUpper => Rule::KeysAnyCase,
            Self::UnknownKeys => Rule::UnknownKeysSkipped,
            Self::Reordered => Rule::KeysAnyOrder,
            Self::Escaped => Rule::EscapesDecoded,
            Self::TypeParameter => Rule::TypeCaseAndParameters,
            Self::RequesterUpper => Rule::RequesterCase,
        })
    }
}
