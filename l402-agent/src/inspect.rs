//! What anybody can read in a token, and what it means.
//!
//! 1. Nothing here vouches for the token: only its server has the key. What cannot be known without asking it is said ([`UNKNOWN`]).
//! 2. Neither the token nor its preimage is part of what is returned.

use crate::amount::Amount;
use crate::text::printable;
use core::time::Duration;
use l402_core::macaroon::{MAX_LEN, MacaroonRef, base64};
use l402_core::{Caveat, Msat, PaymentHash, Preimage, TokenFacts, UnixSeconds, balance_of_token, uses_of_token};

/// What can be read in a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Whether it is a macaroon of format V2. Where it is not, only its server can read it, and the rest is empty.
    pub is_macaroon: bool,
    /// Where it says that it comes from; a hint, which nothing proves.
    pub location: String,
    /// The payment that buys it.
    pub payment_hash: Option<PaymentHash>,
    /// When the last of its services ends.
    pub expires_at: Option<UnixSeconds>,
    /// How many uses it was sold with.
    pub uses: Option<u32>,
    /// The balance that it was sold with.
    pub balance_msat: Option<Msat>,
    /// Its conditions, in their order. A request must meet each of them.
    pub caveats: Vec<ReadCaveat>,
}

/// A condition of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadCaveat {
    /// As it stands in the token, without control characters.
    pub text: String,
    /// What it means, in a sentence.
    pub meaning: String,
}

impl Reading {
    /// Reads a token, in base64.
    ///
    /// ```
    /// use l402_agent::inspect::Reading;
    /// use l402_core::macaroon::{RootKey, base64, mint};
    ///
    /// let (mut bytes, mut text) = ([0; 192], [0; 256]);
    /// let token = mint(&RootKey::new(b"root key"), b"", &[7; 32], &[b"services=maps:0"], &mut bytes)?;
    /// let reading = Reading::of(base64::encode_into(token.as_bytes(), &mut text).unwrap(), 0.into());
    /// assert_eq!(reading.caveats[0].meaning, "opens the service maps");
    /// assert!(!Reading::of("any-other.text", 0.into()).is_macaroon);
    /// # Ok::<(), l402_core::macaroon::MintError>(())
    /// ```
    pub fn of(text: &str, now: UnixSeconds) -> Self {
        let facts = TokenFacts::read(text.as_bytes(), &mut vec![0; MAX_LEN]);
        let mut bytes = vec![0; MAX_LEN];
        let token = base64::decode_into(text.as_bytes(), &mut bytes).ok();
        let token = token.and_then(|bytes| MacaroonRef::parse(bytes).ok());
        Self {
            is_macaroon: token.is_some(),
            location: token.map_or_else(String::new, |token| shown(token.location())),
            payment_hash: facts.payment_hash,
            expires_at: facts.expires_at,
            uses: token.and_then(uses_of_token),
            balance_msat: token.and_then(balance_of_token),
            caveats: token.map_or_else(Vec::new, |token| caveats(token, now)),
        }
    }

    /// Tells whether a preimage proves the payment that the token names; [`None`] where it names none.
    pub fn is_proven_by(&self, preimage: &Preimage) -> Option<bool> {
        self.payment_hash.map(|hash| preimage.matches(&hash))
    }
}

/// What no token says.
pub const UNKNOWN: [&str; 3] = [
    "whether the server made it: only the server can check the signature",
    "whether it was revoked, or how many uses are left: only the server counts",
    "what the server makes of conditions that are not known here",
];

fn caveats(token: MacaroonRef<'_>, now: UnixSeconds) -> Vec<ReadCaveat> {
    let read = token.unverified_caveats().map(|caveat| ReadCaveat {
        text: if is_proof(caveat.id) { "preimage=<left out>".to_owned() } else { shown(caveat.id) },
        meaning: match caveat.verification_id {
            Some(_) => "needs the word of another party, which this program cannot get".to_owned(),
            None => meaning(caveat.id, now),
        },
    });
    read.collect()
}

/// Some clients put the preimage into a caveat: with the token, it is a credential.
fn is_proof(caveat: &[u8]) -> bool {
    caveat.trim_ascii_start().starts_with(b"preimage")
}

fn meaning(caveat: &[u8], now: UnixSeconds) -> String {
    let caveat = Caveat::parse(caveat).ok();
    let known = caveat.and_then(|Caveat { condition, value, .. }| explained(condition, value, now));
    known.unwrap_or_else(|| "not known here; the server decides".to_owned())
}

fn explained(condition: &str, value: &str, now: UnixSeconds) -> Option<String> {
    match condition {
        "services" => return services(value),
        "preimage" => return Some("carries the proof of its payment".to_owned()),
        "valid_until" => return Some(format!("{} as a whole", end(value, now)?)),
        _ => {}
    }
    let of = |suffix: &str| condition.strip_suffix(suffix).filter(|name| !name.is_empty()).map(printable);
    if let Some(service) = of("_capabilities") {
        let names: Vec<_> = value.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        return Some(match names.as_slice() {
            [] => format!("opens no route of {service}"),
            names => format!("opens only these routes of {service}: {}", printable(&names.join(", "))),
        });
    }
    if let Some(service) = of("_valid_until") {
        return Some(format!("{} for {service}", end(value, now)?));
    }
    if let Some(service) = of("_uses") {
        let (uses, label) = value.split_once(':').map_or((value, false), |(uses, _)| (uses, true));
        let who = if label { "a holder allowed" } else { "was sold with" };
        return match uses.parse::<u32>().ok()? {
            1 => Some(format!("{who} one use of {service}")),
            uses => Some(format!("{who} {uses} uses of {service}")),
        };
    }
    if let Some(service) = of("_balance_msat") {
        return Some(format!(
            "was sold with a balance of {} for {service}",
            Amount::new(value.parse::<u64>().ok()?.into())
        ));
    }
    of("_sale").map(|service| format!("says on which terms {service} was sold"))
}

/// `name:tier`, separated by commas.
fn services(value: &str) -> Option<String> {
    let mut names = Vec::new();
    for entry in value.split(',') {
        let (name, tier) = entry.trim().split_once(':')?;
        let tier = tier.parse::<u32>().ok()?;
        names.push(if tier == 0 { printable(name) } else { format!("{} (tier {tier})", printable(name)) });
    }
    let noun = if names.len() == 1 { "service" } else { "services" };
    Some(format!("opens the {noun} {}", names.join(", ")))
}

fn end(value: &str, now: UnixSeconds) -> Option<String> {
    let (end, now) = (value.parse::<u64>().ok()?, now.get());
    Some(match end.checked_sub(now) {
        None | Some(0) => format!("ended {} ago", span(Duration::from_secs(now.saturating_sub(end)))),
        Some(left) => format!("ends in {}", span(Duration::from_secs(left))),
    })
}

/// Writes a span as options take it (`90s`, `30m`, `1h`, `2d`), rounded up.
fn span(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds}s"),
        seconds @ 60..3_600 => format!("{}m", seconds.div_ceil(60)),
        seconds @ 3_600..86_400 => format!("{}h", seconds.div_ceil(3_600)),
        seconds => format!("{}d", seconds.div_ceil(86_400)),
    }
}

fn shown(bytes: &[u8]) -> String {
    printable(&String::from_utf8_lossy(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use l402_core::macaroon::{RootKey, mint};
    use l402_core::{Identifier, TokenId};

    fn reading(caveats: &[&[u8]]) -> Reading {
        let (mut bytes, mut text) = ([0; 1024], [0; 2048]);
        let hash = Preimage::from_bytes([1; 32]).hash();
        let identifier = Identifier::new(hash, TokenId::from_bytes([2; 32])).to_bytes();
        let token = mint(&RootKey::new(b"root"), b"a.example", &identifier, caveats, &mut bytes).unwrap();
        Reading::of(base64::encode_into(token.as_bytes(), &mut text).unwrap(), 1_000.into())
    }

    #[test]
    fn each_condition_is_explained() {
        for (caveat, meaning) in [
            ("services=maps:0,news:2", "opens the services maps, news (tier 2)"),
            ("maps_capabilities=north, south", "opens only these routes of maps: north, south"),
            ("maps_capabilities=", "opens no route of maps"),
            ("maps_valid_until=4600", "ends in 1h for maps"),
            ("valid_until=940", "ended 1m ago as a whole"),
            ("maps_uses=5", "was sold with 5 uses of maps"),
            ("maps_uses=1:0707", "a holder allowed one use of maps"),
            ("maps_balance_msat=21000", "was sold with a balance of 21 sat for maps"),
            ("maps_sale=x", "says on which terms maps was sold"),
            ("maps_uses=many", "not known here; the server decides"),
            ("ip=10.0.0.1", "not known here; the server decides"),
            ("_uses=1", "not known here; the server decides"),
            ("no condition", "not known here; the server decides"),
        ] {
            let found = reading(&[caveat.as_bytes()]).caveats;
            assert_eq!(found, [ReadCaveat { text: caveat.to_owned(), meaning: meaning.to_owned() }]);
        }
        let proof = &reading(&[b" preimage = CANARY"]).caveats[0];
        assert_eq!(
            (proof.text.as_str(), proof.meaning.as_str()),
            ("preimage=<left out>", "carries the proof of its payment")
        );
        assert_eq!(reading(&[b"a=\x1b[2J\xff"]).caveats[0].text, "a=\u{fffd}[2J\u{fffd}");
    }

    #[test]
    fn what_the_token_says_is_read() {
        let read = reading(&[b"services=a:0", b"a_uses=9", b"a_valid_until=5000", b"a_uses=4:x"]);
        assert_eq!((read.uses, read.expires_at, read.location.as_str()), (Some(4), Some(5_000.into()), "a.example"));
        assert_eq!(read.is_proven_by(&Preimage::from_bytes([1; 32])), Some(true));
        assert_eq!(read.is_proven_by(&Preimage::from_bytes([2; 32])), Some(false));
        let opaque = Reading::of("opaque", 0.into());
        assert_eq!((opaque.is_macaroon, opaque.caveats.len()), (false, 0));
        assert_eq!(opaque.is_proven_by(&Preimage::from_bytes([1; 32])), None);
    }
}
