//! Calls about the deny-list: what is revoked, and what shall be.
//!
//! 1. A revocation of a payment ends with its tokens. If the ledger does not know their end, that is the latest end of any token that
//!    was sold: on today's terms, or on [those before](crate::keys::sold_until).
//! 2. The epoch that mints is not revoked: the next buyer would pay for nothing. Rotate first.

use l402_core::ledger::StoreTime;
use l402_core::{PaymentHash, UnixSeconds};
use l402_ledger::{LedgerStore as _, Revocation, Revoked, StoreError};
use l402_lightning::unix_now;
use l402_program::Causes;
use serde_json::{Value, json};

use super::books::Books;
use super::wire::{Reply, RevokeCall};
use crate::keys;

/// Answers a call.
pub(super) async fn answer(books: &Books, call: &RevokeCall) -> Reply {
    let facts = match call {
        RevokeCall::List => list(books).await,
        RevokeCall::Payment { payment } => payment_of(books, payment).await,
        RevokeCall::Epoch { epoch } => epoch_of(books, *epoch).await,
    };
    facts.map_or_else(Reply::Refused, Reply::Facts)
}

async fn list(books: &Books) -> Result<Value, String> {
    let list = books.ledger.revocations(None).await.map_err(|fault| told(&fault))?;
    let mut entries = list.map(|list| list.entries).unwrap_or_default();
    entries.sort_unstable_by_key(|entry| match entry.what {
        Revoked::Epoch(epoch) => (0, u64::from(epoch)),
        Revoked::Payment(_) => (1, entry.until.get()),
    });
    Ok(entries.iter().map(shown).collect())
}

async fn payment_of(books: &Books, payment: &str) -> Result<Value, String> {
    let payment: PaymentHash = payment.parse().map_err(|_| "a payment hash has 64 hexadecimal digits".to_owned())?;
    let uses = books.ledger.uses(&payment).await.map_err(|fault| told(&fault))?;
    let until = match uses {
        // A record without a counter may have begun with a release that came first, and knew no end.
        Some(uses) if !uses.tallies.is_empty() => uses.ends_at,
        uses => {
            let now = books.ledger.now().await.map_err(|fault| told(&fault))?.time;
            latest_end(now, books)?.max(uses.map_or(UnixSeconds::new(0), |uses| uses.ends_at))
        }
    };
    revoke(books, Revocation::of_payment(payment, until)).await
}

/// When a token that was sold until now has ended in any case.
fn latest_end(now: StoreTime, books: &Books) -> Result<UnixSeconds, String> {
    let before = keys::sold_until(&books.key_dir).map_err(|fault| Causes(&fault).to_string())?;
    Ok(UnixSeconds::new(now.after(books.longest_sale).millis().div_ceil(1_000).max(before)))
}

async fn epoch_of(books: &Books, epoch: u32) -> Result<Value, String> {
    let keys = keys::read_at(&books.key_dir, unix_now().get()).map_err(|fault| Causes(&fault).to_string())?;
    let minting = keys.token_id([0; 28]).epoch();
    if epoch >= minting {
        return Err(format!(
            "epoch {minting} signs new tokens, so only older epochs can be revoked; run `l402-server keys rotate`, and wait a minute"
        ));
    }
    revoke(books, Revocation::of_epoch(epoch)).await
}

async fn revoke(books: &Books, revocation: Revocation) -> Result<Value, String> {
    books.ledger.revoke(revocation).await.map_err(|fault| told(&fault))?;
    Ok(json!({ "revoked": shown(&revocation) }))
}

fn shown(entry: &Revocation) -> Value {
    match entry.what {
        Revoked::Epoch(epoch) => json!({ "epoch": epoch }),
        Revoked::Payment(payment) => json!({ "payment": payment.to_string(), "until_unix": entry.until.get() }),
    }
}

fn told(fault: &StoreError) -> String {
    Causes(fault).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::settings;
    use l402_core::ledger::{AttemptId, Event};
    use l402_ledger::Ledger;
    use l402_ledger::testing::{FakeStore, reserve};
    use std::fs;

    const ONE: &str = "1111111111111111111111111111111111111111111111111111111111111111";

    fn books(key_dir: &std::path::Path) -> Books {
        Books { key_dir: key_dir.to_owned(), ..Books::new(Ledger::new(FakeStore::new()), &settings()) }
    }

    async fn ask(books: &Books, call: RevokeCall) -> Result<Value, String> {
        match answer(books, &call).await {
            Reply::Facts(facts) => Ok(facts),
            Reply::Refused(why) => Err(why),
            other => panic!("{other:?}"),
        }
    }

    fn payment(text: &str) -> RevokeCall {
        RevokeCall::Payment { payment: text.to_owned() }
    }

    #[tokio::test]
    async fn s1_a_revocation_ends_with_the_tokens_of_its_payment() {
        let home = tempfile::tempdir().expect("a directory");
        let books = books(home.path());
        let known = PaymentHash::from_bytes([0x11; 32]);
        let (attempt, asked) = (AttemptId::from_bytes([1; 16]), reserve(1));
        books.ledger.apply(&known, attempt, Event::Reserve(asked)).await.expect("reserved");
        let revoked = ask(&books, payment(ONE)).await.expect("revoked");
        assert_eq!(revoked["revoked"], json!({ "payment": ONE, "until_unix": asked.ends_at.get() }));
        // One hour and ten minutes: what a token lasts that is sold now.
        let unknown = ask(&books, payment(&"2".repeat(64))).await.expect("revoked");
        assert_eq!(unknown["revoked"]["until_unix"], 1_800_000_000 + 3_600 + 600);
        let listed = ask(&books, RevokeCall::List).await.expect("a list");
        assert_eq!(listed.as_array().map(Vec::len), Some(2), "{listed}");
        assert!(ask(&books, payment("12")).await.expect_err("no hash").contains("64 hexadecimal digits"));
    }

    #[tokio::test]
    async fn s1_a_revocation_outlives_tokens_that_were_sold_on_longer_terms() {
        let home = tempfile::tempdir().expect("a directory");
        let books = books(home.path());
        let month = keys::note_sold(home.path(), 1_800_000_000 + 30 * 86_400).expect("noted");
        let revoked = ask(&books, payment(ONE)).await.expect("revoked");
        assert_eq!(revoked["revoked"]["until_unix"], month);
        // A release that came before its reservation says nothing of the token's end.
        let early = PaymentHash::from_bytes([0x33; 32]);
        let release = Event::Release(l402_core::ledger::Counted::No);
        books.ledger.apply(&early, AttemptId::from_bytes([1; 16]), release).await.expect("released");
        let revoked = ask(&books, payment(&"3".repeat(64))).await.expect("revoked");
        assert_eq!(revoked["revoked"]["until_unix"], month);
    }

    #[tokio::test]
    async fn s4_the_epoch_that_mints_is_not_revoked() {
        let home = tempfile::tempdir().expect("a directory");
        let books = books(&home.path().join("keys"));
        let epoch = |epoch| RevokeCall::Epoch { epoch };
        assert!(ask(&books, epoch(0)).await.expect_err("no keys").contains("cannot read"));
        keys::open(&books.key_dir).expect("made");
        assert!(ask(&books, epoch(0)).await.expect_err("it mints").contains("keys rotate"));
        let file = books.key_dir.join("root.keys");
        let text = fs::read_to_string(&file).expect("read");
        fs::write(&file, format!("{text}1 {ONE}\n")).expect("written");
        for wrong in [1, 2] {
            assert!(ask(&books, epoch(wrong)).await.is_err(), "{wrong}");
        }
        assert_eq!(ask(&books, epoch(0)).await.expect("revoked"), json!({ "revoked": { "epoch": 0 } }));
    }
}
