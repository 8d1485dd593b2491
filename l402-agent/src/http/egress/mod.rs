//! Which addresses are reached for a program that something else drives.
//!
//! A language model, or whoever writes what it reads, chooses URLs. It must not reach what only this machine reaches: services on
//! loopback, the local network, the metadata of a cloud.
//!
//! 1. A name is looked up once for each connection, and the connection goes to an address that was looked at: what the name means a
//!    moment later does not count (DNS rebinding).
//! 2. Each hop of a redirect is a request of its own, and is looked at again. A connection that is kept goes where it went before.
//! 3. An address that is not [public](AddressKind::Public) is reached where the owner permits it for that origin, with its port.
//! 4. This holds for free requests, too. Through a proxy nothing can be looked at, so nothing is sent through one.

// Threats: A7.

mod address;

pub use address::AddressKind;

use core::fmt;
use core::net::{IpAddr, SocketAddr};
use http::Uri;
use l402_http::pay::Origin;
use std::io;
use std::sync::Arc;
use tokio::net::lookup_host;

/// Which addresses are reached.
///
/// ```
/// use l402_agent::http::egress::Egress;
/// use l402_agent::http::settings::HttpSettings;
///
/// let egress = Egress::guarded(|origin, address| origin.port() == 8402 && address.ip().is_loopback());
/// let settings = HttpSettings { egress, ..HttpSettings::default() };
/// assert!(settings.is_authentic() && settings.egress.is_guarded());
/// ```
#[derive(Clone, Default)]
pub struct Egress(Option<Arc<Permits>>);

type Permits = dyn Fn(&Origin, SocketAddr) -> bool + Send + Sync;

impl Egress {
    /// Reaches public addresses, and others where `permits` says so.
    pub fn guarded(permits: impl Fn(&Origin, SocketAddr) -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(permits)))
    }

    /// Tells whether some addresses are not reached.
    pub const fn is_guarded(&self) -> bool {
        self.0.is_some()
    }

    /// Returns the addresses of a URL that may be reached; [`None`] where all may. `fixed` are those that are not looked up.
    pub(super) async fn addresses(
        &self,
        url: &Uri,
        fixed: Option<Vec<SocketAddr>>,
    ) -> Result<Option<Vec<SocketAddr>>, Unreachable> {
        let Some(permits) = &self.0 else { return Ok(fixed) };
        let origin = Origin::of(url).map_err(|_| Unreachable::NoHost)?;
        let found = match fixed {
            Some(fixed) => fixed,
            None => look_up(&origin).await.map_err(Unreachable::LookUp)?,
        };
        let may =
            |address: &SocketAddr| AddressKind::of(address.ip()) == AddressKind::Public || permits(&origin, *address);
        let (may, not): (Vec<_>, Vec<_>) = found.into_iter().partition(may);
        match (may.is_empty(), not.first()) {
            (false, _) => Ok(Some(may.into_iter().take(MOST_TRIED).collect())),
            (true, Some(address)) => Err(Unreachable::Refused(AddressRefused { origin, address: *address })),
            (true, None) => Err(Unreachable::NoHost),
        }
    }
}

impl fmt::Debug for Egress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_guarded() { "Egress(guarded)" } else { "Egress(anywhere)" })
    }
}

async fn look_up(origin: &Origin) -> io::Result<Vec<SocketAddr>> {
    let host = origin.host().trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, origin.port())]);
    }
    Ok(lookup_host((host, origin.port())).await?.collect())
}

/// An address is not public, and the owner does not permit it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressRefused {
    /// Where the request was to go.
    pub origin: Origin,
    /// The address that it has.
    pub address: SocketAddr,
}

impl fmt::Display for AddressRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, address } = self;
        let kind = AddressKind::of(address.ip());
        write!(f, "{origin} is at {address}, an address that is {kind}; the owner's policy can permit it")
    }
}

impl core::error::Error for AddressRefused {}

/// Why there is no address to connect to.
#[derive(Debug)]
pub(super) enum Unreachable {
    /// None that may be reached.
    Refused(AddressRefused),
    /// The name cannot be looked up.
    LookUp(io::Error),
    /// The name has no address.
    NoHost,
    /// A proxy would look the name up.
    Proxy,
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(cause) => cause.fmt(f),
            Self::LookUp(_) => f.write_str("cannot look the host up"),
            Self::NoHost => f.write_str("the host has no address"),
            Self::Proxy => f.write_str("no proxy is used where addresses are looked at"),
        }
    }
}

impl core::error::Error for Unreachable {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Refused(cause) => Some(cause),
            Self::LookUp(cause) => Some(cause),
            Self::NoHost | Self::Proxy => None,
        }
    }
}

/// How many addresses of a name are tried.
const MOST_TRIED: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    async fn reached(egress: &Egress, url: &'static str) -> Result<Vec<String>, String> {
        let found = egress.addresses(&Uri::from_static(url), None).await.map_err(|fault| fault.to_string())?;
        Ok(found.unwrap_or_default().iter().map(ToString::to_string).collect())
    }

    #[tokio::test]
    async fn a7_every_spelling_of_a_local_address_is_refused() {
        let egress = Egress::guarded(|_, _| false);
        for url in [
            "http://127.0.0.1/",
            "http://localhost/",
            "http://LOCALHOST:8402/",
            "http://[::1]:8402/",
            "http://[::ffff:127.0.0.1]/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://127.1/",
            "http://0/",
            "https://169.254.169.254/latest/meta-data/",
            "http://[fe80::1]/",
            "http://[64:ff9b::7f00:1]/",
        ] {
            let refused = reached(&egress, url).await.unwrap_err();
            // What only some systems read as an address has no origin, and is not reached either.
            assert!(
                refused.contains("the owner's policy can permit it") || refused.contains("has no address"),
                "{url}: {refused}"
            );
        }
        assert_eq!(reached(&egress, "https://1.1.1.1/").await.unwrap(), ["1.1.1.1:443"]);
    }

    #[tokio::test]
    async fn a7_what_is_permitted_is_an_origin_and_an_address_with_its_port() {
        let egress = Egress::guarded(|origin, address| origin.host() == "127.0.0.1" && address.port() == 8402);
        assert_eq!(reached(&egress, "http://127.0.0.1:8402/").await.unwrap(), ["127.0.0.1:8402"]);
        assert!(reached(&egress, "http://127.0.0.1:8403/").await.is_err());
        assert!(reached(&egress, "http://localhost:8402/").await.is_err());
    }

    /// A name that has a public and a private address is reached at the public one only.
    #[tokio::test]
    async fn a7_of_several_addresses_only_those_are_tried_that_may_be() {
        let egress = Egress::guarded(|_, _| false);
        let addresses = ["10.0.0.1:80", "1.1.1.1:80", "[::1]:80"].map(|text| text.parse().unwrap()).to_vec();
        let url = Uri::from_static("http://a.example/");
        assert_eq!(
            egress.addresses(&url, Some(addresses.clone())).await.unwrap().unwrap(),
            ["1.1.1.1:80".parse().unwrap()]
        );
        assert_eq!(Egress::default().addresses(&url, Some(addresses)).await.unwrap().unwrap().len(), 3);
    }
}
