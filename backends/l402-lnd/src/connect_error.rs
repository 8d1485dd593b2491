//! Why there is no connection to LND.

use core::error::Error;
use core::fmt;
use std::io;
use std::sync::Arc;

/// Why there is no connection: of the network, or of TLS. Nothing was asked of LND.
#[derive(Debug, Clone)]
pub struct ConnectError(Arc<io::Error>);

impl ConnectError {
    pub(super) fn new(cause: io::Error) -> Self {
        Self(Arc::new(cause))
    }

    /// Whether the server showed a certificate that is not to be trusted.
    pub(super) fn is_certificate(&self) -> bool {
        let tls = self.0.get_ref().and_then(|cause| cause.downcast_ref());
        matches!(tls, Some(rustls::Error::InvalidCertificate(_)))
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for ConnectError {}
