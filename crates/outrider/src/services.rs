//! The services of a server, wired: stores, live state, use cases, the devices' gateway. Started in the order in which
//! they need each other, stopped in the reverse order, so that nothing that was acknowledged is lost.

use crate::{
    config::{self, Config, Entrance, Port, Provider},
    health::Readiness,
    panel_password, server_secret,
    tls::Tls,
};
use anyhow::Context;
use domain::{Clock, ConnectionTimeouts, SourceId, State};
use fleet::{
    ByDefault, CellLocator, Doorkeeper, Fleet, NotLocated, Parts, Randomness, Setup, SmsGateway, TurnedAway,
};
use gateway::{Bound, Gateway, GatewayConfig, Limits, Presence, Refusals, RefusedDevice};
use live::{Live, Options};
use pipeline::Packer;
use rand::{
    SeedableRng,
    rngs::{StdRng, SysRng},
};
use reach::{
    LocationResponses,
    cells::{self, Ichnaea, Local, Locator},
    outbound::OutboundClient,
    sms::{Gateway as MessageGateway, HttpGateway, Inbox, Outbox, Pacing, Reader, SmppGateway},
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use store::{
    avatars::Avatars,
    catalog::{Catalog, Location},
    history::{EmbeddedHistory, History, HistoryConfig},
    journal::{EmbeddedJournal, Journal, JournalConfig},
    signals::Signals,
};
use telemetry::SourceSettings;
use tokio_rustls::TlsAcceptor;

/// How long open connections may take to end; the rest of the stop's deadline is for the stores.
const CONNECTIONS_END: Duration = Duration::from_secs(5);

pub struct Services {
    pub fleet: Arc<Fleet>,
    journal: Arc<EmbeddedJournal>,
    history: Arc<EmbeddedHistory>,
    packer: Arc<Packer>,
    catalog: Catalog,
    live: Arc<Live>,
    gateway: Gateway,
    outbox: Option<Outbox>,
    locator: Option<Locator>,
    sms_reader: Reader,
    pub sms_inbox: Inbox,
}

impl Services {
    /// Takes the data directory's lock, opens the stores and binds the devices' listeners.
    ///
    /// # Errors
    /// When one of them cannot start.
    pub async fn start(
        config: &Config,
        tls: Option<&Tls>,
        clock: Arc<dyn Clock>,
        readiness: &Readiness,
    ) -> anyhow::Result<Self> {
        let journal = Arc::new(EmbeddedJournal::open(&config.data_dir, journal_config(&config.store))?);
        let watched = Arc::clone(&journal);
        readiness.register("journal", move || watched.trouble().map(|trouble| trouble.to_string()));

        let catalog = open_catalog(config).await?;
        let signals = Signals::default();
        let defaults = source_settings(config);
        let settings = fleet::source_settings(&catalog, defaults).await?;
        let options = Options { defaults, settings, ..Options::default() };
        let live = Live::start(journal.clone(), clock.clone(), &config.data_dir.join("live"), options)?;
        let live = Arc::new(live);
        let watched = Arc::clone(&live);
        readiness.register("live", move || watched.trouble().map(|trouble| trouble.to_string()));

        let history = EmbeddedHistory::open(journal.clone(), &config.data_dir, &HistoryConfig::default())?;
        let history = Arc::new(history);
        let watched = Arc::clone(&history);
        readiness.register("history", move || watched.trouble().map(|trouble| trouble.to_string()));

        let locator = start_locator(config, journal.clone(), clock.clone(), &catalog, &signals)?;
        let locator_keeps = locator.as_ref().map(Locator::keep_from);
        let snapshots = Arc::clone(&live);
        let packing = pipeline::Parts {
            journal: journal.clone(),
            history: history.clone(),
            clock: clock.clone(),
            keep_from: Box::new(move || {
                // When that cannot be told, nothing is removed.
                let states = snapshots.keep_from().unwrap_or_default();
                locator_keeps.as_ref().map_or(states, |keeper| keeper.position().min(states))
            }),
        };
        let options = pipeline::Options { retention: config.store.retention, ..Default::default() };
        let packer = Arc::new(Packer::start(packing, options));
        let watched = Arc::clone(&packer);
        readiness.register("packer", move || watched.trouble().map(|trouble| trouble.to_string()));

        let parts = Parts {
            catalog: catalog.clone(),
            history: history.clone(),
            avatars: Avatars::new(&config.data_dir),
            signals: signals.clone(),
            live: Arc::clone(&live),
            clock: clock.clone(),
            randomness: randomness()?,
            secret: server_secret::ensure(&config.data_dir, &mut randomness()?)?,
            command_kinds: |name| protocols::protocol(name).map_or(&[], |protocol| protocol.commands()),
            setup: setup(config),
        };
        let fleet = Arc::new(Fleet::start(parts).await?);
        panel_password::ensure(&fleet, config).await?;

        let gateway = Gateway::start(
            gateway_config(config, tls),
            journal.clone(),
            Arc::new(catalog.clone()),
            Arc::new(catalog.clone()),
            &signals,
            clock.clone(),
        )?;
        let door = Door { refusals: gateway.refusals(), presence: gateway.presence() };
        fleet.ask(Box::new(door));
        if let Some(locator) = &locator {
            fleet.locate_by_cells_with(Box::new(Cells(locator.asker())));
        }
        fleet.listening(ports(gateway.bound()));
        let sms_inbox = Inbox::new(catalog.clone(), signals.clone(), clock.clone());
        let sms_reader = Reader::start(reach::sms::ReaderParts {
            catalog: catalog.clone(),
            journal: journal.clone(),
            signals: signals.clone(),
            clock: clock.clone(),
            retention: config.store.retention,
        });
        let outbox = start_outbox(config, &catalog, &signals, clock, &sms_inbox)?;
        Ok(Self {
            fleet,
            journal,
            history,
            packer,
            catalog,
            live,
            gateway,
            outbox,
            locator,
            sms_reader,
            sms_inbox,
        })
    }

    /// Where devices connect.
    pub fn bound(&self) -> &Bound {
        self.gateway.bound()
    }

    /// Ends connections, makes durable what was read from them and acknowledges it, then closes the stores.
    pub async fn stop(self) {
        if let Some(outbox) = self.outbox {
            outbox.stop().await;
        }
        self.sms_reader.stop().await;
        self.gateway.stop(CONNECTIONS_END).await;
        if let Some(locator) = self.locator {
            locator.stop().await;
        }
        self.live.stop().await;
        self.packer.stop().await;
        self.history.close().await;
        self.journal.close().await;
        self.catalog.close().await;
    }
}

/// Where devices knock, as the panel asks about it.
struct Door {
    refusals: Refusals,
    presence: Presence,
}

impl Doorkeeper for Door {
    fn turned_away(&self) -> Vec<TurnedAway> {
        let turned_away = |refused: RefusedDevice| TurnedAway {
            device_id: refused.device_id,
            protocol: refused.protocol,
            address: refused.address,
            reason: refused.reason.as_str(),
            count: refused.count,
            first: refused.first,
            last: refused.last,
        };
        self.refusals.newest_first().into_iter().map(turned_away).collect()
    }

    fn let_in(&self, source: SourceId) -> bool {
        self.presence.is_here(source)
    }
}

/// Who knows where cells are, as users ask about it.
struct Cells(cells::Asker);

impl CellLocator for Cells {
    fn locate(&self, source: SourceId, state: &State) -> Result<(), NotLocated> {
        let (time, heard) = cells::last_heard(state).ok_or(NotLocated::NoCells)?;
        self.0.ask(source, time, heard).map_err(|_| NotLocated::Busy)
    }
}

/// What finds positions from cells, when there is somebody who knows them.
fn start_locator(
    config: &Config,
    journal: Arc<EmbeddedJournal>,
    clock: Arc<dyn Clock>,
    catalog: &Catalog,
    signals: &Signals,
) -> anyhow::Result<Option<Locator>> {
    let provider: Arc<dyn cells::Provider> = match config.lbs.provider {
        config::LbsProvider::None => return Ok(None),
        config::LbsProvider::Local => {
            let local = Local::new(&config.data_dir);
            let known = local.cells()?;
            tracing::info!(known, "cells are looked up in what was imported");
            Arc::new(local)
        }
        config::LbsProvider::Ichnaea => {
            let config::LbsIchnaea { url, key } = &config.lbs.ichnaea;
            let url = url.as_ref().map_or("", config::Secret::reveal);
            let key = key.as_ref().map(config::Secret::reveal);
            Arc::new(Ichnaea::new(outbound(config)?, url, key)?)
        }
    };
    let responses = LocationResponses { catalog: catalog.clone(), signals: signals.clone() };
    let parts = cells::Parts { journal, clock, provider, responses };
    Ok(Some(Locator::start(parts, &config.data_dir)?))
}

/// The client of outbound HTTP, as the configuration allows it.
fn outbound(config: &Config) -> anyhow::Result<OutboundClient> {
    let allowed: Vec<_> = config.outbound.allow.iter().map(|network| network.0).collect();
    OutboundClient::new(&allowed).context("TLS of outbound requests")
}

fn setup(config: &Config) -> Setup {
    Setup {
        sms: match config.sms.provider {
            config::SmsProvider::None => SmsGateway::None,
            config::SmsProvider::Http | config::SmsProvider::Smpp => SmsGateway::Configured,
        },
        commands: if config.sms.register_commands { ByDefault::Send } else { ByDefault::Keep },
        public_address: config.devices.public_address.clone(),
    }
}

/// Where each protocol is listened for: by TCP where it has it.
fn ports(bound: &Bound) -> BTreeMap<String, u16> {
    let all = bound.udp.iter().chain(&bound.tcp);
    all.map(|(name, address)| ((*name).to_owned(), address.port())).collect()
}

/// What sends short messages, when there is a gateway.
fn start_outbox(
    config: &Config,
    catalog: &Catalog,
    signals: &Signals,
    clock: Arc<dyn Clock>,
    inbox: &Inbox,
) -> anyhow::Result<Option<Outbox>> {
    let pacing = Pacing::new(config.sms.rate);
    let gateway: Arc<dyn MessageGateway> = match config.sms.provider()? {
        Provider::None => return Ok(None),
        Provider::Http(template) => Arc::new(HttpGateway::new(outbound(config)?, template, pacing)),
        Provider::Smpp(account) => Arc::new(SmppGateway::start(account, pacing, inbox.clone())),
    };
    Ok(Some(Outbox::start(reach::sms::Parts {
        catalog: catalog.clone(),
        signals: signals.clone(),
        clock,
        gateway,
        in_flight: config.sms.in_flight.get(),
    })))
}

/// Unpredictable numbers, seeded by the system.
///
/// # Errors
/// When the system has none.
pub fn randomness() -> anyhow::Result<Randomness> {
    Ok(Box::new(StdRng::try_from_rng(&mut SysRng).context("seeding randomness")?))
}

/// The catalog that the configuration names.
///
/// # Errors
/// When it cannot be opened.
pub async fn open_catalog(config: &Config) -> anyhow::Result<Catalog> {
    let location = match &config.store.catalog {
        config::Catalog::Sqlite => Location::Sqlite(config.data_dir.clone()),
        config::Catalog::Postgres(url) => Location::Postgres(url.clone()),
    };
    Catalog::open(&location).await.with_context(|| format!("opening the catalog {location}"))
}

pub fn journal_config(store: &config::Store) -> JournalConfig {
    JournalConfig {
        segment_bytes: store.journal_segment.0,
        queue_bytes: u32::try_from(store.journal_queue.0).unwrap_or(u32::MAX),
        min_free_bytes: store.min_free_space.0,
        ..JournalConfig::default()
    }
}

fn source_settings(config: &Config) -> SourceSettings {
    SourceSettings {
        timeouts: ConnectionTimeouts {
            idle: config.status.idle_timeout,
            offline: config.status.offline_timeout,
        },
        ..SourceSettings::default()
    }
}

fn gateway_config(config: &Config, tls: Option<&Tls>) -> GatewayConfig {
    let devices = &config.devices;
    let within_tls = |acceptor: TlsAcceptor| {
        let port = |(entrance, port): (&Entrance, &Port)| Some((*entrance, port.to_bind()?));
        let ports: BTreeMap<_, _> = devices.tls.iter().filter_map(port).collect();
        let any = ports.get(&Entrance::Any).copied();
        let named = ports.into_iter().filter(|(entrance, _)| *entrance != Entrance::Any);
        let ports = named.map(|(entrance, port)| (entrance.to_string(), port)).collect();
        gateway::Tls { acceptor, any, ports }
    };
    GatewayConfig {
        bind: devices.bind,
        any: devices.any.to_bind(),
        tls: tls.map(|tls| within_tls(tls.devices.clone())),
        ports: devices.ports.iter().map(|(name, port)| (name.to_string(), port.to_bind())).collect(),
        limits: Limits {
            sessions: devices.limits.max_sessions.get(),
            sessions_per_address: devices.limits.max_sessions_per_address.get(),
            login_timeout: devices.limits.login_timeout,
            idle_timeout: devices.limits.idle_timeout,
            ..Limits::default()
        },
        retention: config.store.retention,
        ..GatewayConfig::default()
    }
}
