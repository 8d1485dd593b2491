//! One connection of a client.

use core::pin::pin;
use core::sync::atomic::Ordering;
use core::time::Duration;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::Watcher;
use l402_http::proxy::Peer;
use l402_lightning::{InvoiceSource, SettlementSource};
use socket2::SockRef;
use std::io;
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::gateway::{Asked, Client, Gateway};
use super::worker::Limits;

/// Makes the future that serves a connection to its end; [`None`] where the client is gone already.
pub(super) fn of<N>(
    stream: TcpStream,
    gateway: &Gateway<N>,
    limits: Limits,
    watcher: Watcher,
) -> Option<impl Future<Output = ()> + Send + use<N>>
where
    N: InvoiceSource + SettlementSource + 'static,
{
    let peer = Peer::new(stream.peer_addr().ok()?.ip(), false);
    prepare(&stream, limits).ok()?;
    let asked = Asked::default();
    let client = Client::new(gateway.clone(), peer, Asked::clone(&asked));
    Some(async move {
        let builder = builder(limits);
        let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), client);
        let mut served = pin!(watcher.watch(connection));
        tokio::select! {
            biased;
            ended = &mut served => if let Err(error) = ended {
                tracing::debug!(error = &*error, "a connection broke off");
            },
            () = silence(limits.head, &asked) => tracing::debug!("a connection asked for nothing"),
        }
    })
}

fn prepare(stream: &TcpStream, limits: Limits) -> io::Result<()> {
    stream.set_nodelay(true)?;
    // The system closes a connection whose client acknowledges nothing, or leaves no room, for so long.
    #[cfg(target_os = "linux")]
    SockRef::from(stream).set_tcp_user_timeout(Some(limits.unread))?;
    Ok(())
}

fn builder(limits: Limits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_buf_size(MAX_HEAD)
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(MAX_HEAD_U32)
        .max_concurrent_streams(MAX_STREAMS)
        .max_pending_accept_reset_streams(MAX_RESETS)
        .max_local_error_reset_streams(MAX_RESETS)
        .keep_alive_interval(limits.head)
        .keep_alive_timeout(PING);
    builder
}

/// Completes when a connection has not asked for anything in time. hyper's own deadline begins only when it knows the
/// version of HTTP.
async fn silence(limit: Duration, asked: &Asked) {
    sleep(limit).await;
    if asked.load(Ordering::Relaxed) {
        core::future::pending::<()>().await;
    }
}

/// The most bytes of a request's head.
const MAX_HEAD: usize = 64 * 1024;
const MAX_HEAD_U32: u32 = 64 * 1024;

/// The most requests at once on one HTTP/2 connection.
const MAX_STREAMS: u32 = 128;

/// The most streams of a connection that were reset and are not cleared away yet.
const MAX_RESETS: usize = 32;

/// How long an HTTP/2 client may take to answer a ping.
const PING: Duration = Duration::from_secs(20);
