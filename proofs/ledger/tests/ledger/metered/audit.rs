//! The audit of balances: what the ledger says was drawn, beside what the upstream sent and clients have.
//!
//! 1. Never more is drawn than was sold.
//! 2. What clients have is paid for, or in doubt.
//! 3. What is drawn has a reason: a response costs what of it was passed on. Where its gateway was killed in the middle, or the balance
//!    or the ledger ended it, that is at most a slice more than the client has, and what the gateway's own buffers held.
//! 4. Only what may have had an effect is in doubt, with what it held.

use super::Ware;
use super::book::{Purse, Request};
use crate::PRICE;
use crate::book::Effect;
use core::fmt;
use core::ops::AddAssign;
use l402_core::CounterKey;
use l402_core::ledger::Tally;
use l402_ledger::{Ledger, LedgerStore as _};

/// What an audit has found, in msat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Figures {
    purses: u64,
    requests: u64,
    sold: u64,
    drawn: u64,
    doubtful: u64,
    /// What is drawn for what no client has.
    undelivered: u64,
    over: u64,
    unpaid: u64,
    unfounded: u64,
    lost: u64,
}

impl Figures {
    /// Of one balance. The leases have ended.
    fn of(purse: &Purse, tally: &Tally) -> Self {
        let (ware, requests) = (purse.ware, &purse.requests);
        let sum = |of: &dyn Fn(&Request) -> u64| requests.iter().map(of).sum::<u64>();
        let count = |is: &dyn Fn(&Request) -> bool| sum(&|request| u64::from(is(request)));
        let delivered = sum(&|request| delivered(ware, request));
        let tries = count(&|request| request.goes || request.plan.effect() == Effect::Counts && request.is_seen);
        let founded = sum(&|request| founded(ware, request)) + tries / 3 * ware.holds();
        let unclear = count(&|request| is_unclear(ware, request)) * ware.holds();
        Self {
            purses: 1,
            requests: requests.len() as u64,
            sold: PRICE.get(),
            drawn: tally.committed,
            doubtful: tally.doubtful,
            undelivered: tally.committed.saturating_sub(delivered),
            over: tally.committed.saturating_sub(PRICE.get()) + tally.limit.abs_diff(PRICE.get()),
            unpaid: delivered.saturating_sub(tally.committed + tally.doubtful),
            unfounded: tally.committed.saturating_sub(founded) + tally.doubtful.saturating_sub(unclear),
            lost: tally.reserved,
        }
    }

    /// Whether every promise was kept.
    pub(crate) const fn is_clean(&self) -> bool {
        self.over == 0 && self.unpaid == 0 && self.unfounded == 0 && self.lost == 0
    }
}

/// The least that a request costs: what its client has.
fn delivered(ware: Ware, request: &Request) -> u64 {
    match ware {
        Ware::Bytes if request.is_served() => ware.cost(received(request)),
        Ware::Tokens if request.is_whole() => ware.cost(request.units),
        _ => 0,
    }
}

/// The most that it may cost.
fn founded(ware: Ware, request: &Request) -> u64 {
    if !request.is_answered || request.plan.effect() != Effect::Commits {
        return 0;
    }
    let all = ware.cost(request.units);
    match ware {
        Ware::Tokens if request.is_whole() => all,
        Ware::Tokens => ware.holds(),
        // What was passed on to a client that has gone is not known here.
        Ware::Bytes if request.goes || !request.is_over => all,
        Ware::Bytes => all.min(ware.cost(received(request) + SLICE + BUFFER)),
    }
}

/// Nobody was told what became of it.
fn is_unclear(ware: Ware, request: &Request) -> bool {
    let is_told = request.answer().is_some_and(|answer| {
        if answer.is_served() { ware == Ware::Bytes } else { answer.status < 500 && answer.reason() != "lost-use" }
    });
    !request.is_safe && !is_told
}

fn received(request: &Request) -> u64 {
    request.answer().map_or(0, |answer| answer.received() as u64)
}

impl AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        self.purses += other.purses;
        self.requests += other.requests;
        self.sold += other.sold;
        self.drawn += other.drawn;
        self.doubtful += other.doubtful;
        self.undelivered += other.undelivered;
        self.over += other.over;
        self.unpaid += other.unpaid;
        self.unfounded += other.unfounded;
        self.lost += other.lost;
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { purses, requests, sold, drawn, doubtful, undelivered, over, unpaid, unfounded, lost } = self;
        writeln!(f, "  {purses} balances of {sold} msat in all; {requests} requests")?;
        writeln!(f, "  drawn {drawn} msat, of which {undelivered} for what no client has; in doubt {doubtful}")?;
        write!(
            f,
            "  over-drawn {over}, delivered unpaid {unpaid}, drawn or in doubt without a reason {unfounded}, lost {lost}"
        )
    }
}

/// Holds the ledger against the books.
pub(crate) async fn audit(ledger: &Ledger, purses: &[Purse]) -> Figures {
    let mut figures = Figures::default();
    for purse in purses {
        let tally = tally(ledger, purse).await;
        let of_purse = Figures::of(purse, &tally);
        if !of_purse.is_clean() {
            println!("{}: {tally:?} {:?} {:?}", purse.hash, purse.ware, purse.requests);
        }
        figures += of_purse;
    }
    figures
}

/// The counter of a sale.
pub(super) async fn tally(ledger: &Ledger, purse: &Purse) -> Tally {
    let uses = ledger.uses(&purse.hash).await.expect("the ledger answers");
    let tallies = uses.map(|uses| uses.tallies).unwrap_or_default();
    let of_sale = tallies.iter().find(|(key, _)| *key == CounterKey::SALE);
    of_sale.map_or_else(|| Tally::new(PRICE.get()), |(_, tally)| *tally)
}

/// What is drawn ahead.
const SLICE: u64 = 1 << 20;

/// What a connection of the gateway holds back while its client is slow, and loses when it is killed.
const BUFFER: u64 = 512 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::Plan;
    use crate::wire::{Answer, Got};
    use l402_core::Preimage;

    /// A request for 3 MiB that was answered, of which its client has so many bytes.
    fn bytes(received: usize) -> Request {
        let got = Got::Answer(Answer::served(received, 3 << 20));
        Request {
            is_seen: true,
            is_answered: true,
            is_over: true,
            got,
            ..Request::new(Plan::Serve, 3 << 20, true, false)
        }
    }

    /// A request for 100 tokens that was answered, of which its client has all or not.
    fn tokens(is_whole: bool) -> Request {
        let got = Got::Answer(Answer::served(if is_whole { 60 } else { 30 }, 60));
        Request { is_seen: true, is_answered: true, is_over: true, got, ..Request::new(Plan::Serve, 100, false, false) }
    }

    fn found(ware: Ware, [committed, reserved, doubtful]: [u64; 3], requests: &[Request]) -> [u64; 4] {
        let mut purse = Purse::new(ware, "", &Preimage::from_bytes([1; 32]));
        purse.requests = requests.to_vec();
        let Figures { over, unpaid, unfounded, lost, .. } =
            Figures::of(&purse, &Tally { committed, reserved, doubtful, ..Tally::new(PRICE.get()) });
        [over, unpaid, unfounded, lost]
    }

    #[test]
    fn the_audit_of_balances_sees_each_breach() {
        let (whole, killed) = (bytes(3 << 20), bytes(1 << 20));
        let unanswered = Request { is_answered: false, ..killed.clone() };
        for (tally, requests, expected) in [
            ([6_144, 0, 0], vec![whole.clone()], [0; 4]),
            ([4_096, 0, 0], vec![killed.clone()], [0; 4]),
            ([21_001, 0, 0], vec![whole.clone(); 4], [1, 3_575, 0, 0]),
            ([6_143, 0, 0], vec![whole.clone()], [0, 1, 0, 0]),
            ([6_145, 0, 0], vec![whole.clone()], [0, 0, 1, 0]),
            ([5_121, 0, 0], vec![killed], [0, 0, 1, 0]),
            ([2_048, 0, 0], vec![unanswered], [0, 0, 2_048, 0]),
            ([6_144, 0, 1], vec![whole.clone()], [0, 0, 1, 0]),
            ([6_144, 1, 0], vec![whole], [0, 0, 0, 1]),
        ] {
            assert_eq!(found(Ware::Bytes, tally, &requests), expected, "{tally:?} {requests:?}");
        }
        for (tally, requests, expected) in [
            ([500, 0, 0], vec![tokens(true)], [0; 4]),
            ([0, 0, 5_000], vec![tokens(true)], [0; 4]),
            ([5_000, 0, 0], vec![tokens(false)], [0; 4]),
            ([0, 0, 0], vec![tokens(true)], [0, 500, 0, 0]),
            ([501, 0, 0], vec![tokens(true)], [0, 0, 1, 0]),
            ([0, 0, 5_001], vec![tokens(false)], [0, 0, 1, 0]),
        ] {
            assert_eq!(found(Ware::Tokens, tally, &requests), expected, "{tally:?} {requests:?}");
        }
    }
}
