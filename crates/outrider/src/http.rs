//! HTTP listeners. Bounded in connections, also of one address, and in the time that a client may take for the head of a
//! request, so that slow strangers do not keep others out.

use api::Seats;
use axum::{Router, extract::ConnectInfo};
use domain::Network;
use hyper::{
    Request,
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use std::{error::Error, io, pin::pin, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{either::Either, sync::CancellationToken, task::TaskTracker};

/// Connections of one listener at once; a further one is closed. One that has become a WebSocket counts there.
const CONNECTIONS: usize = 10_000;
/// Of one address, if it is no trusted proxy.
const CONNECTIONS_PER_ADDRESS: usize = 1_000;
/// From the connection, or the request before, to the end of a request's head.
const HEAD: Duration = Duration::from_secs(30);
/// How long requests in progress may take when the server stops.
const GRACE: Duration = Duration::from_secs(3);
/// After a failed accept, most often for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Answers with `routes` until `stop` is cancelled, within TLS if there is something to accept it with. Behind an address
/// of `proxies` stand many clients.
pub async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    routes: Router,
    proxies: Vec<Network>,
    stop: CancellationToken,
) {
    let (seats, connections) = (Seats::new(CONNECTIONS), TaskTracker::new());
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD);
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                refused(&error);
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let is_proxy = proxies.iter().any(|network| network.contains(address.ip()));
        let of_address = if is_proxy { CONNECTIONS } else { CONNECTIONS_PER_ADDRESS };
        let Ok(seat) = seats.take(address.ip(), of_address) else {
            metrics::counter!("http_connections_refused_total").increment(1);
            continue;
        };
        at_once(&stream);
        let routes = TowerToHyperService::new(routes.clone());
        let service = service_fn(move |mut request| {
            Request::extensions_mut(&mut request).insert(ConnectInfo(address));
            routes.call(request)
        });
        let (builder, tls, stop) = (builder.clone(), tls.clone(), stop.clone());
        connections.spawn(async move {
            let _seat = seat;
            let stream = match tls {
                None => Either::Left(stream),
                Some(tls) => match timeout(HEAD, tls.accept(stream)).await {
                    Ok(Ok(stream)) => Either::Right(stream),
                    Ok(Err(error)) => return tracing::debug!(%error, "no TLS connection"),
                    Err(_) => return tracing::debug!("no TLS connection in time"),
                },
            };
            let connection = builder.serve_connection(TokioIo::new(stream), service).with_upgrades();
            let mut connection = pin!(connection);
            let ended = match stop.run_until_cancelled(connection.as_mut()).await {
                Some(ended) => ended,
                None => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                let error: &dyn Error = &error;
                tracing::debug!(error, "an http connection broke");
            }
        });
    }
    drop(listener);
    connections.close();
    if timeout(GRACE, connections.wait()).await.is_err() {
        tracing::warn!("http connections cut");
    }
}

fn refused(error: &io::Error) {
    metrics::counter!("http_connections_refused_total").increment(1);
    tracing::warn!(%error, "a connection could not be accepted");
}

/// Answers are sent whole; nothing is gained by waiting for more.
fn at_once(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        time::Instant,
    };

    /// A server that trusts `proxies`, and its address.
    async fn server(proxies: &[&str]) -> std::net::SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let routes = Router::new().route("/", get(async || "here"));
        let proxies = proxies.iter().map(|network| network.parse().unwrap()).collect();
        tokio::spawn(serve(listener, None, routes, proxies, CancellationToken::new()));
        address
    }

    /// All that is answered until the server closes.
    async fn said(stream: &mut TcpStream) -> String {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test(start_paused = true)]
    async fn who_says_nothing_loses_the_seat() {
        let address = server(&[]).await;
        for beginning in ["", "GET / HT", "GET / HTTP/1.1\r\nhost: a\r\n\r\n", "PRI * HT"] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let connected = Instant::now();
            stream.write_all(beginning.as_bytes()).await.unwrap();
            let answer = said(&mut stream).await;
            assert_eq!(answer.ends_with("here"), beginning.ends_with("\r\n\r\n"), "{answer}");
            assert!(
                (HEAD..2 * HEAD).contains(&connected.elapsed()),
                "{beginning}: {:?}",
                connected.elapsed()
            );
        }
    }

    #[tokio::test]
    async fn one_address_has_a_part_of_the_seats() {
        rlimit::increase_nofile_limit(4 * CONNECTIONS_PER_ADDRESS as u64).unwrap();
        for (proxies, refused) in [(&[][..], true), (&["127.0.0.0/8"], false)] {
            let address = server(proxies).await;
            let mut taken = Vec::new();
            for _ in 0..CONNECTIONS_PER_ADDRESS {
                taken.push(TcpStream::connect(address).await.unwrap());
            }
            let mut further = TcpStream::connect(address).await.unwrap();
            let asked = further.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
            let mut answer = Vec::new();
            let outcome = asked.and(further.read_to_end(&mut answer).await.map(drop));
            assert_eq!(outcome.is_err() || answer.is_empty(), refused, "{outcome:?}");
        }
    }
}
