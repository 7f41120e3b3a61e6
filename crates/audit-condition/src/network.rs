use std::fmt;
use std::net::IpAddr;

/// A block of addresses (CIDR, RFC 4632): IPv4, or IPv6.
///
/// An IPv4 address written as IPv6 (`::ffff:10.0.0.1`, RFC 4291 §2.5.5.2) counts as the IPv4 address, in events
/// and in blocks of at least /96.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Network {
    /// All bits beyond the prefix are zero.
    pub(crate) address: IpAddr,
    pub(crate) prefix: u8,
}

impl Network {
    /// Reads `10.0.0.0/8`, or one address, which is a block of itself. The error says what is wrong.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (address_text, prefix_text) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let expected = "expected a block of addresses such as 10.0.0.0/8 or 2001:db8::/32";
        let address: IpAddr = address_text
            .parse()
            .map_err(|_| format!("'{address_text}' is not an address of IPv4 or IPv6; {expected}"))?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let mut prefix = match prefix_text {
            None => bits,
            Some(digits) => digits
                .parse::<u8>()
                .ok()
                .filter(|prefix| *prefix <= bits && digits.bytes().all(|b| b.is_ascii_digit()))
                .ok_or_else(|| format!("/{digits} is not a prefix length from 0 to {bits}; {expected}"))?,
        };
        let mut address = address;
        if let (IpAddr::V6(v6), 96..) = (address, prefix)
            && let Some(v4) = v6.to_ipv4_mapped()
        {
            (address, prefix) = (v4.into(), prefix - 96);
        }
        let network = Self { address: masked(address, prefix), prefix };
        if network.address != address {
            return Err(format!("{text} has bits set beyond its prefix; did you mean {network}?"));
        }
        Ok(network)
    }

    pub(crate) fn contains(self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.address.is_ipv4() && masked(address, self.prefix) == self.address
    }
}

fn masked(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
            IpAddr::V4((v4.to_bits() & mask).into())
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
            IpAddr::V6((v6.to_bits() & mask).into())
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(network: &str, address: &str) -> bool {
        Network::parse(network).unwrap().contains(address.parse().unwrap())
    }

    #[test]
    fn blocks_of_both_families() {
        assert!(contains("10.0.0.0/8", "10.255.1.2"));
        assert!(!contains("10.0.0.0/8", "11.0.0.0"));
        assert!(contains("10.0.0.0/8", "::ffff:10.1.2.3"));
        assert!(contains("::ffff:10.0.0.0/104", "10.1.2.3"));
        assert!(contains("0.0.0.0/0", "255.255.255.255"));
        assert!(!contains("0.0.0.0/0", "::1"));
        assert!(!contains("::/0", "10.0.0.1"));
        assert!(contains("::/0", "2001:db8::1"));
        assert!(contains("2001:db8::/32", "2001:db8:ffff::1"));
        assert!(contains("192.0.2.7", "192.0.2.7"));
        assert!(!contains("192.0.2.7", "192.0.2.6"));
    }

    #[test]
    fn what_is_not_a_block_is_told() {
        for (text, says) in [
            ("10.0.0/8", "not an address"),
            ("10.0.0.0/33", "from 0 to 32"),
            ("10.0.0.0/+8", "from 0 to 32"),
            ("::/129", "from 0 to 128"),
            ("10.0.0.5/8", "did you mean 10.0.0.0/8?"),
            ("", "not an address"),
        ] {
            let error = Network::parse(text).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }
}
