//! What happens to a payment, in a transaction of the store: all of it or nothing.

use super::clock::{self, ClockState};
use super::entry::{self, Held, Listing};
use super::judge::{self, Sale};
use super::line::{BudgetId, Stored, line};
use super::payee::{self, Node};
use super::refused::PolicyRefusal;
use super::service::service;
use super::wallet::{self, FeeLimit, Stopped};
use crate::policy::{Denied, InForce, PayeeVerdict};
use crate::store::clocks::Clocks;
use crate::store::record::Intent;
use l402_core::purchase::{self, Cost, Counted, Entry, Event, Passage, Refused, Standing, Window, WindowTime};
use l402_core::{Msat, PaymentHash};
use l402_http::pay::Order;
use rusqlite::Transaction;

/// What names a call, with all its payments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CallId([u8; 16]);

impl CallId {
    /// Draws one.
    ///
    /// # Errors
    /// Where the system gives no random bytes.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map(|()| Self(bytes))
    }

    /// Returns what the database has it by.
    pub(in crate::store) const fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Takes 16 bytes that no other call has.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes.
    pub(in crate::store) const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// What pays: a budget, for a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payer {
    /// The budget.
    pub budget: BudgetId,
    /// The call.
    pub call: CallId,
    /// Whether its wallet keeps the limit of the fee.
    pub fee_limit: FeeLimit,
}

/// Reserves what a payment may cost, before its intent is written.
pub(in crate::store) fn intend(
    tx: &Transaction<'_>,
    clocks: &dyn Clocks,
    policy: &InForce,
    payer: &Payer,
    intent: &Intent,
) -> rusqlite::Result<Result<(), Box<PolicyRefusal>>> {
    let hash = intent.payment_hash.to_string();
    let (before, line) = (entry::find(tx, &hash)?, line(tx, payer.budget)?);
    let mut held = Held {
        budget: payer.budget,
        call: payer.call.0.to_vec(),
        origin: intent.origin.to_string(),
        service: service(&intent.token).unwrap_or_default(),
        listing: judge::listing(policy, &intent.origin),
        entry: NOTHING,
    };
    if let Some(refused) = judge::routed(&line, intent, None) {
        return Ok(Err(Box::new(refused)));
    }
    if let Some(why) = wallet::obstacle(tx, &intent.wallet, payer.fee_limit)? {
        return Ok(Err(Box::new(PolicyRefusal::wallet(&intent.wallet, why))));
    }
    let ask = Ask { line: &line, held: &held, cost: payer.fee_limit.cost(intent) };
    match ask.decide(tx, clocks, |counted, cost, now| purchase::reserve(counted, cost, now))? {
        Ok(entry) => held.entry = entry,
        Err(refused) => return Ok(Err(refused)),
    }
    entry::note_listing(tx, &hash, held.listing)?;
    // What failed is begun again under the same hash: the totals of the budget that paid then hold nothing of it.
    let before = before.map(|before| before.entry);
    entry::write(tx, &hash, before.as_ref(), &held, &line).map(Ok)
}

/// Says why a payment would be refused now. Nothing is written.
pub(super) fn would_refuse(
    tx: &Transaction<'_>,
    clocks: &dyn Clocks,
    policy: &InForce,
    (budget, call): (BudgetId, CallId),
    sale: &Sale<'_>,
) -> rusqlite::Result<Option<PolicyRefusal>> {
    let line = line(tx, budget)?;
    let (call, service) = (call.0.to_vec(), sale.service.unwrap_or_default().to_owned());
    if let Some(refused) = judge::judged(tx, policy, &line, &call, sale)? {
        return Ok(Some(refused));
    }
    let listing = judge::listing(policy, sale.origin);
    let held = Held { budget, call, origin: sale.origin.to_string(), service, listing, entry: NOTHING };
    let ask = Ask { line: &line, held: &held, cost: sale.cost };
    let decided = ask.decide(tx, clocks, |counted, cost, now| purchase::reserve(counted, cost, now))?;
    Ok(decided.err().map(|refused| *refused))
}

/// Says why a payment would be refused. Nothing is reserved.
pub(in crate::store) fn would_refuse_intent(
    tx: &Transaction<'_>,
    clocks: &dyn Clocks,
    policy: &InForce,
    payer: &Payer,
    intent: &Intent,
) -> rusqlite::Result<Option<PolicyRefusal>> {
    if let Some(refused) = judge::routed(&line(tx, payer.budget)?, intent, None) {
        return Ok(Some(refused));
    }
    if let Some(why) = wallet::obstacle(tx, &intent.wallet, payer.fee_limit)? {
        return Ok(Some(PolicyRefusal::wallet(&intent.wallet, why)));
    }
    let (service, cost) = (service(&intent.token), payer.fee_limit.cost(intent));
    let sale = Sale { origin: &intent.origin, method: &intent.method, service: service.as_deref(), cost };
    would_refuse(tx, clocks, policy, (payer.budget, payer.call), &sale)
}

/// Says why the owner's policy does not allow a payment, or what is to happen with the node that it goes to.
pub(in crate::store) fn judge(
    tx: &Transaction<'_>,
    policy: &InForce,
    payer: &Payer,
    (intent, node): (&Intent, Node),
) -> rusqlite::Result<Result<PayeeVerdict, Box<PolicyRefusal>>> {
    let (service, cost) = (service(&intent.token), payer.fee_limit.cost(intent));
    let sale = Sale { origin: &intent.origin, method: &intent.method, service: service.as_deref(), cost };
    let line = line(tx, payer.budget)?;
    if let Some(refused) = judge::judged(tx, policy, &line, &payer.call.0, &sale)? {
        return Ok(Err(Box::new(refused)));
    }
    Ok(match payee::look(tx, policy, intent, node)? {
        PayeeVerdict::Deny(why) => Err(Box::new(PolicyRefusal::denied(Denied { origin: intent.origin.clone(), why }))),
        verdict => Ok(verdict),
    })
}

/// Reserves what a payment may cost more than before, since the wallet is about to be asked again.
pub(in crate::store) fn raise(
    tx: &Transaction<'_>,
    clocks: &dyn Clocks,
    intent: &Intent,
    earlier: Option<&Order>,
) -> rusqlite::Result<Result<(), Box<PolicyRefusal>>> {
    let hash = intent.payment_hash.to_string();
    let Some(held) = entry::find(tx, &hash)? else { return Ok(Ok(())) };
    let (line, before) = (line(tx, held.budget)?, held.entry);
    if let Some(refused) = judge::routed(&line, intent, earlier) {
        return Ok(Err(Box::new(refused)));
    }
    if wallet::is_stopped(tx, &intent.wallet)? {
        return Ok(Err(Box::new(PolicyRefusal::wallet(&intent.wallet, Stopped::Overran))));
    }
    // What was reserved for a wallet that keeps no limit stays reserved.
    let ask = Ask { line: &line, held: &held, cost: FeeLimit::Kept.cost(intent) };
    match ask.decide(tx, clocks, |counted, cost, now| purchase::raise(counted, before, cost, now))? {
        Ok(entry) => {
            let (entry, _) = purchase::step(entry, Event::TakeOver, WindowTime::default());
            entry::write(tx, &hash, Some(&before), &Held { entry, ..held }, &line).map(Ok)
        }
        Err(refused) => Ok(Err(refused)),
    }
}

/// Takes note of what became of a payment. The wallet was asked, or may have been.
pub(in crate::store) fn happen(
    tx: &Transaction<'_>,
    clocks: &dyn Clocks,
    hash: &PaymentHash,
    event: Event,
) -> rusqlite::Result<()> {
    let hash = hash.to_string();
    let Some(held) = entry::find(tx, &hash)? else { return Ok(()) };
    let ClockState { time, passage } = clock::pass(tx, clocks)?;
    let now = if matches!(passage, Passage::Behind(_)) { clock::UNDATED } else { time };
    let (sent, _) = purchase::step(held.entry, Event::Send, now);
    let (entry, _) = purchase::step(sent, event, now);
    let (line, before) = (line(tx, held.budget)?, held.entry);
    if entry.standing == Standing::Proven && before.standing.is_open() && entry.held_msat > before.held_msat {
        wallet::stop(tx, clocks, &hash, time, entry.held_msat.saturating_sub(before.held_msat))?;
    }
    entry::write(tx, &hash, Some(&before), &Held { entry, ..held }, &line)
}

/// A payment that asks for room.
struct Ask<'a> {
    line: &'a [Stored],
    held: &'a Held,
    cost: Cost,
}

impl Ask<'_> {
    fn decide(
        &self,
        tx: &Transaction<'_>,
        clocks: &dyn Clocks,
        decide: impl FnOnce(Vec<(&purchase::Budget, &Counted)>, Cost, WindowTime) -> Result<Entry, Refused>,
    ) -> rusqlite::Result<Result<Entry, Box<PolicyRefusal>>> {
        let ClockState { time, passage } = clock::pass(tx, clocks)?;
        if let (Passage::Behind(by), Some(timed)) = (passage, self.line.iter().find(|one| one.budget.needs_time())) {
            return Ok(Err(Box::new(PolicyRefusal::clock(&timed.name, by))));
        }
        let counted = self.line.iter().map(|stored| self.counted(tx, stored, time));
        let counted: Vec<Counted> = counted.collect::<rusqlite::Result<_>>()?;
        let pairs = self.line.iter().map(|stored| &stored.budget).zip(&counted).collect();
        match decide(pairs, self.cost, time) {
            Ok(entry) => Ok(Ok(entry)),
            Err(refused) => self.refused(tx, refused, time).map(Err),
        }
    }

    fn counted(&self, tx: &Transaction<'_>, stored: &Stored, now: WindowTime) -> rusqlite::Result<Counted> {
        let (limits, Held { origin, service, call, .. }) = (&stored.budget.limits, self.held);
        let account = |origin: &str, service: &str| entry::account(tx, stored.id, origin, service);
        let mut counted = Counted { origin: account(origin, "")?, total: account("", "")?, ..Counted::default() };
        if !service.is_empty() {
            counted.service = account(origin, service)?;
        }
        if self.held.listing == Listing::Unlisted {
            counted.unlisted = Some(account(entry::UNLISTED, "")?);
        }
        if limits.per_call_msat.is_some() {
            counted.call_msat = entry::of_call(tx, call)?;
        }
        if limits.per_hour_msat.is_some() || limits.per_day_msat.is_some() {
            let recent = entry::recent(tx, stored.id, now)?;
            counted.hour_msat = Window::Hour.sum(recent.iter().copied(), now);
            counted.day_msat = Window::Day.sum(recent.iter().copied(), now);
        }
        Ok(counted)
    }

    /// Says why, and when there is room again.
    fn refused(&self, tx: &Transaction<'_>, refused: Refused, now: WindowTime) -> rusqlite::Result<Box<PolicyRefusal>> {
        let Some(stored) = self.line.get(refused.level) else { return Err(super::line::wrong("parent")) };
        let free_in = match refused.window() {
            None => None,
            Some((window, excess)) => {
                let recent = entry::recent(tx, stored.id, now)?;
                window.frees(recent, excess, now).map(|at| at.since(now))
            }
        };
        Ok(Box::new(PolicyRefusal::budget(&stored.name, refused.why, self.cost, free_in)))
    }
}

/// An entry that holds nothing yet.
const NOTHING: Entry = Entry { standing: Standing::Intended, held_msat: Msat::ZERO, closed_at: None };
