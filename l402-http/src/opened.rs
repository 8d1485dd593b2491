//! A tunnel that was agreed on with the upstream, and not yet with the client.
//!
//! hyper keeps a client's connection ready for an upgrade as long as it is open, whatever it is answered. So whoever does not pass
//! the upstream's 101 on closes the tunnel. Whoever passes it on and charges for it says when it is to end.

use core::fmt;
#[cfg(feature = "server")]
use http::Response;
use std::sync::Arc;
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;

/// The task of a tunnel, among the extensions of the 101 that opens it.
#[derive(Clone)]
#[cfg_attr(not(feature = "server"), expect(dead_code, reason = "only who decides about responses closes one"))]
pub(crate) struct Opened {
    task: AbortHandle,
    stop: Arc<Notify>,
    /// Its other end is dropped with the task.
    ended: watch::Receiver<()>,
}

impl Opened {
    #[cfg(feature = "proxy")]
    pub(crate) const fn new(task: AbortHandle, stop: Arc<Notify>, ended: watch::Receiver<()>) -> Self {
        Self { task, stop, ended }
    }

    /// Closes the tunnel of a response that is not passed on, if it has one.
    #[cfg(feature = "server")]
    pub(crate) fn close<R>(response: &Response<R>) {
        if let Some(Self { task, .. }) = response.extensions().get() {
            task.abort();
        }
    }

    /// Ends the tunnel as the end of a token does: both sides are told.
    #[cfg(feature = "server")]
    pub(crate) fn stop(&self) {
        self.stop.notify_one();
    }

    /// Waits until it has ended.
    #[cfg(feature = "server")]
    pub(crate) fn ended(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut ended = self.ended.clone();
        async move { while ended.changed().await.is_ok() {} }
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opened")
    }
}
