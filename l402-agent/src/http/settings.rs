//! How servers are reached: time-outs, certificates, proxies, fixed addresses, cookies, and who watches.

use super::cookies::Cookies;
use super::egress::Egress;
use super::pins::Pins;
use super::proxy::Proxies;
use super::tls::Certificates;
use super::trace::Trace;
use core::time::Duration;
use std::path::PathBuf;

/// How servers are reached.
///
/// ```
/// use l402_agent::http::settings::HttpSettings;
/// use l402_agent::http::tls::Certificates;
///
/// assert!(HttpSettings::default().is_authentic());
/// let unchecked = HttpSettings { certificates: Certificates::Unchecked, ..HttpSettings::default() };
/// assert!(!unchecked.is_authentic());
/// ```
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// How long to wait for a server that is silent. 30 seconds unless set.
    pub timeout: Duration,
    /// How long to wait for a connection, TLS and proxies included; as long as for a silent server unless set.
    pub connect_timeout: Option<Duration>,
    /// A PEM file with the only roots that are believed; those of Mozilla's list unless set.
    pub cacert: Option<PathBuf>,
    /// Whether certificates of servers are checked.
    pub certificates: Certificates,
    /// The proxies.
    pub proxies: Proxies,
    /// Addresses of hosts that are not looked up.
    pub pins: Pins,
    /// Which addresses are reached; all unless set.
    pub egress: Egress,
    /// The cookies; none are kept or sent unless set, beside those of a request itself.
    pub cookies: Option<Cookies>,
    /// Who hears of each request and each response.
    pub trace: Trace,
}

impl HttpSettings {
    /// Tells whether it is certain, as far as TLS and names go, that an origin is who it says: certificates are checked, and addresses are
    /// those that the names have. Where it is not, no kept token is presented, and none is kept.
    pub const fn is_authentic(&self) -> bool {
        matches!(self.certificates, Certificates::Checked) && self.pins.are_none()
    }
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            timeout: DEFAULT_TIMEOUT,
            connect_timeout: None,
            cacert: None,
            certificates: Certificates::default(),
            proxies: Proxies::default(),
            pins: Pins::default(),
            egress: Egress::default(),
            cookies: None,
            trace: Trace::default(),
        }
    }
}

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
