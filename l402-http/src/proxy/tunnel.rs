//! An upgraded connection (RFC 9110 §7.8): bytes in both directions until both sides have closed or stand idle, the token ends
//! that opened it, or the server stops (P8).
//!
//! An end is announced: both sides get a close frame, between two frames of the WebSocket, and a short time to
//! answer it.

use core::time::Duration;
use std::io;
use std::sync::Arc;

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::frames::{Close, Frames};
use super::limit::Session;
use super::progress::Progress;

/// How long a tunnel may live.
pub(super) struct Terms {
    /// When nothing moves.
    pub(super) idle: Duration,
    /// When the token ends.
    pub(super) end: Option<Instant>,
    /// When nothing pays for it any more.
    pub(super) stop: Arc<Notify>,
    /// While the server does not stop.
    pub(super) session: Option<Session>,
}

/// Joins the two connections once both have been handed over.
///
/// The client's is handed over when the 101 has been written to it, and that exists only because the upstream said so
/// first (P1).
pub(super) async fn run(client: OnUpgrade, upstream: OnUpgrade, terms: Terms) {
    let handed_over = async { tokio::try_join!(client, upstream).map_err(io::Error::other) };
    let joined = match timeout(terms.idle, handed_over).await {
        Ok(Ok((client, upstream))) => relay(TokioIo::new(client), TokioIo::new(upstream), terms).await,
        Ok(Err(error)) => Err(error),
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    };
    if let Err(error) = joined {
        tracing::debug!(%error, "a tunnel ended");
    }
}

async fn relay<A, B>(client: A, upstream: B, mut terms: Terms) -> io::Result<()>
where
    A: AsyncRead + AsyncWrite,
    B: AsyncRead + AsyncWrite,
{
    let (client_read, client_write) = split(client);
    let (upstream_read, upstream_write) = split(upstream);
    let progress = Progress::new();
    let (tell, told) = watch::channel(None);
    let up = Way {
        from: client_read,
        to: upstream_write,
        progress: &progress,
        told: told.clone(),
        frame: Close::to_upstream,
    };
    let down = Way { from: upstream_read, to: client_write, progress: &progress, told, frame: Close::to_client };
    let mut both = core::pin::pin!(async { tokio::try_join!(up.copy(), down.copy()) });
    let why = tokio::select! {
        ended = &mut both => return ended.map(|_| ()),
        () = stands_idle(&progress, terms.idle) => Close::Idle,
        () = reached(terms.end) => Close::Expired,
        () = terms.stop.notified() => Close::Expired,
        () = stopping(terms.session.as_mut()) => Close::GoingAway,
    };
    tracing::debug!(?why, "a tunnel is closed");
    tell.send_replace(Some(why));
    // A side that is in the middle of a frame, or does not answer, is cut off.
    timeout(GRACE, both).await.map_or_else(|_| Err(io::ErrorKind::TimedOut.into()), |ended| ended.map(|_| ()))
}

/// One direction.
struct Way<'a, R, W> {
    from: R,
    to: W,
    progress: &'a Progress,
    told: watch::Receiver<Option<Close>>,
    frame: fn(Close) -> Vec<u8>,
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Way<'_, R, W> {
    async fn copy(mut self) -> io::Result<()> {
        let mut buffer = vec![0; CHUNK];
        let mut frames = Frames::default();
        loop {
            let told = *self.told.borrow_and_update();
            if let Some(why) = told
                && frames.is_between()
            {
                return self.close(why, &frames, &mut buffer).await;
            }
            let read = tokio::select! {
                read = self.from.read(&mut buffer) => read?,
                _ = self.told.changed(), if told.is_none() => continue,
            };
            if read == 0 {
                return self.to.shutdown().await;
            }
            self.progress.moved();
            let bytes = buffer.get(..read).unwrap_or_default();
            let passed = match told {
                None => {
                    frames.pass(bytes);
                    bytes
                }
                Some(_) => bytes.get(..frames.pass_frame(bytes)).unwrap_or_default(),
            };
            self.to.write_all(passed).await?;
            self.to.flush().await?;
            self.progress.moved();
        }
    }

    /// Says why, and takes no more notice of what comes, but lets the other side read what it was told.
    async fn close(mut self, why: Close, frames: &Frames, buffer: &mut [u8]) -> io::Result<()> {
        if !frames.is_closed() {
            self.to.write_all(&(self.frame)(why)).await?;
        }
        self.to.shutdown().await?;
        while self.from.read(buffer).await? > 0 {}
        Ok(())
    }
}

/// Completes when no byte has moved for the idle time.
async fn stands_idle(progress: &Progress, idle: Duration) {
    loop {
        let end = progress.last() + idle;
        if end <= Instant::now() {
            return;
        }
        sleep_until(end).await;
    }
}

async fn reached(end: Option<Instant>) {
    match end {
        Some(end) => sleep_until(end).await,
        None => core::future::pending().await,
    }
}

async fn stopping(session: Option<&mut Session>) {
    match session {
        // An error says that the session that could stop it is gone.
        Some(session) => drop(session.stopping.wait_for(|stopping| *stopping).await),
        None => core::future::pending().await,
    }
}

/// How much is read at once in each direction.
const CHUNK: usize = 16 * 1024;

/// How long the two sides may take for the end of a frame, and for an answer to the close frame.
const GRACE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::duplex;

    const SOON: Duration = Duration::from_secs(1);

    /// What the client and the upstream are sent by a tunnel whose token ends soon, after both have sent these bytes.
    async fn ended(from_client: &[u8], from_upstream: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let ((mut client, near), (mut upstream, far)) = (duplex(CHUNK), duplex(CHUNK));
        client.write_all(from_client).await.unwrap();
        upstream.write_all(from_upstream).await.unwrap();
        let terms = Terms { idle: 10 * SOON, end: Some(Instant::now() + SOON), stop: Arc::default(), session: None };
        let tunnel = tokio::spawn(relay(near, far, terms));
        let (mut to_client, mut to_upstream) = (Vec::new(), Vec::new());
        client.read_to_end(&mut to_client).await.unwrap();
        upstream.read_to_end(&mut to_upstream).await.unwrap();
        drop((client, upstream));
        let _ = tunnel.await.unwrap(); // an error where one side was in the middle of a frame
        (to_client, to_upstream)
    }

    #[tokio::test(start_paused = true)]
    async fn p8_each_side_gets_one_close_frame_between_frames() {
        let (told, masked) = (Close::Expired.to_client(), Close::Expired.to_upstream());
        assert_eq!(ended(b"", b"").await, (told.clone(), masked.clone()));
        let (ping, close) = (&b"\x89\x00"[..], &b"\x88\x00"[..]);
        assert_eq!(ended(ping, ping).await, ([ping, &told].concat(), [ping, &masked].concat()));
        assert_eq!(ended(b"", close).await, (close.to_owned(), masked), "it was told by the upstream");
        let half = &b"\x82\x05ab"[..];
        assert_eq!(ended(b"", half).await.0, half, "a side in the middle of a frame is cut off");
    }
}
