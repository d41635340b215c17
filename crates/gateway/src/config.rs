//! What the gateway is told at its start.

use crate::Limits;
use protocols::{PROTOCOLS, Protocol};
use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};
use tokio_rustls::TlsAcceptor;

/// `[devices]` of the configuration.
#[derive(Clone)]
pub struct GatewayConfig {
    /// The address that all listeners bind.
    pub bind: IpAddr,
    /// The port that finds the protocol out by itself; 0 lets the system choose, `None` closes it.
    pub any: Option<u16>,
    /// Ports by protocol; 0 lets the system choose, `None` closes. A protocol that is not named has its default port.
    pub ports: BTreeMap<String, Option<u16>>,
    pub tls: Option<Tls>,
    /// The protocols to speak.
    pub protocols: &'static [&'static dyn Protocol],
    pub limits: Limits,
    /// How far back the time that a device claims is believed.
    pub retention: Duration,
}

/// Further ports, whose connections are within TLS.
#[derive(Clone)]
pub struct Tls {
    pub acceptor: TlsAcceptor,
    /// As `GatewayConfig::any`.
    pub any: Option<u16>,
    /// By protocol; 0 lets the system choose.
    pub ports: BTreeMap<String, u16>,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            bind: Ipv4Addr::LOCALHOST.into(),
            any: Some(5000),
            ports: BTreeMap::new(),
            tls: None,
            protocols: PROTOCOLS,
            limits: Limits::default(),
            retention: Duration::from_secs(365 * 86_400),
        }
    }
}
