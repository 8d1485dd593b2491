//! What a holder takes away from a token before handing it on, offline (L402 §Caveats).
//!
//! 1. Caveats are appended in this order: `services`, capabilities, `valid_until`, `uses`. A number of uses stands behind an
//!    end, because it is the holder's only there.
//! 2. What the server would deny as widened is refused here: more uses, a later end, another service or route.
//! 3. A number of uses always has a label. Without one, two tokens that were narrowed alike would share one counter.
//! 4. A token that cannot be read cannot be narrowed: nobody knows what a caveat would mean to its server.

use crate::caveat::{Capabilities, number, split_once};
use crate::counter::Counters;
use crate::held::last;
use crate::msat::Msat;
use crate::name::Name;
use crate::token_facts::{end_of_service, parts, services};
use crate::unix_seconds::UnixSeconds;
use core::fmt::{self, Write};
use core::num::NonZeroU32;
use heapless::{String, Vec};
use l402_macaroon::{MacaroonRef, hex};

/// What a narrowed token is still good for.
///
/// ```
/// use l402_core::macaroon::{RootKey, attenuate, mint};
/// use l402_core::{NarrowError, Narrowing, UnixSeconds};
///
/// let (mut bought, mut narrowed) = ([0; 256], [0; 256]);
/// let caveats = [&b"services=weather:0"[..], b"weather_uses=100", b"weather_valid_until=1700003600"];
/// let token = mint(&RootKey::new(b"root key"), b"", b"id", &caveats, &mut bought)?;
///
/// let now = UnixSeconds::new(1_700_000_000);
/// let five = Narrowing { uses: 5.try_into().ok(), ..Narrowing::default() };
/// let caveats = five.caveats(token, [7; 8], now)?; // random bytes for the label
/// let caveat = caveats.iter().next().unwrap();
/// assert_eq!(caveat, b"weather_uses=5:0707070707070707");
/// let token = attenuate(token, caveat, &mut narrowed)?;
///
/// let six = Narrowing { uses: 6.try_into().ok(), ..Narrowing::default() };
/// assert_eq!(six.caveats(token, [8; 8], now).unwrap_err(), NarrowError::MoreUses { most: 5 });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Narrowing<'a> {
    /// The service; needed where the token is for more than one.
    pub service: Option<&'a Name>,
    /// The only capability, which is the name of a route at a gateway.
    pub capability: Option<&'a Name>,
    /// When it ends.
    pub ends_at: Option<UnixSeconds>,
    /// How often it can be used. These uses come out of those of the token that is narrowed.
    pub uses: Option<NonZeroU32>,
}

impl Narrowing<'_> {
    /// Returns the caveats to append, one after the other. `random` comes from a cryptographic random source.
    ///
    /// # Errors
    /// [`NarrowError`].
    pub fn caveats(
        &self,
        token: MacaroonRef<'_>,
        random: [u8; 8],
        now: UnixSeconds,
    ) -> Result<NarrowingCaveats, NarrowError> {
        let mut caveats = NarrowingCaveats::default();
        let (service, tier, is_one_of_many) = self.service(token)?;
        if is_one_of_many {
            caveats.add(format_args!("services={service}:{tier}"))?;
        }
        if let Some(capability) = self.capability {
            has_capability(token, &service, capability)?;
            caveats.add(format_args!("{service}_capabilities={capability}"))?;
        }
        let earlier = end_of_service(token, service.as_bytes());
        if let Some(end) = self.ends_at {
            ends_before(end, earlier, now)?;
            caveats.add(format_args!("{service}_valid_until={}", end.get()))?;
        }
        if let Some(uses) = self.uses {
            // An end that a holder wrote first would be the sale's, and another one for each holder.
            earlier.ok_or(NarrowError::Endless)?;
            counts(token, &service, uses)?;
            let mut digits = [0; 16];
            let label = hex::encode_into(&random, &mut digits).unwrap_or_default();
            caveats.add(format_args!("{service}_uses={uses}:{label}"))?;
        }
        if caveats.0.is_empty() { Err(NarrowError::Nothing) } else { Ok(caveats) }
    }

    /// The service, its tier, and whether the token is for others too.
    fn service(&self, token: MacaroonRef<'_>) -> Result<(Name, u32, bool), NarrowError> {
        let services = services(token).ok_or(NarrowError::NoServices)?;
        let mut entries = services.entries();
        let (first, others) = (entries.next().ok_or(NarrowError::NoServices)?, entries.next().is_some());
        let (name, tier) = match self.service {
            None if others => return Err(NarrowError::WhichService),
            None => first,
            Some(wanted) => {
                let mut entries = services.entries();
                entries.find(|(name, _)| *name == wanted.as_bytes()).ok_or(NarrowError::OtherService)?
            }
        };
        let name = core::str::from_utf8(name).ok().and_then(|name| Name::new(name).ok());
        Ok((name.ok_or(NarrowError::Unreadable)?, tier, others))
    }
}

/// Returns how many uses a token allows, as far as can be read: the least of its numbers. The server alone knows how many are left.
///
/// ```
/// use l402_core::macaroon::{RootKey, mint};
/// use l402_core::uses_of_token;
///
/// let mut out = [0; 256];
/// let token = mint(&RootKey::new(b"k"), b"", b"id", &[b"services=a:0", b"a_uses=9", b"a_uses=5:x"], &mut out)?;
/// assert_eq!(uses_of_token(token), Some(5));
/// # Ok::<(), l402_core::macaroon::MintError>(())
/// ```
pub fn uses_of_token(token: MacaroonRef<'_>) -> Option<u32> {
    let all = services(token)?;
    all.names().filter_map(|service| uses_of(token, service)).min()
}

/// Returns the balance that a token was sold with, as far as can be read: the least of its balances. The server alone knows how much is
/// left.
///
/// ```
/// use l402_core::macaroon::{RootKey, mint};
/// use l402_core::{Msat, balance_of_token};
///
/// let mut out = [0; 256];
/// let token = mint(&RootKey::new(b"k"), b"", b"id", &[b"services=a:0", b"a_balance_msat=9000"], &mut out)?;
/// assert_eq!(balance_of_token(token), Some(Msat::from_sat(9)));
/// # Ok::<(), l402_core::macaroon::MintError>(())
/// ```
pub fn balance_of_token(token: MacaroonRef<'_>) -> Option<Msat> {
    let all = services(token)?;
    let balances = all.names().flat_map(|service| counts_of(token, service, b"_balance_msat"));
    balances.filter_map(number).min().map(Msat::new)
}

/// The least number of uses of a service.
fn uses_of(token: MacaroonRef<'_>, service: &[u8]) -> Option<u32> {
    numbers(token, service).filter_map(|value| u32::try_from(number(value)?).ok()).min()
}

/// The numbers of uses of a service, without their labels.
fn numbers<'a>(token: MacaroonRef<'a>, service: &[u8]) -> impl Iterator<Item = &'a [u8]> {
    counts_of(token, service, b"_uses")
}

/// The numbers of a condition of a service, without their labels.
fn counts_of<'a>(token: MacaroonRef<'a>, service: &[u8], of: &[u8]) -> impl Iterator<Item = &'a [u8]> {
    let all = parts(token).filter(move |parts| parts.condition.strip_prefix(service) == Some(of));
    all.map(|parts| split_once(parts.value, b':').map_or(parts.value, |(uses, _)| uses))
}

fn has_capability(token: MacaroonRef<'_>, service: &Name, wanted: &Name) -> Result<(), NarrowError> {
    let list = last(token, service.as_bytes(), b"_capabilities").ok_or(NarrowError::OtherCapability)?;
    match Capabilities::parse(list, wanted.as_bytes()) {
        Some((_, true)) => Ok(()),
        Some((_, false)) => Err(NarrowError::OtherCapability),
        None => Err(NarrowError::Unreadable),
    }
}

const fn ends_before(end: UnixSeconds, earlier: Option<UnixSeconds>, now: UnixSeconds) -> Result<(), NarrowError> {
    match earlier {
        _ if end.get() <= now.get() => Err(NarrowError::Ended),
        Some(most) if end.get() > most.get() => Err(NarrowError::Later { most }),
        _ => Ok(()),
    }
}

fn counts(token: MacaroonRef<'_>, service: &Name, uses: NonZeroU32) -> Result<(), NarrowError> {
    if parts(token).any(|parts| parts.condition.strip_prefix(service.as_bytes()) == Some(b"_balance_msat")) {
        return Err(NarrowError::Metered);
    }
    match uses_of(token, service.as_bytes()) {
        Some(most) if uses.get() > most => Err(NarrowError::MoreUses { most }),
        _ if numbers(token, service.as_bytes()).count() >= Counters::MAX => Err(NarrowError::TooManyCounters),
        _ => Ok(()),
    }
}

/// The caveats of a [`Narrowing`], in their order.
#[derive(Debug, Clone, Default)]
pub struct NarrowingCaveats(Vec<String<LONGEST>, 4>);

impl NarrowingCaveats {
    /// Returns them.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(|caveat| caveat.as_bytes())
    }

    fn add(&mut self, caveat: fmt::Arguments<'_>) -> Result<(), NarrowError> {
        let mut text = String::new();
        text.write_fmt(caveat).map_err(|_| NarrowError::Unreadable)?;
        self.0.push(text).map_err(|_| NarrowError::Unreadable)
    }
}

/// Two names of the greatest length, and the word between them.
const LONGEST: usize = 2 * Name::MAX_LEN + 16;

/// Why a token cannot be narrowed so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NarrowError {
    /// There is nothing to take away.
    Nothing,
    /// A caveat of the token cannot be read.
    Unreadable,
    /// The token names no service.
    NoServices,
    /// The token is for several services.
    WhichService,
    /// The token is not for this service.
    OtherService,
    /// The token does not open this route, or does not say which routes it opens.
    OtherCapability,
    /// The end has passed.
    Ended,
    /// The token ends earlier.
    Later {
        /// When it ends.
        most: UnixSeconds,
    },
    /// The token has no end, and a number of uses needs one.
    Endless,
    /// The token has a balance, which has no uses.
    Metered,
    /// The token allows fewer uses.
    MoreUses {
        /// How many it allows.
        most: u32,
    },
    /// The token has as many numbers of uses as fit.
    TooManyCounters,
}

impl fmt::Display for NarrowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("say what to limit: the uses, the end, the route or the service"),
            Self::Unreadable => f.write_str("a caveat of the token cannot be read"),
            Self::NoServices => f.write_str("the token names no service, so its caveats are not those of L402"),
            Self::WhichService => f.write_str("the token is for several services; say for which one"),
            Self::OtherService => f.write_str("the token is not for this service"),
            Self::OtherCapability => f.write_str("the token does not open this route by name"),
            Self::Ended => f.write_str("the end has passed already"),
            Self::Later { most } => {
                write!(
                    f,
                    "the token ends earlier, at {} (Unix seconds); the server would refuse a later end",
                    most.get()
                )
            }
            Self::Endless => f.write_str("the token has no end, so its uses cannot be counted"),
            Self::Metered => f.write_str("the token has a balance, and no number of uses to take a part of"),
            Self::MoreUses { most } => write!(f, "the token allows {most} uses; the server would refuse more"),
            Self::TooManyCounters => {
                write!(f, "the token has {} numbers of uses already, and no more fit", Counters::MAX)
            }
        }
    }
}

impl core::error::Error for NarrowError {}

#[cfg(test)]
mod tests {
    use super::*;
    use l402_macaroon::{RootKey, attenuate, mint};
    use std::string::String;
    use std::vec::Vec;

    const NOW: UnixSeconds = UnixSeconds::new(1_700_000_000);

    fn narrowed(token: &[&str], narrowing: Narrowing<'_>) -> Result<Vec<String>, NarrowError> {
        let (mut out, caveats) = ([0; 1024], token.iter().map(|text| text.as_bytes()).collect::<Vec<_>>());
        let token = mint(&RootKey::new(b"key"), b"", b"id", &caveats, &mut out).unwrap();
        let caveats = narrowing.caveats(token, [0xab; 8], NOW)?;
        Ok(caveats.iter().map(|caveat| String::from_utf8(caveat.to_vec()).unwrap()).collect())
    }

    fn uses(uses: u32) -> Narrowing<'static> {
        Narrowing { uses: NonZeroU32::new(uses), ..Narrowing::default() }
    }

    fn until(end: u64) -> Narrowing<'static> {
        Narrowing { ends_at: Some(end.into()), ..Narrowing::default() }
    }

    const BUNDLE: [&str; 4] = ["services=a:0", "a_capabilities=x,y", "a_uses=9", "a_valid_until=1700003600"];

    #[test]
    fn t2_what_is_added_stands_in_the_order_that_a_counter_needs() {
        let (service, x) = (Name::new("a").unwrap(), Name::new("x").unwrap());
        let end = NOW.saturating_add(60);
        let all = Narrowing { service: Some(&service), capability: Some(&x), ends_at: Some(end), ..uses(9) };
        let expected = ["a_capabilities=x", "a_valid_until=1700000060", "a_uses=9:abababababababab"];
        assert_eq!(narrowed(&BUNDLE, all).unwrap(), expected);
        let two = ["services=a:3,b:0", "a_valid_until=1700003600"];
        let one = Narrowing { service: Some(&service), ..Narrowing::default() };
        assert_eq!(narrowed(&two, one).unwrap(), ["services=a:3"]);
        assert_eq!(narrowed(&two, uses(1)).unwrap_err(), NarrowError::WhichService);
        let metered = ["services=a:0", "a_balance_msat=5000", "a_valid_until=1700003600"];
        assert_eq!(narrowed(&metered, uses(1)).unwrap_err(), NarrowError::Metered);
        assert_eq!(narrowed(&metered, until(1_700_000_060)).unwrap(), ["a_valid_until=1700000060"]);
        let with_routes = ["services=a:0", "a_capabilities=x,y", "a_balance_msat=5000", "a_valid_until=1700003600"];
        let to_one = Narrowing { capability: Some(&x), ..Narrowing::default() };
        assert_eq!(narrowed(&with_routes, to_one).unwrap(), ["a_capabilities=x"]);
    }

    #[test]
    fn t2_what_a_server_would_deny_is_refused_here() {
        let (z, other) = (Name::new("z").unwrap(), Name::new("b").unwrap());
        for (narrowing, why) in [
            (Narrowing::default(), NarrowError::Nothing),
            (uses(10), NarrowError::MoreUses { most: 9 }),
            (until(1_700_003_601), NarrowError::Later { most: 1_700_003_600.into() }),
            (until(1_700_000_000), NarrowError::Ended),
            (Narrowing { capability: Some(&z), ..uses(1) }, NarrowError::OtherCapability),
            (Narrowing { service: Some(&other), ..uses(1) }, NarrowError::OtherService),
        ] {
            assert_eq!(narrowed(&BUNDLE, narrowing).unwrap_err(), why);
        }
        let x = Name::new("x").unwrap();
        let route = Narrowing { capability: Some(&x), ..Narrowing::default() };
        for (token, narrowing, why) in [
            (&["a_uses=1"][..], uses(1), NarrowError::NoServices),
            (&["services=a:0"], uses(1), NarrowError::Endless),
            (&["services=a:0"], route, NarrowError::OtherCapability),
            (&["services=a:0", "a_capabilities="], route, NarrowError::OtherCapability),
            (&["services=a b:0", "a b_valid_until=1700003600"], uses(1), NarrowError::Unreadable),
        ] {
            assert_eq!(narrowed(token, narrowing).unwrap_err(), why, "{token:?}");
        }
    }

    #[test]
    fn s3_no_fifth_counter_is_added() {
        let (mut text, mut out) = (BUNDLE.to_vec(), [0; 1024]);
        text.extend(["a_uses=8:k", "a_uses=7:l"]);
        assert!(narrowed(&text, uses(7)).is_ok());
        text.push("a_uses=6:m");
        assert_eq!(narrowed(&text, uses(6)).unwrap_err(), NarrowError::TooManyCounters);
        let caveats: Vec<_> = text.iter().map(|text| text.as_bytes()).collect();
        let token = mint(&RootKey::new(b"key"), b"", b"id", &caveats, &mut out).unwrap();
        assert_eq!(uses_of_token(token), Some(6));
        let mut more = [0; 1024];
        assert_eq!(uses_of_token(attenuate(token, b"b_uses=1", &mut more).unwrap()), Some(6), "of no service of its");
    }
}
