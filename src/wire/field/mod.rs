//! The fields of requests, as types that hold only what is valid.

mod id;
mod name;
mod uri;

pub use id::{CorrelationId, Hyphenated};
pub use name::{UccName, UccNameBuf};
pub use uri::{SipUri, SipUriBuf};

/// What the borrowed and the stored form of a text field have in common.
macro_rules! text_field {
    ($Borrowed:ident, $Owned:ident, $max:expr) => {
        impl<'a> $Borrowed<'a> {
            /// The text, as it was given.
            #[must_use]
            pub const fn as_str(self) -> &'a str {
                self.0
            }
        }

        impl<'a> TryFrom<&'a str> for $Borrowed<'a> {
            type Error = $crate::wire::FieldError;

            fn try_from(text: &'a str) -> Result<Self, Self::Error> {
                Self::new(text)
            }
        }

        impl core::fmt::Display for $Borrowed<'_> {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl core::fmt::Debug for $Borrowed<'_> {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                core::fmt::Debug::fmt(self.as_str(), f)
            }
        }

        impl AsRef<str> for $Borrowed<'_> {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }

        impl AsRef<str> for $Owned {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }

        impl PartialOrd for $Owned {
            fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Ord for $Owned {
            fn cmp(&self, other: &Self) -> core::cmp::Ordering {
                self.to_ref().cmp(&other.to_ref())
            }
        }

        impl $Owned {
            /// Checks and copies the text.
            ///
            /// # Errors
            ///
            /// As for the borrowed form.
            pub fn new(text: &str) -> Result<Self, $crate::wire::FieldError> {
                $Borrowed::new(text).map(Self::from)
            }

            /// The borrowed form.
            #[must_use]
            pub fn to_ref(&self) -> $Borrowed<'_> {
                $Borrowed(self.0.as_str())
            }

            /// The text, as it was given.
            #[must_use]
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl From<$Borrowed<'_>> for $Owned {
            fn from(text: $Borrowed<'_>) -> Self {
                // Always fits: the borrowed form is never longer.
                Self(heapless::String::try_from(text.as_str()).unwrap_or_default())
            }
        }

        impl<'a> From<&'a $Owned> for $Borrowed<'a> {
            fn from(text: &'a $Owned) -> Self {
                text.to_ref()
            }
        }

        impl core::str::FromStr for $Owned {
            type Err = $crate::wire::FieldError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::new(text)
            }
        }

        impl core::fmt::Display for $Owned {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl core::fmt::Debug for $Owned {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                core::fmt::Debug::fmt(self.as_str(), f)
            }
        }

        impl PartialEq for $Owned {
            fn eq(&self, other: &Self) -> bool {
                self.to_ref() == other.to_ref()
            }
        }

        impl Eq for $Owned {}

        impl core::hash::Hash for $Owned {
            fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
                self.to_ref().hash(state);
            }
        }
    };
}

use text_field;
