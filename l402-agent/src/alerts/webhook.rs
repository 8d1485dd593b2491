//! A web server that takes alerts.

use super::secret::{SecretError, SecretFile};
use super::signature::Signature;
use crate::http::client::{HttpClient, TransportError};
use crate::store::breaker::OpenAlert;
use bytes::Bytes;
use core::fmt;
use http::{Request, StatusCode, Uri};
use http_body_util::Full;
use l402_lightning::unix_now;
use tower_service::Service;

/// A web server that takes alerts, and the secret that it knows them by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    url: Uri,
    secret: SecretFile,
}

impl Webhook {
    /// Takes an `https` URL, or one of this machine; [`None`] where it is neither.
    ///
    /// ```
    /// use l402_agent::alerts::{SecretFile, Webhook};
    ///
    /// let webhook = |url: &str| Webhook::new(url.parse().ok()?, SecretFile::new("/etc/l402/alerts.secret"));
    /// assert!(webhook("https://ops.example/l402").is_some() && webhook("http://127.0.0.1:9000/l402").is_some());
    /// assert!(webhook("http://ops.example/l402").is_none() && webhook("/l402").is_none());
    /// ```
    pub fn new(url: Uri, secret: SecretFile) -> Option<Self> {
        let is_local = matches!(url.host()?, "127.0.0.1" | "[::1]" | "localhost");
        let may_be = url.scheme_str() == Some("https") || (url.scheme_str() == Some("http") && is_local);
        may_be.then_some(Self { url, secret })
    }

    pub(super) async fn send(&self, http: &mut HttpClient<Full<Bytes>>, alert: &OpenAlert) -> Result<(), WebhookError> {
        let time = unix_now().get();
        let signature = Signature::new(&self.secret.read().map_err(WebhookError::Secret)?, time, alert.body.as_bytes());
        let request = Request::post(self.url.clone())
            .header("content-type", "application/json")
            .header("l402-alert-id", &alert.id)
            .header("l402-alert-time", time)
            .header("l402-alert-signature", signature.to_string())
            .body(Full::from(alert.body.clone()))
            .map_err(WebhookError::Request)?;
        let status = http.call(request).await.map_err(WebhookError::Transport)?.status();
        if status.is_success() { Ok(()) } else { Err(WebhookError::Status(status)) }
    }
}

/// A webhook has not taken an alert. It is sent again.
#[derive(Debug)]
#[non_exhaustive]
pub enum WebhookError {
    /// It cannot be signed.
    Secret(SecretError),
    /// The request cannot be made.
    Request(http::Error),
    /// There is no response.
    Transport(TransportError),
    /// The server does not take it.
    Status(StatusCode),
}

impl fmt::Display for WebhookError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(cause) => cause.fmt(f),
            Self::Request(cause) => cause.fmt(f),
            Self::Transport(cause) => cause.fmt(f),
            Self::Status(status) => write!(f, "the webhook answers with status {}", status.as_u16()),
        }
    }
}

impl core::error::Error for WebhookError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Secret(cause) => cause.source(),
            Self::Request(cause) => cause.source(),
            Self::Transport(cause) => cause.source(),
            Self::Status(_) => None,
        }
    }
}
