//! One table per wire code: number, name and documentation are written once, and every way to read or write a code is
//! made from that table.

/// A number or a name that is no code of the wanted kind.
///
/// `expected` names the kind, for example `"RecordingState"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UnknownCode {
    /// What the number or name was read as.
    pub expected: &'static str,
}

impl core::fmt::Display for UnknownCode {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "not a {}", self.expected)
    }
}

impl core::error::Error for UnknownCode {}

/// Defines a closed enumeration of wire codes, both ways by number and by name.
macro_rules! wire_codes {
    (
        $(#[$outer:meta])*
        $kind:literal
        pub enum $Type:ident {
            $( $(#[$inner:meta])* $Variant:ident = $code:literal, $name:literal; )+
        }
    ) => {
        $(#[$outer])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $Type {
            $(
                $(#[$inner])*
                #[doc = concat!("\n\nWire code ", $code, ", name `", $name, "`.")]
                $Variant = $code,
            )+
        }

        impl $Type {
            /// All of them, by ascending code.
            pub const ALL: &'static [Self] = &[$(Self::$Variant),+];

            /// The number on the wire.
            #[must_use]
            pub const fn code(self) -> u8 {
                self as u8
            }

            /// The name on the wire, as the page writes it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$Variant => $name,)+
                }
            }

            /// The one with this number, if there is one.
            #[must_use]
            pub const fn from_code(code: u8) -> Option<Self> {
                match code {
                    $($code => Some(Self::$Variant),)+
                    _ => None,
                }
            }

            /// The one with this name without regard to ASCII case, if there is one.
            #[must_use]
            pub const fn from_name(name: &str) -> Option<Self> {
                $(
                    if name.eq_ignore_ascii_case($name) {
                        return Some(Self::$Variant);
                    }
                )+
                None
            }
        }

        impl core::fmt::Display for $Type {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.pad(self.name())
            }
        }

        impl From<$Type> for u8 {
            fn from(value: $Type) -> Self {
                value.code()
            }
        }

        impl TryFrom<u8> for $Type {
            type Error = $crate::state::UnknownCode;

            fn try_from(code: u8) -> Result<Self, Self::Error> {
                Self::from_code(code).ok_or($crate::state::UnknownCode { expected: $kind })
            }
        }

        impl core::str::FromStr for $Type {
            type Err = $crate::state::UnknownCode;

            fn from_str(name: &str) -> Result<Self, Self::Err> {
                Self::from_name(name).ok_or($crate::state::UnknownCode { expected: $kind })
            }
        }
    };
}

pub(crate) use wire_codes;
