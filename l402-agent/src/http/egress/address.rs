//! What kind of address it is, by the registries of IANA for special purposes (RFC 6890).

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is for. Only those that are [`Public`](Self::Public) belong to anybody on the internet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AddressKind {
    /// Anybody's.
    Public,
    /// No address: this host.
    Unspecified,
    /// This machine.
    Loopback,
    /// A private network (RFC 1918), or a unique local address of IPv6 (RFC 4193).
    Private,
    /// The link, where clouds tell a machine its secrets.
    LinkLocal,
    /// A network behind a carrier's translator (RFC 6598).
    Shared,
    /// An IPv4 address behind a translator (RFC 6052, RFC 8215).
    Nat64,
    /// An IPv4 address that is written as one of IPv6 (RFC 4291).
    Mapped,
    /// An IPv4 address behind a tunnel: 6to4 (RFC 3056), Teredo (RFC 4380).
    Tunnel,
    /// Many at once.
    Multicast,
    /// Where a cloud tells a machine its secrets, although the address looks public.
    Metadata,
    /// For documentation, measurements, protocols, or for nothing yet.
    Reserved,
}

impl AddressKind {
    /// Says what an address is for.
    ///
    /// ```
    /// use l402_agent::http::egress::AddressKind;
    ///
    /// assert_eq!(AddressKind::of("169.254.169.254".parse()?), AddressKind::LinkLocal);
    /// assert_eq!(AddressKind::of("::ffff:10.0.0.1".parse()?), AddressKind::Mapped);
    /// assert_eq!(AddressKind::of("1.1.1.1".parse()?), AddressKind::Public);
    /// # Ok::<(), core::net::AddrParseError>(())
    /// ```
    pub const fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => v4(address),
            IpAddr::V6(address) => v6(address),
        }
    }
}

const fn v4(address: Ipv4Addr) -> AddressKind {
    match address.octets() {
        [0, ..] => AddressKind::Unspecified,
        [127, ..] => AddressKind::Loopback,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => AddressKind::Private,
        [169, 254, ..] => AddressKind::LinkLocal,
        [100, 64..=127, ..] => AddressKind::Shared,
        [168, 63, 129, 16] => AddressKind::Metadata,
        [192, 88, 99, _] => AddressKind::Tunnel,
        [224..=239, ..] => AddressKind::Multicast,
        [192, 0, 0 | 2, _] | [198, 18 | 19, ..] | [198, 51, 100, _] | [203, 0, 113, _] | [240..=255, ..] => {
            AddressKind::Reserved
        }
        _ => AddressKind::Public,
    }
}

const fn v6(address: Ipv6Addr) -> AddressKind {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => AddressKind::Unspecified,
        [0, 0, 0, 0, 0, 0, 0, 1] => AddressKind::Loopback,
        [0, 0, 0, 0, 0, 0 | 0xffff, ..] | [0, 0, 0, 0, 0xffff, 0, ..] => AddressKind::Mapped,
        [0x64, 0xff9b, ..] => AddressKind::Nat64,
        [0xfc00..=0xfdff, ..] => AddressKind::Private,
        [0xfe80..=0xfeff, ..] => AddressKind::LinkLocal, // with fec0::/10, which was for sites once
        [0xff00..=0xffff, ..] => AddressKind::Multicast,
        [0x2001, 0, ..] | [0x2002, ..] => AddressKind::Tunnel,
        [0x2001, 0x1..=0x1ff | 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => AddressKind::Reserved,
        [0x2000..=0x3fff, ..] => AddressKind::Public,
        _ => AddressKind::Reserved,
    }
}

impl fmt::Display for AddressKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Public => "public",
            Self::Unspecified => "unspecified",
            Self::Loopback => "loopback",
            Self::Private => "private",
            Self::LinkLocal => "link-local",
            Self::Shared => "shared by a carrier's customers",
            Self::Nat64 => "behind a translator",
            Self::Mapped => "an IPv4 address written as IPv6",
            Self::Tunnel => "behind a tunnel",
            Self::Multicast => "multicast",
            Self::Metadata => "of a cloud's metadata service",
            Self::Reserved => "reserved",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use AddressKind::{
        LinkLocal, Loopback, Mapped, Metadata, Multicast, Nat64, Private, Public, Reserved, Shared, Tunnel, Unspecified,
    };

    const KINDS: [(&str, AddressKind); 60] = [
        ("0.0.0.0", Unspecified),
        ("0.1.2.3", Unspecified),
        ("1.1.1.1", Public),
        ("9.255.255.255", Public),
        ("10.0.0.0", Private),
        ("10.255.255.255", Private),
        ("11.0.0.0", Public),
        ("100.63.255.255", Public),
        ("100.64.0.0", Shared),
        ("100.100.100.200", Shared),
        ("100.127.255.255", Shared),
        ("100.128.0.0", Public),
        ("127.0.0.1", Loopback),
        ("127.255.255.255", Loopback),
        ("168.63.129.16", Metadata),
        ("169.253.255.255", Public),
        ("169.254.169.254", LinkLocal),
        ("172.15.255.255", Public),
        ("172.16.0.0", Private),
        ("172.31.255.255", Private),
        ("172.32.0.0", Public),
        ("192.0.0.192", Reserved),
        ("192.0.2.1", Reserved),
        ("192.88.99.1", Tunnel),
        ("192.167.255.255", Public),
        ("192.168.0.1", Private),
        ("198.17.255.255", Public),
        ("198.18.0.0", Reserved),
        ("198.19.255.255", Reserved),
        ("198.51.100.7", Reserved),
        ("203.0.113.7", Reserved),
        ("223.255.255.255", Public),
        ("224.0.0.1", Multicast),
        ("239.255.255.255", Multicast),
        ("240.0.0.0", Reserved),
        ("255.255.255.255", Reserved),
        ("::", Unspecified),
        ("::1", Loopback),
        ("::2", Mapped),
        ("::127.0.0.1", Mapped),
        ("::ffff:1.1.1.1", Mapped),
        ("::ffff:0:127.0.0.1", Mapped),
        ("64:ff9b::7f00:1", Nat64),
        ("64:ff9b:1::1", Nat64),
        ("100::1", Reserved),
        ("2001::1", Tunnel),
        ("2001:1::1", Reserved),
        ("2001:db8::1", Reserved),
        ("2001:200::1", Public),
        ("2001:4860:4860::8888", Public),
        ("2002:7f00:1::", Tunnel),
        ("2606:4700:4700::1111", Public),
        ("3fff:fff::1", Reserved),
        ("3fff:1000::1", Public),
        ("4000::1", Reserved),
        ("fc00::1", Private),
        ("fd00:ec2::254", Private),
        ("fe80::1", LinkLocal),
        ("fec0::1", LinkLocal),
        ("ff02::1", Multicast),
    ];

    #[test]
    fn a7_only_addresses_of_the_public_internet_are_public() {
        for (address, kind) in KINDS {
            assert_eq!(AddressKind::of(address.parse().unwrap()), kind, "{address}");
        }
    }
}
