//! Transactions that wait to be mined, parents before children.

use std::collections::{BTreeSet, HashMap};

use bitcoin::{Amount, OutPoint, Transaction, TxOut, Txid, Weight};

/// A transaction in the mempool.
pub(crate) struct Entry {
    pub(crate) tx: Transaction,
    pub(crate) fee: Amount,
    /// When it came, in Unix seconds; no two have the same, see [`Mempool::insert`].
    pub(crate) time: u64,
    /// The height of the chain when it came.
    pub(crate) height: u32,
}

/// The mempool. It holds no two transactions that spend the same output.
#[derive(Default)]
pub(crate) struct Mempool {
    entries: HashMap<Txid, Entry>,
    /// In order of arrival, hence topological: a parent is always accepted before its child.
    order: Vec<Txid>,
    spenders: HashMap<OutPoint, Txid>,
    newest: u64,
}

impl Mempool {
    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    pub(crate) fn ids(&self) -> &[Txid] {
        &self.order
    }

    pub(crate) fn entry(&self, id: &Txid) -> Option<&Entry> {
        self.entries.get(id)
    }

    /// The output at `at`, if a transaction in here creates it.
    pub(crate) fn output(&self, at: &OutPoint) -> Option<&TxOut> {
        self.entries.get(&at.txid)?.tx.output.get(at.vout as usize)
    }

    /// The transaction in here that spends `at`.
    pub(crate) fn spender(&self, at: &OutPoint) -> Option<Txid> {
        self.spenders.get(at).copied()
    }

    /// `roots` and everything in here that descends from them.
    pub(super) fn with_descendants(&self, roots: impl IntoIterator<Item = Txid>) -> BTreeSet<Txid> {
        let mut found = BTreeSet::new();
        let mut next: Vec<Txid> = roots.into_iter().collect();
        while let Some(txid) = next.pop() {
            let Some(entry) = self.entries.get(&txid).filter(|_| found.insert(txid)) else { continue };
            let outputs = (0u32..).zip(&entry.tx.output).map(|(vout, _)| OutPoint { txid, vout });
            next.extend(outputs.filter_map(|outpoint| self.spender(&outpoint)));
        }
        found
    }

    /// The sum of the fees of `ids`.
    pub(super) fn fees<'a>(&self, ids: impl IntoIterator<Item = &'a Txid>) -> Amount {
        let fees = ids.into_iter().filter_map(|id| self.entries.get(id)).map(|entry| entry.fee);
        fees.fold(Amount::ZERO, |sum, fee| sum.checked_add(fee).unwrap_or(Amount::MAX))
    }

    /// Adds an accepted transaction, whose conflicts must have been removed.
    ///
    /// A time that is taken is moved on: ldk-node asks only for what is younger than the youngest it knows, and would miss
    /// the second transaction of a second until that is mined.
    pub(super) fn insert(&mut self, txid: Txid, mut entry: Entry) {
        self.newest = entry.time.max(self.newest + 1);
        entry.time = self.newest;
        for input in &entry.tx.input {
            self.spenders.insert(input.previous_output, txid);
        }
        self.order.push(txid);
        self.entries.insert(txid, entry);
    }

    /// Removes `ids`, and leaves their descendants where they are.
    pub(super) fn remove(&mut self, ids: &BTreeSet<Txid>) {
        for id in ids {
            let Some(entry) = self.entries.remove(id) else { continue };
            for input in &entry.tx.input {
                self.spenders.remove(&input.previous_output);
            }
        }
        self.order.retain(|id| !ids.contains(id));
    }

    /// The transactions for the next block, parents first, as many as fit into `room`.
    pub(super) fn next_block(&self, room: Weight) -> Vec<&Entry> {
        let mut filled = Weight::ZERO;
        let entries = self.order.iter().filter_map(|id| self.entries.get(id));
        // Stopping at the first that does not fit keeps parents before children.
        let fitting = entries.take_while(|entry| {
            filled = filled.checked_add(entry.tx.weight()).unwrap_or(Weight::MAX);
            filled <= room
        });
        fitting.collect()
    }
}
