//! One relay: connected to again and again, and listened to.

use super::RelayState;
use super::desk::Desk;
use super::message::{self, Said};
use super::socket::{self, RelayError};
use super::url::RelayUrl;
use backon::{ExponentialBuilder, Retryable as _};
use core::convert::Infallible;
use core::time::Duration;
use futures_util::{SinkExt as _, StreamExt as _};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tokio_tungstenite::tungstenite::Message;

/// Keeps a connection up, without an end.
pub(super) async fn run(index: usize, url: RelayUrl, desk: Arc<Desk>) {
    loop {
        // Ends with a connection that stood: the waits begin short again.
        let _: Result<Infallible, Lapse> =
            (|| attend(index, &url, &desk)).retry(backoff()).sleep(sleep).when(|lapse| !lapse.stood).await;
    }
}

async fn attend(index: usize, url: &RelayUrl, desk: &Desk) -> Result<Infallible, Lapse> {
    let mut began = None;
    let Err(fault) = listen(index, url, desk, &mut began).await;
    desk.set(index, RelayState::Away(Arc::new(fault)), None);
    Err(Lapse { stood: began.is_some_and(|began: Instant| began.elapsed() >= A_WHILE) })
}

/// `began` is set once the relay has told what it had.
async fn listen(
    index: usize,
    url: &RelayUrl,
    desk: &Desk,
    began: &mut Option<Instant>,
) -> Result<Infallible, RelayError> {
    let socket = timeout(CONNECT, socket::connect(url)).await.map_err(|_| RelayError::Silent)??;
    let (mut sink, mut stream) = socket.split();
    sink.send(Message::text(desk.subscription())).await.map_err(RelayError::of)?;
    let (frames, mut queue) = mpsc::channel::<Arc<str>>(QUEUE);
    let mut heard_at = Instant::now();
    let mut pings = interval(PING);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            Some(frame) = queue.recv() => sink.send(Message::text(&*frame)).await.map_err(RelayError::of)?,
            heard = stream.next() => {
                heard_at = Instant::now();
                let message = heard.ok_or_else(|| RelayError::Closed(String::new()))?.map_err(RelayError::of)?;
                let Message::Text(text) = message else { continue };
                match message::read(&text) {
                    Said::Event(event) => desk.hear(*event),
                    Said::Taken { id, accepted: false, reason } => desk.rejected(&id, &reason),
                    Said::Closed(reason) => return Err(RelayError::Closed(reason)),
                    Said::Stored if began.is_none() => {
                        *began = Some(Instant::now());
                        desk.set(index, RelayState::Ready, Some(frames.clone()));
                    }
                    Said::Stored | Said::Taken { .. } | Said::Other => {}
                }
            }
            _ = pings.tick() => {
                if heard_at.elapsed() > SILENCE || (began.is_none() && heard_at.elapsed() > CONNECT) {
                    return Err(RelayError::Silent);
                }
                sink.send(Message::Ping(Vec::new().into())).await.map_err(RelayError::of)?;
            }
        }
    }
}

/// A connection is over.
struct Lapse {
    /// Whether it stood for a while before.
    stood: bool,
}

const fn backoff() -> ExponentialBuilder {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(Duration::from_secs(15)) // and up to as much again by chance
        .without_max_times()
        .with_jitter()
}

const CONNECT: Duration = Duration::from_secs(10);
const PING: Duration = Duration::from_secs(15);
/// Pings are answered.
const SILENCE: Duration = Duration::from_secs(40);
/// For how long a connection has to stand to count as the end of a trouble.
const A_WHILE: Duration = Duration::from_secs(3);
/// How many requests may wait to be written.
const QUEUE: usize = 256;
