use std::net::{IpAddr, Ipv6Addr};

/// The network that one stranger may well have all addresses of: an IPv6 /64, an IPv4 address itself.
pub(crate) fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}
