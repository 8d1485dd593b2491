//! The audit at rest: what the store says beside what upstream and clients saw.
//!
//! 1. No counter is committed more often than it was sold, and no client has more than that.
//! 2. A use is committed only for an attempt that the upstream has served, for a third try, or by a decision. ([`watch`](crate::watch)
//!    looks at each commit; here the counters are counted again.)
//! 3. Every use is committed, available or in doubt: nothing is reserved any more.
//! 4. What may have had an effect holds a use, unless somebody has decided otherwise.
//! 5. Nothing is in doubt that never went to the upstream, unless the gateway crashed, or the request was refused and asked for once
//!    more on the way.
//! 6. Whoever got no response of the upstream has paid nothing, unless the gateway crashed.

use crate::answer::Class;
use crate::book::{Call, Told};
use crate::meter::{Metering, millis};
use crate::plan::What;
use crate::town::Town;
use crate::watch::{Seen, Watched};
use l402_core::CounterKey;
use l402_core::ledger::{AttemptId, Record, Safety, Standing, Tally};

pub(crate) fn audit(town: &Town) {
    let mut breaches = Vec::new();
    if let Some(watched) = town.network.store.watched(&town.purchase.payment) {
        for (key, tally) in watched.account.uses().tallies {
            breaches.extend(of_counter(town, &watched, &key, &tally));
        }
        for (id, seen) in &watched.attempts {
            let call = town.network.book.open().call_of(id);
            breaches.extend(call.and_then(|(_, call)| of_attempt(id, seen, &call)));
            breaches
                .extend(call.zip(town.plan.meter).and_then(|((_, call), metering)| of_draws(metering, seen, &call)));
        }
    }
    breaches.extend(of_clients(town));
    town.network.book.open().breaches.extend(breaches);
}

/// How many uses of the sale are free.
pub(crate) fn free(town: &Town) -> u64 {
    sale(town).free()
}

/// How much of it is in doubt.
pub(crate) fn doubtful(town: &Town) -> u64 {
    sale(town).doubtful
}

fn sale(town: &Town) -> Tally {
    let watched = town.network.store.watched(&town.purchase.payment);
    let tally = watched.and_then(|watched| watched.account.tally(&CounterKey::SALE));
    tally.unwrap_or(Tally::new(town.plan.sold()))
}

fn of_counter(town: &Town, watched: &Watched, key: &CounterKey, tally: &Tally) -> Option<String> {
    let of_key = || watched.attempts.values().filter(|seen| seen.takes_from(key));
    let used: u64 = of_key().map(Seen::charged).sum();
    let in_doubt: u64 = of_key().filter(|seen| seen.is_in_doubt()).map(|seen| seen.attempt.amount).sum();
    let sold = if *key == CounterKey::SALE { town.plan.sold() } else { town.plan.branch.map_or(0, u64::from) };
    let is_right = tally.limit == sold
        && tally.reserved == 0
        && (tally.committed, tally.doubtful) == (used, in_doubt)
        && tally.committed + tally.doubtful + tally.free() == sold;
    (!is_right).then(|| format!("{sold} sold; {used} used, {in_doubt} in doubt; the store says {tally:?}"))
}

fn of_attempt(id: &AttemptId, seen: &Seen, call: &Call) -> Option<String> {
    let may_have_effect = call.is_forwarded && matches!(call.class, Class::Served | Class::Unknown);
    let is_bound = seen.attempt.safety == Safety::Unsafe && call.what != What::Redo;
    if may_have_effect && is_bound && !seen.is_accounted_for() {
        return Some(format!("{id} may have had an effect, and holds no use: {call:?} {seen:?}"));
    }
    if seen.is_in_doubt() && !call.is_forwarded && !call.is_orphaned && !call.is_refused {
        return Some(format!("{id} is in doubt, and never went to the upstream: {call:?} {seen:?}"));
    }
    let got_nothing = matches!(call.told, Some(Told::Gateway(_)));
    let has_paid = seen.is_used() && !seen.is_third_try && !seen.is_decided;
    let is_wronged = got_nothing && has_paid && !call.is_orphaned;
    is_wronged.then(|| format!("{id} is committed, and its client was served nothing: {call:?} {seen:?}"))
}

/// What an attempt was charged, beside what its client had of the response.
fn of_draws(metering: Metering, seen: &Seen, call: &Call) -> Option<String> {
    if seen.is_third_try || seen.is_decided {
        return None;
    }
    let (charged, had) = (seen.charged(), &call.had);
    let begun = had.head.filter(|_| call.class == Class::Served);
    let (least, most) = match (metering, begun, call.answered_at) {
        // After a crash, what was committed at the head stays; so does a slice before it.
        (_, None, _) if call.is_orphaned && call.is_forwarded => (0, metering.cost(metering.ahead())),
        // What may have an effect runs on without its client: until its head, and its tokens are cut off there.
        (Metering::Seconds | Metering::Tokens, None, Some(_)) if call.is_gone => (0, metering.cost(metering.ahead())),
        (_, None, _) | (_, _, None) => (0, 0),
        (Metering::Bytes, Some(_), _) => (metering.cost(had.bytes), metering.cost(had.bytes)),
        (Metering::Seconds, Some(begun), Some(answered)) => {
            let [last, end] = [had.last, had.end].map(|time| time.unwrap_or(begun));
            (millis(begun, last), millis(answered, end.max(last)))
        }
        (Metering::Tokens, Some(_), _) => {
            let held = metering.cost(metering.ahead());
            let said = call.tokens.map_or(held, |tokens| metering.cost(tokens).min(held));
            (said, if had.is_whole { said } else { held })
        }
    };
    // The same request again, on an idempotent route, takes over what a crash has left in doubt.
    let is_taken_over = call.what == What::Redo && matches!(seen.attempt.standing, Standing::Cancelled { .. });
    let is_in_doubt = metering == Metering::Tokens && call.is_orphaned && (seen.is_in_doubt() || is_taken_over);
    let ahead = if call.is_orphaned { metering.cost(metering.ahead()) } else { 0 };
    let most = if metering == Metering::Tokens { most } else { most + ahead };
    let is_right = is_in_doubt || (least..=most).contains(&charged);
    (!is_right).then(|| format!("{charged} msat are charged, in place of {least} to {most}: {call:?} {seen:?}"))
}

/// What clients have, for the sale and for the part that was passed on.
fn of_clients(town: &Town) -> Option<String> {
    let pages = town.network.book.open();
    let delivered = || pages.calls.values().filter(|call| call.is_delivered());
    let all = delivered().count() as u64;
    let delegated = delivered().filter(|call| call.is_delegate).count() as u64;
    if town.plan.meter.is_some() {
        return None; // a balance has no number of responses
    }
    let branch = town.plan.branch.map_or(u64::MAX, u64::from);
    let is_right = all <= u64::from(town.plan.uses) && delegated <= branch;
    (!is_right)
        .then(|| format!("{all} responses, {delegated} of them to the delegate, for a sale of {}", town.plan.uses))
}
