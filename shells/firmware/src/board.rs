//! The boards that QEMU knows and that there are images for.

/// A board.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Board {
    /// The small one.
    Lm3s6965evb,
    /// The larger one.
    Mps2An386,
}

impl Board {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Lm3s6965evb, Self::Mps2An386];

    /// The name that QEMU, the image's feature and the log have for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lm3s6965evb => "lm3s6965evb",
            Self::Mps2An386 => "mps2-an386",
        }
    }

    /// The board of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|board| board.name() == name)
    }

    /// What the image is compiled for.
    #[must_use]
    pub const fn target(self) -> &'static str {
        match self {
            Self::Lm3s6965evb => "thumbv7m-none-eabi",
            Self::Mps2An386 => "thumbv7em-none-eabihf",
        }
    }

    /// How many clients are served at once.
    #[must_use]
    pub const fn connections(self) -> usize {
        match self {
            Self::Lm3s6965evb => 4,
            Self::Mps2An386 => 8,
        }
    }

    /// How many sessions there is room for.
    #[must_use]
    pub const fn sessions(self) -> usize {
        match self {
            Self::Lm3s6965evb => 64,
            Self::Mps2An386 => 512,
        }
    }
}
