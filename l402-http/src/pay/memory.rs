//! A store that ends with the process.
//!
//! 1. A token without its proof is under way as long as its buyer holds the lease. Without one, whoever asks next sees to it.
//! 2. Leases are those of the callers that share the store. One that is dropped is over.

// Threats: A9.

use super::{AttemptLog, Consents, Lease, Leases, Origin, Taken, Token, TokenStore, Turns};
use core::fmt;
use core::time::Duration;
use l402_core::PaymentHash;
use l402_core::purchase::Tally;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::time::{Instant, sleep};

/// A store that ends with the process. Clones share their tokens.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    tokens: HashMap<Origin, Vec<Token>>,
    seats: HashMap<PaymentHash, Seats>,
    leases: u64,
}

/// Who uses a token, and how often it was used.
#[derive(Debug, Default)]
struct Seats {
    used: u64,
    /// Who pays for it.
    buyer: Option<u64>,
    holders: BTreeSet<u64>,
}

impl Kept {
    fn find(&mut self, hash: &PaymentHash) -> Option<&mut Token> {
        self.tokens.values_mut().flatten().find(|token| token.payment_hash == *hash)
    }

    fn is_under_way(&self, token: &Token) -> bool {
        let seats = self.seats.get(&token.payment_hash);
        token.preimage.is_none() && seats.is_some_and(|seats| seats.buyer.is_some())
    }

    /// Gives a caller a use of a token, where there is one.
    fn lease(&mut self, token: &Token) -> Option<u64> {
        let is_paid = token.preimage.is_some();
        let seats = self.seats.entry(token.payment_hash).or_default();
        let is_buyer = !is_paid && seats.buyer.is_none();
        let tally = Tally { sold: token.sold(), told: token.uses_left, used: seats.used };
        if !is_buyer && !tally.has_room(u64::try_from(seats.holders.len()).unwrap_or(u64::MAX)) {
            return None;
        }
        self.leases += 1;
        seats.holders.insert(self.leases);
        if is_buyer {
            seats.buyer = Some(self.leases);
        }
        Some(self.leases)
    }

    fn end(&mut self, hash: &PaymentHash, lease: u64) {
        let Some(seats) = self.seats.get_mut(hash) else { return };
        seats.holders.remove(&lease);
        seats.buyer = seats.buyer.filter(|buyer| *buyer != lease);
    }
}

/// Gives a use back.
struct Seat {
    store: MemoryStore,
    hash: PaymentHash,
    lease: u64,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.store.lock().end(&self.hash, self.lease);
    }
}

impl MemoryStore {
    /// Returns an empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TokenStore for MemoryStore {
    type Error = PaidBefore;

    async fn tokens(&self, origin: &Origin) -> Result<Vec<Token>, PaidBefore> {
        let kept = self.lock();
        let mut tokens = kept.tokens.get(origin).cloned().unwrap_or_default();
        for token in &mut tokens {
            token.is_under_way = kept.is_under_way(token);
        }
        Ok(tokens)
    }

    async fn put(&self, origin: &Origin, token: &Token) -> Result<(), PaidBefore> {
        let mut kept = self.lock();
        let same = kept.tokens.iter().flat_map(|(at, tokens)| tokens.iter().map(move |other| (at, other)));
        let mut same = same.filter(|(_, other)| other.payment_hash == token.payment_hash);
        let is_open = |(at, other): (&Origin, &Token)| {
            at == origin && other.preimage.is_none() && other.text == token.text && !kept.is_under_way(other)
        };
        if token.preimage.is_none() && !same.all(is_open) {
            return Err(PaidBefore);
        }
        let known = kept.find(&token.payment_hash).and_then(|known| known.uses_left);
        let uses_left = known.into_iter().chain(token.uses_left).min();
        let tokens = kept.tokens.entry(origin.clone()).or_default();
        tokens.retain(|other| other.payment_hash != token.payment_hash);
        tokens.push(Token { uses_left, is_under_way: false, ..token.clone() });
        Ok(())
    }

    async fn forget(&self, origin: &Origin, hash: &PaymentHash) -> Result<(), PaidBefore> {
        if let Some(tokens) = self.lock().tokens.get_mut(origin) {
            tokens.retain(|token| token.payment_hash != *hash);
        }
        Ok(())
    }
}

impl AttemptLog for MemoryStore {}

impl Consents for MemoryStore {}

impl Turns for MemoryStore {}

impl Leases for MemoryStore {
    async fn lease(&self, _: &Origin, token: &Token) -> Result<Option<Lease>, PaidBefore> {
        let lease = self.lock().lease(token);
        let seat = |lease| Lease::new(Seat { store: self.clone(), hash: token.payment_hash, lease });
        Ok(lease.map(seat))
    }

    async fn used(&self, _: &Origin, token: &Token, said: Taken) -> Result<(), PaidBefore> {
        let mut kept = self.lock();
        let used = kept.seats.get(&token.payment_hash).map_or(0, |seats| seats.used);
        let Some(found) = kept.find(&token.payment_hash) else { return Ok(()) };
        let tally = Tally { sold: found.sold(), told: found.uses_left, used };
        let tally = if said.is_used { tally.used(said.told) } else { tally.told(said.told) };
        found.uses_left = tally.left();
        kept.seats.entry(token.payment_hash).or_default().used = tally.used;
        Ok(())
    }

    async fn settled(
        &self,
        origin: &Origin,
        hash: &PaymentHash,
        patience: Duration,
    ) -> Result<Option<Token>, PaidBefore> {
        let begun = Instant::now();
        loop {
            let found = self.tokens(origin).await?.into_iter().find(|token| token.payment_hash == *hash);
            match found {
                Some(token) if token.is_under_way && begun.elapsed() < patience => sleep(POLL).await,
                found => return Ok(found.filter(|token| !token.is_under_way)),
            }
        }
    }
}

/// How often to look whether somebody else has paid.
const POLL: Duration = Duration::from_millis(10);

/// The payment of a new token was made before, or is under way, for another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaidBefore;

impl fmt::Display for PaidBefore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the invoice was paid before, for another token")
    }
}

impl core::error::Error for PaidBefore {}
