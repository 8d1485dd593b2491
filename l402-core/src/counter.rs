//! The counters that a token names: how much of a sale is left to its holder.
//!
//! 1. `<service>_uses=<n>` is a counter, and so is each later one that a holder adds (`<service>_uses=<n>:<label>`): a use
//!    takes one from each of them, or from none.
//! 2. The counter of the sale itself is the `uses` without a label before the service's first `valid_until`. All tokens
//!    of a payment share it.
//! 3. `<service>_balance_msat=<n>` is the same for a route that is metered: an amount of money in place of a number of uses. A
//!    token has the one or the other.
//! 4. Every other counter belongs to the tokens that have the same caveats up to it. Its key is a hash of them: public,
//!    unlike the chain value, which would let a reader add caveats.

use l402_macaroon::Authentic;
use sha2::{Digest, Sha256};

/// One counter of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counter {
    /// Which.
    pub key: CounterKey,
    /// How much there was to begin with; never 0.
    pub limit: u64,
}

/// What the counters of a request count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Uses: `<service>_uses`.
    Uses,
    /// Millisatoshi: `<service>_balance_msat`.
    Msat,
}

impl Unit {
    /// The most that a counter of it holds: of money 2⁵³ - 1 msat, some 90,000 BTC, which every store counts exactly.
    pub const fn most(self) -> u64 {
        match self {
            Self::Uses => u32::MAX as u64,
            Self::Msat => (1 << 53) - 1,
        }
    }
}

/// Names a counter among those of a payment: public, and safe to log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CounterKey([u8; 16]);

impl CounterKey {
    /// The counter of the sale itself.
    pub const SALE: Self = Self([0; 16]);

    /// Wraps the 16 bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the 16 bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The key of a counter that a holder added: 16 bytes of SHA-256 over a label, the identifier, and the caveats before
    /// and including this one, each with its length.
    #[cold]
    pub(crate) fn of_branch(token: &Authentic<'_>, caveat: &[u8]) -> Self {
        let mut hash = Sha256::new_with_prefix(BRANCH_LABEL);
        let mut add = |text: &[u8]| {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        };
        add(token.macaroon().identifier());
        for earlier in token.caveats() {
            add(earlier.id);
            if core::ptr::eq(earlier.id, caveat) {
                break;
            }
        }
        let digest: [u8; 32] = hash.finalize().into();
        Self(*digest.first_chunk().expect("a digest has 32 bytes"))
    }
}

/// The counters of all tokens of a request, in the order of the caveats. The first is the widest: that of the sale, where the sale is
/// counted, since all tokens of a payment begin with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    counters: [Option<Counter>; Self::MAX],
}

impl Counters {
    /// The most counters of a request.
    pub const MAX: usize = 4;

    /// Tells whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.counters[0].is_none()
    }

    /// Returns them, in their order.
    pub fn iter(&self) -> impl Iterator<Item = Counter> + '_ {
        self.counters.iter().flatten().copied()
    }

    /// Adds one. A counter that is there already keeps the lower limit. Returns [`None`] where there is no room.
    pub fn add(&mut self, counter: Counter) -> Option<()> {
        for place in &mut self.counters {
            match place {
                Some(other) if other.key == counter.key => {
                    other.limit = other.limit.min(counter.limit);
                    return Some(());
                }
                Some(_) => {}
                None => {
                    *place = Some(counter);
                    return Some(());
                }
            }
        }
        None
    }
}

/// Separates these hashes from all others.
const BRANCH_LABEL: &[u8] = b"l402 ledger branch v1";

#[cfg(test)]
mod tests {
    use super::*;
    use l402_macaroon::{RootKey, mint};

    fn key_of_last(caveats: &[&[u8]]) -> CounterKey {
        key_of(b"id", caveats)
    }

    fn key_of(identifier: &[u8], caveats: &[&[u8]]) -> CounterKey {
        let (key, mut out) = (RootKey::new(b"key"), [0; 512]);
        let token = mint(&key, b"", identifier, caveats, &mut out).unwrap().verify(&key).unwrap();
        let last = token.caveats().last().unwrap();
        CounterKey::of_branch(&token, last.id)
    }

    #[test]
    fn s3_a_branch_is_told_apart_by_all_caveats_up_to_its_own() {
        let one = key_of_last(&[b"a_valid_until=1", b"a_uses=1:x"]);
        assert_eq!(one, key_of_last(&[b"a_valid_until=1", b"a_uses=1:x"]));
        for other in
            [&[&b"a_valid_until=2"[..], b"a_uses=1:x"][..], &[b"a_valid_until=1", b"a_uses=1:y"], &[b"a_uses=1:x"]]
        {
            assert_ne!(one, key_of_last(other));
        }
        assert_ne!(one, key_of(b"another", &[b"a_valid_until=1", b"a_uses=1:x"]), "another token of the payment");
        // Where one caveat ends and the next begins makes a difference.
        assert_ne!(key_of_last(&[b"ab", b"c"]), key_of_last(&[b"a", b"bc"]));
    }

    #[test]
    fn s3_a_counter_that_is_named_twice_is_one_with_the_lower_limit() {
        let mut counters = Counters::default();
        for limit in [5, 3, 4] {
            counters.add(Counter { key: CounterKey::SALE, limit }).unwrap();
        }
        assert!(counters.iter().eq([Counter { key: CounterKey::SALE, limit: 3 }]));
        let branch = |byte| Counter { key: CounterKey::from_bytes([byte; 16]), limit: 1 };
        assert_eq!((1..=4).filter_map(|byte| counters.add(branch(byte))).count(), 3);
    }
}
