//! The audit: what the ledger says, beside what the upstream saw and what clients received.
//!
//! 1. Over-committed: more uses of a token are committed than were sold, clients received more responses than were committed, or
//!    the upstream was given more requests that may have had an effect than were sold.
//! 2. Unfounded: a use is committed, and no answer of the upstream or third try stands behind it; or it is in doubt, and each
//!    request that may have had an effect has ended well.
//! 3. Lost: a use is neither committed, available nor in doubt after all leases; or it is called available, and nobody can use it; or
//!    a client was told that all is spent, and it is not; or it is in doubt though the route's rule has resolved that by now.
//! 4. Twice: one request of a client reached the upstream more than once.

use crate::book::{Attempt, Effect, Token};
use core::fmt;
use core::ops::AddAssign;
use l402_core::CounterKey;
use l402_core::ledger::Tally;
use l402_ledger::{Ledger, LedgerStore as _};

/// What an audit has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Figures {
    pub(crate) tokens: u64,
    pub(crate) sold: u64,
    pub(crate) requests: u64,
    pub(crate) seen: u64,
    pub(crate) committed: u64,
    pub(crate) doubtful: u64,
    /// Uses that were committed, and of whose response the client has not all: killed gateways, cut bodies, third tries.
    pub(crate) in_part: u64,
    pub(crate) over: u64,
    pub(crate) unfounded: u64,
    pub(crate) lost: u64,
    pub(crate) twice: u64,
}

impl Figures {
    /// Of one token. The leases have ended.
    pub(crate) fn of(token: &Token, tally: &Tally) -> Self {
        let count = |is: fn(&&Attempt) -> bool| token.attempts.iter().filter(is).count() as u64;
        let limit = u64::from(token.ware.uses);
        let answered = count(|attempt| attempt.is_answered && attempt.plan.effect() == Effect::Commits);
        let tries = count(|attempt| attempt.goes || attempt.plan.effect() == Effect::Counts && attempt.seen > 0);
        let served = count(|attempt| is_served(attempt) && attempt.plan.effect() == Effect::Commits);
        let whole = count(|attempt| {
            attempt.plan.effect() == Effect::Commits
                && attempt.answer().is_some_and(|got| got.is_served() && got.is_whole())
        });
        let had_effect = count(|attempt| had_effect(attempt));
        let unclear = count(|attempt| !attempt.is_safe && !is_settled(attempt));
        let over = tally.committed.saturating_sub(limit)
            + served.saturating_sub(tally.committed)
            + if token.ware.repeats_effects() { 0 } else { had_effect.saturating_sub(limit) };
        let unfounded = tally.committed.saturating_sub(answered + tries / 3) + tally.doubtful.saturating_sub(unclear);
        let was_taken_back =
            count(|attempt| attempt.is_answered && attempt.answer().is_none_or(|got| !got.is_served())) > 0;
        let is_told_spent = count(|attempt| attempt.answer().is_some_and(|got| got.status == 402)) > 0;
        let lost = tally.reserved
            + overdue(token, tally)
            + u64::from(is_told_spent && !was_taken_back && tally.committed < limit);
        Self {
            tokens: 1,
            sold: limit,
            requests: token.attempts.len() as u64,
            seen: count(|attempt| attempt.seen > 0),
            committed: tally.committed,
            doubtful: tally.doubtful,
            in_part: tally.committed.saturating_sub(whole),
            over,
            unfounded,
            lost,
            twice: count(|attempt| attempt.seen > 1),
        }
    }

    /// Whether every promise was kept.
    pub(crate) const fn is_clean(&self) -> bool {
        self.over == 0 && self.unfounded == 0 && self.lost == 0 && self.twice == 0
    }
}

impl AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        self.tokens += other.tokens;
        self.sold += other.sold;
        self.requests += other.requests;
        self.seen += other.seen;
        self.committed += other.committed;
        self.doubtful += other.doubtful;
        self.in_part += other.in_part;
        self.over += other.over;
        self.unfounded += other.unfounded;
        self.lost += other.lost;
        self.twice += other.twice;
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tokens, sold, requests, seen, committed, doubtful, .. } = self;
        let Self { in_part, over, unfounded, lost, twice, .. } = self;
        writeln!(f, "  {tokens} tokens for {sold} uses; {requests} requests, of which the upstream saw {seen}")?;
        writeln!(f, "  committed {committed}, in doubt {doubtful}; committed, delivered in part or not: {in_part}")?;
        write!(f, "  over-committed {over}, unfounded {unfounded}, lost {lost}, sent twice {twice}")
    }
}

/// Holds the ledger against the books.
pub(crate) async fn audit(ledger: &Ledger, tokens: &[Token]) -> Figures {
    let mut figures = Figures::default();
    for token in tokens {
        let tally = tally(ledger, token).await;
        let of_token = Figures::of(token, &tally);
        if !of_token.is_clean() {
            println!("{}: {tally:?} {:?} {:?}", token.hash, token.ware, token.attempts);
        }
        figures += of_token;
    }
    figures
}

/// The counter of a sale.
pub(crate) async fn tally(ledger: &Ledger, token: &Token) -> Tally {
    let uses = ledger.uses(&token.hash).await.expect("the ledger answers");
    let tallies = uses.map(|uses| uses.tallies).unwrap_or_default();
    let of_sale = tallies.iter().find(|(key, _)| *key == CounterKey::SALE);
    of_sale.map_or_else(|| Tally::new(token.ware.uses.into()), |(_, tally)| *tally)
}

fn is_served(attempt: &Attempt) -> bool {
    attempt.answer().is_some_and(crate::wire::Answer::is_served)
}

/// Whether the upstream may have done what no second request may do.
fn had_effect(attempt: &Attempt) -> bool {
    !attempt.is_safe && attempt.seen > 0 && matches!(attempt.plan.effect(), Effect::Commits | Effect::Unclear)
}

/// How many uses are in doubt longer than the route's rule lets them: the gateway of each request that may be is gone, and the next
/// has begun the rule's time.
fn overdue(token: &Token, tally: &Tally) -> u64 {
    let Some(after) = token.ware.refunds_after else { return 0 };
    let may_be = |attempt: &&Attempt| !attempt.is_safe && attempt.reopened.get().is_none_or(|at| at.elapsed() <= after);
    tally.doubtful.saturating_sub(token.attempts.iter().filter(may_be).count() as u64)
}

/// Whether the client was told that the use is committed or given back, or that there was none for it.
fn is_settled(attempt: &Attempt) -> bool {
    attempt.answer().is_some_and(|got| {
        let is_told = got.field("x-l402-remaining").is_some();
        if got.is_served() { is_told } else { got.status < 500 && got.reason() != "lost-use" }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::{ONCE, Plan, REFUND};
    use crate::wire::Got;
    use core::time::Duration;
    use l402_core::Preimage;
    use std::sync::Arc;
    use std::time::Instant;

    fn attempt(plan: Plan, is_safe: bool) -> Attempt {
        let reopened = Arc::default();
        Attempt { plan, is_safe, goes: false, seen: 1, is_answered: true, got: Got::Nothing, reopened }
    }

    fn found(tally: [u64; 3], attempts: &[Attempt]) -> [u64; 4] {
        let mut token = Token::new(ONCE, "", &Preimage::from_bytes([1; 32]));
        token.attempts = attempts.to_vec();
        let [committed, reserved, doubtful] = tally;
        let Figures { over, unfounded, lost, twice, .. } =
            Figures::of(&token, &Tally { committed, reserved, doubtful, ..Tally::new(1) });
        [over, unfounded, lost, twice]
    }

    #[test]
    fn the_audit_sees_each_breach() {
        let (safe, other) = (attempt(Plan::Serve, true), attempt(Plan::Serve, false));
        let (twice, failed) = (Attempt { seen: 2, ..safe.clone() }, attempt(Plan::Status(404), true));
        let unanswered = Attempt { is_answered: false, ..safe.clone() };
        for (tally, attempts, expected) in [
            ([1, 0, 0], vec![safe.clone()], [0; 4]),
            ([0, 0, 1], vec![other.clone()], [0; 4]),
            ([1, 0, 0], vec![failed.clone(), failed.clone(), failed.clone()], [0; 4]),
            ([2, 0, 0], vec![safe.clone(), safe.clone()], [1, 0, 0, 0]),
            ([1, 0, 0], vec![other.clone(), other], [1, 0, 0, 0]),
            ([1, 0, 0], vec![unanswered], [0, 1, 0, 0]),
            ([1, 0, 0], vec![failed.clone(), failed], [0, 1, 0, 0]),
            ([0, 0, 1], vec![safe.clone()], [0, 1, 0, 0]),
            ([0, 1, 0], vec![safe], [0, 0, 1, 0]),
            ([1, 0, 0], vec![twice], [0, 0, 0, 1]),
        ] {
            assert_eq!(found(tally, &attempts), expected, "{attempts:?}");
        }
    }

    #[test]
    fn the_audit_sees_a_doubt_that_outlives_its_rule() {
        let mut token = Token::new(REFUND, "", &Preimage::from_bytes([1; 32]));
        token.attempts = vec![attempt(Plan::Serve, false)];
        let lost = |token: &Token| Figures::of(token, &Tally { doubtful: 1, ..Tally::new(3) }).lost;
        assert_eq!(lost(&token), 0, "no gateway has come after it");
        let long_ago = Instant::now().checked_sub(Duration::from_secs(5)).unwrap();
        token.attempts[0].reopened.set(long_ago).unwrap();
        assert_eq!(lost(&token), 1);
        token.ware.refunds_after = Some(Duration::from_mins(1));
        assert_eq!(lost(&token), 0);
    }
}
