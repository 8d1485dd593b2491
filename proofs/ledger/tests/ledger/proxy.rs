//! What stands between a gateway and its store: it counts what is asked, and lets replies wait.

use core::net::{Ipv4Addr, SocketAddr};
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

/// A TCP proxy.
pub(crate) struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Connections, and pieces that gateways sent.
    asked: AtomicUsize,
    delay: Mutex<Duration>,
}

impl Proxy {
    /// Begins before a port.
    pub(crate) async fn start(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let (address, shared) = (listener.local_addr().unwrap(), Arc::new(Shared::default()));
        let kept = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(carry(stream, port, Arc::clone(&kept)));
            }
        });
        Self { address, shared }
    }

    pub(crate) const fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn asked(&self) -> usize {
        self.shared.asked.load(Ordering::Relaxed)
    }

    /// Lets each reply wait so long.
    pub(crate) fn delay(&self, delay: Duration) {
        *self.shared.delay.lock().unwrap() = delay;
    }
}

async fn carry(stream: TcpStream, port: u16, shared: Arc<Shared>) {
    shared.asked.fetch_add(1, Ordering::Relaxed);
    let Ok(store) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await else { return };
    let ((from, to), (from_store, to_store)) = (stream.into_split(), store.into_split());
    tokio::spawn(pass(from_store, to, Arc::clone(&shared), false));
    pass(from, to_store, shared, true).await;
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, shared: Arc<Shared>, is_question: bool) {
    let mut piece = vec![0; 65_536];
    while let Ok(length @ 1..) = from.read(&mut piece).await {
        if is_question {
            shared.asked.fetch_add(1, Ordering::Relaxed);
        } else {
            let delay = *shared.delay.lock().unwrap();
            sleep(delay).await;
        }
        if to.write_all(&piece[..length]).await.is_err() {
            return;
        }
    }
}
