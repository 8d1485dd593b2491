//! Ports for servers that cannot choose one by themselves.
//!
//! They lie below the range from which systems take the ports of outgoing connections, so that a server that is down for a while
//! finds its port free when it comes back. No port is given out twice by one process.

use core::net::{Ipv4Addr, SocketAddr};
use core::sync::atomic::{AtomicU16, Ordering};
use std::io;
use std::net::TcpListener;

const FIRST: u16 = 15_000;
const COUNT: u16 = 16_000;

/// How many ports this process has tried.
static TRIED: AtomicU16 = AtomicU16::new(0);

/// Returns an address of 127.0.0.1 whose port is free now.
pub(crate) fn free_address() -> io::Result<SocketAddr> {
    for _ in 0..COUNT {
        let offset = (start() + u32::from(TRIED.fetch_add(1, Ordering::Relaxed))) % u32::from(COUNT);
        let port = FIRST + u16::try_from(offset).expect("less than COUNT");
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
    Err(io::ErrorKind::AddrInUse.into())
}

/// Processes that run at the same time begin far from each other.
fn start() -> u32 {
    std::process::id().wrapping_mul(97) % u32::from(COUNT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_free_and_differ() {
        let given: Vec<_> = (0..50).map(|_| free_address().unwrap()).collect();
        let held: Vec<_> = given.iter().map(|address| TcpListener::bind(address).unwrap()).collect();
        assert!(held.iter().all(|listener| listener.local_addr().unwrap().port() < FIRST + COUNT));
    }
}
