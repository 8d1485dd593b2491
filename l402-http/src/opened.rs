//! A tunnel that was agreed on with the upstream, and not yet with the client.
//!
//! hyper keeps a client's connection ready for an upgrade as long as it is open, whatever it is answered. So whoever does not pass
//! the upstream's 101 on closes the tunnel.

use core::fmt;
#[cfg(feature = "server")]
use http::Response;
use tokio::task::AbortHandle;

/// The task of a tunnel, among the extensions of the 101 that opens it.
#[derive(Clone)]
pub(crate) struct Opened(
    #[cfg_attr(not(feature = "server"), expect(dead_code, reason = "only who decides about responses closes one"))]
    AbortHandle,
);

impl Opened {
    #[cfg(feature = "proxy")]
    pub(crate) const fn new(task: AbortHandle) -> Self {
        Self(task)
    }

    /// Closes the tunnel of a response that is not passed on, if it has one.
    #[cfg(feature = "server")]
    pub(crate) fn close<R>(response: &Response<R>) {
        if let Some(Self(task)) = response.extensions().get() {
            task.abort();
        }
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opened")
    }
}
