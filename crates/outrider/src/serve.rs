//! `outrider serve`: puts the pieces together, runs them until a signal comes, and takes them apart.

use crate::{
    clock::SystemClock,
    config::Config,
    console, data_dir, demo,
    health::{self, Readiness},
    http, logs, metrics_page,
    ready_file::{Listening, ReadyFile, Sockets},
    services::Services,
    sms_webhook, stop,
    tls::Tls,
};
use anyhow::Context;
use api::{Api, ApiConfig, PanelAccess};
use axum::Router;
use domain::{Clock, Network};
use gateway::Bound;
use metrics_exporter_prometheus::PrometheusHandle;
use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{net::TcpListener, time::interval};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How often finished histogram samples are folded into their buckets, so that they do not pile up between scrapes.
const METRICS_UPKEEP: Duration = Duration::from_secs(5);

/// As many open files as the largest fleet on one machine needs, where the system allows it.
const OPEN_FILES: u64 = 262_144;

/// What a server runs for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Service,
    /// With a simulated fleet and an account that anybody knows.
    Demo,
}

/// Runs the server; returns when it has stopped.
///
/// # Errors
/// When a piece cannot start, or does not end in time.
pub fn run(config: Config, purpose: Purpose) -> anyhow::Result<()> {
    // Each connection is an open file; the limit that is usual for programs is low, the one that is allowed is not.
    let open_files = rlimit::increase_nofile_limit(OPEN_FILES).context("raising the limit of open files")?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("starting threads")?;
    let outcome = runtime.block_on(serve(config, purpose, open_files));
    // What did not end in time must not hold up the process.
    runtime.shutdown_background();
    outcome
}

async fn serve(config: Config, purpose: Purpose, open_files: u64) -> anyhow::Result<()> {
    let clock = Arc::new(SystemClock::default());
    let _printing = logs::start(&config.log, clock.clone())?;
    let server = Server {
        tls: Tls::load(&config.tls)?,
        clock,
        readiness: Readiness::default(),
        metrics: metrics_page::start()?,
        stop: stop::on_signal()?,
        tasks: TaskTracker::new(),
        config,
        purpose,
    };
    data_dir::prepare(&server.config.data_dir)?;
    let data_dir = server.config.data_dir.display();
    tracing::info!(version = env!("CARGO_PKG_VERSION"), %data_dir, open_files, "starting");

    run_until_stopped(&server).await?;
    tracing::info!("stopped");
    Ok(())
}

/// What every piece is started with.
struct Server {
    config: Config,
    purpose: Purpose,
    tls: Option<Tls>,
    clock: Arc<dyn Clock>,
    readiness: Readiness,
    metrics: PrometheusHandle,
    /// Cancelled when the server is to end.
    stop: CancellationToken,
    /// What must end before the stores close.
    tasks: TaskTracker,
}

async fn run_until_stopped(server: &Server) -> anyhow::Result<()> {
    let stop = server.stop.clone();
    server.readiness.register("server", move || stop.is_cancelled().then(|| "it is stopping".to_owned()));
    let services =
        Services::start(&server.config, server.tls.as_ref(), server.clock.clone(), &server.readiness).await?;
    let outcome = listen_until_stopped(server, &services).await;
    server.stop.cancel();
    let ended = stop::within(stop::DEADLINE, async {
        // Whoever calls the API needs the stores.
        server.tasks.close();
        server.tasks.wait().await;
        services.stop().await;
    });
    outcome.and(ended.await)
}

async fn listen_until_stopped(server: &Server, services: &Services) -> anyhow::Result<()> {
    // The data directory is ours now: what says otherwise was left behind.
    ReadyFile::remove_stale(&server.config.data_dir)?;
    if server.purpose == Purpose::Demo {
        demo::populate(&services.fleet).await?;
    }
    let listening = listen(server, services).await?;
    if server.purpose == Purpose::Demo {
        let sockets = listening.devices.get("teltonika").and_then(|sockets| sockets.tcp);
        let target = sockets.context("the demo's vehicles need [devices.ports] teltonika")?;
        server.tasks.spawn(demo::drive(target, server.clock.clone(), server.stop.clone()));
        demo::announce(listening.http)?;
    }
    let ready = ReadyFile::write(&server.config.data_dir, &listening)?;
    tracing::info!(http = %listening.http, admin = %listening.admin, "ready");
    server.stop.cancelled().await;
    drop(ready);
    Ok(())
}

/// Opens the HTTP listeners; each runs in `server.tasks` and ends when `server.stop` is cancelled.
async fn listen(server: &Server, services: &Services) -> anyhow::Result<Listening> {
    let metrics = server.metrics.clone();
    server.spawn(async move {
        let mut upkeep = interval(METRICS_UPKEEP);
        loop {
            upkeep.tick().await;
            metrics.run_upkeep();
        }
    });

    let Config { http: settings, admin, panel, tls, .. } = &server.config;
    let api = |panel| {
        let body_limit = usize::try_from(settings.body_limit.0).unwrap_or(usize::MAX);
        let config = ApiConfig {
            rate_limit: settings.rate_limit,
            body_limit,
            panel,
            trusted_proxies: server.proxies(),
        };
        Api::router(Arc::clone(&services.fleet), config).merge(health::routes(server.readiness.clone()))
    };
    let admin_routes = api(PanelAccess::PanelOnly).merge(metrics_page::routes(server.metrics.clone()));
    let acceptor = || server.tls.as_ref().map(|tls| tls.http.clone());
    let admin =
        server.serve_http("admin", admin.listen, tls.admin.then(acceptor).flatten(), admin_routes).await?;
    let on_http = if panel.public { PanelAccess::UserAndPanel } else { PanelAccess::UserOnly };
    let mut routes = api(on_http).merge(console::routes());
    if let Some(secret) = &server.config.sms.webhook_secret {
        routes = routes.merge(sms_webhook::routes(services.sms_inbox.clone(), secret.reveal()));
    }
    let http = server.serve_http("http", settings.listen, tls.http.then(acceptor).flatten(), routes).await?;

    let Bound { any, tcp, udp, tls } = services.bound();
    let mut devices: BTreeMap<String, Sockets> = BTreeMap::new();
    for (name, address) in tcp {
        devices.entry((*name).to_owned()).or_default().tcp = Some(*address);
    }
    for (name, address) in udp {
        devices.entry((*name).to_owned()).or_default().udp = Some(*address);
    }
    for (name, address) in tls.iter().filter(|(name, _)| **name != "any") {
        devices.entry((*name).to_owned()).or_default().tls = Some(*address);
    }
    Ok(Listening { http, admin, any: *any, any_tls: tls.get("any").copied(), devices })
}

impl Server {
    /// Runs a task that has nothing to finish when the server stops.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            stop.run_until_cancelled(task).await;
        });
    }

    /// Answers with the address that is bound.
    async fn serve_http(
        &self,
        section: &'static str,
        listen: SocketAddr,
        tls: Option<TlsAcceptor>,
        routes: Router,
    ) -> anyhow::Result<SocketAddr> {
        let place = || format!("cannot listen on {listen} ([{section}] listen)");
        let listener = TcpListener::bind(listen).await.with_context(place)?;
        let bound = listener.local_addr().with_context(place)?;
        self.tasks.spawn(http::serve(listener, tls, routes, self.proxies(), self.stop.clone()));
        Ok(bound)
    }

    fn proxies(&self) -> Vec<Network> {
        self.config.http.trusted_proxies.iter().map(|network| network.0).collect()
    }
}
