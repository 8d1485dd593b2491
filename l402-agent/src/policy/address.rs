//! Addresses that an entry permits although they are not public, each with its port.

use core::fmt;
use core::net::{IpAddr, Ipv6Addr};
use core::str::FromStr;

/// An address or a network, and a port.
///
/// ```
/// use l402_agent::policy::AddressRule;
///
/// let rule: AddressRule = "10.1.0.0/16:8402".parse()?;
/// assert!(rule.permits("10.1.2.3".parse()?, 8402));
/// assert!(!rule.permits("10.2.0.1".parse()?, 8402) && !rule.permits("10.1.2.3".parse()?, 80));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressRule {
    network: IpAddr,
    prefix: u32,
    port: u16,
}

impl AddressRule {
    /// Tells whether it permits an address and a port. An IPv4 address that is written as an IPv6 one is the IPv4 address.
    pub fn permits(&self, address: IpAddr, port: u16) -> bool {
        let (own, given) = (self.network.to_canonical(), address.to_canonical());
        own.is_ipv4() == given.is_ipv4()
            && port == self.port
            && (bits(own) ^ bits(given)).checked_shr(width(own) - self.prefix).unwrap_or(0) == 0
    }
}

impl FromStr for AddressRule {
    type Err = AddressRuleError;

    fn from_str(text: &str) -> Result<Self, AddressRuleError> {
        let (network, port) = text.rsplit_once(':').ok_or(AddressRuleError)?;
        let port = port.parse().ok().filter(|&port| port != 0).ok_or(AddressRuleError)?;
        let inner = network.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let (address, prefix) = match inner.unwrap_or(network).split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (inner.unwrap_or(network), None),
        };
        let address: IpAddr = match inner {
            Some(_) => IpAddr::V6(address.parse::<Ipv6Addr>().map_err(|_| AddressRuleError)?),
            None => IpAddr::V4(address.parse().map_err(|_| AddressRuleError)?),
        };
        // An IPv4 address inside an IPv6 one would need another prefix.
        let address = if address.to_canonical() == address { address } else { return Err(AddressRuleError) };
        let width = width(address);
        let prefix = prefix.map_or(Ok(width), str::parse).map_err(|_| AddressRuleError)?;
        if prefix > width {
            return Err(AddressRuleError);
        }
        Ok(Self { network: address, prefix, port })
    }
}

impl fmt::Display for AddressRule {
    /// Writes what [`FromStr`] reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { network, prefix, port } = self;
        let prefix = if *prefix == width(*network) { String::new() } else { format!("/{prefix}") };
        match network {
            IpAddr::V4(network) => write!(f, "{network}{prefix}:{port}"),
            IpAddr::V6(network) => write!(f, "[{network}{prefix}]:{port}"),
        }
    }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}

const fn width(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// A text is no address with a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressRuleError;

impl fmt::Display for AddressRuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("write an address and a port, such as \"127.0.0.1:8402\", \"10.0.0.0/8:443\" or \"[::1]:8402\"")
    }
}

impl core::error::Error for AddressRuleError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a7_an_address_is_permitted_with_its_port_only() {
        for (rule, address, port, permits) in [
            ("127.0.0.1:80", "127.0.0.1", 80, true),
            ("127.0.0.1:80", "::ffff:127.0.0.1", 80, true),
            ("127.0.0.1:80", "127.0.0.1", 81, false),
            ("127.0.0.1:80", "127.0.0.2", 80, false),
            ("0.0.0.0/0:80", "8.8.8.8", 80, true),
            ("0.0.0.0/0:80", "::1", 80, false),
            ("[::1]:80", "::1", 80, true),
            ("[::]/0:80", "::1", 80, false),
            ("[fd00::/8]:80", "fdff::1", 80, true),
            ("[fd00::/8]:80", "fe80::1", 80, false),
            ("[::/0]:80", "fe80::1", 80, true),
        ] {
            let permitted = rule.parse::<AddressRule>().is_ok_and(|rule| rule.permits(address.parse().unwrap(), port));
            assert_eq!(permitted, permits, "{rule} {address} {port}");
        }
    }

    #[test]
    fn the_text_is_read_back() {
        for text in ["127.0.0.1:80", "10.0.0.0/8:443", "[::1]:8402", "[fd00::/8]:80"] {
            assert_eq!(text.parse::<AddressRule>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_names_no_port_or_no_address_is_refused() {
        for text in
            ["127.0.0.1", "a:80", "127.0.0.1:0", "::1:80", "10.0.0.0/33:80", "[::ffff:127.0.0.1]:80", "[127.0.0.1]:80"]
        {
            assert_eq!(text.parse::<AddressRule>(), Err(AddressRuleError), "{text}");
        }
    }
}
