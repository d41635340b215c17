//! Who calls through a proxy. Behind one all callers share its address; what it says in `X-Forwarded-For` is believed
//! when it is one of the operator's own.

use axum::http::HeaderMap;
use domain::Network;
use std::net::{IpAddr, SocketAddr};

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
    }
}
