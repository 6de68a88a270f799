//! Holds: whose pause it is. Source: OURS.

/// Who holds a session, as 16 bytes that the shell makes: in a desk the agent's index, in a server a hash of the URI in
/// lower case. Two requesters with the same bytes share a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Holder([u8; Self::LEN]);

impl Holder {
    /// How many bytes it takes.
    pub const LEN: usize = 16;

    /// The holder with these bytes.
    #[must_use]
    pub const fn new(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The holder that an index names.
    #[must_use]
    pub const fn from_index(index: u32) -> Self {
        Self((index as u128).to_le_bytes())
    }

    /// The bytes.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; Self::LEN] {
        self.0
    }
}

impl AsRef<[u8]> for Holder {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// Who may resume a session. Fixed when the session begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum ResumePolicy {
    /// Any agent, as on the API's page: no holds are kept.
    #[default]
    Anyone,
    /// Only who holds the session, while any requester does.
    Holders,
}

impl core::str::FromStr for ResumePolicy {
    type Err = crate::state::UnknownCode;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "anyone" => Ok(Self::Anyone),
            "holders" => Ok(Self::Holders),
            _ => Err(crate::state::UnknownCode { expected: "ResumePolicy" }),
        }
    }
}

impl core::fmt::Display for ResumePolicy {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Anyone => "anyone",
            Self::Holders => "holders",
        })
    }
}

/// The holds of a session, at most eight, each in a place of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Holds([Option<Holder>; Self::MAX]);

impl Holds {
    /// The greatest number of holds.
    pub const MAX: usize = 8;

    /// No hold.
    pub const NONE: Self = Self([None; Self::MAX]);

    /// Those who hold the session.
    pub fn iter(&self) -> impl Iterator<Item = Holder> {
        self.0.iter().flatten().copied()
    }

    /// Whether this one holds the session.
    #[must_use]
    pub fn contains(&self, holder: Holder) -> bool {
        self.place(holder).is_some()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn place(&self, holder: Holder) -> Option<usize> {
        self.0.iter().position(|&place| place == Some(holder))
    }

    /// The places, for the stored form.
    pub(super) const fn places(&self) -> &[Option<Holder>; Self::MAX] {
        &self.0
    }

    /// From the stored form; `None` if one is there twice.
    pub(super) fn from_places(places: [Option<Holder>; Self::MAX]) -> Option<Self> {
        let holds = Self(places);
        let is_first = |(place, holder): (usize, &Option<Holder>)| match *holder {
            Some(holder) => holds.place(holder) == Some(place),
            None => true,
        };
        holds.0.iter().enumerate().all(is_first).then_some(holds)
    }

    pub(super) fn remove(&mut self, holder: Holder) {
        for place in &mut self.0 {
            if *place == Some(holder) {
                *place = None;
            }
        }
    }

    /// Takes a place that is free, or else one whose holder does not count any more. `None` if there is neither.
    pub(super) fn add(&mut self, holder: Holder, counts: impl Fn(Holder) -> bool) -> Option<usize> {
        let is_free = self.0.iter().position(Option::is_none);
        let place = is_free.or_else(|| self.0.iter().position(|place| place.is_some_and(|holder| !counts(holder))))?;
        *self.0.get_mut(place)? = Some(holder);
        Some(place)
    }

    /// Removes those whose place has its bit in `mask`.
    pub(super) fn remove_places(&mut self, mask: u8) {
        for (place, holder) in self.0.iter_mut().enumerate() {
            if mask >> place & 1 == 1 {
                *holder = None;
            }
        }
    }
}
