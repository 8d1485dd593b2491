//! Who sent a request, and which senders may speak for somebody else.

use core::fmt;
use core::net::IpAddr;
use core::str::FromStr;

use http::HeaderValue;

/// The other end of the connection on which a request came.
///
/// The server that accepts connections puts one into the extensions of each request; it is made once per connection and cheap
/// to clone. Without it, the upstream is told neither `X-Forwarded-For` nor `X-Forwarded-Proto`.
///
/// ```
/// use l402_http::proxy::Peer;
///
/// let peer = Peer::new([192, 0, 2, 7].into(), true);
/// assert_eq!(peer.address().to_string(), "192.0.2.7");
/// ```
#[derive(Clone, Debug)]
pub struct Peer {
    address: IpAddr,
    forwarded_for: HeaderValue,
    tls: bool,
}

impl Peer {
    /// Describes a connection from `address`; `tls` says whether it was encrypted.
    #[expect(clippy::missing_panics_doc, reason = "the digits of an address are always a valid value")]
    pub fn new(address: IpAddr, tls: bool) -> Self {
        let address = address.to_canonical();
        let forwarded_for = HeaderValue::try_from(address.to_string()).expect("an IP address is visible ASCII");
        Self { address, forwarded_for, tls }
    }

    /// Returns the address; an IPv4 address that was mapped into IPv6 is IPv4 again.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// Returns whether the connection was encrypted.
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    pub(super) fn forwarded_for(&self) -> HeaderValue {
        self.forwarded_for.clone()
    }

    pub(super) fn forwarded_proto(&self) -> HeaderValue {
        HeaderValue::from_static(if self.tls { "https" } else { "http" })
    }
}

/// A range of addresses in CIDR notation, such as `10.0.0.0/8`, `fd00::/8` or a single address.
///
/// ```
/// use l402_http::proxy::IpRange;
///
/// let range: IpRange = "10.1.0.0/16".parse()?;
/// assert!(range.contains([10, 1, 2, 3].into()));
/// assert!(!range.contains([10, 2, 0, 1].into()));
/// # Ok::<(), l402_http::proxy::IpRangeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpRange {
    network: IpAddr,
    prefix: u8,
}

impl IpRange {
    /// Returns whether `address` lies in the range. IPv4 and IPv6 never contain each other.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.network, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let differing = network.to_bits() ^ address.to_bits();
                differing.leading_zeros() >= u32::from(self.prefix)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let differing = network.to_bits() ^ address.to_bits();
                differing.leading_zeros() >= u32::from(self.prefix)
            }
            _ => false,
        }
    }
}

impl FromStr for IpRange {
    type Err = IpRangeError;

    fn from_str(text: &str) -> Result<Self, IpRangeError> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let network: IpAddr = address.parse().map_err(|_| IpRangeError::Address)?;
        let longest = if network.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(longest), |digits| digits.parse().map_err(|_| IpRangeError::Prefix))?;
        if prefix > longest {
            return Err(IpRangeError::Prefix);
        }
        Ok(Self { network, prefix })
    }
}

/// Why a text is no [`IpRange`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IpRangeError {
    /// What stands before the slash is no IP address.
    Address,
    /// What stands after the slash is no prefix length of that kind of address.
    Prefix,
}

impl fmt::Display for IpRangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Address => "not an IP address",
            Self::Prefix => "not a prefix length of this kind of address",
        })
    }
}

impl core::error::Error for IpRangeError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &str) -> IpRange {
        text.parse().expect("a range")
    }

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn ranges_contain_what_shares_their_prefix() {
        let cases = [
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("192.0.2.4", "192.0.2.4", true),
            ("192.0.2.4", "192.0.2.5", false),
            ("192.0.2.0/25", "192.0.2.127", true),
            ("192.0.2.0/25", "192.0.2.128", false),
            ("192.0.2.0/24", "::ffff:192.0.2.9", true),
            ("fd00::/8", "fdff::1", true),
            ("fd00::/8", "fe00::1", false),
            ("::/0", "fe00::1", true),
        ];
        for (text, inside, expected) in cases {
            assert_eq!(range(text).contains(address(inside)), expected, "{inside} in {text}");
        }
    }

    #[test]
    fn malformed_ranges_are_refused() {
        assert_eq!("example".parse::<IpRange>(), Err(IpRangeError::Address));
        assert_eq!("10.0.0.0/33".parse::<IpRange>(), Err(IpRangeError::Prefix));
        assert_eq!("::/129".parse::<IpRange>(), Err(IpRangeError::Prefix));
        assert_eq!("10.0.0.0/".parse::<IpRange>(), Err(IpRangeError::Prefix));
    }
}
