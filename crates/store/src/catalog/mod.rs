//! The catalog: accounts, users, sessions, tariffs, sources, trackers, groups and commands in SQL.
//!
//! One query text and one code path serve SQLite and PostgreSQL through sqlx's `Any` driver: integers are BIGINT
//! (times in milliseconds, flags 0 and 1), everything else is TEXT, placeholders are `$1`. What differs between the
//! two stands in `connect` and in `migrations`.
//!
//! The catalog tells nobody what it changed: the caller publishes a `Signal` after its call has returned, when the
//! change is committed.

mod activation_code;
mod api_key;
mod bundle;
mod columns;
mod command;
mod connect;
mod counter;
mod directory;
mod error;
mod event;
mod group;
mod life;
mod listing;
mod migrations;
mod money;
mod panel_account;
mod postgres_url;
mod rule;
mod security_group;
mod sensor;
mod service_settings;
mod session;
mod sim_card;
mod sms;
mod sms_received;
mod source;
mod source_setting;
mod statements;
mod status;
mod sub_user;
mod tag;
mod tariff;
#[cfg(any(test, feature = "testing"))]
mod test_database;
mod tracker;
mod trip_detection;
mod ui_setting;
mod user;
mod vehicle;

pub(crate) use connect::FILE;

pub use activation_code::{ActivationCode, CodeOrder, CodeTerms};
pub use api_key::{ApiKey, NewApiKey};
pub use bundle::{Bundle, BundleOrder};
pub use columns::Unreadable;
pub use command::{NewCommand, StoredCommand, Swept, Took};
pub use connect::Location;
pub use directory::{Directory, Member};
pub use error::CatalogError;
pub use event::{EventCount, EventFilter, EventPlace, EventsOf, NewEvent, ReadOrNot, StoredEvent};
pub use group::Group;
pub use life::{Clones, NewClone, PlanChange, Release};
pub use listing::{Direction, Listed, Page};
pub use money::Money;
pub use panel_account::PanelAccount;
pub use postgres_url::{BadPostgresUrl, PostgresUrl};
pub use rule::Rule;
pub use security_group::SecurityGroup;
pub use sensor::IgnitionSensor;
pub use session::{NewSession, Session, SessionOwner};
pub use sim_card::SimCard;
pub use sms::{Awaited, NewSms, SmsName, SmsState, SmsStep, StoredSms};
pub use sms_received::{ReceivedSms, SmsPart, SmsReading, UnreadSms};
pub use source::{AccessPoint, Admission, BundledSim, FirstSensors, NewSource, Source};
pub use source_setting::SourceSetting;
pub use status::{Status, StatusChange, StatusListing};
pub use sub_user::Binding;
pub use tag::{Tag, TagBinding};
pub use tariff::{
    DeviceType, DocType, MapFilter, ServicePrices, Tariff, TariffDefaults, TariffKind, TariffOrder,
    TariffTerms,
};
#[cfg(any(test, feature = "testing"))]
pub use test_database::TestDatabase;
pub use tracker::{NewTracker, Tracker, TrackerSpan};
pub use user::{
    Account, Address, Discount, LegalType, Membership, NewUser, Person, Profile, Role, Settings, Shown, User,
    UserChange, UserOrder,
};

pub use vehicle::{Garage, Reassign, Vehicle, VehicleDraft};

use statements::Statement;

use sqlx::{Any, AnyPool, Transaction};
use std::sync::Arc;

/// The catalog's database. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Catalog(Arc<Pools>);

#[derive(Debug)]
struct Pools {
    /// SQLite: the one connection that writes, so writers queue here and never meet "database is locked".
    writer: AnyPool,
    reader: AnyPool,
    /// Begins a transaction whose statements all see the same moment.
    begin_snapshot: &'static str,
}

impl Catalog {
    /// Opens the catalog, makes it when there is none, and brings its schema up to date.
    ///
    /// # Errors
    /// `SchemaTooNew` when a newer Outrider wrote it; `Migration` or `Unavailable` when the database fails.
    pub async fn open(location: &Location) -> Result<Self, CatalogError> {
        connect::open(location).await.map(|pools| Self(Arc::new(pools)))
    }

    /// Waits for running statements and closes every connection; later calls answer `Unavailable`.
    pub async fn close(&self) {
        // The last connection that SQLite closes empties the write-ahead log; a reader may not.
        self.0.reader.close().await;
        self.0.writer.close().await;
    }

    /// A transaction that is rolled back when it is dropped. Nothing but SQL is awaited while it is open.
    async fn write(&self) -> Result<Transaction<'static, Any>, CatalogError> {
        Ok(self.0.writer.begin().await?)
    }

    /// A transaction for several reads that must agree with each other.
    async fn snapshot(&self) -> Result<Transaction<'static, Any>, CatalogError> {
        Ok(self.0.reader.begin_with(self.0.begin_snapshot).await?)
    }

    /// Runs a statement that changes one row.
    ///
    /// # Errors
    /// `NotFound` when it changed none.
    async fn change_one(&self, statement: Statement<'_>) -> Result<(), CatalogError> {
        match statement.execute(self.writer()).await?.rows_affected() {
            0 => Err(CatalogError::NotFound),
            _ => Ok(()),
        }
    }

    fn writer(&self) -> &AnyPool {
        &self.0.writer
    }

    fn reader(&self) -> &AnyPool {
        &self.0.reader
    }
}
