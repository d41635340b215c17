//! The use cases: what users and panel accounts may do, and the one place where each business rule stands. Queries
//! about trackers are answered from the directory and from live state, not from SQL.

mod access_point;
mod activation_code;
mod api_key;
mod attempts;
mod avatar;
mod bundle;
mod caller;
mod cell_locator;
mod clone;
mod command;
mod corrupt;
mod counter;
mod directory;
mod doorkeeper;
mod event;
mod failure;
pub mod form;
mod group;
mod origin;
mod output;
mod panel;
mod panel_tracker;
mod password;
mod phone;
mod plugins;
mod registration;
mod registration_commands;
mod replace;
mod rule;
pub mod rules;
mod secrets;
mod security_group;
mod sensor;
mod service_settings;
mod session;
mod sms;
mod status;
mod sub_user;
mod subscription;
mod tag;
mod tariff;
mod time_zones;
mod track;
mod tracker;
mod tracker_settings;
mod tracking_settings;
mod trip_detection;
mod turns;
mod ui_setting;
mod user;
mod vehicle;

pub use api_key::ApiKey;
pub use avatar::{Picture, Upload};
pub use bundle::equipment;
pub use caller::{Credential, PanelCaller, UserCaller};
pub use cell_locator::{CellLocator, NotLocated};
pub use clone::{Cloned, Existing};
pub use command::{CommandKinds, LISTED_COMMANDS, LocationRequest};
pub use counter::CounterValue;
pub use doorkeeper::{Doorkeeper, TurnedAway};
pub use event::{EventView, LISTED_EVENTS, PlaceAge, Whereabouts};
pub use failure::{Failure, ParameterError, Related};
pub use origin::origin;
pub use output::OutputName;
pub use panel_tracker::{NotDeleted, PanelTracker, PanelTrackerFilter, PanelTrackerOrder};
pub use plugins::{ActivationCodes, ModelFilter, PLUGINS, Plugin};
pub use registration::{DeviceChoice, Registration, TrackerChoice};
pub use registration_commands::{AccessPoint, ByDefault, RegistrationCommands, Setup, SmsGateway};
pub use rule::RuleDraft;
pub use secrets::{Randomness, Secrets, SecureRandom, ServerSecret};
pub use sensor::{
    BATCH_TRACKERS, Components, DataKind, Diagnostics, InputDescription, InputsView, MeterReading, Meters,
    Readings, ReadingsFilter, SensorTypeFilter, SensorValue, SensorValues, StateField, SwitchReading,
    VirtualSensorReading, input_descriptions,
};
pub use service_settings::ServiceSettings;
pub use sms::{LISTED_SMS, ShortMessage};
pub use status::{CurrentStatus, StatusListingDraft};
pub use store::catalog::AccessPoint as KnownAccessPoint;
pub use store::catalog::{
    ActivationCode, Address, Bundle, BundleOrder, Clones, CodeOrder, CodeTerms, DeviceType, Direction,
    DocType, EventCount, EventFilter, Garage, Group, LegalType, Listed, MapFilter, Money, NewTracker, Page,
    Person, Profile, ReadOrNot, Reassign, ReceivedSms, Role, Rule, SecurityGroup, Settings, Shown, SimCard,
    Status, StatusChange, StatusListing, StoredCommand, StoredSms, Tag, TagBinding, Tariff, TariffDefaults,
    TariffKind, TariffOrder, TariffTerms, User, UserOrder, Vehicle, VehicleDraft,
};
pub use sub_user::{SubUserChange, SubUserDraft};
pub use subscription::{
    AttributeQueues, Channel, Detail, Interest, Lifecycle, News, Queued, Round, Standing, Target, Told,
    Untold, Watcher,
};
pub use tariff::{FirstPayment, Remainder};
pub use telemetry::{
    Additional, GpsView, GsmView, StateView,
    trips::{Bounds, Point, Summary},
};
pub use time_zones::{NamedZone, ZoneOffsets, time_zones};
pub use track::{FromCells, PointChoice, Track, TrackListing, TrackPoint, TrackPoints, Tracks, Trip};
pub use tracker::{StateOf, TrackerView};
pub use tracker_settings::SpecialSettings;
pub use trip_detection::source_settings;
pub use user::{PanelUser, PanelUserChange, SettingsChange, UserDraft};
pub use vehicle::VehicleView;

use attempts::Attempts;
use directory::Directory;
use domain::{Clock, Timestamp};
use live::Live;
use sensor::SensorCache;
use session::SessionCache;
use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};
use store::{avatars::Avatars, catalog::Catalog, history::History, signals::Signals};
use subscription::Watchers;
use turns::{Turn, Turns};

/// Everything a use case needs. One per process, shared by all callers.
pub struct Fleet {
    catalog: Catalog,
    signals: Signals,
    live: Arc<Live>,
    history: Arc<dyn History>,
    avatars: Avatars,
    clock: Arc<dyn Clock>,
    directory: Directory,
    sessions: SessionCache,
    sensors: SensorCache,
    secrets: Secrets,
    secret: ServerSecret,
    attempts: Attempts,
    command_kinds: CommandKinds,
    setup: Setup,
    /// By protocol: where it is listened for.
    ports: OnceLock<BTreeMap<String, u16>>,
    /// By login: a password is checked when the outcome of the last check is known.
    logins: Turns,
    /// By account: held from the look at what there is until the directory knows what was written.
    accounts: Turns,
    watchers: Arc<Watchers>,
    doorkeeper: OnceLock<Box<dyn Doorkeeper>>,
    cell_locator: OnceLock<Box<dyn CellLocator>>,
}

/// What a `Fleet` is made of.
pub struct Parts {
    pub catalog: Catalog,
    pub signals: Signals,
    pub live: Arc<Live>,
    pub history: Arc<dyn History>,
    pub avatars: Avatars,
    pub clock: Arc<dyn Clock>,
    pub randomness: Randomness,
    pub secret: ServerSecret,
    pub command_kinds: CommandKinds,
    pub setup: Setup,
}

impl Fleet {
    /// Reads the directory from the catalog. Watchers are served by a task of the current runtime, until `live` stops.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub async fn start(parts: Parts) -> Result<Self, store::catalog::CatalogError> {
        let watchers = Arc::<Watchers>::default();
        tokio::spawn(Arc::clone(&watchers).run(parts.live.feed(), parts.signals.subscribe()));
        let directory = Directory::load(&parts.catalog).await?;
        Ok(Self {
            catalog: parts.catalog,
            signals: parts.signals,
            live: parts.live,
            history: parts.history,
            avatars: parts.avatars,
            clock: parts.clock,
            directory,
            sessions: SessionCache::default(),
            sensors: SensorCache::default(),
            secrets: Secrets::new(parts.randomness),
            secret: parts.secret,
            attempts: Attempts::default(),
            command_kinds: parts.command_kinds,
            setup: parts.setup,
            ports: OnceLock::new(),
            logins: Turns::default(),
            accounts: Turns::default(),
            watchers,
            doorkeeper: OnceLock::new(),
            cell_locator: OnceLock::new(),
        })
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The caller's turn to change the account.
    async fn turn(&self, caller: &UserCaller) -> Result<Turn<'_>, Failure> {
        self.accounts.take(caller.account()).await
    }
}
