//! The world that is tested: which UCCs there are, who is an agent, and how much of the API is held to its rules.

use crate::naive;

/// Which rules count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Profile {
    /// Those that the API's page documents, or older editions of it did.
    Documented,
    /// Those that `docs/protocol.md` chose as well.
    #[default]
    All,
}

/// A UCC that requests may name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedUcc {
    /// Its name.
    pub name: String,
    /// Its settings; `None` for a name that must be unknown.
    pub settings: Option<naive::Ucc>,
}

/// The world of a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The UCCs. The first one is asked most.
    pub uccs: Vec<PlannedUcc>,
    /// An agent of all of them.
    pub agent: String,
    /// An agent of none of them.
    pub stranger: String,
    /// Whether sessions can be begun and ended. If not, the first UCC's sessions are those that are there.
    pub can_begin: bool,
    /// How many session ids there are. One more is never the id of a session.
    pub slots: u8,
    /// Which rules count.
    pub profile: Profile,
}

/// The session ids of one run, one a slot. The last one is never begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ids(pub Vec<String>);

/// Settings that forbid nothing: repeats are accepted, a recording that no action decided on is discarded.
pub const OPEN: naive::Ucc = naive::Ucc {
    licensed: true,
    use_audio_recording: true,
    agent_can_edit: true,
    save_by_default: false,
    repeats_accepted: true,
};

impl Plan {
    /// A UCC for every setting that makes a difference, and one that is unknown.
    #[must_use]
    pub fn full() -> Self {
        let ucc = |name: &str, settings| PlannedUcc { name: name.into(), settings };
        Self {
            uccs: vec![
                ucc("ucc-open", Some(OPEN)),
                ucc("ucc-kept", Some(naive::Ucc { save_by_default: true, ..OPEN })),
                ucc("ucc-repeats-refused", Some(naive::Ucc { repeats_accepted: false, ..OPEN })),
                ucc("ucc-unlicensed", Some(naive::Ucc { licensed: false, agent_can_edit: false, ..OPEN })),
                ucc("ucc-audio-off", Some(naive::Ucc { use_audio_recording: false, ..OPEN })),
                ucc("ucc-editing-off", Some(naive::Ucc { agent_can_edit: false, ..OPEN })),
                ucc("ucc-of-nobody", None),
            ],
            agent: "sip:agent@domain.com".into(),
            stranger: "sip:stranger@domain.com".into(),
            can_begin: true,
            slots: 2,
            profile: Profile::All,
        }
    }

    /// The name of a UCC; an index beyond the last one means the last one.
    #[must_use]
    pub fn ucc(&self, index: u8) -> &PlannedUcc {
        let last = self.uccs.len().saturating_sub(1);
        &self.uccs[usize::from(index).min(last)]
    }

    /// The facts of the naive model about a UCC, a requester and a session.
    #[must_use]
    pub fn facts(&self, ucc: u8, is_agent: bool, session: Option<naive::State>) -> naive::World {
        naive::World { ucc: self.ucc(ucc).settings, is_agent, session }
    }
}

impl Ids {
    /// Ids of the version and variant that random GUIDs have, from two numbers: which run, and which seed.
    #[must_use]
    pub fn of(seed: u64, run: u64, slots: u8) -> Self {
        let upper = (seed & 0xffff_ffff_ffff) << 16 | 0x4abc;
        let id = |slot: u8| {
            let lower = run << 8 & 0x3fff_ffff_ffff_ffff | u64::from(slot) | 0x8000_0000_0000_0000;
            let digits = format!("{upper:016x}{lower:016x}");
            let (a, b, c) = (&digits[..8], &digits[8..12], &digits[12..16]);
            format!("{a}-{b}-{c}-{}-{}", &digits[16..20], &digits[20..])
        };
        Self((0..=slots).map(id).collect())
    }

    /// The id of a slot; a slot beyond the last one means the last one.
    #[must_use]
    pub fn get(&self, slot: u8) -> &str {
        let last = self.0.len().saturating_sub(1);
        &self.0[usize::from(slot).min(last)]
    }
}
