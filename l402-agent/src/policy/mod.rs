//! The owner's policy: which origins may be called and paid, by which budget, for what, and how much.
//!
//! ```toml
//! unlisted = "deny"
//! deny = ["*://*.tracker.example:*"]
//!
//! [[allow]]
//! origins = ["https://api.example.com"]
//! budgets = ["research"]
//! max_per_call = "50 sat"
//! until = "2027-01-31"
//! ```
//!
//! 1. An origin that an entry denies is not requested. One that an entry allows is requested and paid within what the entry says. For
//!    any other, `unlisted` decides: `allow`, `deny`, or `ask` the owner. This holds for free requests too.
//! 2. No origin matches two entries, unless both deny it: two patterns that overlap are an error, so that no order decides.
//! 3. A file that cannot be read, is wrong, or that others can read or write stops requests and payments; no default replaces it. It is
//!    read again when it has changed ([`PolicySource`]).
//! 4. A flag or a caller can only narrow what the policy allows.
//! 5. [`Policy::judge`] is pure. It comes first, before the budgets, and money is counted there.

// Threats: A5, A7, A8, A10.

mod address;
mod denied;
mod entry;
mod file;
mod guards;
mod pattern;
mod payees;
mod rules;
mod settings;
mod source;
mod until;

pub use address::{AddressRule, AddressRuleError};
pub use denied::{Denial, Denied};
pub use entry::Entry;
pub use file::Grants;
pub use guards::Guarding;
pub use pattern::{OriginPattern, PatternError};
pub use payees::{Payee, PayeeChange, PayeeVerdict, Payees, Pin};
pub use rules::{Agree, InForce, Rules, Stopped};
pub use settings::{PolicySetting, SETTINGS};
pub use source::{Exposure, PolicyError, PolicySource};
pub use until::{Until, UntilError};

use crate::store::budget::MAIN;
use core::net::IpAddr;
use http::Method;
use l402_core::{Msat, UnixSeconds};
use l402_http::pay::Origin;
use l402_program::config::{ConfigError, ConfigProblem};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Who calls, which decides what is not said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Setting {
    /// A command or a library: somebody may be asked. Without a policy every origin is allowed, within the limits of the call.
    #[default]
    Command,
    /// A server for programs, such as `l402 mcp` and `l402 serve`. Without a policy nothing is paid but from a budget below the first
    /// one.
    Server,
}

/// What happens to an origin that no entry is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unlisted {
    /// It is requested and paid.
    Allow,
    /// The owner is asked.
    Ask,
    /// It is not requested.
    Deny,
}

/// What a policy decides about.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Where the request goes.
    pub origin: &'a Origin,
    /// Its method.
    pub method: &'a Method,
    /// The names of the budget that pays and of those above it, the one that pays first.
    pub budgets: &'a [String],
    /// The service that is sold, where it is known.
    pub service: Option<&'a str>,
    /// What the call costs with this payment, fees not counted; [`None`] before a price is known.
    pub price_msat: Option<Msat>,
    /// When.
    pub now: UnixSeconds,
}

/// What a policy says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub enum Verdict {
    /// Go on. Budgets decide next, where it is a payment.
    Allow,
    /// Go on only if the owner says so: no entry is about the origin.
    Ask,
    /// Nothing is sent or paid.
    Deny(Denied),
}

/// A policy.
///
/// ```
/// use l402_agent::policy::{Asked, Policy, Setting, Verdict};
/// use l402_core::{Msat, UnixSeconds};
///
/// let text = "[[allow]]\norigins = ['https://api.example.com']\nmax_per_call = '50 sat'";
/// let policy = Policy::parse(text, Setting::Server)?;
/// let (origin, method) = ("https://api.example.com".parse()?, http::Method::GET);
/// let price_msat = Some(Msat::from_sat(50));
/// let now = UnixSeconds::new(1_800_000_000);
/// let asked = Asked { origin: &origin, method: &method, budgets: &[], service: None, price_msat, now };
/// assert_eq!(policy.judge(&asked), Verdict::Allow);
/// let other = "https://other.example.com".parse()?;
/// assert!(matches!(policy.judge(&Asked { origin: &other, ..asked }), Verdict::Deny(_)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Whether there is no file.
    is_absent: bool,
    setting: Setting,
    unlisted: Unlisted,
    denied: Vec<OriginPattern>,
    entries: Vec<Entry>,
    grants: Grants,
    payees: Payees,
    guarding: Option<Guarding>,
}

impl Policy {
    /// Returns what holds without a file.
    pub const fn absent(setting: Setting) -> Self {
        Self {
            is_absent: true,
            setting,
            unlisted: Unlisted::Allow,
            denied: Vec::new(),
            entries: Vec::new(),
            grants: Grants::NONE,
            payees: Payees { pin: Pin::Notice, confirm_above_msat: None },
            guarding: None,
        }
    }

    /// Reads the text of a policy file.
    ///
    /// # Errors
    /// [`ConfigError`], with the line and the key of each problem.
    pub fn parse(text: &str, setting: Setting) -> Result<Self, ConfigError> {
        Self::read(text, setting).map_err(|problems| ConfigError::Invalid { path: None, problems })
    }

    /// Reads a policy file once. A [`PolicySource`] reads it again when it has changed.
    ///
    /// # Errors
    /// [`PolicyError`]; nothing must be requested or paid then.
    pub fn load(path: impl Into<PathBuf>, setting: Setting) -> Result<Self, PolicyError> {
        PolicySource::of(path, setting).current().map(|policy| (*policy).clone())
    }

    fn read(text: &str, setting: Setting) -> Result<Self, Vec<ConfigProblem>> {
        let file::Resolved { unlisted, denied, entries, grants, payees, guarding } = file::read(text)?;
        let unlisted = unlisted.unwrap_or(match setting {
            Setting::Command => Unlisted::Ask,
            Setting::Server => Unlisted::Deny,
        });
        let guarding = Some(guarding);
        Ok(Self { is_absent: false, setting, unlisted, denied, entries, grants, payees, guarding })
    }

    /// Decides about a request before it is sent, and about a payment before it is reserved.
    pub fn judge(&self, asked: &Asked<'_>) -> Verdict {
        let deny = |why| Verdict::Deny(Denied { origin: asked.origin.clone(), why });
        if self.denied.iter().any(|pattern| pattern.matches(asked.origin)) {
            return deny(Denial::Listed);
        }
        let is_payment = asked.price_msat.is_some();
        if self.is_absent
            && self.setting == Setting::Server
            && is_payment
            && !asked.budgets.iter().any(|name| name != MAIN)
        {
            return deny(Denial::NoBudget);
        }
        if self.setting == Setting::Server && asked.price_msat.is_some() && !self.keeps_secret(asked.origin) {
            return deny(Denial::PlainHttp);
        }
        match (self.entry(asked.origin), self.unlisted) {
            (Some(entry), _) => entry.refusal(asked).map_or(Verdict::Allow, deny),
            (None, Unlisted::Allow) => Verdict::Allow,
            (None, Unlisted::Ask) => Verdict::Ask,
            (None, Unlisted::Deny) => deny(Denial::Unlisted),
        }
    }

    /// Returns the entry that allows an origin.
    pub fn entry(&self, origin: &Origin) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.is_about(origin))
    }

    /// Tells whether an address may be reached for an origin although it is not public: its entry names it, with the port.
    pub fn permits_address(&self, origin: &Origin, address: IpAddr, port: u16) -> bool {
        self.entry(origin).is_some_and(|entry| entry.addresses().iter().any(|rule| rule.permits(address, port)))
    }

    /// Tells whether an origin may be paid over plain `http`: its entry writes out `http://` and the host.
    pub fn permits_plain_http(&self, origin: &Origin) -> bool {
        self.entry(origin).is_some_and(|entry| entry.names_plain_http(origin))
    }

    /// Tells whether nobody on the way to an origin can take what is bought, or the owner has said that it is no matter.
    fn keeps_secret(&self, origin: &Origin) -> bool {
        let host = origin.host().trim_start_matches('[').trim_end_matches(']');
        let is_here = host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
        origin.is_secure() || is_here || self.permits_plain_http(origin)
    }

    /// Returns what a caller of a broker or of the MCP server may set by itself.
    pub const fn grants(&self) -> Grants {
        self.grants
    }

    /// Returns what is said of the nodes that are paid.
    pub const fn payees(&self) -> Payees {
        self.payees
    }

    /// Returns what payments are guarded by, besides budgets, and who is asked and told.
    pub fn guarding(&self) -> Guarding {
        self.guarding.clone().unwrap_or_default()
    }

    /// Returns what happens to an origin that no entry is about.
    pub const fn unlisted(&self) -> Unlisted {
        self.unlisted
    }

    /// Returns the patterns of origins that are denied.
    pub fn denied(&self) -> &[OriginPattern] {
        &self.denied
    }

    /// Returns the entries that allow origins.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Tells whether there is no policy file.
    pub const fn is_absent(&self) -> bool {
        self.is_absent
    }
}

#[cfg(test)]
mod tests;
