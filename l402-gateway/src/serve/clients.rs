//! Who is connected, and how much each client has (P6).
//!
//! A client is an address, or a network of IPv6 addresses that one subscriber has to itself. Proxies that the settings
//! trust stand for many, and are not bounded.

use core::net::IpAddr;
use core::sync::atomic::{AtomicUsize, Ordering};
use l402_http::proxy::IpRange;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::descriptors::Shares;
use crate::settings::Settings;

/// All clients of the gateway, whatever thread serves them.
#[derive(Debug)]
pub(super) struct Clients {
    room: Arc<Semaphore>,
    shares: Shares,
    ipv4_prefix: u8,
    ipv6_prefix: u8,
    trusted: Vec<IpRange>,
    counts: Mutex<HashMap<IpAddr, Arc<Count>>>,
}

/// What one client has.
#[derive(Debug, Default)]
struct Count {
    connections: AtomicUsize,
    requests: AtomicUsize,
}

impl Clients {
    pub(super) fn new(settings: &Settings, shares: Shares) -> Arc<Self> {
        Arc::new(Self {
            room: Arc::new(Semaphore::new(shares.connections.min(Semaphore::MAX_PERMITS))),
            shares,
            ipv4_prefix: settings.limits.ipv4_prefix,
            ipv6_prefix: settings.limits.ipv6_prefix,
            trusted: settings.trusted_proxies.clone(),
            counts: Mutex::default(),
        })
    }

    /// Waits until there is room for one more connection.
    pub(super) async fn room(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.room).acquire_owned().await.ok() // the semaphore is never closed
    }

    /// Whether there is room for none.
    pub(super) fn is_full(&self) -> bool {
        self.room.available_permits() == 0
    }

    /// Counts a connection of a client; [`None`] where it has as many as it may.
    pub(super) fn seat(self: &Arc<Self>, address: IpAddr, room: Option<OwnedSemaphorePermit>) -> Option<Arc<Seat>> {
        let address = address.to_canonical();
        if self.trusted.iter().any(|range| range.contains(address)) {
            return Some(Arc::new(Seat { client: None, _room: room }));
        }
        let prefix = prefix(address, self.ipv4_prefix, self.ipv6_prefix);
        let (count, before) = {
            let mut counts = self.lock();
            let count = Arc::clone(counts.entry(prefix).or_default());
            let before = count.connections.fetch_add(1, Ordering::Relaxed);
            (count, before)
        };
        let client = Client { clients: Arc::clone(self), prefix, count };
        let seat = Seat { client: Some(client), _room: room };
        (before < self.shares.connections_per_client).then(|| Arc::new(seat))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, Arc<Count>>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one connection, which it and what comes of it hold as long as they live.
#[derive(Debug)]
pub(super) struct Seat {
    client: Option<Client>,
    _room: Option<OwnedSemaphorePermit>,
}

#[derive(Debug)]
struct Client {
    clients: Arc<Clients>,
    prefix: IpAddr,
    count: Arc<Count>,
}

impl Seat {
    /// Counts a request on the connection; [`None`] where its client has as many under way as it may.
    pub(super) fn request(self: &Arc<Self>) -> Option<UnderWay> {
        if let Some(Client { clients, count, .. }) = &self.client {
            let before = count.requests.fetch_add(1, Ordering::Relaxed);
            let under_way = UnderWay(Arc::clone(self));
            return (before < clients.shares.requests_per_client).then_some(under_way);
        }
        Some(UnderWay(Arc::clone(self)))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let mut counts = self.clients.lock(); // under which alone the number grows
        let was_last = self.count.connections.fetch_sub(1, Ordering::Relaxed) == 1;
        if was_last && counts.get(&self.prefix).is_some_and(|count| Arc::ptr_eq(count, &self.count)) {
            counts.remove(&self.prefix);
        }
    }
}

/// A request under way, or the tunnel that came of it.
#[derive(Debug)]
pub(super) struct UnderWay(Arc<Seat>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let Some(client) = &self.0.client {
            client.count.requests.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// The network of an address, by its first bits.
pub(super) fn prefix(address: IpAddr, ipv4: u8, ipv6: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32_u32.saturating_sub(ipv4.into())).unwrap_or(0);
            IpAddr::V4((address.to_bits() & mask).into())
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128_u32.saturating_sub(ipv6.into())).unwrap_or(0);
            IpAddr::V6((address.to_bits() & mask).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Limits;
    use crate::settings::tests::settings;

    fn clients() -> Arc<Clients> {
        let trusted_proxies = vec!["10.0.0.0/8".parse().expect("a range")];
        let (connections, connections_per_client, requests_per_client) = (Some(4), Some(2), Some(1));
        let limits = Limits { connections, connections_per_client, requests_per_client, ..Limits::default() };
        let settings = Settings { limits, trusted_proxies, ..settings() };
        Clients::new(&settings, Shares::of(&settings, None, 0))
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn p6_a_client_is_a_network_and_has_its_bounds() {
        let clients = clients();
        let [one, two] = ["2001:db8::1", "2001:db8::2:1"].map(|text| clients.seat(ip(text), None));
        assert!(one.is_some() && two.is_some());
        assert!(clients.seat(ip("2001:db8:0:0:ffff::"), None).is_none(), "the same network");
        assert!(clients.seat(ip("2001:db8:0:1::"), None).is_some(), "another network");
        let v4: Vec<_> = (0..3).filter_map(|_| clients.seat(ip("::ffff:192.0.2.1"), None)).collect();
        assert_eq!(v4.len(), 2, "an address of IPv4 in IPv6's clothes is one of IPv4");
        let request = v4[0].request();
        assert!(request.is_some() && v4[1].request().is_none(), "requests are counted by client");
        drop(request);
        assert!(v4[1].request().is_some());
        let proxy: Vec<_> = (0..3).filter_map(|_| clients.seat(ip("10.1.2.3"), None)).collect();
        assert_eq!(proxy.len(), 3);
    }

    #[test]
    fn p6_who_is_gone_leaves_nothing() {
        let clients = clients();
        for last in 0..100 {
            let address = IpAddr::from([192, 0, 2, last]);
            let seats: Vec<_> = (0..3).map(|_| clients.seat(address, None)).collect();
            assert_eq!(seats.iter().flatten().count(), 2);
        }
        assert!(clients.lock().is_empty());
        assert_eq!(prefix(ip("192.0.2.77"), 24, 64), ip("192.0.2.0"));
        assert_eq!(prefix(ip("192.0.2.77"), 0, 64), ip("0.0.0.0"));
        assert_eq!(prefix(ip("2001:db8::1"), 32, 128), ip("2001:db8::1"));
    }
}
