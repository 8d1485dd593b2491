//! Listening sockets: one for each thread, on one address.

use core::net::SocketAddr;
use core::num::NonZeroUsize;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::TcpListener;

/// Binds as many sockets as there are threads, and returns where.
pub(super) fn bind(address: SocketAddr, threads: NonZeroUsize) -> io::Result<(SocketAddr, Vec<TcpListener>)> {
    // Sockets that share a port would share it with those of another gateway too, which would then get half of the
    // connections. One that does not share finds the other.
    drop(bound(address, false)?);
    let first = listening(address)?;
    let address = first.local_addr()?;
    let mut listeners = vec![first];
    for _ in 1..threads.get() {
        listeners.push(listening(address)?);
    }
    Ok((address, listeners))
}

fn listening(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = bound(address, true)?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn bound(address: SocketAddr, shared: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

/// Connections that the system completes before they are accepted.
const BACKLOG: i32 = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::Ipv4Addr;

    const ANY: SocketAddr = SocketAddr::new(core::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

    #[test]
    fn all_sockets_have_one_port() {
        let (address, listeners) = bind(ANY, NonZeroUsize::new(3).expect("not zero")).expect("bound");
        assert_ne!(address.port(), 0);
        let ports: Vec<_> = listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect();
        assert_eq!(ports, [address; 3]);
    }

    #[test]
    fn a_port_is_not_shared_with_another_gateway() {
        let (address, _listeners) = bind(ANY, NonZeroUsize::MIN).expect("bound");
        let taken = bind(address, NonZeroUsize::MIN).expect_err("in use");
        assert_eq!(taken.kind(), io::ErrorKind::AddrInUse);
    }
}
