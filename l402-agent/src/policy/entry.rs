//! An entry that allows origins, and what it allows there.

use super::Asked;
use super::address::AddressRule;
use super::denied::Denial;
use super::pattern::OriginPattern;
use super::until::Until;
use http::Method;
use l402_core::{Msat, Name};
use l402_http::pay::Origin;
use l402_lightning::NodeId;

/// Origins that may be requested and paid, and within which limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub(super) origins: Vec<OriginPattern>,
    pub(super) budgets: Vec<Name>,
    pub(super) methods: Vec<Method>,
    pub(super) services: Vec<String>,
    pub(super) max_per_call_msat: Option<Msat>,
    pub(super) until: Option<Until>,
    pub(super) payees: Vec<NodeId>,
    pub(super) addresses: Vec<AddressRule>,
}

impl Entry {
    /// Returns the origins that it is about.
    pub fn origins(&self) -> &[OriginPattern] {
        &self.origins
    }

    /// Returns the budgets that may pay, with those below them; every one may where it is empty.
    pub fn budgets(&self) -> &[Name] {
        &self.budgets
    }

    /// Returns the methods that may be requested; every one may where it is empty.
    pub fn methods(&self) -> &[Method] {
        &self.methods
    }

    /// Returns the services that may be bought; every one may where it is empty.
    pub fn services(&self) -> &[String] {
        &self.services
    }

    /// Returns the most that a call may cost, fees not counted.
    pub const fn max_per_call_msat(&self) -> Option<Msat> {
        self.max_per_call_msat
    }

    /// Returns until when it holds.
    pub const fn until(&self) -> Option<Until> {
        self.until
    }

    /// Returns the nodes that may be paid; every one may where it is empty.
    pub fn payees(&self) -> &[NodeId] {
        &self.payees
    }

    /// Returns the addresses that are not public and may be reached all the same.
    pub fn addresses(&self) -> &[AddressRule] {
        &self.addresses
    }

    pub(super) fn is_about(&self, origin: &Origin) -> bool {
        self.origins.iter().any(|pattern| pattern.matches(origin))
    }

    pub(super) fn names_plain_http(&self, origin: &Origin) -> bool {
        self.origins.iter().any(|pattern| pattern.matches(origin) && pattern.names_plain_http())
    }

    /// Says why a request or a payment is not within what it allows.
    pub(super) fn refusal(&self, asked: &Asked<'_>) -> Option<Denial> {
        if let Some(until) = self.until.filter(|until| asked.now >= until.seconds()) {
            return Some(Denial::Expired(until));
        }
        let is_named = |name: &Name| asked.budgets.iter().any(|budget| budget == name.as_str());
        if !self.budgets.is_empty() && !self.budgets.iter().any(is_named) {
            return Some(Denial::Budget);
        }
        if !self.methods.is_empty() && !self.methods.contains(asked.method) {
            return Some(Denial::Method);
        }
        let price_msat = asked.price_msat?;
        let is_sold = |own: &String| asked.service.is_some_and(|service| service == own);
        if !self.services.is_empty() && !self.services.iter().any(is_sold) {
            return Some(Denial::Service);
        }
        let limit_msat = self.max_per_call_msat.filter(|limit_msat| price_msat > *limit_msat)?;
        Some(Denial::Price { limit_msat, price_msat })
    }
}
