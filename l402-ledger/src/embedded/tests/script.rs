//! Things that are asked one after another, and what must stand in the file after each.

use super::disk::Disk;
use super::{Moved, attempt, payment};
use crate::embedded::file::{File, Row};
use crate::embedded::layer::Layer;
use crate::embedded::{Durability, Embedded};
use crate::testing::conformance::event;
use crate::{Account, LedgerStore, StoreError};
use l402_core::UnixSeconds;
use l402_core::ledger::{Event, Now, Tally};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

const PAYMENTS: u8 = 3;
const ATTEMPTS: u8 = 8;

/// What stands in the file: the row of each payment.
pub(super) type Rows = Vec<Option<Vec<u8>>>;

/// What is asked: the payment, the attempt, and the event.
pub(super) struct Script {
    asked: Vec<(u8, u8, Event)>,
    /// What must stand in the file, before the first and after each.
    pub(super) rows: Vec<Rows>,
}

impl Script {
    /// Asks for random things.
    pub(super) fn random(length: usize) -> Self {
        let asked = proptest::collection::vec((0..PAYMENTS, 0..ATTEMPTS, event()), length);
        let asked = asked.new_tree(&mut TestRunner::default()).unwrap().current();
        let ends_at = UnixSeconds::new(4_102_444_800);
        let mut accounts = [(); PAYMENTS as usize].map(|()| Account::new(ends_at));
        let now = Now { time: Moved::new().clock().time(), horizon: UnixSeconds::new(0) };
        let rows_of =
            |accounts: &[Account]| accounts.iter().map(|account| Row::of(account).map(|row| row.bytes)).collect();
        let mut rows = vec![rows_of(&accounts)];
        // An account begins with what comes first, so the first of each is a reserve that knows the end.
        let mut asked = asked;
        for number in 0..PAYMENTS {
            asked.insert(0, (number, 0, Event::Reserve(crate::testing::reserve(5))));
        }
        for (number, id, event) in &asked {
            accounts[usize::from(*number)].apply(now, &attempt(*id), event);
            rows.push(rows_of(&accounts));
        }
        Self { asked, rows }
    }

    /// Asks all of it of a store on that disk, and notes how many were answered. Ends with the first error.
    pub(super) async fn play(&self, disk: &Disk) -> Result<(), StoreError> {
        let store = Embedded::open_on(Box::new(disk.clone()), Durability::Power, Moved::new().clock())?;
        for (done, (number, id, event)) in self.asked.iter().enumerate() {
            let reply = store.apply(&payment(*number), attempt(*id), *event).await;
            if reply.is_err() {
                let again = store.apply(&payment(*number), attempt(*id), *event).await;
                assert!(again.is_err(), "once it has failed, it fails until it is opened again: {again:?}");
                assert!(store.uses(&payment(*number)).await.is_err());
                assert!(store.sweep(1).await.is_err());
            }
            reply?;
            disk.note(done + 1);
        }
        Ok(())
    }

    /// Looks whether a disk holds what was answered so far, and perhaps what was asked next.
    pub(super) fn audit(&self, image: Vec<u8>, answered: usize) {
        let layer = Layer::hold(Box::new(Disk::new(image)), Durability::Power).unwrap();
        let file = File::open(layer).unwrap_or_else(|error| panic!("after {answered}: {error:?}"));
        let accounts: Vec<_> = (0..PAYMENTS).map(|number| file.account(&payment(number)).unwrap()).collect();
        let rows: Rows = accounts.iter().map(|account| Row::of(account.as_ref()?).map(|row| row.bytes)).collect();
        let may_be = [self.rows.get(answered), self.rows.get(answered + 1)];
        assert!(may_be.contains(&Some(&rows)), "after {answered}: {accounts:?}");
        for (_, tally) in accounts.iter().flatten().flat_map(|account| account.uses().tallies) {
            let Tally { limit, committed, reserved, doubtful, .. } = tally;
            assert!(committed + reserved + doubtful <= limit, "{tally:?}");
        }
    }
}
