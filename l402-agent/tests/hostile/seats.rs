//! Who holds which token, added up in the simplest way.

use l402_core::PaymentHash;
use std::collections::HashMap;

/// The uses of tokens, as the callers have been told.
#[derive(Debug, Default)]
pub(crate) struct Seats(HashMap<PaymentHash, Token>);

#[derive(Debug, Default)]
struct Token {
    sold: u64,
    used: u64,
    /// The requests that hold it, and since when.
    holders: HashMap<u64, u64>,
}

impl Seats {
    /// Takes note of a use that was given to a request, and says what is wrong with that.
    pub(crate) fn gives(&mut self, hash: PaymentHash, sold: u64, request: u64, now: u64) -> Result<(), String> {
        let token = self.0.entry(hash).or_default();
        token.sold = sold;
        token.holders.retain(|_, since| now < *since + LEASE_MS);
        token.holders.insert(request, now);
        let held = u64::try_from(token.holders.len()).unwrap();
        if held + token.used > sold {
            return Err(format!("{held} requests hold a token of {sold} uses, of which {} are gone", token.used));
        }
        Ok(())
    }

    /// Takes note that the answer of a request has come whole.
    pub(crate) fn uses(&mut self, hash: PaymentHash, request: u64) {
        let token = self.0.entry(hash).or_default();
        token.used += 1;
        token.holders.remove(&request);
    }

    /// Takes note that a request holds nothing more.
    pub(crate) fn leaves(&mut self, request: u64) {
        for token in self.0.values_mut() {
            token.holders.remove(&request);
        }
    }
}

/// How long a lease lasts that is not renewed: the clocks of a run go faster than the timers.
const LEASE_MS: u64 = 30_000;
