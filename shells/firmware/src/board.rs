//! The boards that QEMU knows and that there are images for. `check`, `hosts` and `cargo xtask figures firmware` get them
//! from here, by `cargo run -- --boards`.

/// A board.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Board {
    /// The small one.
    Lm3s6965evb,
    /// The larger one.
    Mps2An386,
    /// One of another architecture, with another memory map and clock.
    Mps2An505,
}

impl Board {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Lm3s6965evb, Self::Mps2An386, Self::Mps2An505];

    /// The name that QEMU, the image's feature and the log have for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lm3s6965evb => "lm3s6965evb",
            Self::Mps2An386 => "mps2-an386",
            Self::Mps2An505 => "mps2-an505",
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
            Self::Mps2An505 => "thumbv8m.main-none-eabihf",
        }
    }

    /// How many clients are served at once.
    #[must_use]
    pub const fn connections(self) -> usize {
        match self {
            Self::Lm3s6965evb => 4,
            Self::Mps2An386 | Self::Mps2An505 => 8,
        }
    }

    /// How many listeners are served at once.
    #[must_use]
    pub const fn listeners(self) -> usize {
        match self {
            Self::Lm3s6965evb => 2,
            Self::Mps2An386 | Self::Mps2An505 => 4,
        }
    }

    /// How many UCCs there is room for.
    #[must_use]
    pub const fn uccs(self) -> usize {
        match self {
            Self::Lm3s6965evb => 16,
            Self::Mps2An386 | Self::Mps2An505 => 64,
        }
    }

    /// How many sessions there is room for.
    #[must_use]
    pub const fn sessions(self) -> usize {
        match self {
            Self::Lm3s6965evb => 64,
            Self::Mps2An386 | Self::Mps2An505 => 512,
        }
    }
}
