//! What is held is used before anything is bought, and who did not accept what was bought is not paid again.
//!
//! 1. Before there is a challenge: the newest token of the same method and path, else the newest of the origin.
//! 2. Afterwards, of all tokens of the origin: those of the same method and path, then those whose caveats fit what the challenge
//!    sells, then those that do not say what they open; the newest first, and [`MAX_TRIED`] in all. One of the same method and path
//!    is tried beyond that, up to [`MAX_TRIED`] more: it may have been bought while this request waited for its turn.
//! 3. A token that its buyer has not used yet is left to it, in this process or another one. Of one with so many uses, as many
//!    callers hold one at once; the store says who ([`Leases`](super::Leases)).
//! 4. A token that has ended, or whose last use is known to have gone, is not presented. Where a response was lost, the token that it
//!    was for is asked for it all the same, once.
//! 5. A token is new until a server has accepted it. One that is refused until then, or that has ended or is spent, is lost money. Nothing more is
//!    bought from that origin until it is accepted, or forgotten, or the caller says so ([`super::AfterRefusal::BuyAgain`]).

// Threats: A9.

use super::flight::Purpose;
use super::payer::{Payer, is_for, store};
use super::{AfterRefusal, Lease, PayStore, Purchased, Receipt, RequestError, Standing, Taken, Token, readable};
use core::cmp::Reverse;
use core::time::Duration;
use l402_core::macaroon::{MAX_LEN, MacaroonRef, base64};
use l402_core::{Fit, PaymentHash, UnixSeconds, Verdict};
use l402_lightning::unix_now;

impl<W: Sync, T: PayStore> Payer<W, T> {
    /// Chooses the token to present, and takes a use of it; `sold` is the one of the challenge, where there is one yet.
    pub(super) async fn choose<E>(
        &self,
        held: &[Token],
        purpose: &Purpose,
        sold: Option<&str>,
        refused: &[Token],
    ) -> Result<Option<(Token, Lease)>, RequestError<E>> {
        let now = unix_now();
        for token in ranked(held, purpose, sold, now) {
            let most = if is_for(token, purpose) { 2 * MAX_TRIED } else { MAX_TRIED };
            let can_be_shown = refused.len() < most
                && self.settings.token_field.carries(&token.text)
                && !contains(refused, &token.payment_hash);
            if can_be_shown
                && self.is_free(token, purpose).await?
                && let Some(lease) = self.store.lease(&purpose.origin, token).await.map_err(store)?
            {
                return Ok(Some((token.clone(), lease)));
            }
        }
        Ok(None)
    }

    /// Finds the token of an earlier request whose response did not come whole. Its use may have gone for that response.
    pub(super) fn unanswered(&self, held: &[Token], hash: &PaymentHash) -> Option<Token> {
        let now = unix_now();
        let is_it = |token: &&Token| {
            token.payment_hash == *hash && !has_ended(token, now) && self.settings.token_field.carries(&token.text)
        };
        held.iter().find(is_it).cloned()
    }

    /// Tells whether no other request is about to use a token for the first time.
    async fn is_free<E>(&self, token: &Token, purpose: &Purpose) -> Result<bool, RequestError<E>> {
        if is_for(token, purpose) {
            return Ok(true); // its buyer was waited for
        }
        let Purpose { origin, .. } = purpose;
        let Token { method, path, .. } = token;
        let its = Purpose { origin: origin.clone(), method: method.clone(), path: path.clone() };
        if self.flights.is_busy(&its) {
            return Ok(false);
        }
        if token.standing != Standing::New {
            return Ok(true);
        }
        Ok(self.store.enter(origin, method, path, Duration::ZERO).await.map_err(store)?.is_some())
    }

    /// Refuses to buy from a server that did not accept what was bought before.
    pub(super) async fn trust<E>(
        &self,
        held: &[Token],
        refused: &[Token],
        purpose: &Purpose,
    ) -> Result<(), RequestError<E>> {
        if self.settings.after_refusal == AfterRefusal::BuyAgain {
            return Ok(());
        }
        let now = unix_now();
        let was_refused = |token: &&Token| match token.standing {
            Standing::Refused => true,
            Standing::New if !is_for(token, purpose) => false,
            Standing::New => contains(refused, &token.payment_hash) || token.is_spent() || has_ended(token, now),
            Standing::Served => false,
        };
        let Some(lost) = held.iter().find(was_refused) else { return Ok(()) };
        self.mark(lost, Standing::Refused, purpose).await;
        let Token { amount_msat, fee_msat, payment_hash, .. } = *lost;
        Err(RequestError::NotAccepted(Receipt { amount_msat, fee_msat, payment_hash, purchased: Purchased::Before }))
    }

    /// Notes what a server made of a token. A server that is out of order says nothing of it.
    pub(super) async fn note(&self, token: &mut Token, verdict: Verdict, purpose: &Purpose) {
        let standing = match verdict {
            Verdict::Refused if token.standing == Standing::New => Standing::Refused,
            Verdict::Served | Verdict::Failed => Standing::Served,
            _ => return,
        };
        self.mark(token, standing, purpose).await;
        token.standing = standing;
    }

    /// Notes what a response says of the use that it took of a token.
    pub(super) async fn count(&self, token: &mut Token, said: Taken, purpose: &Purpose) {
        let told = said.told.map(|told| token.fewer_uses(told));
        token.uses_left = told.or(token.uses_left);
        let _ = self.store.used(&purpose.origin, token, Taken { told, ..said }).await; // else the server says it again
    }

    /// Notes that a server has refused a token because its last use went.
    pub(super) async fn spent(&self, token: &mut Token, purpose: &Purpose) {
        token.uses_left = Some(0);
        let _ = self.store.put(&purpose.origin, token).await; // else the server says it again
    }

    /// Forgets what is spent, now that something else was bought in its place and has served. What was lost with it (rule 5) is in
    /// nobody's way any more.
    pub(super) async fn forget_spent(&self, bought: &PaymentHash, purpose: &Purpose) {
        let tokens = self.store.tokens(&purpose.origin).await.unwrap_or_default();
        let is_replaced = |token: &&Token| is_for(token, purpose) && token.is_spent() && token.payment_hash != *bought;
        for token in tokens.iter().filter(is_replaced) {
            let _ = self.store.forget(&purpose.origin, &token.payment_hash).await; // as in `forget_refused`
        }
    }

    /// Gives a server that accepts what it sells another chance with what it refused: it is paid again as before.
    pub(super) async fn forgive(&self, purpose: &Purpose) {
        let tokens = self.store.tokens(&purpose.origin).await.unwrap_or_default();
        for token in tokens.iter().filter(|token| token.standing == Standing::Refused) {
            self.mark(token, Standing::New, purpose).await;
        }
    }

    /// What is paid and answered does not fail because this cannot be written. What is not known as served is not paid for twice.
    async fn mark(&self, token: &Token, standing: Standing, purpose: &Purpose) {
        if token.standing != standing {
            let _ = self.store.put(&purpose.origin, &Token { standing, ..token.clone() }).await;
        }
    }
}

/// The tokens that are worth a try, the best first.
fn ranked<'a>(held: &'a [Token], purpose: &Purpose, sold: Option<&str>, now: UnixSeconds) -> Vec<&'a Token> {
    let rank = |token: &Token| match sold {
        _ if token.is_spent() || has_ended(token, now) => None,
        _ if is_for(token, purpose) => Some(2),
        None => (token.standing != Standing::Refused).then_some(0),
        Some(sold) => match fit(&token.text, sold, now) {
            Fit::Yes => Some(1),
            Fit::Unknown => Some(0),
            Fit::No => None,
        },
    };
    // The last of those that were bought in one second is the newest.
    let mut ranked: Vec<_> = held.iter().rev().filter_map(|token| Some((rank(token)?, token))).collect();
    ranked.sort_by_key(|(rank, token)| Reverse((*rank, token.bought_at)));
    ranked.into_iter().map(|(_, token)| token).collect()
}

/// Compares two tokens as far as they can be read.
fn fit(held: &str, sold: &str, now: UnixSeconds) -> Fit {
    let (mut one, mut other) = (vec![0; MAX_LEN], vec![0; MAX_LEN]);
    match (macaroon(held, &mut one), macaroon(sold, &mut other)) {
        (Some(held), Some(sold)) => l402_core::fit(held, sold, now),
        _ => Fit::Unknown,
    }
}

fn macaroon<'b>(text: &str, buffer: &'b mut [u8]) -> Option<MacaroonRef<'b>> {
    MacaroonRef::parse(base64::decode_into(text.as_bytes(), buffer).ok()?).ok()
}

fn has_ended(token: &Token, now: UnixSeconds) -> bool {
    readable::token_facts(&token.text).has_expired(now)
}

fn contains(tokens: &[Token], hash: &PaymentHash) -> bool {
    tokens.iter().any(|token| token.payment_hash == *hash)
}

/// The most stored tokens that one request tries, and again as many that were bought for the same method and path.
const MAX_TRIED: usize = 4;
