//! Errands that a broker does.

use super::place::is_ours_alone;
use super::wire;
use crate::errand::{
    Ask, BudgetSeen, Errand, ErrandError, Errands, FetchBody, FetchHead, Fetched, Preview, PurchaseSeen, Reason,
};
use crate::http::payload::{PayloadBody, PayloadError};
use bytes::{Bytes, BytesMut};
use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use http::header::{AUTHORIZATION, CONNECTION, HOST, HeaderValue, TE};
use http::{HeaderMap, Method, Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use l402_lightning::secret_file::{self, SecretFileError};
use serde::de::DeserializeOwned;
use std::io;
use std::path::{Path, PathBuf};
use tokio::net::UnixStream;
use tokio::time::timeout;
use zeroize::Zeroizing;

/// Errands that a broker does, from the budget of a key.
pub struct BrokerClient {
    socket: PathBuf,
    /// `Bearer KEY`, marked sensitive.
    key: HeaderValue,
}

impl BrokerClient {
    /// Takes the address of the broker, `unix:PATH`, and the file of the key, which no other user can read.
    ///
    /// # Errors
    /// [`BrokerError`].
    pub fn open(address: &str, key_file: &Path) -> Result<Self, BrokerError> {
        let key = secret_file::read(key_file).map_err(BrokerError::KeyFile)?;
        let key = core::str::from_utf8(&key).map_err(|_| BrokerError::NoKey)?;
        Self::new(address, key.trim())
    }

    /// Takes the address of the broker and the key.
    ///
    /// # Errors
    /// [`BrokerError`].
    pub fn new(address: &str, key: &str) -> Result<Self, BrokerError> {
        let socket = address.strip_prefix("unix:").filter(|path| !path.is_empty()).ok_or(BrokerError::Address)?;
        let socket = PathBuf::from(socket);
        is_ours_alone(&socket).map_err(BrokerError::Socket)?;
        let bearer = Zeroizing::new(["Bearer ", key].concat());
        let mut key = HeaderValue::from_str(&bearer).ok().filter(|_| !key.is_empty()).ok_or(BrokerError::NoKey)?;
        key.set_sensitive(true);
        Ok(Self { socket, key })
    }

    async fn send(&self, method: Method, path: &str, ask: Option<&Ask>) -> Result<Response<Incoming>, ErrandError> {
        let (line, rest) = ask.map_or((None, None), |ask| (Some(wire::line(ask)), Some(ask.body.body())));
        let mut request = Request::new(Sent { line, rest });
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().map_err(|_| ErrandError::new(Reason::InvalidRequest, "no such path"))?;
        request.headers_mut().insert(AUTHORIZATION, self.key.clone());
        request.headers_mut().insert(TE, HeaderValue::from_static("trailers"));
        let time = ask.and_then(|ask| ask.timeout_ms).map_or(LONGEST, Duration::from_millis);
        let response = send(&self.socket, request, time.saturating_add(MORE)).await?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(wire::read(&whole(response.into_body()).await?)?)
    }

    async fn json<T: DeserializeOwned>(&self, method: Method, path: &str, ask: Option<&Ask>) -> Result<T, ErrandError> {
        let response = self.send(method, path, ask).await?;
        wire::read(&whole(response.into_body()).await?)
    }

    async fn fetch_one(&self, ask: Ask) -> Result<Fetched, ErrandError> {
        let mut body = self.send(Method::POST, wire::FETCH, Some(&ask)).await?.into_body();
        let mut come = BytesMut::new();
        let line = loop {
            if let Some(line) = wire::take_line(&mut come) {
                break line;
            }
            let frame = body.frame().await.and_then(Result::ok).ok_or_else(broke)?;
            come.extend_from_slice(frame.data_ref().ok_or_else(broke)?);
            if come.len() > wire::MAX_LINE.saturating_mul(2) {
                return Err(broke());
            }
        };
        let head: FetchHead = wire::read(&line)?;
        Ok(Fetched { head, body: FetchBody::new(Coming { start: come.freeze(), rest: Some(body) }) })
    }
}

impl Errands for BrokerClient {
    fn fetch(&self, ask: Ask) -> Errand<'_, Fetched> {
        Box::pin(self.fetch_one(ask))
    }

    fn preview(&self, ask: Ask) -> Errand<'_, Preview> {
        Box::pin(async move { self.json(Method::POST, wire::PREVIEW, Some(&ask)).await })
    }

    fn budget(&self) -> Errand<'_, BudgetSeen> {
        Box::pin(self.json(Method::GET, wire::BUDGET, None))
    }

    fn purchases(&self, most: u32) -> Errand<'_, Vec<PurchaseSeen>> {
        Box::pin(async move { self.json(Method::GET, &format!("{}?most={most}", wire::PURCHASES), None).await })
    }
}

impl fmt::Debug for BrokerClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BrokerClient").field("socket", &self.socket).finish_non_exhaustive()
    }
}

/// Sends one request over a connection of its own.
pub(super) async fn send<B>(
    socket: &Path,
    mut request: Request<B>,
    time: Duration,
) -> Result<Response<Incoming>, ErrandError>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn core::error::Error + Send + Sync>>> + Send + 'static,
{
    request.headers_mut().insert(HOST, HeaderValue::from_static("broker"));
    request.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    let unreached = |cause: &dyn fmt::Display| {
        let message = format!("no broker answers at {}; does `l402 serve` run? ({cause})", socket.display());
        ErrandError::new(Reason::Local, message)
    };
    let stream = UnixStream::connect(socket).await.map_err(|cause| unreached(&cause))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|cause| unreached(&cause))?;
    tokio::spawn(connection); // it ends with the response, or when that is dropped
    let late = |_| ErrandError::new(Reason::Timeout, "the broker did not answer in time");
    timeout(time, sender.send_request(request)).await.map_err(late)?.map_err(|cause| unreached(&cause))
}

async fn whole(body: Incoming) -> Result<Bytes, ErrandError> {
    let body = timeout(MORE, Limited::new(body, wire::MAX_LINE).collect()).await.map_err(|_| broke())?;
    body.map(http_body_util::Collected::to_bytes).map_err(|_| broke())
}

fn broke() -> ErrandError {
    ErrandError::new(Reason::BodyBroke, "the answer of the broker broke off; what was bought is kept")
}

/// What is asked for, then the body to send.
struct Sent {
    line: Option<Bytes>,
    rest: Option<PayloadBody>,
}

impl Body for Sent {
    type Data = Bytes;
    type Error = PayloadError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, PayloadError>>> {
        let sent = self.get_mut();
        match (sent.line.take(), &mut sent.rest) {
            (Some(line), _) => Poll::Ready(Some(Ok(Frame::data(line)))),
            (None, Some(rest)) => Pin::new(rest).poll_frame(cx),
            (None, None) => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.line.is_none() && self.rest.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let line = self.line.as_ref().map_or(0, |line| line.len() as u64);
        let rest = self.rest.as_ref().map_or(Some(0), |rest| rest.size_hint().exact());
        rest.map_or_else(SizeHint::default, |rest| SizeHint::with_exact(line.saturating_add(rest)))
    }
}

/// What the broker passes on.
struct Coming {
    start: Bytes,
    /// Nothing once it has ended.
    rest: Option<Incoming>,
}

impl Body for Coming {
    type Data = Bytes;
    type Error = ErrandError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, ErrandError>>> {
        let coming = self.get_mut();
        if !coming.start.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(core::mem::take(&mut coming.start)))));
        }
        let Some(rest) = &mut coming.rest else { return Poll::Ready(None) };
        let frame = core::task::ready!(Pin::new(rest).poll_frame(cx));
        Poll::Ready(match frame {
            Some(Ok(frame)) if frame.is_data() => Some(Ok(frame)),
            Some(Ok(frame)) => {
                coming.rest = None;
                fault(&frame.into_trailers().unwrap_or_default()).map(Err)
            }
            Some(Err(_)) => {
                coming.rest = None;
                Some(Err(broke()))
            }
            None => None,
        })
    }
}

fn fault(trailers: &HeaderMap) -> Option<ErrandError> {
    let text = trailers.get(wire::FAULT)?;
    Some(wire::read(text.as_bytes()).unwrap_or_else(|_| broke()))
}

/// Why a broker cannot be asked.
#[derive(Debug)]
#[non_exhaustive]
pub enum BrokerError {
    /// The address is not one of a broker.
    Address,
    /// The socket cannot be trusted, or is not there.
    Socket(io::Error),
    /// The file of the key cannot be used.
    KeyFile(SecretFileError),
    /// What is in it is no key.
    NoKey,
}

impl fmt::Display for BrokerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address => f.write_str("the address of a broker is `unix:` and a path"),
            Self::Socket(_) => f.write_str("cannot use the socket of the broker"),
            Self::KeyFile(_) => f.write_str("cannot use the key of the budget"),
            Self::NoKey => f.write_str("the file holds no key of a budget"),
        }
    }
}

impl core::error::Error for BrokerError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Socket(cause) => Some(cause),
            Self::KeyFile(cause) => Some(cause),
            Self::Address | Self::NoKey => None,
        }
    }
}

/// The longest time for a call where nothing is said, and how much longer to wait for the broker to say so.
const LONGEST: Duration = Duration::from_mins(10);
const MORE: Duration = Duration::from_secs(30);
