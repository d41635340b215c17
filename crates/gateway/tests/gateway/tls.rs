//! Device ports within TLS.

use crate::{
    site::{NOW, PATIENCE, TestClock, TestJournal, TestRoster, config, registered},
    toy,
};
use gateway::{Gateway, GatewayConfig, StartError, Tls};
use std::sync::Arc;
use store::signals::Signals;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{
    TlsAcceptor, TlsConnector,
    rustls::{
        ClientConfig, RootCertStore, ServerConfig,
        crypto::ring,
        pki_types::{PrivateKeyDer, ServerName},
    },
};

/// What a server accepts connections with, and a client that trusts it.
fn ends() -> (TlsAcceptor, TlsConnector) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(ring::default_provider());
    let server = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    (TlsAcceptor::from(Arc::new(server)), TlsConnector::from(Arc::new(client)))
}

fn start(config: GatewayConfig) -> Result<(Gateway, Arc<TestJournal>), StartError> {
    let (journal, roster) = (Arc::new(TestJournal::default()), Arc::new(TestRoster::default()));
    roster.register("a", registered(1));
    let clock = Arc::new(TestClock::default());
    let gateway =
        Gateway::start(config, journal.clone(), roster.clone(), roster, &Signals::default(), clock)?;
    Ok((gateway, journal))
}

#[tokio::test]
async fn a_device_speaks_within_tls() {
    let (acceptor, connector) = ends();
    let tls = Tls { acceptor, any: Some(0), ports: [("toy".to_owned(), 0)].into() };
    let (gateway, journal) = start(GatewayConfig { tls: Some(tls), ..config() }).unwrap();
    for (number, port) in ["any", "toy"].into_iter().enumerate() {
        let stream = TcpStream::connect(gateway.bound().tls[port]).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let mut device = BufReader::new(connector.connect(name, stream).await.unwrap());
        // More than one chunk, and more than one record of TLS.
        let long = format!("D{number},{},{}", NOW.seconds(), "x".repeat(40_000));
        for (said, answer) in [("La", "ok\n".to_owned()), (&*long, format!("A{number}\n"))] {
            device.write_all(toy::line('$', said).as_bytes()).await.unwrap();
            let mut heard = String::new();
            timeout(PATIENCE, device.read_line(&mut heard)).await.expect("in time").unwrap();
            assert_eq!(heard, answer);
        }
    }
    assert_eq!(journal.serials(1), [0, 1]);
}

#[tokio::test]
async fn who_does_not_speak_tls_is_let_go() {
    let (acceptor, _) = ends();
    let tls = Tls { acceptor, any: None, ports: [("toy".to_owned(), 0)].into() };
    let (gateway, journal) = start(GatewayConfig { tls: Some(tls), ..config() }).unwrap();
    let mut device = TcpStream::connect(gateway.bound().tls["toy"]).await.unwrap();
    device.write_all(toy::line('$', "La").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    _ = timeout(PATIENCE, device.read_to_end(&mut answer)).await.expect("closed in time");
    assert!(!answer.starts_with(b"ok"));
    assert_eq!(journal.durable(), []);
}

#[tokio::test]
async fn a_port_that_cannot_be_is_named() {
    let (acceptor, _) = ends();
    let tls = Tls { acceptor, any: None, ports: [("tpy".to_owned(), 0)].into() };
    let error = start(GatewayConfig { tls: Some(tls), ..config() }).err().unwrap();
    assert_eq!(error.to_string(), "[devices.tls] tpy: there is no such protocol");
}
