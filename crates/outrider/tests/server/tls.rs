//! `[tls]`: the API and a device port within TLS, with a certificate that the test makes.

use crate::support::Server;
use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::Arc,
    time::Duration,
};
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, ServerName},
};

type Secure = StreamOwned<ClientConnection, TcpStream>;

fn connect(address: SocketAddr, certificate: &CertificateDer<'static>) -> Secure {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), stream)
}

#[test]
fn the_api_and_devices_speak_within_tls() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, key) = (folder.path().join("certificate.pem"), folder.path().join("key.pem"));
    fs::write(&certificate, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let server = Server::start_with(&format!(
        "[tls]\ncertificate = {certificate:?}\nkey = {key:?}\n[devices.tls]\nany = 0\nteltonika = 0\n"
    ));

    let request = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let mut secure = connect(server.http(), made.cert.der());
    secure.write_all(request).unwrap();
    let mut answer = String::new();
    secure.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");

    // [admin] stays as it was, and [http] answers in no other way.
    for (place, expected) in [("/admin", true), ("/http", false)] {
        let mut plain = TcpStream::connect(server.address(place)).unwrap();
        plain.write_all(request).unwrap();
        let mut answer = Vec::new();
        _ = plain.read_to_end(&mut answer);
        assert_eq!(answer.starts_with(b"HTTP/1.1 200"), expected, "{place}");
    }

    for place in ["/any_tls", "/devices/teltonika/tls"] {
        let mut device = connect(server.address(place), made.cert.der());
        device.write_all(&protocols::teltonika::encode::login("356938035643809")).unwrap();
        let mut answer = [9];
        device.read_exact(&mut answer).unwrap();
        assert_eq!(answer, [0], "nobody registered it");
    }
}
