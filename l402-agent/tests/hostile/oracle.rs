//! What the wallet was asked for and has debited, added up in the simplest way, against every budget.

use crate::seats::Seats;
use l402_core::PaymentHash;
use l402_core::purchase::Limits;
use std::collections::HashMap;

/// A budget, by its position; those that were removed stay.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) parent: Option<usize>,
    pub(crate) limits: Limits,
    pub(crate) is_removed: bool,
}

/// Who pays: a budget, for a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Buyer {
    pub(crate) budget: usize,
    pub(crate) request: u64,
    pub(crate) origin: String,
}

/// A payment.
#[derive(Debug, Clone)]
pub(crate) struct Deal {
    pub(crate) buyer: Buyer,
    /// The most that the wallet may debit, as it was told.
    pub(crate) most: u64,
    /// What it has debited, and when.
    pub(crate) debited: Option<(u64, u64)>,
    /// It has said for certain that it failed.
    pub(crate) is_over: bool,
}

impl Deal {
    fn is_open(&self) -> bool {
        self.debited.is_none() && !self.is_over
    }
}

/// The one origin that the policy lists.
pub(crate) const LISTED: &str = "http://shop0";

#[derive(Debug, Default)]
pub(crate) struct Oracle {
    pub(crate) budgets: Vec<Node>,
    pub(crate) deals: HashMap<PaymentHash, Deal>,
    /// Milliseconds that have really passed.
    pub(crate) now: u64,
    /// Whose breaker is tripped: that of an origin, or all of them where it is empty.
    pub(crate) tripped: Option<String>,
    pub(crate) seats: Seats,
    found: Option<String>,
}

impl Oracle {
    /// Takes note of a payment that may happen.
    pub(crate) fn may_pay(&mut self, hash: PaymentHash, most: u64) {
        if let Some(deal) = self.deals.get_mut(&hash) {
            (deal.most, deal.is_over) = (deal.most.max(most), false);
        }
        self.check();
    }

    /// Takes note of one that has happened.
    pub(crate) fn has_paid(&mut self, hash: PaymentHash, debited: u64) {
        let now = self.now;
        if let Some(deal) = self.deals.get_mut(&hash) {
            deal.debited = Some((debited, now));
            let request = deal.buyer.request;
            let same = self.deals.values().filter(|deal| deal.buyer.request == request && deal.debited.is_some());
            if same.count() > 1 {
                self.find(format!("request {request} was paid for twice"));
            }
        }
        self.check();
    }

    pub(crate) fn has_failed(&mut self, hash: &PaymentHash) {
        if let Some(deal) = self.deals.get_mut(hash) {
            deal.is_over = true;
        }
    }

    /// Says what was found first.
    pub(crate) fn found(&self) -> Result<(), String> {
        self.found.clone().map_or(Ok(()), Err)
    }

    pub(crate) fn find(&mut self, what: String) {
        self.found.get_or_insert(what);
    }

    /// Tells whether no payment may begin at an origin.
    pub(crate) fn is_tripped(&self, origin: &str) -> bool {
        self.tripped.as_ref().is_some_and(|tripped| tripped.is_empty() || tripped == origin)
    }

    /// Tells whether a budget is another one, or below it.
    pub(crate) fn is_under(&self, budget: usize, above: usize) -> bool {
        let mut at = Some(budget);
        while let Some(index) = at {
            if index == above {
                return true;
            }
            at = self.budgets[index].parent;
        }
        false
    }

    /// What has been debited in a budget, the payments of those below it included.
    pub(crate) fn debited(&self, budget: usize) -> u64 {
        let debited =
            |deal: &Deal| deal.debited.filter(|_| self.is_under(deal.buyer.budget, budget)).map(|debit| debit.0);
        self.deals.values().filter_map(debited).sum()
    }

    /// What has been debited since a time and may still be, of some of the payments.
    fn sum(&self, since: Option<u64>, counts: impl Fn(&Deal) -> bool) -> u64 {
        let exposed = |deal: &Deal| match deal.debited {
            Some((debited, at)) => {
                if since.is_none_or(|since| at > since) {
                    debited
                } else {
                    0
                }
            }
            None if deal.is_over => 0,
            None => deal.most,
        };
        self.deals.values().filter(|deal| counts(deal)).map(exposed).sum()
    }

    /// How many payments are under way, of some.
    fn open(&self, counts: impl Fn(&Deal) -> bool) -> u64 {
        self.deals.values().filter(|deal| deal.is_open() && counts(deal)).count() as u64
    }

    /// Takes note of what the wallet is asked for besides the amount.
    pub(crate) fn may_route(&mut self, hash: &PaymentHash, amount: u64, (fee, cltv): (u64, u32)) {
        let Some(budget) = self.deals.get(hash).map(|deal| deal.buyer.budget) else { return };
        for index in (0..self.budgets.len()).filter(|index| self.is_under(budget, *index)) {
            let Node { name, limits, .. } = &self.budgets[index];
            let is_dear = limits.fee_msat.is_some_and(|most| fee > most.get())
                || limits.fee_ppm.is_some_and(|ppm| u128::from(fee) * 1_000_000 > u128::from(amount) * u128::from(ppm));
            if is_dear || limits.cltv.is_some_and(|most| cltv > most) {
                let found =
                    format!("{name}: a fee of {fee} msat for {amount}, or {cltv} blocks; the limits are {limits:?}");
                self.found.get_or_insert(found);
                return;
            }
        }
    }

    fn check(&mut self) {
        for (index, Node { name, limits, .. }) in self.budgets.iter().enumerate() {
            let is_in = |deal: &Deal| self.is_under(deal.buyer.budget, index);
            let window = |length: u64| self.now.checked_sub(length);
            let mut sums = vec![
                ("in total", limits.total_msat, self.sum(None, is_in)),
                ("in an hour", limits.per_hour_msat, self.sum(window(3_600_000), is_in)),
                ("in a day", limits.per_day_msat, self.sum(window(86_400_000), is_in)),
                ("reserved", limits.reserved_msat, self.sum(None, |deal| is_in(deal) && deal.is_open())),
                ("not listed", limits.unlisted_msat, self.sum(None, |deal| is_in(deal) && deal.buyer.origin != LISTED)),
            ];
            let mut counts = vec![(limits.in_flight, self.open(is_in))];
            for deal in self.deals.values().filter(|deal| is_in(deal)) {
                let origin = self.sum(None, |other| is_in(other) && other.buyer.origin == deal.buyer.origin);
                sums.push(("at an origin", limits.per_origin_msat, origin));
                let is_there = |other: &Deal| is_in(other) && other.buyer.origin == deal.buyer.origin;
                let reserved = self.sum(None, |other| is_there(other) && other.is_open());
                sums.push(("reserved at an origin", limits.origin_reserved_msat, reserved));
                counts.push((limits.origin_in_flight, self.open(is_there)));
                let call = self.sum(None, |other| other.buyer.request == deal.buyer.request);
                sums.push(("for a call", limits.per_call_msat, call));
            }
            if let Some((most, open)) = counts.into_iter().find(|(most, open)| most.is_some_and(|most| *open > most)) {
                self.found.get_or_insert(format!("{name}: {open} payments are under way, and the limit is {most:?}"));
                return;
            }
            for (what, limit, sum) in sums {
                if limit.is_some_and(|limit| sum > limit.get()) {
                    let found = format!("{name} {what}: {sum} msat, and the limit is {limit:?}");
                    self.found.get_or_insert(found);
                    return;
                }
            }
        }
    }
}
