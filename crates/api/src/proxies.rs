//! Who calls through a proxy. Behind one all callers share its address; what it says in `X-Forwarded-For` is believed
//! when it is one of the operator's own.

use axum::http::HeaderMap;
use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

/// An address and all that share its first bits: `10.0.0.0/8`, `::1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no network such as 10.0.0.0/8 or ::1")]
pub struct InvalidNetwork;

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let (address, bits) =
            text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| InvalidNetwork)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), str::parse).map_err(|_| InvalidNetwork)?;
        if bits > most { Err(InvalidNetwork) } else { Ok(Self { address, bits }) }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

impl Network {
    fn contains(&self, address: IpAddr) -> bool {
        // Of an address: its number, left-aligned.
        let (own, other) = match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                (u128::from(own.to_bits()) << 96, u128::from(other.to_bits()) << 96)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => (own.to_bits(), other.to_bits()),
            _ => return false,
        };
        self.bits == 0 || (own ^ other) >> (128 - u32::from(self.bits)) == 0
    }
}

/// The client behind `peer`. Each proxy adds whom it heard at the end, so the list is read from there, for as long as
/// who said so is trusted: what stands before may be made up.
pub(crate) fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let lines = headers.get_all("x-forwarded-for").iter().rev();
    let mut hops = lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.rsplit(','));
    let mut client = peer.to_canonical();
    while trusted.iter().any(|network| network.contains(client)) {
        let Some(hop) = hops.next().and_then(address) else { break };
        client = hop;
    }
    client
}

/// Some proxies add the port.
fn address(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim();
    let address = hop.parse().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|socket| socket.ip()));
    address.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn the_nearest_who_is_no_proxy_of_ours() {
        let trusted = ["10.0.0.0/8", "192.168.1.7", "fd00::/8"].map(|network| network.parse().unwrap());
        for (peer, lines, client_is) in [
            ("10.1.2.3", &["1.2.3.4"][..], "1.2.3.4"),
            ("10.1.2.3", &[], "10.1.2.3"),
            ("11.1.2.3", &["1.2.3.4"], "11.1.2.3"),
            ("192.168.1.8", &["1.2.3.4"], "192.168.1.8"),
            ("192.168.1.7", &["9.9.9.9, 1.2.3.4"], "1.2.3.4"),
            ("10.1.2.3", &["9.9.9.9, 1.2.3.4, 10.9.9.9"], "1.2.3.4"),
            ("10.1.2.3", &["9.9.9.9", "1.2.3.4", "10.9.9.9"], "1.2.3.4"),
            ("10.1.2.3", &["10.9.9.9, 10.8.8.8"], "10.9.9.9"),
            ("10.1.2.3", &["1.2.3.4, nonsense"], "10.1.2.3"),
            ("10.1.2.3", &["1.2.3.4:4711"], "1.2.3.4"),
            ("10.1.2.3", &["[2001:db8::1]:4711"], "2001:db8::1"),
            ("10.1.2.3", &["::ffff:1.2.3.4"], "1.2.3.4"),
            ("::ffff:10.1.2.3", &["1.2.3.4"], "1.2.3.4"),
            ("fd12::1", &["2001:db8::1"], "2001:db8::1"),
            ("fe80::1", &["2001:db8::1"], "fe80::1"),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append("x-forwarded-for", HeaderValue::from_static(line));
            }
            let found = client(peer.parse().unwrap(), &headers, &trusted);
            assert_eq!(found.to_string(), client_is, "{peer} {lines:?}");
        }
        for wrong in ["", "10.0.0.0/33", "::/129", "10.0.0/8", "10.0.0.0/-1", "example.com"] {
            assert_eq!(wrong.parse::<Network>(), Err(InvalidNetwork), "{wrong}");
        }
        let all: Network = "0.0.0.0/0".parse().unwrap();
        assert!(all.contains("255.1.2.3".parse().unwrap()));
        assert_eq!("10.0.0.0/8".parse::<Network>().unwrap().to_string(), "10.0.0.0/8");
    }
}
