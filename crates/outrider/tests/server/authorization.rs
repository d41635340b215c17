//! Every action of the registry × who calls × whose object it names. A new action needs a row here that says how to
//! call it, or this test fails.

use crate::support::{Answer, Device, Reaction, Server, Session, now, queclink_report, record};
use api::{ACTIONS, CallerKind, Entry};
use domain::{Right, Timestamp};
use serde_json::{Value, json};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// What is put into an action's example so that it can be called.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Put {
    /// An object of the caller's account.
    Own(Kind),
    /// A tracker of the caller's whose device is active: it can be replaced.
    Active,
    /// A tracker of the caller's that was replaced, and whose new device has not called yet.
    Replaced,
    /// A tracker of the caller's that the call uses up.
    Doomed,
    /// A clone of the caller's.
    Cloned,
    /// The IMEI of a bundle that is not registered.
    Imei,
    /// A bundle, and the SIM that it can have.
    Bundle,
    Iccid,
    /// A plan for everybody that the caller's trackers do not have.
    Plan,
    /// A kind of equipment.
    Equipment,
    /// Another user, whose trackers the call does not name.
    OtherUser,
    User,
    Login,
    PanelPassword,
    /// A name, login, device id or phone that nobody has.
    New,
}

/// What an account may have.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Tracker,
    /// A tracker whose device is online; its position is no longer fresh.
    Online,
    /// The same, of a device that can stop the engine.
    Engine,
    /// An electronic lock.
    Lock,
    Group,
    SubUser,
    SecurityGroup,
    ApiKey,
    /// A metering sensor of the tracker.
    Sensor,
    Tag,
    Vehicle,
    Garage,
    Rule,
    /// The tracker, with an odometer that shows something.
    Counted,
    /// An empty one.
    StatusListing,
    /// Of the listing that the tracker has.
    Status,
    /// The key of something that an application keeps for the master.
    UiSetting,
}

impl Kind {
    /// Makes one; answers with what names it.
    fn make(self, account: &Account) -> Value {
        let create = |action: &str, parameters: Value| account.session.call(action, parameters).success();
        match self {
            Self::Tracker => json!(account.session.register("Van", &new())),
            Self::Online => {
                let imei = new();
                let tracker = account.session.register("Van", &imei);
                let mut device = Device::logged_in(account.devices.teltonika, &imei);
                assert_eq!(device.send(&[record(two_minutes_ago())]), Reaction::Acknowledged(1));
                json!(tracker)
            }
            Self::Lock => {
                let lock = json!({
                    "label": "Lock", "group_id": 0, "plugin_id": 44, "model": "totarget_tt08",
                    "device_id": &new()[3..],
                });
                create("tracker/register", lock)["value"]["id"].clone()
            }
            Self::Engine => {
                let imei = new();
                let tracker = json!({
                    "label": "Van", "group_id": 0, "plugin_id": 44, "model": "qlgv55lite", "device_id": imei,
                });
                let tracker = create("tracker/register", tracker)["value"]["id"].clone();
                let mut device = TcpStream::connect(account.devices.queclink).unwrap();
                device.write_all(queclink_report(&imei, two_minutes_ago()).as_bytes()).unwrap();
                device.read_exact(&mut [0; 11]).unwrap();
                tracker
            }
            Self::Group => {
                create("tracker/group/create", json!({ "title": "Vans", "color": "FFFFFF" }))["id"].clone()
            }
            Self::SubUser => {
                let user = json!({ "user": { "login": new() }, "password": PASSWORD });
                create("subuser/register", user)["id"].clone()
            }
            Self::SecurityGroup => {
                let group = json!({ "group": { "label": "Managers", "privileges": { "rights": [] } } });
                create("subuser/security_group/create", group)["id"].clone()
            }
            Self::Sensor => {
                let sensor = json!({ "type": "metering", "sensor_type": "custom", "input_name": "analog_1" });
                let sensor = json!({ "tracker_id": account.object(Self::Tracker), "sensor": sensor });
                create("tracker/sensor/create", sensor)["id"].clone()
            }
            Self::Tag => {
                create("tag/create", json!({ "tag": { "name": "Cold", "color": "0000FF" } }))["id"].clone()
            }
            Self::Vehicle => create("vehicle/create", json!({ "vehicle": { "label": "Van" } }))["id"].clone(),
            Self::Garage => create("garage/create", json!({ "garage": {} }))["id"].clone(),
            Self::Rule => {
                let trackers = [account.object(Self::Tracker)];
                let rule = json!({ "type": "sos", "trackers": trackers, "alerts": {} });
                create("tracker/rule/create", rule)["id"].clone()
            }
            Self::Counted => {
                let tracker = account.object(Self::Tracker);
                create(
                    "tracker/counter/value/set",
                    json!({ "tracker_id": tracker, "type": "odometer", "value": 7 }),
                );
                tracker
            }
            Self::StatusListing => {
                let listing =
                    json!({ "label": "Work", "employee_controlled": false, "supervisor_controlled": true });
                create("status/listing/create", json!({ "listing": listing }))["id"].clone()
            }
            Self::Status => {
                let listing = Self::StatusListing.make(account);
                let tracker = account.object(Self::Tracker);
                create(
                    "status/listing/tracker/assign",
                    json!({ "tracker_id": tracker, "listing_id": listing }),
                );
                let status = json!({ "label": "Busy", "color": "E57373" });
                create("status/create", json!({ "listing_id": listing, "status": status }))["id"].clone()
            }
            Self::UiSetting => {
                let key = json!(new());
                create("user/settings/ui/update", json!({ "key": key, "value": "kept" }));
                key
            }
            Self::ApiKey => create("api/key/create", json!({ "title": "Import" }))["value"]["hash"].clone(),
        }
    }

    /// What names no such object.
    fn nobodys(self) -> Value {
        match self {
            Self::ApiKey => json!("00000000000000000000000000000000"),
            _ => json!(i32::MAX),
        }
    }
}

fn two_minutes_ago() -> Timestamp {
    now().minus(Duration::from_secs(120))
}

use Put::{
    Active, Bundle, Cloned, Doomed, Equipment, Iccid, Imei, Login, New, OtherUser, PanelPassword, Plan,
    Replaced, User,
};

const TRACKER: Put = Put::Own(Kind::Tracker);
const ONLINE: Put = Put::Own(Kind::Online);
const ENGINE: Put = Put::Own(Kind::Engine);
const LOCK: Put = Put::Own(Kind::Lock);
const GROUP: Put = Put::Own(Kind::Group);
const SUB_USER: Put = Put::Own(Kind::SubUser);
const SECURITY_GROUP: Put = Put::Own(Kind::SecurityGroup);
const API_KEY: Put = Put::Own(Kind::ApiKey);
const SENSOR: Put = Put::Own(Kind::Sensor);
const TAG: Put = Put::Own(Kind::Tag);
const VEHICLE: Put = Put::Own(Kind::Vehicle);
const GARAGE: Put = Put::Own(Kind::Garage);
const RULE: Put = Put::Own(Kind::Rule);
const COUNTED: Put = Put::Own(Kind::Counted);
const LISTING: Put = Put::Own(Kind::StatusListing);
const STATUS: Put = Put::Own(Kind::Status);
const UI_SETTING: Put = Put::Own(Kind::UiSetting);

const NONE: &[Right] = &[];
const ADMIN: &[Right] = &[Right::Admin];
const CONFIGURE: &[Right] = &[Right::TrackerConfigure];
const OUTPUT: &[Right] = &[Right::TrackerSetOutput];
const COMMAND: &[Right] = &[Right::TrackerConfigure, Right::TrackerSetOutput];
const UPDATE: &[Right] = &[Right::TrackerUpdate];
const TAGS: &[Right] = &[Right::TagUpdate];
const VEHICLES: &[Right] = &[Right::VehicleUpdate];
const RULES: &[Right] = &[Right::TrackerRuleUpdate];
const REGISTER: &[Right] = &[Right::TrackerRegister];

/// Path of an action, the rights that it must ask for, and what goes where in its example.
type Row = (&'static str, &'static [Right], &'static [(&'static str, Put)]);

const ROWS: &[Row] = &[
    ("user/auth", NONE, &[("/login", Login)]),
    ("user/logout", NONE, &[]),
    ("user/session/renew", NONE, &[]),
    ("user/get_info", NONE, &[]),
    ("user/settings/read", NONE, &[]),
    ("user/settings/update", NONE, &[]),
    ("user/password/set", NONE, &[]),
    ("api/key/create", ADMIN, &[]),
    ("api/key/list", ADMIN, &[]),
    ("api/key/delete", ADMIN, &[("/key", API_KEY)]),
    ("subuser/register", ADMIN, &[("/user/login", New), ("/user/security_group_id", SECURITY_GROUP)]),
    ("subuser/list", ADMIN, &[]),
    ("subuser/update", ADMIN, &[("/user/id", SUB_USER), ("/user/security_group_id", SECURITY_GROUP)]),
    ("subuser/delete", ADMIN, &[("/subuser_id", SUB_USER)]),
    ("subuser/tracker/bind", ADMIN, &[("/subuser_id", SUB_USER), ("/trackers/0", TRACKER)]),
    ("subuser/tracker/unbind", ADMIN, &[("/subuser_id", SUB_USER), ("/trackers/0", TRACKER)]),
    ("subuser/tracker/list", ADMIN, &[("/subuser_id", SUB_USER)]),
    ("subuser/security_group/create", ADMIN, &[]),
    ("subuser/security_group/list", ADMIN, &[]),
    ("subuser/security_group/update", ADMIN, &[("/group/id", SECURITY_GROUP)]),
    ("subuser/security_group/delete", ADMIN, &[("/security_group_id", SECURITY_GROUP)]),
    ("subuser/security_group/assign", ADMIN, &[("/group_id", SECURITY_GROUP), ("/subuser_ids/0", SUB_USER)]),
    ("subuser/session/create", ADMIN, &[("/subuser_id", SUB_USER)]),
    ("tag/create", TAGS, &[]),
    ("tag/update", TAGS, &[("/tag/id", TAG)]),
    ("tag/delete", TAGS, &[("/tag_id", TAG)]),
    ("tag/list", NONE, &[]),
    ("tag/search", NONE, &[("/tag_ids/0", TAG)]),
    ("tracker/tags/set", NONE, &[("/tracker_id", TRACKER), ("/tag_bindings/0/tag_id", TAG)]),
    ("vehicle/create", VEHICLES, &[("/vehicle/tracker_id", TRACKER), ("/vehicle/garage_id", GARAGE)]),
    ("vehicle/read", NONE, &[("/vehicle_id", VEHICLE)]),
    (
        "vehicle/update",
        VEHICLES,
        &[("/vehicle/id", VEHICLE), ("/vehicle/tracker_id", TRACKER), ("/vehicle/garage_id", GARAGE)],
    ),
    ("vehicle/delete", VEHICLES, &[("/vehicle_id", VEHICLE)]),
    ("vehicle/list", NONE, &[]),
    ("garage/list", NONE, &[]),
    ("garage/create", VEHICLES, &[]),
    ("garage/update", VEHICLES, &[("/garage/id", GARAGE)]),
    ("garage/delete", VEHICLES, &[("/garage_id", GARAGE)]),
    ("tracker/rule/list", NONE, &[]),
    ("tracker/rule/read", NONE, &[("/rule_id", RULE)]),
    // Trackers of others are passed over.
    ("tracker/rule/create", RULES, &[]),
    ("tracker/rule/update", RULES, &[("/rule/id", RULE), ("/rule/trackers/0", TRACKER)]),
    ("tracker/rule/delete", RULES, &[("/rule_id", RULE)]),
    ("tracker/rule/bind", RULES, &[("/rule_id", RULE), ("/trackers/0", TRACKER)]),
    ("tracker/rule/unbind", RULES, &[("/rule_id", RULE), ("/trackers/0", TRACKER)]),
    ("tracker/settings/read", NONE, &[("/tracker_id", TRACKER)]),
    ("tracker/settings/update", UPDATE, &[("/tracker_id", TRACKER), ("/group_id", GROUP)]),
    ("tracker/settings/lbs/read", NONE, &[("/tracker_id", TRACKER)]),
    ("tracker/settings/lbs/update", NONE, &[("/tracker_id", TRACKER)]),
    ("tracker/settings/special/read", NONE, &[("/tracker_id", TRACKER)]),
    ("tracker/settings/special/update", CONFIGURE, &[("/tracker_id", TRACKER)]),
    ("base/nothing", NONE, &[]),
    ("timezone/list", NONE, &[]),
    ("user/settings/ui/read", NONE, &[("/key", UI_SETTING)]),
    ("user/settings/ui/update", NONE, &[]),
    ("tracker/avatar/upload", UPDATE, &[("/tracker_id", TRACKER)]),
    ("status/create", UPDATE, &[("/listing_id", LISTING)]),
    ("status/update", UPDATE, &[("/status/id", STATUS)]),
    ("status/delete", UPDATE, &[("/status_id", STATUS)]),
    ("status/list", NONE, &[("/listing_id", LISTING)]),
    ("status/listing/create", UPDATE, &[]),
    ("status/listing/update", UPDATE, &[("/listing/id", LISTING)]),
    ("status/listing/delete", UPDATE, &[("/listing_id", LISTING)]),
    ("status/listing/list", NONE, &[]),
    ("status/listing/tracker/assign", UPDATE, &[("/tracker_id", TRACKER), ("/listing_id", LISTING)]),
    ("status/tracker/assign", NONE, &[("/tracker_id", TRACKER), ("/new_status_id", STATUS)]),
    ("status/tracker/list", NONE, &[("/trackers/0", TRACKER)]),
    ("status/tracker/read", NONE, &[("/tracker_id", TRACKER)]),
    ("plugin/list", NONE, &[]),
    ("tracker/list_models", NONE, &[]),
    ("tracker/register", REGISTER, &[("/group_id", GROUP), ("/device_id", New), ("/phone", New)]),
    ("tracker/register_quick", REGISTER, &[("/group_id", GROUP), ("/imei", Imei)]),
    ("tracker/register_retry", REGISTER, &[("/tracker_id", TRACKER)]),
    ("tracker/replace", CONFIGURE, &[("/tracker_id", Active), ("/device_id", New), ("/phone", New)]),
    ("tracker/replace_quick", CONFIGURE, &[("/tracker_id", Active), ("/imei", Imei)]),
    ("tracker/replace_retry", CONFIGURE, &[("/tracker_id", Replaced)]),
    ("tracker/corrupt", REGISTER, &[("/tracker_id", Doomed)]),
    ("tracker/delete", ADMIN, &[("/tracker_id", Cloned)]),
    ("tracker/change_phone", CONFIGURE, &[("/tracker_id", TRACKER), ("/phone", New)]),
    ("tracker/read", NONE, &[("/tracker_id", TRACKER)]),
    ("tracker/list", NONE, &[]),
    ("tracker/get_state", NONE, &[("/tracker_id", TRACKER)]),
    ("tracker/get_states", NONE, &[("/trackers/0", TRACKER)]),
    ("tracker/get_last_gps_point", NONE, &[("/tracker_id", TRACKER)]),
    ("tracker/location_request", NONE, &[("/tracker_id", ONLINE)]),
    ("tracker/send_command", COMMAND, &[("/tracker_id", LOCK)]),
    ("tracker/raw_command/send", COMMAND, &[("/tracker_id", TRACKER)]),
    ("tracker/output/set", OUTPUT, &[("/tracker_id", ONLINE)]),
    ("tracker/output/set_all", OUTPUT, &[("/tracker_id", ONLINE)]),
    ("tracker/engine_immobilizer/read", NONE, &[("/tracker_id", ENGINE)]),
    ("tracker/engine_immobilizer/set", OUTPUT, &[("/tracker_id", ENGINE)]),
    ("tracker/command/unconfirmed/count", NONE, &[("/tracker_id", TRACKER)]),
    ("tracker/command/unconfirmed/reset", UPDATE, &[("/tracker_id", TRACKER)]),
    ("tracker/command/log/list", CONFIGURE, &[("/tracker_id", TRACKER)]),
    ("tariff/list", NONE, &[]),
    ("tariff/tracker/list", NONE, &[("/tracker_id", TRACKER)]),
    ("tariff/tracker/change", ADMIN, &[("/tracker_id", TRACKER), ("/tariff_id", Plan)]),
    ("track/list", NONE, &[("/tracker_id", TRACKER)]),
    ("track/read", NONE, &[("/tracker_id", TRACKER)]),
    ("tracker/settings/trip_detection/read", NONE, &[("/tracker_id", TRACKER)]),
    ("tracker/settings/trip_detection/update", UPDATE, &[("/tracker_id", TRACKER)]),
    ("tracker/sensor/list", NONE, &[("/tracker_id", TRACKER)]),
    ("tracker/sensor/batch_list", NONE, &[("/trackers/0", TRACKER)]),
    ("tracker/sensor/create", UPDATE, &[("/tracker_id", TRACKER)]),
    ("tracker/sensor/update", UPDATE, &[("/tracker_id", TRACKER), ("/sensor/id", SENSOR)]),
    ("tracker/sensor/delete", UPDATE, &[("/tracker_id", TRACKER), ("/sensor_id", SENSOR)]),
    ("tracker/sensor/batch_copy", UPDATE, &[("/base_tracker_id", TRACKER), ("/trackers/0", TRACKER)]),
    ("tracker/sensor/data/read", NONE, &[("/tracker_id", TRACKER), ("/sensor_id", SENSOR)]),
    ("tracker/sensor/input_name/list", NONE, &[]),
    ("tracker/sensor/calibration_data/read", NONE, &[("/tracker_id", TRACKER), ("/sensor_id", SENSOR)]),
    ("tracker/sensor/calibration_data/update", UPDATE, &[("/tracker_id", TRACKER), ("/sensor_id", SENSOR)]),
    ("tracker/get_fuel", NONE, &[("/tracker_id", TRACKER)]),
    ("tracker/get_readings", NONE, &[("/tracker_id", TRACKER)]),
    ("tracker/get_diagnostics", NONE, &[("/tracker_id", TRACKER)]),
    ("tracker/get_inputs", NONE, &[("/tracker_id", TRACKER)]),
    ("tracker/batch_get_inputs", NONE, &[("/trackers/0", TRACKER)]),
    ("tracker/get_outputs", NONE, &[("/tracker_id", TRACKER)]),
    ("tracker/batch_get_outputs", NONE, &[("/trackers/0", TRACKER)]),
    ("tracker/output/update", UPDATE, &[("/tracker_id", TRACKER)]),
    ("tracker/readings/list", NONE, &[("/tracker_id", TRACKER)]),
    ("tracker/readings/batch_list", NONE, &[("/trackers/0", TRACKER)]),
    ("tracker/counter/read", NONE, &[("/tracker_id", TRACKER)]),
    ("tracker/counter/update", UPDATE, &[("/tracker_id", TRACKER)]),
    ("tracker/counter/value/get", NONE, &[("/tracker_id", COUNTED)]),
    ("tracker/counter/value/list", NONE, &[("/trackers/0", COUNTED)]),
    ("tracker/counter/value/set", NONE, &[("/tracker_id", TRACKER)]),
    ("tracker/counter/data/read", NONE, &[("/tracker_id", TRACKER)]),
    ("tracker/get_counters", NONE, &[("/tracker_id", TRACKER)]),
    ("tracker/group/assign", ADMIN, &[("/id", GROUP), ("/trackers/0", TRACKER)]),
    ("tracker/group/create", ADMIN, &[]),
    ("tracker/group/delete", ADMIN, &[("/id", GROUP)]),
    ("tracker/group/list", NONE, &[]),
    ("tracker/group/update", ADMIN, &[("/id", GROUP)]),
    ("panel/account/auth", NONE, &[("/password", PanelPassword)]),
    ("panel/account/logout", NONE, &[]),
    ("panel/user/create", NONE, &[("/user/login", New)]),
    ("panel/user/read", NONE, &[("/user_id", User)]),
    ("panel/user/list", NONE, &[]),
    ("panel/user/change_password", NONE, &[("/user_id", User)]),
    ("panel/user/session/create", NONE, &[("/user_id", User)]),
    ("panel/user/update", NONE, &[("/user/id", User), ("/user/login", New)]),
    ("panel/user/corrupt", NONE, &[("/user_id", User), ("/login", Login)]),
    ("panel/tracker/read", NONE, &[("/tracker_id", TRACKER)]),
    ("panel/tracker/list", NONE, &[("/user_id", User)]),
    ("panel/tracker/source/update", NONE, &[("/tracker_id", TRACKER)]),
    ("panel/tracker/corrupt", NONE, &[("/tracker_id", TRACKER)]),
    ("panel/tracker/register_retry", NONE, &[("/tracker_id", TRACKER)]),
    ("panel/tracker/tariff/change", NONE, &[("/tracker_id", TRACKER), ("/tariff_id", Plan)]),
    ("panel/tracker/move", NONE, &[("/tracker_id", TRACKER), ("/user_id", OtherUser)]),
    ("panel/tracker/clone", NONE, &[("/tracker_id", TRACKER), ("/user_id", OtherUser)]),
    ("panel/tracker/batch_clone", NONE, &[("/tracker_ids/0", TRACKER), ("/user_id", OtherUser)]),
    ("panel/tracker/delete_clone", NONE, &[("/tracker_id", Cloned)]),
    ("panel/tracker/batch_delete_clones", NONE, &[("/trackers/0", Cloned)]),
    ("panel/tracker/refused/list", NONE, &[]),
    ("panel/tracker/bundle/import", NONE, &[("/imeis/0", New), ("/equip_id", Equipment)]),
    ("panel/tracker/bundle/assign", NONE, &[("/bundle_id", Bundle), ("/iccid", Iccid)]),
    ("panel/tracker/bundle/order/assign", NONE, &[("/bundle_id", Bundle)]),
    ("panel/tracker/bundle/read", NONE, &[("/imei", Imei)]),
    ("panel/tracker/bundle/list", NONE, &[]),
    ("panel/tracker/bundle/update", NONE, &[("/bundle_id", Bundle), ("/equip_id", Equipment)]),
    ("panel/equipment/list", NONE, &[]),
    ("panel/sim_card/import", NONE, &[("/sim_cards/0/phone", New)]),
    ("panel/dealer/activation_code/create", NONE, &[]),
    ("panel/dealer/activation_code/list", NONE, &[]),
    ("panel/dealer/activation_code/update", NONE, &[]),
    ("panel/tariff/create", NONE, &[("/tariff/name", New)]),
    ("panel/tariff/read", NONE, &[]),
    ("panel/tariff/update", NONE, &[("/tariff/name", New), ("/tariff/id", Plan)]),
    ("panel/tariff/list", NONE, &[]),
    ("panel/tariff/defaults/read", NONE, &[]),
    ("panel/tariff/defaults/update", NONE, &[]),
];

const NOBODYS: i64 = i32::MAX as i64;

/// What comes only once.
fn new() -> String {
    static NEW: AtomicU64 = AtomicU64::new(0);
    format!("9{:014}", NEW.fetch_add(1, Ordering::Relaxed))
}

/// The password in the examples.
const PASSWORD: &str = "correct horse";

#[test]
fn every_action_has_one_row_its_rights_and_a_right_example() {
    let rows: Vec<_> = ROWS.iter().map(|(path, ..)| *path).collect();
    let paths: Vec<_> = ACTIONS.iter().map(|entry| entry.path).collect();
    assert_eq!(BTreeSet::from_iter(&rows), BTreeSet::from_iter(&paths));
    assert_eq!(
        (rows.len(), paths.len()),
        (BTreeSet::from_iter(&rows).len(), BTreeSet::from_iter(&paths).len())
    );
    for (path, rights, _) in ROWS {
        let entry = ACTIONS.iter().find(|entry| entry.path == *path).unwrap();
        assert_eq!(entry.rights, *rights, "{path}");
        let caller = match *path {
            "user/auth" | "panel/account/auth" | "timezone/list" => CallerKind::Anyone,
            path if path.starts_with("panel/") => CallerKind::Panel,
            _ => CallerKind::User,
        };
        assert_eq!(entry.caller, caller, "{path}");
    }
    for entry in ACTIONS {
        let example: Value = serde_json::from_str(entry.example).unwrap();
        let names: Vec<_> = example.as_object().unwrap().keys().map(String::as_str).collect();
        let known = |name: &&str| entry.parameters.iter().any(|(parameter, _)| parameter == name);
        assert!(names.iter().all(known), "{}: the example has unknown parameters", entry.path);
        let given = |(parameter, required): &(&str, bool)| !required || names.contains(parameter);
        assert!(entry.parameters.iter().all(given), "{}: the example lacks parameters", entry.path);
    }
}

#[test]
fn only_those_who_may() {
    let server = Server::start();
    let panel = server.panel();
    let account = Cast::new_account(&server, &panel, "anna");
    let sub_users = account.sub_users();
    let spare = Cast::new_account(&server, &panel, "carla");
    let other = Cast::new_account(&server, &panel, "dora");
    let cast = Cast { panel, server, account, spare, other, sub_users };
    let foreign = Cast::new_account(&cast.server, &cast.panel, "berta");
    for entry in ACTIONS {
        let action = Action { entry, cast: &cast };
        action.parameters(&foreign);
        let before = foreign.all();
        action.needs_its_session();
        match entry.caller {
            CallerKind::Anyone => drop(action.call(&cast.server.anyone(), &cast.account).success()),
            CallerKind::Panel => action.panel(),
            CallerKind::User => {
                action.needs_its_rights();
                action.user(&foreign);
            }
        }
        assert_eq!(foreign.all(), before, "{} changed another account", entry.path);
    }
}

/// What a master sees of the account.
const LISTS: &[&str] = &[
    "tracker/list",
    "tracker/group/list",
    "user/get_info",
    "user/settings/read",
    "subuser/list",
    "subuser/security_group/list",
    "api/key/list",
    "tag/list",
    "vehicle/list",
    "garage/list",
    "tracker/rule/list",
    "status/listing/list",
];

/// What the reference lets everybody change who sees the tracker.
const FREE: &[&str] = &["tracker/tags/set"];

/// A master user and what belongs to the account.
struct Account {
    /// Of the master.
    session: Session,
    user: i64,
    login: String,
    devices: Devices,
    /// Made when they are needed.
    objects: RefCell<BTreeMap<Kind, Value>>,
}

impl Account {
    /// All that a master sees.
    fn all(&self) -> Vec<Value> {
        let lists = LISTS.iter().map(|action| (*action, json!({})));
        let sensors = ("tracker/sensor/list", json!({ "tracker_id": self.object(Kind::Tracker) }));
        let calls = lists.chain([sensors]);
        calls.map(|(action, parameters)| self.session.call(action, parameters).success()).collect()
    }

    fn object(&self, kind: Kind) -> Value {
        let made = self.objects.borrow().get(&kind).cloned();
        made.unwrap_or_else(|| {
            let made = kind.make(self);
            self.objects.borrow_mut().insert(kind, made.clone());
            made
        })
    }

    /// One without rights, one with every right that a sub-user can have; both see the tracker.
    fn sub_users(&self) -> [i64; 2] {
        let call = |action: &str, parameters: Value| self.session.call(action, parameters).success();
        let grantable: Vec<_> = Right::ALL.into_iter().filter(|right| *right != Right::Admin).collect();
        let group = json!({ "group": { "label": "All", "privileges": { "rights": grantable } } });
        let all = call("subuser/security_group/create", group)["id"].clone();
        [Value::Null, all].map(|group| {
            let user = json!({ "login": new(), "security_group_id": group });
            let user = call("subuser/register", json!({ "user": user, "password": PASSWORD }))["id"].clone();
            let bound = json!({ "subuser_id": user, "trackers": [self.object(Kind::Tracker)] });
            call("subuser/tracker/bind", bound);
            user.as_i64().unwrap()
        })
    }
}

/// Where devices connect.
#[derive(Clone, Copy)]
struct Devices {
    teltonika: SocketAddr,
    queclink: SocketAddr,
}

/// Who there is.
struct Cast {
    server: Server,
    panel: Session,
    account: Account,
    /// For actions that change nothing but their own session and user.
    spare: Account,
    /// Whose trackers are cloned, and who gets trackers.
    other: Account,
    /// Of `account`: one without rights, one with every right that a sub-user can have.
    sub_users: [i64; 2],
}

/// An action under test.
struct Action<'a> {
    entry: &'static Entry,
    cast: &'a Cast,
}

impl Cast {
    fn new_account(server: &Server, panel: &Session, login: &str) -> Account {
        let user = json!({ "user": { "login": login }, "password": PASSWORD });
        let user = panel.call("panel/user/create", user).success()["id"].as_i64().unwrap();
        let session = panel.call("panel/user/session/create", json!({ "user_id": user })).success();
        let session = Session::new(server.http(), session["hash"].as_str());
        let devices = Devices { teltonika: server.teltonika(), queclink: server.any() };
        let account =
            Account { user, session, login: login.to_owned(), devices, objects: RefCell::default() };
        account.object(Kind::Tracker);
        account
    }

    /// A new session of a user.
    fn session(&self, user: i64) -> Session {
        let session = self.panel.call("panel/user/session/create", json!({ "user_id": user })).success();
        Session::new(self.server.http(), session["hash"].as_str())
    }
}

/// Objects that a call uses up: each is made for it.
impl Cast {
    fn active(&self, account: &Account) -> i64 {
        let imei = new();
        let tracker = account.session.register("Active", &imei);
        let mut device = Device::logged_in(self.server.teltonika(), &imei);
        assert_eq!(device.send(&[record(now())]), Reaction::Acknowledged(1));
        tracker
    }

    fn replaced(&self, account: &Account) -> i64 {
        let tracker = self.active(account);
        let other =
            json!({ "tracker_id": tracker, "plugin_id": 44, "model": "telfmb920", "device_id": new() });
        account.session.call("tracker/replace", other).success();
        tracker
    }

    fn cloned(&self, account: &Account) -> i64 {
        let original = self.other.session.register("Original", &new());
        let clone = json!({ "tracker_id": original, "user_id": account.user, "label": "Clone" });
        self.panel.call("panel/tracker/clone", clone).success()["id"].as_i64().unwrap()
    }

    fn equipment(&self) -> i64 {
        let equipment = self.panel.call("panel/equipment/list", json!({})).success();
        let mut list = equipment["list"].as_array().unwrap().iter();
        list.find(|kind| kind["model_code"] == "telfmb920").unwrap()["equip_id"].as_i64().unwrap()
    }

    /// The bundle and the IMEI of one that is not registered.
    fn bundle(&self) -> (Value, Value) {
        let imei = new();
        let bundle = json!({ "imeis": [imei], "equip_id": self.equipment(), "factory_preset": true });
        self.panel.call("panel/tracker/bundle/import", bundle).success();
        let read = self.panel.call("panel/tracker/bundle/read", json!({ "imei": imei })).success();
        (read["value"]["id"].clone(), json!(imei))
    }

    fn iccid(&self) -> String {
        let iccid = format!("8970{}", new());
        let card = json!({ "iccid": iccid, "phone": new() });
        self.panel.call("panel/sim_card/import", json!({ "sim_cards": [card] })).success();
        iccid
    }

    fn plan(&self) -> Value {
        let plan = json!({ "tariff": { "name": new() } });
        self.panel.call("panel/tariff/create", plan).success()["id"].clone()
    }
}

impl Action<'_> {
    fn puts(&self) -> &'static [(&'static str, Put)] {
        ROWS.iter().find(|(path, ..)| *path == self.entry.path).unwrap().2
    }

    /// The example with the objects of an account.
    fn parameters(&self, account: &Account) -> Value {
        let mut parameters: Value = serde_json::from_str(self.entry.example).unwrap();
        for (at, put) in self.puts() {
            *parameters.pointer_mut(at).unwrap() = match put {
                Put::Own(kind) => account.object(*kind),
                Active => json!(self.cast.active(account)),
                Replaced => json!(self.cast.replaced(account)),
                Doomed => json!(account.session.register("Doomed", &new())),
                Cloned => json!(self.cast.cloned(account)),
                Imei => self.cast.bundle().1,
                Bundle => self.cast.bundle().0,
                Iccid => json!(self.cast.iccid()),
                Plan => self.cast.plan(),
                Equipment => json!(self.cast.equipment()),
                OtherUser => json!(self.cast.other.user),
                User => json!(account.user),
                Login => json!(account.login),
                PanelPassword => json!(crate::support::PANEL_PASSWORD),
                New => json!(new()),
            };
        }
        parameters
    }

    fn call(&self, caller: &Session, account: &Account) -> Answer {
        self.send(caller, self.parameters(account))
    }

    /// The one action that takes a file is sent one.
    fn send(&self, caller: &Session, parameters: Value) -> Answer {
        match self.entry.path {
            path @ "tracker/avatar/upload" => {
                caller.upload(path, parameters, Some(("image/png", b"\x89PNG\r\n\x1A\n")))
            }
            path => caller.call(path, parameters),
        }
    }

    fn needs_its_session(&self) {
        let Self { entry, cast } = self;
        let ended = cast.session(cast.account.user);
        ended.call("user/logout", json!({})).success();
        let (user, panel) = (cast.session(cast.account.user), cast.panel.clone());
        let strangers = match entry.caller {
            CallerKind::Anyone => return,
            CallerKind::User => panel,
            CallerKind::Panel => user,
        };
        let nobody = cast.server.anyone();
        assert_eq!(self.call(&nobody, &cast.account).wrong_parameters(), ["hash"], "{}", entry.path);
        for caller in [ended, strangers] {
            assert_eq!(self.call(&caller, &cast.account).code(), 4, "{}", entry.path);
            // Who may not call learns nothing about parameters either.
            assert_eq!(caller.call(entry.path, json!({})).code(), 4, "{}", entry.path);
        }
    }

    fn needs_its_rights(&self) {
        let Self { entry, cast } = self;
        let [none, all] = cast.sub_users;
        let parameters = self.parameters(&cast.account);
        let refused = |user: i64| {
            let answer = self.send(&cast.session(user), parameters.clone());
            answer.status == 403 && answer.code() == 13
        };
        let before = cast.account.all();
        assert_eq!(refused(none), !entry.rights.is_empty(), "{} without rights", entry.path);
        if !FREE.contains(&entry.path) {
            assert_eq!(cast.account.all(), before, "{} by somebody without rights", entry.path);
        }
        assert_eq!(refused(all), entry.rights.contains(&Right::Admin), "{} with all rights", entry.path);
    }

    /// A new account, when the action names something of it.
    fn own_account(&self) -> Option<Account> {
        let of_an_account =
            |put: &Put| matches!(put, Put::Own(_) | Active | Replaced | Doomed | Cloned | User);
        let names = self.puts().iter().any(|(_, put)| of_an_account(put));
        names.then(|| {
            Cast::new_account(&self.cast.server, &self.cast.panel, &format!("of {}", self.entry.path))
        })
    }

    /// What is another's is answered as if it did not exist; what is one's own is done.
    fn user(&self, foreign: &Account) {
        let Self { entry, cast } = self;
        let own = self.own_account();
        let own = own.as_ref().unwrap_or(&cast.spare);
        let master = &cast.session(own.user);
        for (at, put) in self.puts() {
            let kind = match put {
                Put::Own(kind) => *kind,
                Active | Replaced | Doomed | Cloned => Kind::Tracker,
                _ => continue,
            };
            let [foreign, nobodys] = [foreign.object(kind), kind.nobodys()].map(|id| {
                let mut parameters = self.parameters(own);
                *parameters.pointer_mut(at).unwrap() = id.clone();
                let answer = self.send(master, parameters);
                if answer.status != 200 {
                    let declared =
                        |code: i64| entry.errors.iter().any(|error| i64::from(error.number()) == code);
                    assert!(declared(answer.code()), "{} does not declare {}", entry.path, answer.code());
                }
                (answer.status, without(answer.body, &id))
            });
            assert_eq!(foreign, nobodys, "{} {at}", entry.path);
        }
        self.call(master, own).success();
    }

    fn panel(&self) {
        let Self { entry, cast } = self;
        let panel = cast.server.panel();
        let own = self.own_account();
        let own = own.as_ref().unwrap_or(&cast.spare);
        let one = |put: &Put| [User, TRACKER, Cloned, Bundle].contains(put) && !entry.path.contains("batch");
        for (at, _) in self.puts().iter().filter(|(_, put)| one(put)) {
            let mut parameters = self.parameters(own);
            *parameters.pointer_mut(at).unwrap() = json!(NOBODYS);
            assert_eq!(panel.call(entry.path, parameters).code(), 201, "{}", entry.path);
        }
        self.call(&panel, own).success();
    }
}

/// An answer without the id that was asked for and the time of asking.
fn without(answer: Value, id: &Value) -> Value {
    match answer {
        Value::Number(_) | Value::String(_) if answer == *id => json!("the id"),
        Value::Array(items) => items.into_iter().map(|item| without(item, id)).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(name, _)| name != "user_time")
            .map(|(name, value)| (name.replace(&id.to_string(), "the id"), without(value, id)))
            .collect(),
        other => other,
    }
}
