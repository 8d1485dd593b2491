//! The invoices that count: when each ends, and whose it is.

use core::net::IpAddr;
use l402_core::{PaymentHash, UnixSeconds};
use l402_lightning::OpenInvoice;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// When an invoice ends, and a number that no other has.
pub(super) type Key = (UnixSeconds, u64);

/// All invoices that count.
#[derive(Debug)]
pub(super) struct Table {
    most: usize,
    each: usize,
    open: BTreeMap<Key, Entry>,
    clients: HashMap<IpAddr, BTreeSet<Key>>,
    number: u64,
    /// When it was last looked for those that were paid.
    swept: Option<UnixSeconds>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    client: Option<IpAddr>,
    /// [`None`] until the node has answered, and for good where it did not.
    hash: Option<PaymentHash>,
}

/// There is no room, for so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    Client { seconds: u64 },
    All { seconds: u64 },
}

impl Table {
    pub(super) fn new(most: usize, each: usize) -> Self {
        Self { most, each, open: BTreeMap::new(), clients: HashMap::new(), number: 0, swept: None }
    }

    pub(super) const fn most(&self) -> usize {
        self.most
    }

    pub(super) const fn each(&self) -> usize {
        self.each
    }

    /// Takes a place for an invoice that is about to be made.
    pub(super) fn take(
        &mut self,
        client: Option<IpAddr>,
        ends_at: UnixSeconds,
        now: UnixSeconds,
        is_paid: impl Fn(&PaymentHash) -> bool,
    ) -> Result<Key, Full> {
        self.expire(now);
        if self.room(client, now).is_err() && self.swept.replace(now) != Some(now) {
            self.sweep(is_paid);
        }
        self.room(client, now)?;
        Ok(self.insert(ends_at, Entry { client, hash: None }))
    }

    /// Says what the invoice is, and when it really ends.
    pub(super) fn made(&mut self, key: Key, hash: PaymentHash, ends_at: UnixSeconds) {
        if let Some(entry) = self.remove(&key) {
            self.insert(ends_at, Entry { hash: Some(hash), ..entry });
        }
    }

    /// Says that there is no invoice.
    pub(super) fn unmade(&mut self, key: Key) {
        self.remove(&key);
    }

    /// Counts invoices from before.
    pub(super) fn note(&mut self, earlier: Vec<OpenInvoice>) {
        for invoice in earlier.into_iter().take(self.most) {
            self.insert(invoice.expires_at, Entry { client: None, hash: Some(invoice.payment_hash) });
        }
    }

    fn room(&self, client: Option<IpAddr>, now: UnixSeconds) -> Result<(), Full> {
        let until = |first: Option<&Key>| first.map_or(1, |(ends_at, _)| ends_at.seconds_since(now)).max(1);
        if let Some(of_client) = client.and_then(|client| self.clients.get(&client))
            && of_client.len() >= self.each
        {
            return Err(Full::Client { seconds: until(of_client.first()) });
        }
        if self.open.len() >= self.most {
            return Err(Full::All { seconds: until(self.open.keys().next()) });
        }
        Ok(())
    }

    fn expire(&mut self, now: UnixSeconds) {
        while let Some((key, _)) = self.open.first_key_value()
            && key.0 <= now
        {
            let key = *key;
            self.remove(&key);
        }
    }

    #[cold]
    fn sweep(&mut self, is_paid: impl Fn(&PaymentHash) -> bool) {
        let paid = self.open.iter().filter(|(_, entry)| entry.hash.is_some_and(|hash| is_paid(&hash)));
        let paid: Vec<Key> = paid.map(|(key, _)| *key).collect();
        for key in paid {
            self.remove(&key);
        }
    }

    fn insert(&mut self, ends_at: UnixSeconds, entry: Entry) -> Key {
        let key = (ends_at, self.number);
        self.number = self.number.wrapping_add(1);
        if let Some(client) = entry.client {
            self.clients.entry(client).or_default().insert(key);
        }
        self.open.insert(key, entry);
        key
    }

    fn remove(&mut self, key: &Key) -> Option<Entry> {
        let entry = self.open.remove(key)?;
        if let Some(client) = entry.client
            && let Some(of_client) = self.clients.get_mut(&client)
        {
            of_client.remove(key);
            if of_client.is_empty() {
                self.clients.remove(&client);
            }
        }
        Some(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> UnixSeconds {
        UnixSeconds::new(seconds)
    }

    fn client(number: u32) -> IpAddr {
        IpAddr::V4(number.into())
    }

    fn hash(number: u8) -> PaymentHash {
        PaymentHash::from_bytes([number; 32])
    }

    /// Takes at a time, for a minute, and knows of no payment.
    fn take(table: &mut Table, client: Option<IpAddr>, now: u64) -> Result<Key, Full> {
        table.take(client, at(now + 60), at(now), |_| false)
    }

    #[test]
    fn l1_one_client_has_its_share_and_all_have_the_rest() {
        let mut table = Table::new(5, 2);
        for now in [0, 10] {
            take(&mut table, Some(client(1)), now).expect("room");
        }
        assert_eq!(take(&mut table, Some(client(1)), 20), Err(Full::Client { seconds: 40 }));
        for other in [Some(client(2)), Some(client(3)), None] {
            take(&mut table, other, 30).expect("room");
        }
        assert_eq!(take(&mut table, Some(client(4)), 30), Err(Full::All { seconds: 30 }));
        assert_eq!(take(&mut table, None, 59), Err(Full::All { seconds: 1 }));
        take(&mut table, Some(client(1)), 60).expect("the first has ended");
        assert_eq!(take(&mut table, Some(client(1)), 60), Err(Full::Client { seconds: 10 }));
    }

    #[test]
    fn l1_what_was_paid_or_never_made_counts_no_more() {
        let mut table = Table::new(3, 3);
        let keys = [(); 3].map(|()| take(&mut table, Some(client(1)), 0).expect("room"));
        for (number, key) in (0..).zip(keys) {
            table.made(key, hash(number), at(50 + u64::from(number)));
        }
        let taken = |table: &mut Table, now, paid| table.take(Some(client(1)), at(60), at(now), |hash| *hash == paid);
        assert_eq!(taken(&mut table, 1, hash(9)), Err(Full::Client { seconds: 49 }), "the node's time counts");
        assert_eq!(taken(&mut table, 1, hash(2)), Err(Full::Client { seconds: 49 }), "it is looked once a second");
        let key = taken(&mut table, 2, hash(2)).expect("one was paid");
        assert!(taken(&mut table, 2, hash(1)).is_err());
        table.unmade(key);
        taken(&mut table, 2, hash(9)).expect("one was not made");
    }

    #[test]
    fn l1_invoices_from_before_the_start_count_for_nobody() {
        let mut table = Table::new(4, 1);
        let open = |number: u8| OpenInvoice { payment_hash: hash(number), expires_at: at(u64::from(number)) };
        table.note((10..13).map(open).collect());
        take(&mut table, Some(client(1)), 0).expect("room");
        assert_eq!(take(&mut table, Some(client(2)), 0), Err(Full::All { seconds: 10 }));
        take(&mut table, Some(client(2)), 10).expect("one has ended");
    }

    #[test]
    fn l1_nothing_is_left_of_what_has_ended() {
        let mut table = Table::new(1_000, 50);
        for number in 0..100_000_u32 {
            let _ = take(&mut table, Some(client(number % 5_000)), u64::from(number) / 100);
            assert!(table.open.len() <= 1_000 && table.clients.len() <= 1_000);
        }
        table.expire(at(u64::MAX));
        assert!(table.open.is_empty() && table.clients.is_empty());
    }
}
