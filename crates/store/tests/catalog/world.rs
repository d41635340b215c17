//! Fresh catalogs and what the tests put into them.

use domain::{AccountId, DeviceId, GroupId, SecurityGroupId, SourceId, Timestamp, TrackerId, UserId};
use std::any::Any;
use store::catalog::{
    Address, Catalog, Discount, FirstSensors, LegalType, Location, Membership, NewSession, NewSource,
    NewTracker, NewUser, Person, Profile, SessionOwner, Settings, TestDatabase,
};

/// Lives as long as its database is needed.
pub(crate) struct Fresh {
    pub(crate) catalog: Catalog,
    /// Where its database is reached past the catalog.
    pub(crate) url: String,
    _database: Box<dyn Any>,
}

pub(crate) async fn sqlite() -> Fresh {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::open(&Location::Sqlite(folder.path().to_owned())).await.unwrap();
    let url = format!("sqlite://{}", folder.path().join("catalog.sqlite").display());
    Fresh { catalog, url, _database: Box::new(folder) }
}

pub(crate) async fn postgres() -> Fresh {
    let database = TestDatabase::new();
    let catalog = Catalog::open(&database.location()).await.unwrap();
    Fresh { catalog, url: database.url().to_owned(), _database: Box::new(database) }
}

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_800_000_000 + seconds)
}

pub(crate) fn settings() -> Settings {
    Settings {
        time_zone: "Europe/Berlin".into(),
        locale: "de_DE".into(),
        measurement_system: "metric".into(),
        geocoder: "osm".into(),
        route_provider: "osrm".into(),
        translit: false,
    }
}

pub(crate) fn person() -> Person {
    let address = |city: &str| Address {
        country: "Germany".into(),
        index: "61169".into(),
        region: "Hessen".into(),
        city: city.into(),
        street_address: "Marienplatz 2".into(),
    };
    Person {
        first_name: "Jürgen".into(),
        middle_name: String::new(),
        last_name: "Öztürk".into(),
        phone: "491761234567".into(),
        legal_type: LegalType::SoleTrader,
        profile: Profile {
            legal_name: "Öztürk Spedition".into(),
            post: address("Friedberg"),
            registered: address("Wiesbaden"),
            state_reg_num: "12-3456789".into(),
            tin: "1131145180".into(),
            okpo_code: "93281776".into(),
            iec: "773101001".into(),
            discount: Some(Discount {
                value: 5.5,
                min_trackers: 10,
                end_date: None,
                strategy: "no_summing".into(),
            }),
        },
    }
}

pub(crate) fn master(login: &str) -> NewUser {
    NewUser {
        membership: Membership::Master { default_tariff: None },
        login: login.into(),
        password_hash: "hash 1".into(),
        activated: true,
        verified: false,
        person: person(),
        comment: "pays late".into(),
        settings: settings(),
        created: at(0),
    }
}

pub(crate) fn sub_user(login: &str, account: AccountId, security_group: Option<SecurityGroupId>) -> NewUser {
    NewUser { membership: Membership::SubUser { account, security_group }, ..master(login) }
}

pub(crate) async fn account(catalog: &Catalog, login: &str) -> AccountId {
    catalog.create_user(&master(login)).await.unwrap().0
}

pub(crate) async fn user(catalog: &Catalog, login: &str) -> UserId {
    catalog.create_user(&master(login)).await.unwrap().1
}

pub(crate) async fn source(catalog: &Catalog, account: AccountId, device_id: &str) -> NewSource {
    NewSource {
        account,
        device_id: Some(DeviceId::new(device_id).unwrap()),
        model: "telfmb920".into(),
        phone: None,
        bundled_sim: None,
        activation_code: None,
        access_point: None,
        sensors: FirstSensors::OfModel,
        tariff: catalog.tariff_defaults().await.unwrap().tariff,
        created: at(0),
        tariff_end: Some(at(86_400)),
    }
}

pub(crate) fn tracker(label: &str) -> NewTracker {
    NewTracker { label: label.into(), group: GroupId::NONE, sub_user: None }
}

pub(crate) async fn register(
    catalog: &Catalog,
    account: AccountId,
    device_id: &str,
) -> (SourceId, TrackerId) {
    let source = source(catalog, account, device_id).await;
    catalog.register(&source, &tracker("Van")).await.unwrap()
}

pub(crate) fn session(user: UserId, token_hash: &str, expires: Timestamp) -> NewSession {
    NewSession {
        owner: SessionOwner::User(user),
        token_hash: token_hash.into(),
        checked_against: None,
        created: at(0),
        expires,
    }
}
