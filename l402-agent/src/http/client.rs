//! The HTTP client: http and https, HTTP/1.1 and HTTP/2, certificates verified.
//!
//! 1. Certificates are those of [`super::tls`].
//! 2. Waiting has an end: for the connection, and for a server that takes no more of the request and sends no response's header
//!    fields.
//! 3. Proxies are those of [`Proxies`], and cookies those of [`Cookies`].

use super::cookies::Cookies;
use super::egress::AddressRefused;
use super::raw::{self, Recorded};
use super::settings::HttpSettings;
use super::trace::{Trace, Traced};
use crate::http::proxy::{Connector, Proxies};
use crate::http::silence::{LastMove, Watched};
use crate::http::tls::{self, TlsError};
use bytes::Bytes;
use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use http::{Request, Response, Uri};
use http_body::Body;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::TokioExecutor;
use l402_lightning::{Cause, unix_now};
use tower_service::Service;

use super::wire::Wire;

/// A client that gives up on a silent server.
#[derive(Debug)]
pub struct HttpClient<B> {
    inner: Client<Watching, Watched<B>>,
    proxies: Proxies,
    timeout: Duration,
    cookies: Option<Cookies>,
    trace: Trace,
}

impl<B: Body<Data = Bytes> + Send + Unpin> HttpClient<B> {
    /// Makes a client.
    ///
    /// # Errors
    /// [`TlsError`] where the file of roots is of no use.
    pub fn new(settings: &HttpSettings) -> Result<Self, TlsError> {
        let HttpSettings { timeout, connect_timeout, certificates, ref proxies, ref trace, .. } = *settings;
        let (pins, egress) = (settings.pins.clone(), settings.egress.clone());
        let connect_timeout = connect_timeout.unwrap_or(timeout);
        let cacert = settings.cacert.as_deref();
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(connect_timeout));
        let to_proxy = HttpsConnectorBuilder::new().with_tls_config(tls::to_proxies(cacert)?).https_or_http();
        let to_proxy = to_proxy.enable_http1().wrap_connector(tcp.clone());
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls::to_servers(cacert, certificates)?)
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(Connector::new(tcp, to_proxy, proxies.clone(), (pins, egress)));
        let inner = Client::builder(TokioExecutor::new()).build(Watching { connector, timeout: connect_timeout });
        let cookies = settings.cookies.clone();
        Ok(Self { inner, proxies: proxies.clone(), timeout, cookies, trace: trace.clone() })
    }
}

impl<B> Clone for HttpClient<B> {
    fn clone(&self) -> Self {
        let Self { inner, proxies, timeout, cookies, trace } = self;
        let (cookies, trace) = (cookies.clone(), trace.clone());
        Self { inner: inner.clone(), proxies: proxies.clone(), timeout: *timeout, cookies, trace }
    }
}

impl<B> Service<Request<B>> for HttpClient<B>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn core::error::Error + Send + Sync>>> + Send + Unpin + 'static,
{
    type Response = Response<Incoming>;
    type Error = TransportError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Incoming>, TransportError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(())) // the client queues by itself
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        self.proxies.authorize(&mut request);
        let jar = self.cookies.clone().map(|cookies| (cookies, request.uri().clone()));
        if let Some((cookies, uri)) = &jar {
            cookies.add_to(uri, request.headers_mut(), unix_now());
        }
        let (method, uri, headers) = (request.method(), request.uri(), request.headers());
        self.trace.tell(&Traced::Sent { method, uri, headers });
        let (last_move, timeout, trace) = (LastMove::now(), self.timeout, self.trace.clone());
        let response = self.inner.request(request.map(|body| Watched::new(body, last_move.clone())));
        Box::pin(async move {
            let response = last_move.bounds(timeout, response).await.ok_or(TransportError::Silent(timeout))?;
            let mut response = response.map_err(TransportError::Http)?;
            raw::attach(&mut response);
            let (parts, body) = response.into_parts();
            if let Some((cookies, uri)) = jar {
                cookies.take(&uri, &parts.headers, unix_now());
            }
            trace.tell(&Traced::Received(&parts));
            Ok(Response::from_parts(parts, body))
        })
    }
}

/// Connects within a time, and copies the heads of responses.
#[derive(Debug, Clone)]
struct Watching {
    connector: HttpsConnector<Connector>,
    timeout: Duration,
}

impl Service<Uri> for Watching {
    type Response = Recorded<MaybeHttpsStream<Wire>>;
    type Error = Cause;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Cause>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Cause>> {
        self.connector.poll_ready(context)
    }

    fn call(&mut self, destination: Uri) -> Self::Future {
        let (connecting, timeout) = (self.connector.call(destination), self.timeout);
        Box::pin(async move {
            let connected = tokio::time::timeout(timeout, connecting).await;
            let connected = connected.map_err(|_| format!("no connection within {timeout:?}"))?;
            Ok(Recorded::new(connected?))
        })
    }
}

/// Why there is no answer to a request.
#[derive(Debug)]
#[non_exhaustive]
pub enum TransportError {
    /// The connection could not be made, or broke.
    Http(legacy::Error),
    /// Nothing moved for so long: no more of the request was taken, and no header fields came.
    Silent(Duration),
}

impl TransportError {
    /// Tells whether the server may have got the request, and only its response was lost.
    pub fn may_have_been_performed(&self) -> bool {
        matches!(self, Self::Http(cause) if !cause.is_connect())
    }

    /// Returns the address that is not reached, where that is why.
    pub fn address_refused(&self) -> Option<&AddressRefused> {
        let mut next: Option<&(dyn core::error::Error + 'static)> = Some(self);
        while let Some(fault) = next {
            if let Some(refused) = fault.downcast_ref() {
                return Some(refused);
            }
            next = fault.source();
        }
        None
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(cause) if cause.is_connect() => f.write_str("cannot connect to the server"),
            Self::Http(_) => f.write_str("the connection to the server broke"),
            Self::Silent(timeout) => write!(f, "no response within {timeout:?}"),
        }
    }
}

impl core::error::Error for TransportError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Http(cause) => cause.source(), // its own text says no more than ours
            Self::Silent(_) => None,
        }
    }
}
