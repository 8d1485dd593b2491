//! Rows that are durable, and not yet in their places.
//!
//! Payment hashes are random, so a row that goes to its place costs a page of its own: the disk takes longer for the pages of a
//! batch than for all else that a use needs. So:
//!
//! 1. A batch of rows is written as one entry of the table `newer`, which only grows at its end. That is what callers wait for.
//! 2. Once it holds the rows of [`MANY`] payments, or [`BYTES`], it is renamed to `older`. With each batch that follows, a few of
//!    the older rows are moved to their places, neighbours together. When the last has gone, the table is deleted.
//! 3. Each transaction says all of this or nothing. A row that is moved twice, since the power failed before its table was deleted,
//!    says the same both times: a later one of its payment is moved only once `older` is gone.
//! 4. All of these rows are in memory too, in some tens of megabytes at most.

use super::fault::Error;
use super::row;
use super::tables::{ENDS, PAYMENTS, by_end};
use super::wire::{Reader, RowError, Writer};
use core::mem;
use l402_core::PaymentHash;
use l402_core::ledger::{SKEW, StoreTime};
use redb::{ReadableTable, TableDefinition, WriteTransaction};
use std::collections::BTreeMap;

const NEWER: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("newer");
const OLDER: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("older");

/// How many rows wait for others before they are moved. Tests move them often.
const MANY: usize = if cfg!(test) { 2 } else { 32_768 };

/// How much of them is written before they are moved: a payment with many uses is written many times.
const BYTES: usize = if cfg!(test) { 2_000 } else { 8 << 20 };

/// The rows by their payments. One that was deleted is empty.
#[derive(Debug, Default)]
pub(super) struct Recent {
    newer: BTreeMap<PaymentHash, Vec<u8>>,
    older: BTreeMap<PaymentHash, Vec<u8>>,
    /// How many bytes stand in the table `newer`.
    written: usize,
}

/// What a transaction does, once it is durable.
#[derive(Debug)]
pub(super) struct Moves {
    makes_older: bool,
    written: usize,
    /// How many of the older rows go to their places.
    count: usize,
}

impl Recent {
    /// Reads what waits in the file.
    pub(super) fn read(transaction: &WriteTransaction) -> Result<Self, Error> {
        let mut recent = Self::default();
        for (table, rows) in [(OLDER, &mut recent.older), (NEWER, &mut recent.newer)] {
            recent.written = 0;
            for entry in transaction.open_table(table)?.iter()? {
                let (_, batch) = entry?;
                read_batch(batch.value(), rows)?;
                recent.written += batch.value().len();
            }
        }
        Ok(recent)
    }

    /// Looks for a row; one that was deleted is empty.
    pub(super) fn get(&self, payment: &PaymentHash) -> Option<&[u8]> {
        self.newer.get(payment).or_else(|| self.older.get(payment)).map(Vec::as_slice)
    }

    /// Tells whether the time of any row is over.
    pub(super) fn is_any_over(&self, now: StoreTime) -> bool {
        let is_over = |ends_at| StoreTime::from(ends_at).after(SKEW) <= now;
        self.newer.values().chain(self.older.values()).filter_map(|row| row::ends_at(row)).any(is_over)
    }

    /// Writes a batch, and moves rows that are older.
    pub(super) fn append<'c>(
        &self,
        transaction: &WriteTransaction,
        batch: impl ExactSizeIterator<Item = (&'c PaymentHash, &'c [u8])>,
    ) -> Result<Moves, Error> {
        let is_full = self.newer.len() >= MANY || self.written >= BYTES;
        let makes_older = is_full && self.older.is_empty();
        if makes_older {
            transaction.delete_table(OLDER)?; // an empty one
            transaction.rename_table(NEWER, OLDER)?;
        }
        // More than come in, so that there are none left by the time when others are to follow.
        let wanted = if is_full { usize::MAX } else { batch.len().saturating_mul(2).saturating_add(16) };
        let count = if makes_older { 0 } else { wanted.min(self.older.len()) };
        move_rows(transaction, self.older.iter().take(count))?;
        if count > 0 && count == self.older.len() {
            transaction.delete_table(OLDER)?;
        }
        let mut newer = transaction.open_table(NEWER)?;
        let number = newer.last()?.map_or(0, |(last, _)| last.value().saturating_add(1));
        let batch = write_batch(batch);
        newer.insert(number, &*batch)?;
        Ok(Moves { makes_older, written: batch.len(), count })
    }

    /// Moves all rows to their places.
    pub(super) fn empty(&self, transaction: &WriteTransaction) -> Result<(), Error> {
        move_rows(transaction, self.older.iter().filter(|(payment, _)| !self.newer.contains_key(payment)))?;
        move_rows(transaction, self.newer.iter())?;
        for table in [OLDER, NEWER] {
            transaction.delete_table(table)?;
        }
        Ok(())
    }

    /// Takes notice of a batch that is durable.
    pub(super) fn appended(&mut self, moves: &Moves, batch: impl Iterator<Item = (PaymentHash, Vec<u8>)>) {
        if moves.makes_older {
            self.older = mem::take(&mut self.newer);
            self.written = 0;
        }
        self.written += moves.written;
        for _ in 0..moves.count {
            self.older.pop_first();
        }
        self.newer.extend(batch);
    }
}

/// Puts rows to their places, neighbours one after another.
fn move_rows<'r>(
    transaction: &WriteTransaction,
    rows: impl Iterator<Item = (&'r PaymentHash, &'r Vec<u8>)>,
) -> Result<(), Error> {
    let (mut payments, mut ends) = (transaction.open_table(PAYMENTS)?, transaction.open_table(ENDS)?);
    let mut begun = Vec::new();
    for (payment, row) in rows {
        let before = if row.is_empty() {
            payments.remove(payment.as_bytes())?
        } else {
            payments.insert(payment.as_bytes(), &**row)?
        };
        let [ended_at, ends_at] = [before.and_then(|before| row::ends_at(before.value())), row::ends_at(row)];
        if ended_at != ends_at {
            ended_at.map(|end| ends.remove(&by_end(end, payment))).transpose()?;
            begun.extend(ends_at.map(|end| by_end(end, payment)));
        }
    }
    begun.sort_unstable();
    for end in begun {
        ends.insert(&end, ())?;
    }
    Ok(())
}

/// A batch: each payment, how long its row is, and the row; nothing where it was deleted.
fn write_batch<'c>(batch: impl Iterator<Item = (&'c PaymentHash, &'c [u8])>) -> Vec<u8> {
    let mut entry = Writer::default();
    for (payment, row) in batch {
        entry.bytes(payment.as_bytes());
        entry.count(row.len());
        entry.bytes(row);
    }
    entry.finish()
}

fn read_batch(entry: &[u8], rows: &mut BTreeMap<PaymentHash, Vec<u8>>) -> Result<(), RowError> {
    let mut entry = Reader::new(entry);
    while entry.end().is_err() {
        let payment = PaymentHash::from_bytes(entry.bytes()?);
        let row = entry.slice()?;
        rows.insert(payment, row.to_vec());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::file::{Change, File, Row};
    use super::super::layer::Layer;
    use super::super::tests::disk::Disk;
    use crate::Account;
    use crate::embedded::Durability;
    use crate::testing::reserve;
    use l402_core::ledger::{AttemptId, Event, Now, Reserve, SKEW, StoreTime};
    use l402_core::{PaymentHash, UnixSeconds};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[derive(Debug, Clone)]
    enum Deed {
        /// Rows of payments, which end then; or none of them.
        Write(Vec<(u8, Option<u64>)>),
        Sweep(u64),
        Reopen,
    }

    fn deeds() -> impl Strategy<Value = Vec<Deed>> {
        let row = (0..12_u8, prop::option::weighted(0.8, 1..9_u64));
        let deed = prop_oneof![
            8 => prop::collection::vec(row, 1..4).prop_map(Deed::Write),
            1 => (0..9_u64).prop_map(Deed::Sweep),
            1 => Just(Deed::Reopen),
        ];
        prop::collection::vec(deed, 1..40)
    }

    fn open(disk: &Disk) -> File {
        File::open(Layer::hold(Box::new(disk.clone()), Durability::Power).unwrap()).unwrap()
    }

    fn payment(number: u8) -> PaymentHash {
        PaymentHash::from_bytes([number; 32])
    }

    /// The account of a payment whose only use went, and which ends then.
    fn spent(ends_at: u64) -> Account {
        let (ends_at, id) = (UnixSeconds::new(ends_at), AttemptId::from_bytes([1; 16]));
        let now = Now { time: StoreTime::from_millis(0), horizon: UnixSeconds::new(0) };
        let mut account = Account::new(ends_at);
        account.apply(now, &id, &Event::Reserve(Reserve { ends_at, ..reserve(1) }));
        account.apply(now, &id, &Event::Commit { amount: 1 });
        account
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Wherever a row stands by then, it is found, and swept once its time is over.
        #[test]
        fn the_file_says_what_was_written_last(deeds in deeds()) {
            let disk = Disk::default();
            let (mut file, mut model) = (open(&disk), BTreeMap::new());
            for deed in deeds {
                match deed {
                    Deed::Write(rows) => {
                        let change = |(number, ends_at): &(u8, Option<u64>)| Change {
                            payment: payment(*number),
                            was_open: false,
                            row: ends_at.and_then(|ends_at| Row::of(&spent(ends_at))),
                        };
                        file.write(&rows.iter().map(change).collect::<Vec<_>>()).unwrap();
                        model.extend(rows);
                    }
                    Deed::Sweep(ended) => {
                        let now = StoreTime::from(UnixSeconds::new(ended)).after(SKEW);
                        let (swept, _) = file.sweep(now, 99).unwrap();
                        for (number, ends_at) in &mut model {
                            // An earlier row of the payment, in its place yet, may be swept too.
                            if ends_at.is_some_and(|ends_at| ends_at <= ended) {
                                prop_assert!(swept.contains(&payment(*number)));
                                *ends_at = None;
                            }
                        }
                    }
                    Deed::Reopen => {
                        drop(file);
                        file = open(&disk);
                    }
                }
                for number in 0..12 {
                    let expected = model.get(&number).copied().flatten().map(spent);
                    let found = file.account(&payment(number)).unwrap();
                    prop_assert_eq!(found.map(|account| account.uses()), expected.map(|account| account.uses()));
                }
            }
        }
    }

    /// A payment with many uses is written many times. What is out of date does not stay in the file.
    #[test]
    fn l6_the_file_does_not_grow_with_the_uses_of_a_payment() {
        let disk = Disk::default();
        let file = open(&disk);
        let change = || Change { payment: payment(1), was_open: false, row: Row::of(&spent(9)) };
        let mut lengths = vec![];
        for number in 0..2_000 {
            file.write(&[change()]).unwrap();
            if number % 1_000 == 999 {
                lengths.push(disk.image().len());
            }
        }
        assert_eq!(lengths[0], lengths[1]);
    }
}
