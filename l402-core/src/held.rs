//! What a token that is held will probably open, read from its caveats without its key: a client's guess before it pays.
//!
//! 1. The token of a challenge says what the server sells for this request: services with tiers, and their capabilities.
//! 2. A held token fits where it names each of these services with at least that tier, carries each of these capabilities, and no
//!    `<service>_valid_until` of it has passed.
//! 3. Only the server knows for certain: a token that fits may be spent or revoked, and one that says nothing may open
//!    everything. Nothing is promised, and nothing here is a permission.

use crate::caveat::{Capabilities, Services};
use crate::token_facts::{end_of_service, parts};
use crate::unix_seconds::UnixSeconds;
use l402_macaroon::MacaroonRef;

/// Whether it is worth while to present a token that is held, instead of buying the one that is sold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fit {
    /// It is for another service, tier or capability, or has expired: the server will refuse it.
    No,
    /// The caveats do not say.
    Unknown,
    /// By its caveats it opens all that the other one would.
    Yes,
}

/// Compares a token that is held with the one that a challenge sells, at the time `now`.
///
/// ```
/// use l402_core::macaroon::{RootKey, mint};
/// use l402_core::{Fit, UnixSeconds, fit};
///
/// let (mut held, mut sold) = ([0; 256], [0; 256]);
/// let token = |service: &'static [u8], out| mint(&RootKey::new(b"k"), b"", b"id", &[service, b"a_capabilities="], out);
/// let held = token(b"services=a:0,b:0", &mut held)?;
/// let sold = token(b"services=a:0", &mut sold)?;
/// let now = UnixSeconds::new(1_700_000_000);
/// assert_eq!(fit(held, sold, now), Fit::Yes);
/// assert_eq!(fit(sold, held, now), Fit::No);
/// # Ok::<(), l402_core::macaroon::MintError>(())
/// ```
pub fn fit(held: MacaroonRef<'_>, sold: MacaroonRef<'_>, now: UnixSeconds) -> Fit {
    let (Some(has), Some(needs)) = (services(held), services(sold)) else { return Fit::Unknown };
    let of_service = |(name, tier)| {
        let is_named = has.entries().any(|(other, most)| other == name && most >= tier);
        if is_named && !has_ended(held, name, now) { capabilities(held, sold, name) } else { Fit::No }
    };
    needs.entries().map(of_service).min().unwrap_or(Fit::Unknown)
}

/// The last list of services: the one that counts.
fn services(token: MacaroonRef<'_>) -> Option<Services<'_>> {
    Services::parse(last(token, b"services", b"")?, b"").map(|(services, _)| services)
}

/// An empty list is the whole service at some servers, and nothing at others.
fn capabilities(held: MacaroonRef<'_>, sold: MacaroonRef<'_>, service: &[u8]) -> Fit {
    let of = |token| match last(token, service, b"_capabilities") {
        Some(list) => Capabilities::parse(list, b"").map(|(capabilities, _)| capabilities),
        None => Some(Capabilities::NONE),
    };
    let (Some(has), Some(needs)) = (of(held), of(sold)) else { return Fit::Unknown };
    match (has.is_empty(), needs.is_empty()) {
        (true, true) => Fit::Yes,
        (true, false) => Fit::Unknown,
        (false, false) if needs.narrows(&has) => Fit::Yes,
        _ => Fit::No,
    }
}

fn has_ended(token: MacaroonRef<'_>, service: &[u8], now: UnixSeconds) -> bool {
    end_of_service(token, service).is_some_and(|end| end <= now)
}

/// The value of the last caveat of a condition, which is given in two parts.
pub(crate) fn last<'a>(token: MacaroonRef<'a>, start: &[u8], end: &[u8]) -> Option<&'a [u8]> {
    parts(token).filter(|caveat| caveat.condition.strip_prefix(start) == Some(end)).last().map(|caveat| caveat.value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use l402_macaroon::{RootKey, mint};
    use std::vec::Vec;

    const NOW: UnixSeconds = UnixSeconds::new(1_700_000_000);

    fn compare(held: &str, sold: &str) -> Fit {
        let (mut one, mut other) = ([0; 1024], [0; 1024]);
        let [held, sold] = [(held, &mut one), (sold, &mut other)].map(|(caveats, out)| {
            let caveats: Vec<_> = caveats.split(' ').filter(|text| !text.is_empty()).map(str::as_bytes).collect();
            mint(&RootKey::new(b"key"), b"", b"identifier", &caveats, out).unwrap()
        });
        fit(held, sold, NOW)
    }

    #[test]
    fn service_tier_and_capability_decide() {
        for (held, sold, expected) in [
            ("services=a:0", "services=a:0", Fit::Yes),
            ("services=a:0 a_capabilities=", "services=a:0 a_capabilities=", Fit::Yes),
            ("services=b:0,a:1", "services=a:0", Fit::Yes),
            ("services=a:0", "services=a:1", Fit::No),
            ("services=a:0", "services=b:0", Fit::No),
            ("services=a:0", "services=a:0,b:0", Fit::No),
            ("services=a:0,b:0 services=b:0", "services=a:0", Fit::No),
            ("services=a:0 a_capabilities=x,y", "services=a:0 a_capabilities=y", Fit::Yes),
            ("services=a:0 a_capabilities=x", "services=a:0 a_capabilities=y", Fit::No),
            ("services=a:0 a_capabilities=x", "services=a:0 a_capabilities=", Fit::No),
            ("services=a:0 a_capabilities=", "services=a:0 a_capabilities=y", Fit::Unknown),
            ("services=a:0 a_capabilities=x,y a_capabilities=x", "services=a:0 a_capabilities=y", Fit::No),
        ] {
            assert_eq!(compare(held, sold), expected, "{held} for {sold}");
        }
    }

    #[test]
    fn what_has_ended_does_not_fit() {
        let sold = "services=a:0 a_valid_until=1700003600";
        assert_eq!(compare("services=a:0 a_valid_until=1700000001", sold), Fit::Yes);
        assert_eq!(compare("services=a:0 a_valid_until=1700000000", sold), Fit::No);
        assert_eq!(compare("services=a:0 b_valid_until=1", sold), Fit::Yes);
        let widened = "services=a:0 a_valid_until=1700000000 a_valid_until=1700003600";
        assert_eq!(compare(widened, sold), Fit::No, "the earliest end counts, as in `TokenFacts`");
    }

    #[test]
    fn what_says_nothing_may_open_anything() {
        for (held, sold) in [("", "services=a:0"), ("services=a:0", ""), ("", ""), ("services=a", "services=a:0")] {
            assert_eq!(compare(held, sold), Fit::Unknown, "{held} for {sold}");
        }
    }
}
