//! One connection of a client.

use core::fmt;
use core::pin::pin;
use core::time::Duration;
use hyper_util::rt::TokioTimer;
use hyper_util::server::conn::auto::Builder;
use l402_http::proxy::{HEADER_FIELDS, Peer, Session};
use l402_lightning::{InvoiceSource, SettlementSource};
use socket2::SockRef;
use std::io;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::activity::{Activity, Exchanges, Standing};
use super::clients::Seat;
use super::gateway::{Client, Gateway};
use super::socket::Socket;
use super::worker::Limits;

/// Makes the future that serves a connection to its end. It holds `stopping` as long as it runs, and so do its tunnels.
///
/// # Errors
/// The client is gone already, or the system does not take a setting.
pub(super) fn of<N>(
    stream: TcpStream,
    gateway: &Gateway<N>,
    limits: Limits,
    seat: Arc<Seat>,
    mut stopping: watch::Receiver<bool>,
) -> io::Result<impl Future<Output = ()> + Send + use<N>>
where
    N: InvoiceSource + SettlementSource + 'static,
{
    let address = stream.peer_addr()?;
    let peer = Peer::new(address.ip(), false);
    prepare(&stream, limits)?;
    let activity = Activity::new();
    let session = Session::new(stopping.clone());
    let client = Client::new(gateway.clone(), peer, Arc::clone(&activity), seat, session);
    Ok(async move {
        let builder = builder(limits, &activity);
        let socket = Socket::new(stream, Arc::clone(&activity));
        let mut connection = pin!(builder.serve_connection_with_upgrades(socket, client));
        let (mut watchdog, mut is_told) = (pin!(watchdog(&activity, limits)), false);
        let end = loop {
            tokio::select! {
                biased;
                ended = &mut connection => break ended.map_or_else(End::Broken, |()| End::Done),
                _ = stopping.wait_for(|stopping| *stopping), if !is_told => {}
                cut = &mut watchdog => match cut {
                    // It may end by itself, and has as long again for that.
                    Standing::Quiet if !is_told => watchdog.set(self::watchdog(&activity, limits)),
                    cut => break End::Cut(cut),
                },
            }
            is_told = true;
            connection.as_mut().graceful_shutdown();
        };
        match end {
            End::Done => {}
            End::Broken(error) => tracing::debug!(%address, error = &*error, "a connection broke off"),
            End::Cut(why) => tracing::debug!(%address, %why, "a connection was cut"),
        }
    })
}

/// How a connection ended.
enum End {
    Done,
    Broken(Box<dyn core::error::Error + Send + Sync>),
    Cut(Standing),
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Busy => "it was busy",
            Self::Silent => "it asked for nothing in time",
            Self::Quiet => "it asked for nothing more in time",
            Self::Unread => "its client took nothing of an answer in time",
        })
    }
}

fn prepare(stream: &TcpStream, limits: Limits) -> io::Result<()> {
    stream.set_nodelay(true)?;
    #[cfg(target_os = "linux")]
    {
        let socket = SockRef::from(stream);
        // The system closes a connection whose client acknowledges nothing, or leaves no room, for so long.
        socket.set_tcp_user_timeout(Some(limits.unread))?;
        // Else megabytes may wait in the system, and a client that reads slowly seems to take nothing for minutes.
        socket.set_tcp_notsent_lowat(UNSENT)?;
    }
    Ok(())
}

fn builder(limits: Limits, activity: &Arc<Activity>) -> Builder<Exchanges> {
    let mut builder = Builder::new(Exchanges(Arc::clone(activity)));
    builder.http1().timer(TokioTimer::new()).header_read_timeout(limits.head).max_buf_size(MAX_HEAD);
    // Room for more than the usual number is made anew for each request.
    if limits.header_fields != HEADER_FIELDS {
        builder.http1().max_headers(limits.header_fields);
    }
    builder
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

/// Completes when a connection has stood still for too long, whoever should have polled what: hyper's own deadline for a head
/// begins only when it knows the version of HTTP, and a body is not polled while its client takes nothing.
async fn watchdog(activity: &Activity, limits: Limits) -> Standing {
    let every = (limits.head.min(limits.unread) / 8).clamp(SHORTEST, LONGEST);
    let mut ticks = interval_at(Instant::now() + every, every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let begun = Instant::now();
    loop {
        ticks.tick().await;
        match activity.look(limits.head, limits.unread) {
            Standing::Busy => {}
            // A second watchdog finds it so at once.
            Standing::Quiet if begun.elapsed() < limits.unread.min(GOODBYE) => {}
            standing => return standing,
        }
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

/// The most bytes that wait in the system until they can be sent.
#[cfg(target_os = "linux")]
const UNSENT: u32 = 128 * 1024;

/// How long a connection may take to end that was told to.
const GOODBYE: Duration = Duration::from_secs(20);

const SHORTEST: Duration = Duration::from_millis(5);
const LONGEST: Duration = Duration::from_secs(10);
