//! One JSON request per connection. What matters is whether the request may have reached the wallet.

use super::file::SandboxFile;
use super::wire::ErrorReply;
use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use l402_lightning::Cause;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;
use tokio::time::timeout;
use zeroize::Zeroizing;

/// A wallet's address, and the secret that opens it.
#[derive(Clone)]
pub(super) struct Endpoint {
    address: SocketAddr,
    secret: Zeroizing<String>,
}

impl Endpoint {
    pub(super) fn new(file: &SandboxFile) -> Self {
        Self { address: file.address, secret: file.secret.clone() }
    }

    pub(super) async fn get<R: DeserializeOwned>(&self, path: &str, wait: Duration) -> Result<R, ExchangeError> {
        self.exchange(Method::GET, path, Bytes::new(), wait).await
    }

    pub(super) async fn post<R: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
        wait: Duration,
    ) -> Result<R, ExchangeError> {
        let body = serde_json::to_vec(body).map_err(ExchangeError::not_sent)?;
        self.exchange(Method::POST, path, body.into(), wait).await
    }

    async fn exchange<R: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
        wait: Duration,
    ) -> Result<R, ExchangeError> {
        let request = self.request(method, path, body)?;
        let sender = timeout(CONNECT_TIMEOUT, self.connect()).await;
        let sender = sender.map_err(ExchangeError::not_sent)??;
        timeout(wait, answer(sender, request)).await.map_err(|_| ExchangeError::TimedOut)?
    }

    fn request(&self, method: Method, path: &str, body: Bytes) -> Result<Request<Full<Bytes>>, ExchangeError> {
        let bearer = Zeroizing::new(format!("Bearer {}", self.secret.as_str()));
        let mut bearer = HeaderValue::from_str(&bearer).map_err(ExchangeError::not_sent)?;
        bearer.set_sensitive(true);
        Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, self.address.to_string())
            .header(AUTHORIZATION, bearer)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(body))
            .map_err(ExchangeError::not_sent)
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, ExchangeError> {
        if !self.address.ip().is_loopback() {
            return Err(ExchangeError::NotSent("the address is not on this machine".into()));
        }
        let stream = TcpStream::connect(self.address).await.map_err(ExchangeError::not_sent)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(ExchangeError::not_sent)?;
        tokio::spawn(connection); // ends with the sender; its failures reach the caller through the sender too
        Ok(sender)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Why a request has no answer that says what was asked.
#[derive(Debug)]
pub(super) enum ExchangeError {
    /// It never left this process.
    NotSent(Cause),
    /// It may have arrived; the answer did not.
    Lost(Cause),
    /// It may have arrived; the answer did not come in time.
    TimedOut,
    /// The answer is not what a wallet says.
    Malformed,
    /// The wallet refused.
    Refused(ErrorReply),
}

impl ExchangeError {
    fn not_sent(cause: impl Into<Cause>) -> Self {
        Self::NotSent(cause.into())
    }
}

impl fmt::Display for ExchangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSent(_) => f.write_str("the wallet cannot be reached"),
            Self::Lost(_) => f.write_str("the connection to the wallet broke"),
            Self::TimedOut => f.write_str("the wallet did not answer in time"),
            Self::Malformed => f.write_str("the wallet's answer cannot be read"),
            Self::Refused(reply) => write!(f, "the wallet says: {}", reply.message),
        }
    }
}

impl core::error::Error for ExchangeError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::NotSent(cause) | Self::Lost(cause) => Some(&**cause),
            Self::TimedOut | Self::Malformed | Self::Refused(_) => None,
        }
    }
}

async fn answer<R: DeserializeOwned>(
    mut sender: SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> Result<R, ExchangeError> {
    let response = sender.send_request(request).await.map_err(|fault| ExchangeError::Lost(fault.into()))?;
    let status = response.status();
    let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await.map_err(ExchangeError::Lost)?;
    let body = body.to_bytes();
    if status == StatusCode::OK {
        return serde_json::from_slice(&body).map_err(|_| ExchangeError::Malformed);
    }
    let reply: ErrorReply = serde_json::from_slice(&body).map_err(|_| ExchangeError::Malformed)?;
    Err(ExchangeError::Refused(reply))
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const MAX_ANSWER: usize = 64 * 1024;
