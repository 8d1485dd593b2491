//! The store in memory passes the suite that every store passes.

#![cfg(feature = "testing")]

use core::time::Duration;
use l402_ledger::Ledger;
use l402_ledger::testing::FakeStore;
use l402_ledger::testing::conformance::{self, Harness};

struct Fake(FakeStore);

impl Harness for Fake {
    fn store(&self) -> Ledger {
        Ledger::new(self.0.clone())
    }

    async fn pass(&self, time: Duration) {
        self.0.pass(time);
    }

    async fn turn_back(&self, time: Duration) {
        self.0.turn_back(time);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_in_memory_conforms() {
    conformance::all(&Fake(FakeStore::new())).await;
}

#[tokio::test]
async fn the_store_in_memory_says_what_the_account_says() {
    conformance::like_the_account(&Fake(FakeStore::new()), 500).await;
}
