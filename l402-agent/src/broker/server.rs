//! The sockets, and who may ask for what.

use super::door::Door;
use super::owner;
use super::place::Socket;
use super::reply::Reply;
use super::wire;
use crate::agent::Agent;
use crate::errand::{Ask, Caller, ErrandError, Errands as _, Limits, LocalErrands, Reason};
use crate::store::keys::{Admission, AgentKeys};
use bytes::{Bytes, BytesMut};
use core::convert::Infallible;
use core::time::Duration;
use http::header::{AUTHORIZATION, HeaderMap};
use http::{Method, Request, Response, Uri};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use l402_lightning::PaymentSource;
use std::io;
use std::sync::Arc;
use tokio::net::UnixStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// How much a broker does at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BrokerLimits {
    /// Connections of one user of the system.
    pub connections: usize,
    /// Requests with one key.
    pub requests: usize,
    /// The longest body that an agent sends, in bytes. It is kept in memory.
    pub upload: usize,
    /// How long to wait for a request to arrive, with its body.
    pub arrival: Duration,
    /// How long requests that are under way may take when the broker stops.
    pub grace: Duration,
}

impl Default for BrokerLimits {
    /// 64 connections, 32 requests, 8 MiB, 30 seconds and 10 seconds.
    fn default() -> Self {
        Self {
            connections: 64,
            requests: 32,
            upload: 8 << 20,
            arrival: Duration::from_secs(30),
            grace: Duration::from_secs(10),
        }
    }
}

/// Does errands for whoever has a key, with the wallet of an [`Agent`].
#[derive(Debug)]
pub struct Broker<W> {
    agent: Agent<W>,
    keys: AgentKeys,
    calls: Limits,
    limits: BrokerLimits,
}

impl<W: PaymentSource + 'static> Broker<W> {
    /// Takes the agent that pays. Its own budget is not used: each key has one.
    pub fn new(agent: Agent<W>) -> Self {
        let keys = agent.keys();
        Self { agent, keys, calls: Limits::default(), limits: BrokerLimits::default() }
    }

    /// Sets what is allowed for each call, and how much is done at the same time.
    #[must_use]
    pub fn limited(self, calls: Limits, limits: BrokerLimits) -> Self {
        Self { calls, limits, ..self }
    }

    /// Does errands until `stop`. Then no more requests are taken, and those under way have some seconds. A payment goes on in any
    /// case: its outcome is looked for by the next call.
    pub async fn serve(self, agents: Socket, owner: Socket, stop: impl Future<Output = ()>) {
        let desk = Arc::new(Desk {
            users: Door::new(self.limits.connections),
            requests: Door::new(self.limits.requests),
            broker: self,
        });
        let mut tasks = JoinSet::new();
        let mut stop = core::pin::pin!(stop);
        loop {
            let (accepted, side) = tokio::select! {
                () = &mut stop => break,
                accepted = agents.listener.accept() => (accepted, Side::Agents),
                accepted = owner.listener.accept() => (accepted, Side::Owner),
                Some(_) = tasks.join_next() => continue,
            };
            match accepted {
                Ok((stream, _)) => desk.begin(stream, side, &mut tasks),
                Err(_) => sleep(BACK_OFF).await, // no descriptors: some will be given back
            }
        }
        drop((agents, owner));
        let _ = timeout(desk.broker.limits.grace, async { while tasks.join_next().await.is_some() {} }).await;
        tasks.shutdown().await;
    }
}

/// Which socket somebody came through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Agents,
    Owner,
}

/// What serves all connections.
struct Desk<W> {
    broker: Broker<W>,
    users: Door<u32>,
    requests: Door<i64>,
}

impl<W: PaymentSource + 'static> Desk<W> {
    fn begin(self: &Arc<Self>, stream: UnixStream, side: Side, tasks: &mut JoinSet<()>) {
        let Ok(uid) = stream.peer_cred().map(|peer| peer.uid()) else { return };
        // Who is not the owner learns nothing from the owner's socket.
        if side == Side::Owner && !owner::is_owner(uid) {
            return;
        }
        let Ok(inside) = self.users.enter(uid) else { return };
        let desk = Arc::clone(self);
        tasks.spawn(async move {
            let _inside = inside;
            desk.connection(stream, uid, side).await;
        });
    }

    async fn connection(self: Arc<Self>, stream: UnixStream, uid: u32, side: Side) {
        let life = self.broker.calls.time.saturating_add(self.broker.limits.arrival).saturating_add(HEAD_TIME);
        let service = service_fn(move |request| {
            let desk = Arc::clone(&self);
            async move { Ok::<_, Infallible>(desk.answer(request, uid, side).await) }
        });
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME).max_headers(MOST_HEADERS).max_buf_size(MAX_HEAD);
        let connection = http.keep_alive(false).serve_connection(TokioIo::new(stream), service);
        let _ = timeout(life, connection).await; // who has gone learns nothing
    }

    async fn answer(&self, request: Request<Incoming>, uid: u32, side: Side) -> Response<Reply> {
        let answered = match side {
            Side::Agents => self.agent(request, uid).await,
            Side::Owner => owner::answer(&self.broker.agent, request.method(), request.uri().path()).await,
        };
        answered.unwrap_or_else(|fault| Reply::fault(&fault))
    }

    async fn agent(&self, request: Request<Incoming>, uid: u32) -> Result<Response<Reply>, ErrandError> {
        let admission = self.admit(request.headers(), uid).await?;
        let inside = self.requests.enter(admission.key)?;
        let (head, body) = request.into_parts();
        let agent = self.broker.agent.with_budget(admission.budget);
        let errands = LocalErrands::new(agent, Caller::Agent).limited(self.broker.calls);
        match (&head.method, head.uri.path()) {
            (&Method::POST, wire::FETCH) => {
                let ask = self.ask(body).await?;
                Ok(Reply::fetched(errands.fetch(ask).await?, &head.headers).map(|reply| reply.holding(inside)))
            }
            (&Method::POST, wire::PREVIEW) => Ok(Reply::json(&errands.preview(self.ask(body).await?).await?)),
            (&Method::GET, wire::BUDGET) => Ok(Reply::json(&errands.budget().await?)),
            (&Method::GET, wire::PURCHASES) => Ok(Reply::json(&errands.purchases(most(&head.uri)?).await?)),
            _ => Err(ErrandError::new(
                Reason::InvalidRequest,
                "there is no such request; a key permits fetch, preview, budget and purchases",
            )),
        }
    }

    async fn admit(&self, headers: &HeaderMap, uid: u32) -> Result<Admission, ErrandError> {
        let refused = || ErrandError::new(Reason::Unauthorized, "no such key, or it is not one of this user");
        let key = bearer(headers).ok_or_else(refused)?;
        let keys = self.broker.keys.clone();
        let admitted = tokio::task::spawn_blocking(move || keys.admit(&key, uid)).await;
        match admitted {
            Ok(Ok(admission)) => admission.ok_or_else(refused),
            _ => Err(ErrandError::new(Reason::Local, "cannot read the keys; tell the owner")),
        }
    }

    /// Reads what is asked for, and the body to send.
    async fn ask(&self, body: Incoming) -> Result<Ask, ErrandError> {
        let BrokerLimits { upload, arrival, .. } = self.broker.limits;
        let late = |_| ErrandError::new(Reason::Timeout, "the request did not arrive in time");
        let read =
            timeout(arrival, Limited::new(body, upload.saturating_add(MAX_ASK)).collect()).await.map_err(late)?;
        let too_long =
            |_| ErrandError::new(Reason::TooLarge, format!("a body of more than {upload} bytes is not sent"));
        let mut come = BytesMut::from(read.map_err(too_long)?.to_bytes());
        let line = wire::take_line(&mut come).unwrap_or_else(|| core::mem::take(&mut come).freeze());
        if come.len() > upload || line.len() > MAX_ASK {
            return Err(too_long(Box::new(io::Error::other(""))));
        }
        let ask: Ask = wire::read(&line)?;
        Ok(Ask { body: Bytes::from(come).into(), ..ask })
    }
}

/// Reads the key of a request; [`None`] where there is none, or more than one.
fn bearer(headers: &HeaderMap) -> Option<zeroize::Zeroizing<String>> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let (value, None) = (all.next()?, all.next()) else { return None };
    let (scheme, key) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| zeroize::Zeroizing::new(key.to_owned()))
}

fn most(uri: &Uri) -> Result<u32, ErrandError> {
    match uri.query() {
        None => Ok(wire::PURCHASES_SHOWN),
        Some(query) => query
            .strip_prefix("most=")
            .and_then(|most| most.parse().ok())
            .ok_or_else(|| ErrandError::new(Reason::InvalidRequest, "the query must be `most=` and a number")),
    }
}

const HEAD_TIME: Duration = Duration::from_secs(10);
const BACK_OFF: Duration = Duration::from_millis(50);
const MOST_HEADERS: usize = 32;
const MAX_HEAD: usize = 16 * 1024;
const MAX_ASK: usize = 64 * 1024;
