//! An upgraded connection (RFC 9110 §7.8): bytes in both directions until both sides have closed or stand idle.

use core::time::Duration;
use std::io;
use std::time::Instant;

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::time::sleep_until;

use super::progress::Progress;

/// Joins the two connections once both have been handed over.
///
/// The client's is handed over when the 101 has been written to it, and that exists only because the upstream said so
/// first (P1).
pub(super) async fn run(client: OnUpgrade, upstream: OnUpgrade, idle: Duration) {
    let joined = async {
        let (client, upstream) = tokio::try_join!(client, upstream).map_err(io::Error::other)?;
        relay(TokioIo::new(client), TokioIo::new(upstream), idle).await
    };
    if let Err(error) = joined.await {
        tracing::debug!(%error, "a tunnel ended");
    }
}

async fn relay<A, B>(client: A, upstream: B, idle: Duration) -> io::Result<()>
where
    A: AsyncRead + AsyncWrite,
    B: AsyncRead + AsyncWrite,
{
    let (client_read, client_write) = split(client);
    let (upstream_read, upstream_write) = split(upstream);
    let progress = Progress::new();
    let both = async {
        tokio::try_join!(copy(client_read, upstream_write, &progress), copy(upstream_read, client_write, &progress),)
    };
    tokio::select! {
        ended = both => ended.map(|_| ()),
        () = stands_idle(&progress, idle) => Err(io::ErrorKind::TimedOut.into()),
    }
}

async fn copy<R, W>(mut from: R, mut to: W, progress: &Progress) -> io::Result<()>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut buffer = vec![0; CHUNK];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return to.shutdown().await;
        }
        progress.moved();
        to.write_all(buffer.get(..read).unwrap_or_default()).await?;
        to.flush().await?;
        progress.moved();
    }
}

/// Completes when no byte has moved for the idle time.
async fn stands_idle(progress: &Progress, idle: Duration) {
    loop {
        let end = progress.last() + idle;
        if end <= Instant::now() {
            return;
        }
        sleep_until(end.into()).await;
    }
}

/// How much is read at once in each direction.
const CHUNK: usize = 16 * 1024;
