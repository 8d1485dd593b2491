//! How long each part of an exchange may take.

use core::time::Duration;

/// Deadlines of one exchange with the upstream.
// Threat P4.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Timeouts {
    /// Name look-up, TCP and TLS together. 5 seconds unless set.
    pub connect: Duration,
    /// From the last byte of the request until the head of the response. 10 minutes unless set: a model may think for long.
    pub response: Duration,
    /// The longest time in which neither body moves once the response has begun, and for which a client may let the upstream
    /// wait for each [`UpstreamConfig::slowest_upload`](super::UpstreamConfig::slowest_upload) of a request. 60 seconds unless set.
    pub idle: Duration,
    /// How long a response of unknown length may go on after its token has ended. 10 minutes unless set.
    pub after_grant: Duration,
    /// The same for an upgraded connection, such as a WebSocket. 10 minutes unless set.
    pub tunnel: Duration,
    /// How long an unused connection is kept. 4 seconds unless set: common servers close theirs after 5, and a request
    /// that crosses such a close is lost.
    pub keep_alive: Duration,
    /// How long after the last connection [`Upstream::watch`](super::Upstream::watch) tries the upstream. 10 seconds unless
    /// set.
    pub probe: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            response: Duration::from_mins(10),
            idle: Duration::from_mins(1),
            after_grant: Duration::from_mins(10),
            tunnel: Duration::from_mins(10),
            keep_alive: Duration::from_secs(4),
            probe: Duration::from_secs(10),
        }
    }
}

impl Timeouts {
    /// After how long an exchange is looked at that has no response yet.
    pub(super) fn first_look(&self) -> Duration {
        self.response.min(self.idle)
    }
}
