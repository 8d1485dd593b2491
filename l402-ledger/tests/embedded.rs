//! The store in one file passes the suite that every store passes, with real time.

#![allow(clippy::unwrap_used, reason = "a step that fails, fails the test")]
#![cfg(all(feature = "embedded", feature = "testing"))]

use core::sync::atomic::{AtomicI64, Ordering};
use core::time::Duration;
use l402_core::ledger::StoreTime;
use l402_ledger::Ledger;
use l402_ledger::embedded::{Durability, Embedded};
use l402_ledger::testing::conformance::{self, Harness};
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

struct OneFile {
    store: Embedded,
    offset: Arc<AtomicI64>,
}

impl OneFile {
    fn open(path: &Path) -> Self {
        let offset = Arc::new(AtomicI64::new(0));
        drop(Embedded::open_or_create(path, Durability::Power).unwrap());
        let by = Arc::clone(&offset);
        let clock = move || {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
            StoreTime::from_millis(u64::try_from(now).unwrap().checked_add_signed(by.load(Ordering::SeqCst)).unwrap())
        };
        Self { store: Embedded::open_with_clock(path, Durability::Power, clock).unwrap(), offset }
    }
}

impl Harness for OneFile {
    fn store(&self) -> Ledger {
        Ledger::new(self.store.clone())
    }

    async fn pass(&self, time: Duration) {
        self.offset.fetch_add(i64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
    }

    async fn turn_back(&self, time: Duration) {
        self.offset.fetch_sub(i64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_in_one_file_conforms() {
    let directory = tempfile::tempdir().unwrap();
    conformance::all(&OneFile::open(&directory.path().join("ledger"))).await;
}
