//! The names of keys. The table is in the [module](super).

use l402_core::PaymentHash;
use l402_core::ledger::AttemptId;

/// Names keys under one prefix.
#[derive(Debug)]
pub(super) struct Keys {
    prefix: Box<str>,
}

/// Payments whose hashes begin with one byte. Its keys are in one slot.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shard(u8);

impl Shard {
    pub(super) const fn new(first: u8) -> Self {
        Self(first)
    }

    pub(super) fn all() -> impl Iterator<Item = Self> {
        (0..=u8::MAX).map(Self)
    }
}

impl Keys {
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.into() }
    }

    /// What each script of a row is given.
    pub(super) fn of_row(&self, payment: &PaymentHash, attempt: &AttemptId) -> [Vec<u8>; 5] {
        let (shard, row) = self.row(payment);
        let own = [&row[..], b":", attempt.as_bytes()].concat();
        [row, own, self.ends(shard), self.open(shard), self.horizon(shard)]
    }

    /// What is known of a payment that arrived.
    pub(super) fn settlement(&self, payment: &PaymentHash) -> Vec<u8> {
        let (_, mut key) = self.row(payment);
        key.extend(b":settled");
        key
    }

    /// A bucket of a payment.
    pub(super) fn rate(&self, payment: &PaymentHash, name: &str) -> Vec<u8> {
        let (_, mut key) = self.row(payment);
        key.extend(b":rate:");
        key.extend(name.as_bytes());
        key
    }

    pub(super) fn of_sweep(&self, shard: Shard) -> [Vec<u8>; 3] {
        [self.ends(shard), self.open(shard), self.horizon(shard)]
    }

    /// What the names of a shard's rows begin with.
    pub(super) fn rows(&self, shard: Shard) -> Vec<u8> {
        self.in_shard(shard, "")
    }

    pub(super) fn open(&self, shard: Shard) -> Vec<u8> {
        self.in_shard(shard, "open")
    }

    pub(super) fn horizon(&self, shard: Shard) -> Vec<u8> {
        self.in_shard(shard, "horizon")
    }

    /// The latest of the horizons of all shards, or later.
    pub(super) fn latest_horizon(&self) -> Vec<u8> {
        format!("{{{}}}:horizon", self.prefix).into_bytes()
    }

    pub(super) fn schema(&self) -> Vec<u8> {
        format!("{{{}}}:schema", self.prefix).into_bytes()
    }

    pub(super) fn revoked(&self) -> Vec<u8> {
        format!("{{{}}}:revoked", self.prefix).into_bytes()
    }

    fn row(&self, payment: &PaymentHash) -> (Shard, Vec<u8>) {
        let shard = Shard(payment.as_bytes()[0]);
        let mut row = self.rows(shard);
        for byte in payment.as_bytes() {
            row.extend([HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        }
        (shard, row)
    }

    fn ends(&self, shard: Shard) -> Vec<u8> {
        self.in_shard(shard, "ends")
    }

    fn in_shard(&self, Shard(first): Shard, name: &str) -> Vec<u8> {
        let mut key = Vec::with_capacity(self.prefix.len() + 96);
        key.push(b'{');
        key.extend(self.prefix.as_bytes());
        key.extend([b':', HEX[usize::from(first >> 4)], HEX[usize::from(first & 15)], b'}', b':']);
        key.extend(name.as_bytes());
        key
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";
