//! Which addresses may be called.
//!
//! A step calls servers with values that may come from anywhere: an address among them must not lead to what only
//! this machine can reach, unless that is wanted.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What steps may connect to. Some addresses are refused by any policy: those of links, groups and no host at
/// all, and those under which clouds hand their machines' credentials out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetworkPolicy {
    /// This machine and private networks. For a run at one's own terminal they are as good as any; a server that
    /// others start runs on refuses them, unless its settings say otherwise.
    pub private: bool,
}

impl NetworkPolicy {
    /// For runs at one's own terminal.
    pub const OWN: Self = Self { private: true };
    /// For runs that others start.
    pub const SERVER: Self = Self { private: false };

    /// Whether an address may be connected to.
    ///
    /// # Errors
    /// What it is, if it may not.
    pub fn check(self, address: IpAddr) -> Result<(), &'static str> {
        let what = match address {
            IpAddr::V4(address) => v4(address),
            IpAddr::V6(address) => v6(address),
        };
        match what {
            What::Public => Ok(()),
            What::Private(_) if self.private => Ok(()),
            What::Private(what) | What::Never(what) => Err(what),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Public,
    Private(&'static str),
    Never(&'static str),
}

const METADATA: What = What::Never("the metadata of a cloud machine");

fn v4(address: Ipv4Addr) -> What {
    match address.octets() {
        // Alibaba, Oracle and Azure; that of the others is link-local.
        [100, 100, 100, 200] | [192, 0, 0, 192] | [168, 63, 129, 16] => METADATA,
        [169, 254, ..] => What::Never("a link-local address, as the metadata of cloud machines has"),
        [0, ..] => What::Never("the address of no host"),
        [224..=239, ..] => What::Never("a multicast address"),
        [255, 255, 255, 255] => What::Never("the broadcast address"),
        [127, ..] => What::Private("this machine"),
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => What::Private("a private network"),
        [100, 64..=127, ..] => What::Private("the shared network of a carrier"),
        [192, 0, 0 | 2, _] | [198, 18..=19, ..] | [198, 51, 100, _] | [203, 0, 113, _] | [240..=255, ..] => {
            What::Private("a reserved network")
        }
        _ => What::Public,
    }
}

fn v6(address: Ipv6Addr) -> What {
    let segments = address.segments();
    // Amazon and Google.
    let metadata = [[0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254], [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254]];
    if metadata.contains(&segments) {
        return METADATA;
    }
    let within = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        v4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        [0, 0, 0, 0, 0, 0, 0, 0] => What::Never("the address of no host"),
        [0, 0, 0, 0, 0, 0, 0, 1] => What::Private("this machine"),
        // An address of the older kind within: mapped, compatible, translated, tunnelled.
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => within(high, low),
        [0, 0, 0, 0, 0xffff, 0, high, low] | [0x2002, high, low, ..] => within(high, low),
        [0x64, 0xff9b, 1, ..] | [0x2001, 0, ..] => What::Private("a network behind a translator"),
        [0xfe80..=0xfebf, ..] => What::Never("a link-local address"),
        [0xff00..=0xffff, ..] => What::Never("a multicast address"),
        [0xfc00..=0xfdff, ..] | [0xfec0..=0xfeff, ..] => What::Private("a private network"),
        [0x2001, 0xdb8, ..] | [0x100, 0, 0, 0, ..] | [0x3fff, 0..=0xfff, ..] => {
            What::Private("a reserved network")
        }
        _ => What::Public,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(policy: NetworkPolicy, address: &str) -> Result<(), &'static str> {
        policy.check(address.parse().unwrap())
    }

    #[test]
    fn some_addresses_are_refused_by_any_policy() {
        for address in [
            "169.254.169.254",
            "169.254.0.1",
            "100.100.100.200",
            "168.63.129.16",
            "0.0.0.0",
            "0.1.2.3",
            "224.0.0.1",
            "239.255.255.255",
            "255.255.255.255",
            "::",
            "fe80::1",
            "febf::1",
            "ff02::1",
            "fd00:ec2::254",
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "64:ff9b::169.254.169.254",
            "::ffff:0:169.254.169.254",
            "2002:a9fe:a9fe::1",
        ] {
            assert!(check(NetworkPolicy::OWN, address).is_err(), "{address}");
            assert!(check(NetworkPolicy::SERVER, address).is_err(), "{address}");
        }
    }

    #[test]
    fn private_addresses_are_for_ones_own_terminal() {
        for address in [
            "127.0.0.1",
            "127.255.255.254",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "192.0.2.1",
            "198.18.0.1",
            "240.0.0.1",
            "::1",
            "fc00::1",
            "fdff::1",
            "fec0::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2001:0:1234::1",
            "2001:db8::1",
        ] {
            assert_eq!(check(NetworkPolicy::OWN, address), Ok(()), "{address}");
            assert!(check(NetworkPolicy::SERVER, address).is_err(), "{address}");
        }
    }

    #[test]
    fn all_others_may_be_called() {
        for address in [
            "1.1.1.1",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.169.0.1",
            "169.253.0.1",
            "223.255.255.255",
            "2606:4700::1111",
            "::ffff:1.1.1.1",
            "64:ff9b::1.1.1.1",
        ] {
            assert_eq!(check(NetworkPolicy::SERVER, address), Ok(()), "{address}");
        }
    }
}
