//! Calls about the ledger: which uses are in doubt, and what becomes of them.
//!
//! A use is in doubt when its request may have had an effect and its outcome is not known. Whoever runs the upstream finds out, and
//! says so here.

use l402_core::ledger::{AttemptId, Event, Reply as Said, Resolution, Tally};
use l402_core::{CounterKey, PaymentHash};
use l402_ledger::{DoubtfulUse, Ledger, LedgerStore as _, StoreError};
use l402_program::Causes;
use serde_json::{Value, json};

use super::wire::{Decided, Reply, UsesCall};

/// Answers a call from a ledger. A program does so itself where no gateway runs.
///
/// ```
/// use l402_gateway::control::{Reply, UsesCall, uses};
/// use l402_ledger::{Ledger, testing::FakeStore};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let ledger = Ledger::new(FakeStore::new());
/// assert_eq!(uses::answer(&ledger, &UsesCall::List).await, Reply::Facts(serde_json::json!([])));
/// # });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub async fn answer(ledger: &Ledger, call: &UsesCall) -> Reply {
    let facts = match call {
        UsesCall::List => list(ledger).await,
        UsesCall::Clock => clock(ledger).await,
        UsesCall::Show { payment } => show(ledger, payment).await,
        UsesCall::Resolve { payment, outcome, number } => resolve(ledger, payment, *outcome, *number).await,
    };
    facts.map_or_else(Reply::Refused, Reply::Facts)
}

async fn list(ledger: &Ledger) -> Result<Value, String> {
    let doubtful = ledger.doubtful(MOST).await.map_err(|fault| told(&fault))?;
    Ok(doubtful.iter().map(|of| doubt(of, true)).collect())
}

async fn clock(ledger: &Ledger) -> Result<Value, String> {
    let now = ledger.now().await.map_err(|fault| told(&fault))?;
    let time = now.time.millis() / 1_000;
    Ok(
        json!({ "time_unix": time, "horizon_unix": now.horizon.get(), "ahead_seconds": now.horizon.get().saturating_sub(time) }),
    )
}

async fn show(ledger: &Ledger, payment: &str) -> Result<Value, String> {
    let payment = hash(payment)?;
    let Some(uses) = ledger.uses(&payment).await.map_err(|fault| told(&fault))? else {
        return Err("nothing of this payment was used, or its token has ended".to_owned());
    };
    let doubts = doubts(ledger, &payment).await?;
    Ok(json!({
        "payment": payment.to_string(),
        "ends_at_unix": uses.ends_at.get(),
        "counters": uses.tallies.iter().map(|(key, tally)| counter(key, tally)).collect::<Vec<_>>(),
        "in_doubt": doubts.iter().map(|of| doubt(of, false)).collect::<Vec<_>>(),
    }))
}

async fn resolve(ledger: &Ledger, payment: &str, outcome: Decided, number: Option<u32>) -> Result<Value, String> {
    let payment = hash(payment)?;
    let resolution = match outcome {
        Decided::Used => Resolution::Used,
        Decided::Unused => Resolution::Unused,
    };
    let mut resolved = Vec::new();
    for of in doubts(ledger, &payment).await?.iter().filter(|of| number.is_none_or(|number| of.number == number)) {
        let said = ledger
            .apply(&payment, of.attempt, Event::Resolve(resolution))
            .await
            .map_err(|fault| format!("{}; {} of the uses in doubt were resolved", told(&fault), resolved.len()))?;
        if said == Said::Resolved {
            resolved.push(of.number);
        }
    }
    if resolved.is_empty() {
        return Err("no such use is in doubt; nothing was changed".to_owned());
    }
    Ok(json!({ "payment": payment.to_string(), "resolved": resolved, "as": outcome }))
}

/// The uses of one payment that are in doubt.
async fn doubts(ledger: &Ledger, payment: &PaymentHash) -> Result<Vec<DoubtfulUse>, String> {
    let all = ledger.doubtful(MOST).await.map_err(|fault| told(&fault))?;
    Ok(all.into_iter().filter(|of| of.payment == *payment).collect())
}

fn doubt(of: &DoubtfulUse, with_payment: bool) -> Value {
    let mut told = json!({ "use": of.number, "attempt": of.attempt.to_string(), "ends_at_unix": of.ends_at.get() });
    if with_payment && let Some(told) = told.as_object_mut() {
        told.insert("payment".to_owned(), of.payment.to_string().into());
    }
    told
}

fn counter(key: &CounterKey, tally: &Tally) -> Value {
    let name = match *key {
        CounterKey::SALE => "sale".to_owned(),
        _ => AttemptId::from_bytes(*key.as_bytes()).to_string(), // as hexadecimal digits
    };
    json!({
        "counter": name,
        "sold": tally.limit,
        "used": tally.committed,
        "reserved": tally.reserved,
        "in_doubt": tally.doubtful,
        "available": tally.free(),
    })
}

fn hash(text: &str) -> Result<PaymentHash, String> {
    text.parse().map_err(|_| "a payment hash has 64 hexadecimal digits".to_owned())
}

fn told(fault: &StoreError) -> String {
    Causes(fault).to_string()
}

/// How many uses in doubt are looked at.
const MOST: usize = 100_000;

#[cfg(test)]
mod tests {
    use super::*;
    use l402_core::ledger::Safety;
    use l402_ledger::testing::{FakeStore, reserve};

    const PAYMENT: PaymentHash = PaymentHash::from_bytes([1; 32]);

    /// A bundle of three of which two uses are in doubt.
    async fn doubtful() -> Ledger {
        let ledger = Ledger::new(FakeStore::new());
        for name in [1, 2] {
            let (id, mut asked) = (AttemptId::from_bytes([name; 16]), reserve(3));
            asked.safety = Safety::Unsafe;
            ledger.apply(&PAYMENT, id, Event::Reserve(asked)).await.expect("reserved");
            ledger.apply(&PAYMENT, id, Event::Doubt).await.expect("in doubt");
        }
        ledger
    }

    async fn facts(ledger: &Ledger, call: &UsesCall) -> Value {
        match answer(ledger, call).await {
            Reply::Facts(facts) => facts,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn s1_a_use_in_doubt_is_listed_and_shown() {
        let ledger = doubtful().await;
        let listed = facts(&ledger, &UsesCall::List).await;
        assert_eq!((listed[0]["use"].as_u64(), listed[1]["use"].as_u64()), (Some(0), Some(1)), "{listed}");
        assert_eq!(listed[0]["payment"], PAYMENT.to_string());
        let shown = facts(&ledger, &UsesCall::Show { payment: PAYMENT.to_string() }).await;
        let sale = json!({ "counter": "sale", "sold": 3, "used": 0, "reserved": 0, "in_doubt": 2, "available": 1 });
        assert_eq!(shown["counters"], json!([sale]));
        for (payment, why) in [("12", "64 hexadecimal"), (&"2".repeat(64), "nothing of this payment")] {
            let reply = answer(&ledger, &UsesCall::Show { payment: payment.to_owned() }).await;
            assert!(matches!(&reply, Reply::Refused(told) if told.contains(why)), "{reply:?}");
        }
    }

    #[tokio::test]
    async fn s5_a_clock_that_was_ahead_is_shown() {
        let store = FakeStore::new();
        let ledger = Ledger::new(store.clone());
        let right = json!({ "time_unix": 1_800_000_000, "horizon_unix": 0, "ahead_seconds": 0 });
        assert_eq!(facts(&ledger, &UsesCall::Clock).await, right);
        let mut asked = reserve(1);
        asked.ends_at = l402_core::UnixSeconds::new(1_800_007_200);
        ledger.apply(&PAYMENT, AttemptId::from_bytes([1; 16]), Event::Reserve(asked)).await.expect("reserved");
        let jump = core::time::Duration::from_mins(120 + 10);
        store.pass(jump);
        ledger.sweep(1).await.expect("swept");
        store.turn_back(jump);
        let ahead = json!({ "time_unix": 1_800_000_000, "horizon_unix": 1_800_007_200, "ahead_seconds": 7_200 });
        assert_eq!(facts(&ledger, &UsesCall::Clock).await, ahead);
    }

    #[tokio::test]
    async fn s1_a_person_decides_about_one_use_in_doubt_or_all() {
        let ledger = doubtful().await;
        let call = |outcome, number| UsesCall::Resolve { payment: PAYMENT.to_string(), outcome, number };
        let one = facts(&ledger, &call(Decided::Used, Some(1))).await;
        assert_eq!(one["resolved"], json!([1]));
        let rest = facts(&ledger, &call(Decided::Unused, None)).await;
        assert_eq!((&rest["resolved"], &rest["as"]), (&json!([0]), &json!("unused")));
        let shown = facts(&ledger, &UsesCall::Show { payment: PAYMENT.to_string() }).await;
        assert_eq!((&shown["counters"][0]["used"], &shown["counters"][0]["available"]), (&json!(1), &json!(2)));
        let again = answer(&ledger, &call(Decided::Unused, None)).await;
        assert!(matches!(&again, Reply::Refused(told) if told.contains("nothing was changed")), "{again:?}");
    }
}
