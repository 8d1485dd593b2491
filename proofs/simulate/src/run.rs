//! A run of a seed: everybody lives, comes to rest, and is audited.

use crate::answer::Answer;
use crate::audit;
use crate::book::Told;
use crate::meter::{MOST_TOKENS, Metering};
use crate::plan::{Caller, End, Plan, What};
use crate::town::Town;
use core::time::Duration;
use l402_core::ledger::{DoubtRule, Resolution};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// What came of a run.
#[derive(Debug)]
pub struct Report {
    /// What should not be; nothing, as a rule.
    pub breaches: Vec<String>,
    /// What happened how often.
    pub seen: BTreeMap<&'static str, u64>,
    /// All that happened, in its order, as a number: two runs of a seed have the same.
    pub digest: u64,
}

/// Carries out the plan of a seed, on this thread.
///
/// ```
/// assert_eq!(l402_simulate::run(7).breaches, Vec::<String>::new());
/// ```
///
/// # Panics
/// Where the system gives no runtime.
pub fn run(seed: u64) -> Report {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    runtime.block_on(async {
        let town = Town::found(Plan::of(seed));
        live(&town).await;
        let pages = core::mem::take(&mut *town.network.book.open());
        Report { breaches: pages.breaches, seen: pages.seen, digest: pages.digest }
    })
}

async fn live(town: &Arc<Town>) {
    let mut background = JoinSet::new();
    for at in 0..town.gateways.len() {
        background.spawn(Arc::clone(town).run_gateway(at));
    }
    for (at, lasts, is_silent) in town.plan.outages.clone() {
        background.spawn(Arc::clone(town).outage(at, lasts, is_silent));
    }
    for (at, how) in town.plan.decisions.clone() {
        let this = Arc::clone(town);
        background.spawn(async move {
            sleep(at).await;
            this.network.store.decide(&this.purchase.payment, how);
        });
    }
    let mut callers = JoinSet::new();
    for (at, caller) in town.plan.callers.iter().enumerate() {
        callers.spawn(Arc::clone(town).call(at, caller.clone()));
    }
    while let Some(ended) = callers.join_next().await {
        if let Err(error) = ended {
            town.network.book.breach(format!("a caller has panicked: {error}"));
        }
    }
    town.rest().await;
    town.note_orphans();
    audit::audit(town);
    ask_for_the_rest(town).await;
    if town.plan.is_swept {
        sweep(town).await;
    }
}

/// Presents the token until it is spent: what is not committed and not in doubt is served, and no more.
async fn ask_for_the_rest(town: &Town) {
    let free = audit::free(town);
    if let Some(metering) = town.plan.meter {
        return ask_for_the_balance(town, metering, free).await;
    }
    let mut served = 0;
    let last = loop {
        let told = ask_calmly(town, 1_000 + served, None).await;
        match told {
            Some(Told::Upstream) if served <= u64::from(town.plan.uses) => served += 1,
            told => break told,
        }
    };
    let expected = if audit::doubtful(town) > 0 { 409 } else { 402 };
    if (served, last) != (free, Some(Told::Gateway(expected))) {
        let book = &town.network.book;
        book.breach(format!("{free} uses are free; {served} are served, and then the client is told {last:?}"));
    }
}

/// Asks for responses that cost what is left: it is drawn to the last msat, or as far as it can be held.
async fn ask_for_the_balance(town: &Town, metering: Metering, free: u64) {
    let (times, each) = match metering {
        Metering::Bytes | Metering::Seconds => (u64::from(free > 0), free),
        Metering::Tokens => (free / metering.cost(MOST_TOKENS), metering.cost(MOST_TOKENS)),
    };
    let (mut served, doubtful) = (0, audit::doubtful(town));
    while served < times && ask_calmly(town, 1_000 + served, Some(each)).await == Some(Told::Upstream) {
        served += 1;
    }
    sleep(Duration::from_secs(20)).await; // the last settlement may be on its way
    // A doubt that ended meanwhile may have given its money back, which the response may have gone on to draw.
    let returned = match town.plan.doubt {
        DoubtRule::After(_, Resolution::Unused) => doubtful.saturating_sub(audit::doubtful(town)),
        _ => 0,
    };
    let (left, rest) = (audit::free(town), free - times * each);
    let last = ask_calmly(town, 1_500, Some(1)).await;
    let expected = match (left.saturating_sub(rest), audit::doubtful(town)) {
        (1.., _) => Told::Upstream,
        (0, 1..) => Told::Gateway(409),
        (0, 0) => Told::Gateway(402),
    };
    if served != times || !(rest..=rest + returned).contains(&left) || last != Some(expected) {
        town.network.book.breach(format!(
            "{free} msat are free; {served} responses are served, {left} are left, and then the client is told {last:?}"
        ));
    }
}

async fn ask_calmly(town: &Town, number: u64, costs: Option<u64>) -> Option<Told> {
    let answers = vec![(Duration::ZERO, Answer::Status(200))];
    let (at, end) = (Duration::ZERO, End::Response);
    let (what, has_key, is_delegate) = (What::Read, false, false);
    let caller = Caller { at, what, number, has_key, is_delegate, end, costs, answers };
    let gateway = town.place(0).clone()?;
    town.ask(&gateway, &caller, End::Response, caller.answers[0]).await
}

/// The sale ends, its record is deleted, and the clocks are put back: nothing is served again.
async fn sweep(town: &Town) {
    town.network.store.set_ahead(Duration::from_hours(2));
    let swept = town.network.store.sweep(100);
    town.network.store.set_ahead(Duration::ZERO);
    sleep(Duration::from_secs(20)).await;
    let told = ask_calmly(town, 2_000, None).await;
    if !matches!((&swept, told), (Ok(1), Some(Told::Gateway(402)))) {
        let book = &town.network.book;
        book.breach(format!(
            "the record is deleted, the clocks are put back, and the client is told {told:?} ({swept:?})"
        ));
    }
    // Another sale, with a later end, was deleted too: none is offered that would be refused.
    town.network.store.raise_horizon(Duration::from_hours(48));
    sleep(Duration::from_secs(20)).await;
    let told = ask_calmly(town, 2_001, None).await;
    if !matches!(told, Some(Told::Gateway(503))) {
        town.network.book.breach(format!("whatever is sold would be refused, and the client is told {told:?}"));
    }
}
