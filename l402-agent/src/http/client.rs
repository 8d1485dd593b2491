//! The HTTP client: http and https, HTTP/1.1 and HTTP/2, certificates verified.
//!
//! 1. A server certificate must lead to a root of Mozilla's list or to one that the user names; there is no way to switch
//!    this off.
//! 2. Waiting has an end: for the connection, and for a server that takes no more of the request and sends no response's header
//!    fields.
//! 3. Proxies are those of [`Proxies`].

use crate::http::proxy::{Connector, Proxies};
use crate::http::silence::{LastMove, Watched};
use bytes::Bytes;
use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};
use rustls::{ClientConfig, RootCertStore};
use std::path::Path;
use std::sync::Arc;
use tower_service::Service;

/// A client that gives up on a silent server.
#[derive(Debug)]
pub struct HttpClient<B> {
    inner: Client<HttpsConnector<Connector>, Watched<B>>,
    proxies: Proxies,
    timeout: Duration,
}

impl<B: Body<Data = Bytes> + Send + Unpin> HttpClient<B> {
    /// Makes a client. `timeout` bounds the wait for the header fields of each response; `cacert` names a PEM file of
    /// further roots.
    ///
    /// # Errors
    /// [`TlsError`] where the PEM file is of no use.
    pub fn new(timeout: Duration, cacert: Option<&Path>, proxies: Proxies) -> Result<Self, TlsError> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(timeout));
        let tls = tls(cacert)?;
        let to_proxy = HttpsConnectorBuilder::new().with_tls_config(tls.clone()).https_or_http().enable_http1();
        let to_proxy = to_proxy.wrap_connector(tcp.clone());
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(Connector::new(tcp, to_proxy, proxies.clone()));
        Ok(Self { inner: Client::builder(TokioExecutor::new()).build(connector), proxies, timeout })
    }
}

impl<B> Clone for HttpClient<B> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), proxies: self.proxies.clone(), timeout: self.timeout }
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
        let (last_move, timeout) = (LastMove::now(), self.timeout);
        let response = self.inner.request(request.map(|body| Watched::new(body, last_move.clone())));
        Box::pin(async move {
            match last_move.bounds(timeout, response).await {
                Some(result) => result.map_err(TransportError::Http),
                None => Err(TransportError::Silent(timeout)),
            }
        })
    }
}

fn tls(cacert: Option<&Path>) -> Result<ClientConfig, TlsError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = cacert {
        let added = CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(TlsError::Pem)
            .map(|certificates| roots.add_parsable_certificates(certificates).0)?;
        if added == 0 {
            return Err(TlsError::NoCertificate);
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Ok(versions.map_err(TlsError::Protocol)?.with_root_certificates(roots).with_no_client_auth())
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

/// Why no TLS client can be made.
#[derive(Debug)]
#[non_exhaustive]
pub enum TlsError {
    /// The file of roots cannot be read as PEM.
    Pem(pem::Error),
    /// The file holds no certificate that can be a root.
    NoCertificate,
    /// The cryptography provider lacks a protocol version.
    Protocol(rustls::Error),
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pem(_) => "cannot read the --cacert file",
            Self::NoCertificate => "the --cacert file contains no certificate",
            Self::Protocol(_) => "cannot set up TLS",
        })
    }
}

impl core::error::Error for TlsError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Pem(cause) => Some(cause),
            Self::Protocol(cause) => Some(cause),
            Self::NoCertificate => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http_body_util::Full;
    use std::io::Write;

    type Plain = HttpClient<Full<Bytes>>;

    #[test]
    fn a_file_of_roots_must_hold_one() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"not a certificate\n").unwrap();
        let second = Duration::from_secs(1);
        let new = |path| Plain::new(second, path, Proxies::default());
        assert!(matches!(new(Some(file.path())), Err(TlsError::NoCertificate)));
        assert!(matches!(new(Some(Path::new("/does/not/exist"))), Err(TlsError::Pem(_))));
        assert!(new(None).is_ok());
    }
}
