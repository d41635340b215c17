//! HTTP listeners. Bounded in connections, and in the time that a client may take for the head of a request, so that
//! slow strangers do not keep others out.

use axum::{Router, extract::ConnectInfo};
use hyper::{
    Request,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use std::{io, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{either::Either, sync::CancellationToken};

/// Connections of one listener at once; a further one is closed.
const CONNECTIONS: usize = 10_000;
/// From the connection, or the request before, to the end of a request's head.
const HEAD: Duration = Duration::from_secs(30);
/// How long requests in progress may take when the server stops.
const GRACE: Duration = Duration::from_secs(3);
/// After a failed accept, most often for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Answers with `routes` until `stop` is cancelled, within TLS if there is something to accept it with.
pub async fn serve(listener: TcpListener, tls: Option<TlsAcceptor>, routes: Router, stop: CancellationToken) {
    let seats = Arc::new(Semaphore::new(CONNECTIONS));
    let ending = GracefulShutdown::new();
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD);
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                refused(&error);
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(seat) = Arc::clone(&seats).try_acquire_owned() else {
            metrics::counter!("http_connections_refused_total").increment(1);
            continue;
        };
        at_once(&stream);
        let routes = TowerToHyperService::new(routes.clone());
        let service = service_fn(move |mut request| {
            Request::extensions_mut(&mut request).insert(ConnectInfo(address));
            routes.call(request)
        });
        let (builder, watcher, tls) = (builder.clone(), ending.watcher(), tls.clone());
        tokio::spawn(async move {
            let _seat = seat;
            let stream = match tls {
                None => Either::Left(stream),
                Some(tls) => match timeout(HEAD, tls.accept(stream)).await {
                    Ok(Ok(stream)) => Either::Right(stream),
                    Ok(Err(error)) => return tracing::debug!(%error, "no TLS connection"),
                    Err(_) => return tracing::debug!("no TLS connection in time"),
                },
            };
            let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
            let connection = watcher.watch(connection.into_owned());
            if let Err(error) = connection.await {
                tracing::debug!(error, "an http connection broke");
            }
        });
    }
    drop(listener);
    if timeout(GRACE, ending.shutdown()).await.is_err() {
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
