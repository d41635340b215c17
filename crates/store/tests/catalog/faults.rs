//! Writes that fail: whichever row of a call cannot be written, the catalog is as it was before, and the call succeeds
//! when it is repeated. Triggers of the database make the n-th written row fail for each n, and then the commit.

use crate::world::{self, Fresh, account, at, register, source, sub_user};
use domain::{
    AccountId, Command, CommandId, CommandStep, DeviceId, Discrete, DiscreteType, EventKind, GroupId,
    NewSensor, Outcome, Reliability, SensorKind, SensorOrigin, SourceId, TagId, TariffId, TrackerId, UserId,
};
use serde_json::{Map, json};
use sqlx::{AnyConnection, AssertSqlSafe, Connection, Executor, Row};
use std::{collections::BTreeMap, pin::Pin};
use store::catalog::{
    AccessPoint, Awaited, BundledSim, Catalog, CatalogError, Clones, CodeTerms, Money, NewClone, NewCommand,
    NewEvent, NewSms, NewSource, NewTracker, PlanChange, Reassign, Release, SimCard, SourceSetting,
    VehicleDraft,
};

/// No write of any call gets so far.
const NEVER: i64 = 1_000_000;
/// All rows are written, and the commit fails.
const AT_COMMIT: i64 = -NEVER;

/// `{table}` and `{event}` stand for those of each trigger.
const SQLITE_TRIGGER: &str = "CREATE TRIGGER fault_{table}_{event} BEFORE {event} ON {table} BEGIN \
    UPDATE fault SET countdown = countdown - 1; \
    SELECT RAISE(ABORT, 'fault') FROM fault WHERE countdown = 0; \
    INSERT INTO fault_at_commit SELECT 0 FROM fault WHERE countdown < 0; END";
const POSTGRES_TRIGGER: &str = "CREATE TRIGGER fault_{event} BEFORE {event} ON {table} \
    FOR EACH ROW EXECUTE FUNCTION fault()";
const POSTGRES_FUNCTION: &str = "CREATE FUNCTION fault() RETURNS trigger AS $$ BEGIN \
    UPDATE fault SET countdown = countdown - 1; \
    IF EXISTS (SELECT 1 FROM fault WHERE countdown = 0) THEN RAISE EXCEPTION 'fault'; END IF; \
    INSERT INTO fault_at_commit SELECT 0 FROM fault WHERE countdown < 0; \
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$ LANGUAGE plpgsql";
/// Nothing refers to what is not there, which the database finds out at the commit.
const FAULTS: &str = "CREATE TABLE fault (id BIGINT PRIMARY KEY, countdown BIGINT NOT NULL); \
    INSERT INTO fault VALUES (1, 1000000); \
    CREATE TABLE fault_at_commit (id BIGINT REFERENCES fault (id) DEFERRABLE INITIALLY DEFERRED);";

const SQLITE_COLUMNS: &str = "SELECT tables.name AS t, columns.name AS c FROM sqlite_master tables \
    JOIN pragma_table_info(tables.name) columns WHERE tables.type = 'table' AND tables.name NOT LIKE 'sqlite%' \
    ORDER BY tables.name, columns.cid";
const POSTGRES_COLUMNS: &str = "SELECT CAST(table_name AS TEXT) AS t, CAST(column_name AS TEXT) AS c \
    FROM information_schema.columns WHERE table_schema = 'public' ORDER BY table_name, ordinal_position";

/// The database past the catalog.
struct Database {
    connection: AnyConnection,
    dump: String,
}

impl Database {
    async fn with_faults(url: &str) -> Self {
        let sqlite = url.starts_with("sqlite");
        let mut connection = AnyConnection::connect(url).await.unwrap();
        let columns = if sqlite { SQLITE_COLUMNS } else { POSTGRES_COLUMNS };
        let mut tables = BTreeMap::<String, Vec<String>>::new();
        for row in connection.fetch_all(columns).await.unwrap() {
            let (table, column): (String, String) = (row.get("t"), row.get("c"));
            // Which migrations have run is no call's business.
            if !table.starts_with('_') {
                tables.entry(table).or_default().push(column);
            }
        }
        assert!(tables.len() > 20, "{tables:?}");
        connection.execute(FAULTS).await.unwrap();
        if !sqlite {
            connection.execute(POSTGRES_FUNCTION).await.unwrap();
        }
        let trigger = if sqlite { SQLITE_TRIGGER } else { POSTGRES_TRIGGER };
        for table in tables.keys() {
            for event in ["INSERT", "UPDATE", "DELETE"] {
                let sql = trigger.replace("{table}", table).replace("{event}", event);
                connection.execute(AssertSqlSafe(sql)).await.unwrap();
            }
        }
        let dumps = tables.iter().map(|(table, columns)| {
            let text = |column: &String| format!("COALESCE(CAST({column} AS TEXT), 'NULL')");
            let texts: Vec<_> = columns.iter().map(text).collect();
            format!("SELECT '{table}' AS t, {} AS r FROM {table}", texts.join(" || '|' || "))
        });
        let dump = dumps.collect::<Vec<_>>().join(" UNION ALL ") + " ORDER BY t, r";
        Self { connection, dump }
    }

    async fn count_down_from(&mut self, countdown: i64) {
        let set = sqlx::query("UPDATE fault SET countdown = $1").bind(countdown);
        set.execute(&mut self.connection).await.unwrap();
    }

    /// Every row of every table, in one order.
    async fn dump(&mut self) -> Vec<(String, String)> {
        let rows = self.connection.fetch_all(AssertSqlSafe(self.dump.clone())).await.unwrap();
        rows.iter().map(|row| (row.get("t"), row.get("r"))).collect()
    }

    /// How many rows of a table name one of the trackers.
    async fn naming(&mut self, table: &str, trackers: &[TrackerId]) -> i64 {
        let ids: Vec<_> = trackers.iter().map(|tracker| tracker.0.to_string()).collect();
        let sql = format!("SELECT COUNT(*) FROM {table} WHERE tracker_id IN ({})", ids.join(", "));
        self.connection.fetch_one(AssertSqlSafe(sql)).await.unwrap().get(0)
    }
}

/// What the calls are about.
struct World {
    catalog: Catalog,
    ours: AccountId,
    theirs: AccountId,
    sub_user: UserId,
    group: GroupId,
    tag: TagId,
    bundle: i64,
    tariff: TariffId,
    /// Everything that can name a tracker names it.
    van: (SourceId, TrackerId),
    /// Corrupted in the end.
    bike: (SourceId, TrackerId),
    /// Theirs, on the source of the van.
    clone: TrackerId,
    /// Theirs, on the source of the bike.
    bike_clone: TrackerId,
}

const CODE: &str = "1234567890";
const SIMS: [&str; 2] = ["89701010064407635201", "89701010064407635202"];

async fn world(catalog: &Catalog) -> World {
    let (ours, theirs) = (account(catalog, "a").await, account(catalog, "b").await);
    let (_, sub_user) = catalog.create_user(&sub_user("c", ours, None)).await.unwrap();
    let group = catalog.create_group(ours, "North", "FF6DDC").await.unwrap();
    let tag = catalog.create_tag(ours, "Cold", "0000FF").await.unwrap();
    let tariff = catalog.tariff_defaults().await.unwrap().tariff;
    let card = |number: usize| SimCard {
        iccid: SIMS[number].into(),
        phone: format!("7999569334{number}"),
        apn_name: "internet".into(),
        apn_user: String::new(),
        apn_password: String::new(),
        blocked: false,
        deleted: false,
    };
    catalog.import_sim_cards(&[card(0), card(1)]).await.unwrap();
    let imeis = ["3", "4"].map(|imei| DeviceId::new(imei).unwrap());
    catalog.import_bundles(&imeis, "telfmb920", true).await.unwrap();
    let bundle = catalog.bundle_of(&imeis[0]).await.unwrap().unwrap().id;
    let terms = CodeTerms { tariff, bonus: Money::from_units(3.0).unwrap(), free_days: 5 };
    catalog.create_activation_codes(&[CODE.into()], &terms).await.unwrap();

    let van = register(catalog, ours, "1").await;
    let bike = register(catalog, ours, "2").await;
    let clones = [van, bike].map(|(_, of)| NewClone { of, label: "Clone".into() });
    let clones = catalog.clone_trackers(theirs, &clones, at(1)).await.unwrap();
    for (source, tracker) in [van, bike] {
        name(catalog, ours, tag, tracker).await;
        catalog.bind_trackers(ours, sub_user, &[tracker]).await.unwrap();
        let detection = domain::TripDetection::default();
        catalog.set_trip_detection(source, &detection).await.unwrap();
        catalog.set_output_title(source, 1, "Pump").await.unwrap();
        let setting = SourceSetting { source, kind: "lbs".into(), value: Map::new() };
        catalog.set_source_setting(&setting).await.unwrap();
        catalog.enqueue_command(&command((source, tracker))).await.unwrap();
        let sms = NewSms {
            source: Some(source),
            phone: "79000000000".into(),
            text: "x".into(),
            asked: at(0),
            expires: at(1000),
            awaited: Awaited::Nothing,
        };
        catalog.enqueue_sms(&[sms]).await.unwrap();
    }
    let foreign = catalog.create_tag(theirs, "Hot", "FF0000").await.unwrap();
    name(catalog, theirs, foreign, clones[0]).await;
    name(catalog, theirs, foreign, clones[1]).await;
    let catalog = catalog.clone();
    let (clone, bike_clone) = (clones[0], clones[1]);
    World { catalog, ours, theirs, sub_user, group, tag, bundle, tariff, van, bike, clone, bike_clone }
}

/// Lets a tag, a rule and a vehicle name the tracker.
async fn name(catalog: &Catalog, account: AccountId, tag: TagId, tracker: TrackerId) {
    catalog.set_tags(account, tracker, &[(tag, 1)]).await.unwrap();
    catalog.create_rule(account, "speedup", &Map::new(), &[tracker]).await.unwrap();
    catalog.create_vehicle(account, &vehicle(tracker), Reassign::No).await.unwrap();
}

fn vehicle(tracker: TrackerId) -> VehicleDraft {
    let fields = json!({ "label": "Van" }).as_object().unwrap().clone();
    VehicleDraft { tracker: Some(tracker), garage: None, tags: Vec::new(), fields }
}

fn command((source, tracker): (SourceId, TrackerId)) -> NewCommand {
    NewCommand {
        source,
        tracker: Some(tracker),
        user: None,
        command: Command::Locate,
        reliability: Reliability::Repeated,
        asked: at(0),
        expires: at(1000),
    }
}

async fn master(world: &World) -> UserId {
    world.catalog.user_by_login("b").await.unwrap().unwrap().id
}

fn access_point() -> AccessPoint {
    AccessPoint { name: "internet".into(), user: "u".into() }
}

async fn newest_command(world: &World) -> CommandId {
    world.catalog.commands_of_source(world.van.0, at(2), 1).await.unwrap()[0].id
}

async fn bundled(world: &World, number: usize, imei: &str) -> NewSource {
    let sim = BundledSim { bundle: world.bundle, iccid: SIMS[number].into() };
    NewSource {
        phone: Some(format!("7999569334{number}")),
        bundled_sim: Some(sim),
        ..source(&world.catalog, world.ours, imei).await
    }
}

type Done<'w> = Pin<Box<dyn Future<Output = Result<(), CatalogError>> + 'w>>;

/// `name: |world| call;` is one call, with which rows it writes at least.
macro_rules! calls {
    ($($name:literal, $rows:literal: |$world:ident| $call:expr;)*) => {
        &[$(($name, $rows, |$world: &World| Box::pin(async move { $call.await.map(drop) }))),*]
    };
}

/// A call by name, with how many rows it writes at least.
type Call = (&'static str, i64, fn(&World) -> Done<'_>);

/// One after the other in one catalog.
const CALLS: &[Call] = calls! {
    "register", 20: |world| async {
        let new = NewSource {
            activation_code: Some(CODE.into()),
            access_point: Some(access_point()),
            ..bundled(world, 0, "3").await
        };
        let tracker =
            NewTracker { label: "Van".into(), group: world.group, sub_user: Some(world.sub_user) };
        world.catalog.register(&new, &tracker).await
    };
    "assign a SIM to a bundle", 2: |world| world.catalog.assign_sim(world.bundle, SIMS[1], at(2));
    "change the phone", 3: |world| world.catalog.set_phone(world.van.0, "79123122312", Some(&access_point()), at(5));
    "change the plan", 2: |world| {
        let change = PlanChange {
            tariff: world.tariff,
            end: None,
            blocked: false,
            at: at(2),
            credit: Money::from_units(7.0).unwrap(),
        };
        async move { world.catalog.change_tariff(world.van.0, &change).await }
    };
    "note a repeated registration", 1: |world| world.catalog.retry_registration(world.van.0, at(2), at(1));
    "make a sensor", 1: |world| async {
        let kind = SensorKind::Discrete(Discrete { sensor_type: DiscreteType::Door, input_number: 8 });
        let door = NewSensor { name: "Door".into(), origin: SensorOrigin::User, kind };
        world.catalog.create_sensor(world.van.0, &door, None, None).await
    };
    "copy sensors", 20: |world| async {
        let sensors = world.catalog.sensors_of(world.van.0).await?;
        world.catalog.copy_sensors(&sensors, &[(world.bike.0, None)]).await
    };
    "change tags", 2: |world| world.catalog.set_tags(world.ours, world.van.1, &[(world.tag, 3)]);
    "reassign a vehicle", 2: |world| async {
        world.catalog.create_vehicle(world.ours, &vehicle(world.van.1), Reassign::Yes).await
    };
    "make a rule", 3: |world| async {
        let trackers = [world.van.1, world.bike.1];
        world.catalog.create_rule(world.ours, "idling", &Map::new(), &trackers).await
    };
    "set label and group", 2: |world| async {
        world.catalog.set_label_and_group(world.ours, world.van.1, "Bus", world.group).await
    };
    "delete a group", 2: |world| world.catalog.delete_group(world.ours, world.group);
    "remark on a tracker", 1: |world| world.catalog.set_label_and_comment(world.ours, world.van.1, "Bus", "Slow");
    "name the access point", 1: |world| async {
        world.catalog.set_access_point(world.bike.0, &access_point()).await
    };
    "change the service's settings", 2: |world| async {
        let changes = ["domain", "service_title"].map(|name| (name.to_owned(), json!("gps.example.com")));
        world.catalog.set_service_settings(&Map::from_iter(changes)).await
    };
    "set a password", 1: |world| world.catalog.set_password(world.sub_user, "hash 2");
    "queue a command", 2: |world| async { world.catalog.enqueue_command(&command(world.van)).await };
    "take a command", 2: |world| world.catalog.take_command(world.van.0, at(2));
    "send a command", 2: |world| async {
        let open = world.catalog.open_commands(world.van.0, at(2)).await?;
        world.catalog.step_command(open[0].id, CommandStep::Send, at(2)).await
    };
    "answer a command", 3: |world| async {
        let open = world.catalog.open_commands(world.van.0, at(2)).await?;
        let answer = CommandStep::Answer { outcome: Outcome::Done, reply: "ok".into() };
        world.catalog.step_command(open[0].id, answer, at(2)).await
    };
    "cancel a command", 3: |world| async {
        world.catalog.step_command(newest_command(world).await, CommandStep::Cancel, at(2)).await
    };
    "tell what happened", 2: |world| async {
        let event = NewEvent {
            source: world.van.0,
            kind: EventKind::LocationResponse,
            time: at(2),
            message: "Location received".into(),
            cause: "answer".into(),
            place: None,
        };
        world.catalog.record_event(&event).await
    };
    "mark an event read", 1: |world| async {
        let newest = world.catalog.newest_event().await?;
        world.catalog.mark_event_read(master(world).await, newest).await
    };
    "mark all events read", 2: |world| async {
        world.catalog.mark_all_events_read(master(world).await).await
    };
    "queue another command", 2: |world| async { world.catalog.enqueue_command(&command(world.van)).await };
    "replace", 20: |world| async {
        let release = Release { source: world.van.0, at: at(3) };
        world.catalog.replace(release, &bundled(world, 0, "5").await, None).await
    };
    "clone", 3: |world| async {
        let third = world.catalog.trackers_of(world.ours).await?.pop().unwrap();
        let clone = NewClone { of: third.id, label: "Clone".into() };
        world.catalog.clone_trackers(world.theirs, &[clone], at(4)).await
    };
    "delete a clone", 5: |world| world.catalog.delete_clone(world.theirs, world.clone, at(5));
    "move", 9: |world| async {
        let new = NewClone { of: world.van.1, label: "Moved".into() };
        world.catalog.move_tracker(&new, world.theirs, at(6)).await
    };
    "sweep commands", 3: |world| world.catalog.sweep_commands(at(2000));
    "corrupt", 10: |world| async {
        world.catalog.corrupt(Release { source: world.bike.0, at: at(7) }, Clones::Delete).await
    };
    "corrupt an account", 10: |world| world.catalog.corrupt_account(world.ours, at(8), Clones::Delete);
};

async fn a_failing_write_changes_nothing(fresh: &Fresh) {
    let world = world(&fresh.catalog).await;
    let mut database = Database::with_faults(&fresh.url).await;
    for (name, rows, call) in CALLS {
        let before = database.dump().await;
        database.count_down_from(AT_COMMIT).await;
        assert!(call(&world).await.is_err(), "{name}: the commit failed");
        assert_eq!(database.dump().await, before, "{name}: the commit failed");
        for nth in 1.. {
            database.count_down_from(nth).await;
            match call(&world).await {
                Err(CatalogError::Unavailable(_)) => {
                    assert_eq!(database.dump().await, before, "{name}: row {nth} was not written");
                }
                Err(error) => panic!("{name}: row {nth} was not written: {error:?}"),
                Ok(()) => {
                    assert!(nth > *rows, "{name} wrote {} rows", nth - 1);
                    assert_ne!(database.dump().await, before, "{name}");
                    break;
                }
            }
        }
    }
    // Nothing names what is gone.
    database.count_down_from(NEVER).await;
    let gone = [world.van.1, world.bike.1, world.clone, world.bike_clone];
    for table in ["tracker_tags", "rule_trackers", "subuser_trackers", "vehicles"] {
        assert_eq!(database.naming(table, &gone).await, 0, "{table}");
    }
}

#[tokio::test]
async fn in_sqlite_a_failing_write_changes_nothing() {
    let fresh = world::sqlite().await;
    a_failing_write_changes_nothing(&fresh).await;
    fresh.catalog.close().await;
}

#[tokio::test]
async fn in_postgres_a_failing_write_changes_nothing() {
    let fresh = world::postgres().await;
    a_failing_write_changes_nothing(&fresh).await;
    fresh.catalog.close().await;
}
