//! What a breaker lets through.

use core::fmt;
use core::str::FromStr;

/// What a breaker lets through, the laxest first.
///
/// ```
/// use l402_core::purchase::breaker::{Act, Mode, Permission};
///
/// assert_eq!(Mode::ReadOnly.permits(Act::Ask), Permission::Yes, "free calls and kept tokens");
/// assert_eq!(Mode::ReadOnly.permits(Act::Pay), Permission::No);
/// assert_eq!(Mode::Normal.max(Mode::Frozen).permits(Act::Ask), Permission::No);
/// assert_eq!("read-only".parse(), Ok(Mode::ReadOnly));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Mode {
    /// Everything.
    #[default]
    Normal,
    /// Requests, and each payment that the owner confirms.
    RequireConfirmation,
    /// Requests that are free, or that a kept token opens.
    ReadOnly,
    /// Nothing.
    Frozen,
}

/// What somebody is about to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Act {
    /// Send a request.
    Ask,
    /// Begin a payment.
    Pay,
}

/// Whether it may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// It may.
    Yes,
    /// If the owner confirms it.
    Confirm,
    /// It must not.
    No,
}

impl Mode {
    /// Every mode, the laxest first.
    pub const ALL: [Self; 4] = [Self::Normal, Self::RequireConfirmation, Self::ReadOnly, Self::Frozen];

    /// Tells whether something may be done.
    pub const fn permits(self, act: Act) -> Permission {
        match (self, act) {
            (Self::Normal, _) | (Self::RequireConfirmation | Self::ReadOnly, Act::Ask) => Permission::Yes,
            (Self::RequireConfirmation, Act::Pay) => Permission::Confirm,
            (Self::ReadOnly, Act::Pay) | (Self::Frozen, _) => Permission::No,
        }
    }

    /// Returns its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::RequireConfirmation => "require-confirmation",
            Self::ReadOnly => "read-only",
            Self::Frozen => "frozen",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Mode {
    type Err = NoMode;

    fn from_str(text: &str) -> Result<Self, NoMode> {
        Self::ALL.into_iter().find(|mode| mode.name() == text).ok_or(NoMode)
    }
}

/// A text names no mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoMode;

impl fmt::Display for NoMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not one of normal, require-confirmation, read-only and frozen")
    }
}

impl core::error::Error for NoMode {}
