//! What an authentic token permits: evaluation of its caveats (L402 §Caveats).
//!
//! 1. Every caveat must hold, so that adding one never widens a token that has the caveats of rule 3.
//! 2. A later caveat of one condition must narrow the earlier one; a value that cannot be read denies.
//! 3. `services` must be present, and `<service>_capabilities` too where the offer asks for a capability.
//! 4. Conditions of this service that are not known, and third-party caveats, deny. A [`crate::CaveatRule`] can know the former.
//! 5. `<service>_uses` and `<service>_sale` say how often the token was sold, and on what terms; `<service>_balance_msat` for how
//!    much, which denies where the offer is not metered. A token with a counter is good only before a ledger, and needs an end.
//! 6. Conditions of another service deny too, unless the token's first `services` caveat names that service. Of several named
//!    services with which a condition begins, it belongs to the longest.
//!
//! # Deviation
//! The specification skips unknown conditions. That lets a misspelt restriction pass in silence, so rules 4 and 6 are the
//! default; [`UnknownCaveats::Skip`] is the specification's rule.

use crate::caveat::{Capabilities, Parts, Services, number, trim};
use crate::counter::{CounterKey, Unit};
use crate::name::Name;
use crate::offer::{Offer, Uses};
use crate::payment::{PaymentHash, Preimage};
use crate::rule::{Judge, Ruling};
use crate::terms::{Count, Terms};
use crate::unix_seconds::UnixSeconds;
use crate::unsatisfied::Unsatisfied;
use core::cell::OnceCell;
use l402_macaroon::Authentic;

/// What a token is held against; see [`crate::Verified::grant`] for an example.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// What the request needs.
    pub offer: &'a Offer,
    /// The time.
    pub now: UnixSeconds,
    /// What becomes of conditions that this crate does not know.
    pub unknown: UnknownCaveats,
}

/// What becomes of a condition that is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnknownCaveats {
    /// It denies, unless it belongs to another service that the token names.
    #[default]
    Refuse,
    /// It is skipped, as the specification says, and so is a text without `=` that does not begin like a known condition.
    Skip,
}

/// Evaluates all caveats of one token, and adds its terms to those of the tokens before it.
pub(crate) fn satisfy<C: Count>(
    token: &Authentic<'_>,
    paid: &PaymentHash,
    rules: &Rules<'_>,
    judge: &mut impl Judge,
    terms: &mut Terms<C>,
) -> Result<(), Unsatisfied> {
    let (named, services, capabilities, ends) = (OnceCell::new(), None, None, None);
    let (sold, has_sale) = (C::Sold::default(), false);
    let mut state = State { rules, judge, paid, token, terms, named, services, capabilities, ends, sold, has_sale };
    for caveat in token.caveats() {
        if caveat.verification_id.is_some() {
            return Err(Unsatisfied::ThirdParty);
        }
        match Parts::split(caveat.id) {
            Ok(parts) => state.hold(&parts, caveat.id)?,
            Err(_) if rules.unknown == UnknownCaveats::Skip && !state.concerns(caveat.id) => {}
            Err(_) => return Err(Unsatisfied::Undecodable),
        }
    }
    state.verdict()
}

/// The caveats so far, the last of each condition.
struct State<'a, J, C: Count> {
    rules: &'a Rules<'a>,
    judge: &'a mut J,
    paid: &'a PaymentHash,
    token: &'a Authentic<'a>,
    terms: &'a mut Terms<C>,
    /// The services that the token was minted for: those of its first `services` caveat.
    named: OnceCell<Option<Services<'a>>>,
    services: Option<Services<'a>>,
    capabilities: Option<Capabilities<'a>>,
    ends: Option<UnixSeconds>,
    sold: C::Sold,
    has_sale: bool,
}

impl<'a, J: Judge, C: Count> State<'a, J, C> {
    fn hold(&mut self, caveat: &Parts<'a>, text: &'a [u8]) -> Result<(), Unsatisfied> {
        if caveat.condition == b"services" {
            return self.hold_services(caveat.value);
        }
        if caveat.condition == b"preimage" {
            return self.hold_preimage(caveat.value);
        }
        match self.owner(caveat.condition) {
            Owner::Own(rest) if rest == b"capabilities" => self.hold_capabilities(caveat.value),
            Owner::Own(rest) if rest == b"valid_until" => self.hold_valid_until(caveat.value),
            Owner::Own(rest) if rest == b"uses" => self.hold_counter(Unit::Uses, caveat.value, text),
            Owner::Own(rest) if rest == b"balance_msat" => match self.rules.offer.uses {
                Uses::Metered => self.hold_counter(Unit::Msat, caveat.value, text),
                _ => Err(Unsatisfied::Counted), // nothing says what a request costs
            },
            Owner::Own(rest) if rest == b"sale" => self.terms.hold_sale(&mut self.has_sale, caveat.value),
            Owner::Another => Ok(()),
            Owner::Own(_) | Owner::Nobody => self.hold_unknown(caveat),
        }
    }

    fn hold_counter(&mut self, unit: Unit, value: &[u8], text: &'a [u8]) -> Result<(), Unsatisfied> {
        let branch = || CounterKey::of_branch(self.token, text);
        self.terms.counted.hold_counter(&mut self.sold, unit, value, branch)
    }

    fn hold_services(&mut self, value: &'a [u8]) -> Result<(), Unsatisfied> {
        let offer = self.rules.offer;
        let (services, tier) = Services::parse(value, offer.service.as_bytes()).ok_or(Unsatisfied::Undecodable)?;
        let tier = tier.ok_or(Unsatisfied::Service)?;
        if tier < offer.tier {
            return Err(Unsatisfied::Tier);
        }
        self.named.set(Some(services)).ok(); // the first stays
        match self.services.replace(services) {
            Some(earlier) if !services.narrows(&earlier) => Err(Unsatisfied::Widened),
            _ => Ok(()),
        }
    }

    fn hold_capabilities(&mut self, value: &'a [u8]) -> Result<(), Unsatisfied> {
        let wanted = self.rules.offer.capability.as_ref().map(Name::as_bytes);
        let (capabilities, found) =
            Capabilities::parse(value, wanted.unwrap_or_default()).ok_or(Unsatisfied::Undecodable)?;
        let permits = if wanted.is_some() { found } else { capabilities.is_empty() };
        if !permits {
            return Err(Unsatisfied::Capability);
        }
        match self.capabilities.replace(capabilities) {
            Some(earlier) if !capabilities.narrows(&earlier) => Err(Unsatisfied::Widened),
            _ => Ok(()),
        }
    }

    fn hold_valid_until(&mut self, value: &[u8]) -> Result<(), Unsatisfied> {
        let end = UnixSeconds::new(number(value).ok_or(Unsatisfied::Undecodable)?);
        if end <= self.rules.now {
            return Err(Unsatisfied::Expired);
        }
        self.terms.counted.hold_end(&mut self.sold, end);
        match self.ends.replace(end) {
            Some(earlier) if end > earlier => Err(Unsatisfied::Widened),
            _ => Ok(()),
        }
    }

    /// The token was paid with one preimage, so a caveat that carries another one is false.
    fn hold_preimage(&self, value: &[u8]) -> Result<(), Unsatisfied> {
        let preimage = Preimage::from_hex(value).map_err(|_| Unsatisfied::Undecodable)?;
        if preimage.matches(self.paid) { Ok(()) } else { Err(Unsatisfied::Preimage) }
    }

    fn hold_unknown(&mut self, caveat: &Parts<'_>) -> Result<(), Unsatisfied> {
        match (self.judge.judge(self.token, caveat), self.rules.unknown) {
            (Ruling::Holds, _) | (Ruling::NotMine, UnknownCaveats::Skip) => Ok(()),
            (Ruling::NotMine, UnknownCaveats::Refuse) => Err(Unsatisfied::Unknown),
            (Ruling::Fails, _) => Err(Unsatisfied::Unmet),
        }
    }

    /// Whether a text that is no caveat begins like one that would be known: its value may have been forgotten.
    fn concerns(&self, text: &[u8]) -> bool {
        let known = [self.rules.offer.service.as_bytes(), b"services", b"preimage"];
        known.iter().any(|name| trim(text).starts_with(name))
    }

    fn verdict(&mut self) -> Result<(), Unsatisfied> {
        if self.services.is_none() {
            return Err(Unsatisfied::NoServices);
        }
        if self.rules.offer.capability.is_some() && self.capabilities.is_none() {
            return Err(Unsatisfied::NoCapabilities);
        }
        if self.ends.is_none() && C::is_counted(&self.sold) {
            return Err(Unsatisfied::Endless);
        }
        self.terms.expires_at = [self.terms.expires_at, self.ends].into_iter().flatten().min();
        Ok(())
    }

    /// Whose a condition is.
    fn owner<'c>(&self, condition: &'c [u8]) -> Owner<'c> {
        let behind = |name: &[u8]| condition.strip_prefix(name)?.strip_prefix(b"_");
        let own = self.rules.offer.service.as_bytes();
        if self.named.get().is_none() {
            self.named.set(self.first_services()).ok(); // `get_or_init` holds a panic, for closures that come back to it
        }
        let named = self.named.get().and_then(Option::as_ref);
        let another = |at_least| {
            let longer = named.filter(|services| services.longest >= at_least);
            longer.is_some_and(|services| services.names().any(|name| name.len() >= at_least && behind(name).is_some()))
        };
        match behind(own) {
            Some(_) if another(own.len() + 1) => Owner::Another,
            Some(rest) => Owner::Own(rest),
            None if another(0) => Owner::Another,
            None => Owner::Nobody,
        }
    }

    /// Looks ahead for the services that the token was minted for, where other caveats stand before them.
    #[cold]
    fn first_services(&self) -> Option<Services<'a>> {
        let mut caveats = self.token.caveats().filter_map(|caveat| Parts::split(caveat.id).ok());
        let first = caveats.find(|caveat| caveat.condition == b"services")?;
        Services::parse(first.value, self.rules.offer.service.as_bytes()).map(|(services, _)| services)
    }
}

/// Whose a condition is.
enum Owner<'c> {
    /// The offer's service; what stands behind `<service>_`.
    Own(&'c [u8]),
    /// Another service that the token names.
    Another,
    /// None that the token names.
    Nobody,
}
