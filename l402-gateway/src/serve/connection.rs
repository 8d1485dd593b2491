//! One connection of a client.

use core::fmt;
use core::pin::{Pin, pin};
use core::time::Duration;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::TokioTimer;
use l402_http::proxy::{HEADER_FIELDS, Peer, Session};
use l402_lightning::{InvoiceSource, SettlementSource};
use socket2::SockRef;
use std::io;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::activity::{Activity, Exchanges, Standing};
use super::clients::Seat;
use super::gateway::{Client, Gateway};
use super::head_timer::HeadTimer;
use super::preface::{self, Spoken};
use super::socket::Socket;
use crate::settings::Settings;

/// Makes the future that serves a connection to its end. It holds `stopping` as long as it runs, and so do its tunnels.
///
/// # Errors
/// The client is gone already, or the system does not take a setting.
pub(super) fn of<N>(
    stream: TcpStream,
    gateway: &Gateway<N>,
    limits: Limits,
    seat: Arc<Seat>,
    stopping: watch::Receiver<bool>,
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
        let mut guard = Guard::new(Arc::clone(&activity), limits, stopping);
        match serve(stream, client, activity, limits, &mut guard).await {
            End::Done => {}
            End::Broken(error) => tracing::debug!(%address, error = &*error, "a connection broke off"),
            End::Cut(why) => tracing::debug!(%address, %why, "a connection was cut"),
        }
    })
}

/// Finds out which version of HTTP the client speaks, and serves it to the end.
async fn serve<N>(
    mut stream: TcpStream,
    client: Client<N>,
    activity: Arc<Activity>,
    limits: Limits,
    guard: &mut Guard,
) -> End
where
    N: InvoiceSource + SettlementSource + 'static,
{
    let spoken = {
        let mut spoken = pin!(preface::spoken(&mut stream));
        loop {
            tokio::select! {
                biased;
                spoken = &mut spoken => break spoken,
                event = guard.event() => match event {
                    Event::Tick => {}
                    Event::Told => return End::Done,
                    Event::Cut(why) => return End::Cut(why),
                },
            }
        }
    };
    match spoken {
        Ok(Spoken::Http1(first)) => {
            let socket = Socket::new(stream, first, Arc::clone(&activity));
            guard.lead(http1(limits, activity).serve_connection(socket, client).with_upgrades()).await
        }
        Ok(Spoken::Http2(first)) => {
            let socket = Socket::new(stream, first, Arc::clone(&activity));
            guard.lead(http2(limits, activity).serve_connection(socket, client)).await
        }
        Err(error) => End::Broken(error.into()),
    }
}

/// Deadlines of a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// For the head of a request; also how long a connection may stand idle between two.
    pub(super) head: Duration,
    /// How long a client may take nothing of what is sent to it.
    pub(super) unread: Duration,
    /// For requests under way when the server stops.
    pub(super) shutdown: Duration,
    /// Fields in the header of a request.
    pub(super) header_fields: usize,
}

impl Limits {
    pub(super) const fn of(settings: &Settings) -> Self {
        Self {
            head: settings.request_head,
            unread: settings.idle,
            shutdown: settings.shutdown,
            header_fields: settings.limits.header_fields,
        }
    }
}

/// Ends a connection that has stood still for too long, whatever was not polled: hyper's own deadline for a head
/// begins only when it knows the version of HTTP, and a body is not polled while its client takes nothing.
struct Guard {
    activity: Arc<Activity>,
    limits: Limits,
    stopping: watch::Receiver<bool>,
    ticks: Interval,
    begun: Instant,
    /// Whether the connection was told to end.
    is_told: bool,
}

/// A connection of either version of HTTP.
trait Connection: Future<Output = hyper::Result<()>> {
    /// Serves what is under way, and no more.
    fn graceful_shutdown(self: Pin<&mut Self>);
}

impl<N: InvoiceSource + SettlementSource + 'static> Connection for http1::UpgradeableConnection<Socket, Client<N>> {
    fn graceful_shutdown(self: Pin<&mut Self>) {
        Self::graceful_shutdown(self);
    }
}

impl<N: InvoiceSource + SettlementSource + 'static> Connection for http2::Connection<Socket, Client<N>, Exchanges> {
    fn graceful_shutdown(self: Pin<&mut Self>) {
        Self::graceful_shutdown(self);
    }
}

/// What a connection has to know.
enum Event {
    /// Time has passed; it is to be polled again, for the sake of its own deadlines.
    Tick,
    /// It is to end when nothing is under way any more.
    Told,
    /// It is to end at once.
    Cut(Standing),
}

impl Guard {
    fn new(activity: Arc<Activity>, limits: Limits, stopping: watch::Receiver<bool>) -> Self {
        let every = (limits.head.min(limits.unread) / 8).clamp(SHORTEST, LONGEST);
        let begun = Instant::now();
        let mut ticks = interval_at(begun + every, every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { activity, limits, stopping, ticks, begun, is_told: false }
    }

    /// Polls a connection to its end.
    async fn lead(&mut self, connection: impl Connection) -> End {
        let mut connection = pin!(connection);
        loop {
            tokio::select! {
                biased;
                ended = &mut connection => return ended.map_or_else(|error| End::Broken(error.into()), |()| End::Done),
                event = self.event() => match event {
                    Event::Tick => {}
                    Event::Told => connection.as_mut().graceful_shutdown(),
                    Event::Cut(why) => return End::Cut(why),
                },
            }
        }
    }

    /// Waits for the next event. Nothing is lost where that is given up.
    async fn event(&mut self) -> Event {
        tokio::select! {
            biased;
            () = told(&mut self.stopping), if !self.is_told => return self.tell(),
            _ = self.ticks.tick() => {}
        }
        match self.activity.look(self.limits.head, self.limits.unread) {
            Standing::Busy => Event::Tick,
            // It may end by itself, and has as long again for that.
            Standing::Quiet if !self.is_told => self.tell(),
            Standing::Quiet if self.begun.elapsed() < self.limits.unread.min(GOODBYE) => Event::Tick,
            standing => Event::Cut(standing),
        }
    }

    fn tell(&mut self) -> Event {
        (self.is_told, self.begun) = (true, Instant::now());
        Event::Told
    }
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

/// Completes when the server stops, also where it was dropped.
async fn told(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stopping| *stopping).await;
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

fn http1(limits: Limits, activity: Arc<Activity>) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.timer(HeadTimer(activity)).header_read_timeout(limits.head).max_buf_size(MAX_HEAD);
    // Room for more than the usual number is made anew for each request.
    if limits.header_fields != HEADER_FIELDS {
        builder.max_headers(limits.header_fields);
    }
    builder
}

fn http2(limits: Limits, activity: Arc<Activity>) -> http2::Builder<Exchanges> {
    let mut builder = http2::Builder::new(Exchanges(activity));
    builder
        .timer(TokioTimer::new())
        .max_header_list_size(MAX_HEAD_U32)
        .max_concurrent_streams(MAX_STREAMS)
        .max_pending_accept_reset_streams(MAX_RESETS)
        .max_local_error_reset_streams(MAX_RESETS)
        .keep_alive_interval(limits.head)
        .keep_alive_timeout(PING);
    builder
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
