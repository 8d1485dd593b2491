//! Listening sockets: one for each thread, on one address.

use core::net::SocketAddr;
use core::num::NonZeroUsize;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::TcpListener;

/// Sockets of one address, on which nothing can connect yet.
#[derive(Debug)]
pub(super) struct Sockets {
    pub(super) address: SocketAddr,
    sockets: Vec<Socket>,
}

impl Sockets {
    /// Binds as many sockets as there are threads.
    pub(super) fn bind(address: SocketAddr, threads: NonZeroUsize) -> io::Result<Self> {
        // Sockets that share a port would share it with those of another gateway too, which would then get half of the
        // connections. One that does not share finds the other.
        drop(bound(address, false)?);
        let first = bound(address, true)?;
        let address = first.local_addr()?.as_socket().unwrap_or(address);
        let mut sockets = vec![first];
        for _ in 1..threads.get() {
            sockets.push(bound(address, true)?);
        }
        Ok(Self { address, sockets })
    }

    /// Lets clients connect.
    pub(super) fn listen(self) -> io::Result<Vec<TcpListener>> {
        let listen = |socket: Socket| socket.listen(BACKLOG).map(|()| socket.into());
        self.sockets.into_iter().map(listen).collect()
    }
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
        let bound = Sockets::bind(ANY, NonZeroUsize::new(3).expect("not zero")).expect("bound");
        let address = bound.address;
        assert_ne!(address.port(), 0);
        let listeners = bound.listen().expect("listening");
        let addresses: Vec<_> = listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect();
        assert_eq!(addresses, [address; 3]);
    }

    #[test]
    fn a_port_is_not_shared_with_another_gateway() {
        let bound = Sockets::bind(ANY, NonZeroUsize::MIN).expect("bound");
        let address = bound.address;
        let _listeners = bound.listen().expect("listening");
        let taken = Sockets::bind(address, NonZeroUsize::MIN).expect_err("in use");
        assert_eq!(taken.kind(), io::ErrorKind::AddrInUse);
    }
}
