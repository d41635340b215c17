//! The situations in which calls are made: each is a list of steps, which make what the call names.

use crate::support::{Device, Reaction, Server, Session, USER_PASSWORD, now, queclink_report, record};
use api::{CallerKind, Entry};
use domain::{DeviceId, Right};
use serde_json::{Map, Value, json};
use std::{
    collections::BTreeMap,
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::PathBuf,
    time::Duration,
};
use store::catalog::SimCard;

/// Who calls, and what a row's `@names` are.
pub struct Situation {
    pub caller: Session,
    pub names: BTreeMap<&'static str, Value>,
}

/// A server with two accounts, Anna's, who calls, and Berta's.
pub struct World {
    server: Server,
    panel: Session,
    anna: Session,
    anna_id: Value,
    berta: Session,
    berta_id: Value,
    equipment: Value,
    /// IMEIs of bundles that only an older server could have left: by what is wrong with them.
    odd_bundles: BTreeMap<&'static str, String>,
    numbers: u64,
    /// Connected for the row under test.
    devices: Vec<Device>,
    /// The same, not Teltonika's.
    others: Vec<TcpStream>,
    /// Anna's.
    anna_key: Value,
    /// Id and login of a user with a thousand sessions, once one was needed.
    crowded: Option<(Value, Value)>,
}

const PASSWORD: &str = "correct horse";
const TWO_MINUTES: Duration = Duration::from_secs(120);

impl World {
    /// On a server that was just started.
    pub fn on(mut server: Server) -> Self {
        let odd_bundles = odd_bundles(&mut server);
        let (panel, anna, berta) = (server.panel(), server.user("anna"), server.user("berta"));
        let equipment = panel.call("panel/equipment/list", json!({})).success();
        let mut kinds = equipment["list"].as_array().unwrap().iter();
        let equipment = kinds.find(|kind| kind["model_code"] == "telfmb920").unwrap()["equip_id"].clone();
        let key = anna.call("api/key/create", json!({ "title": "Import" })).success();
        let anna_key = key["value"]["hash"].clone();
        let (anna_id, berta_id) = (id(&anna), id(&berta));
        Self {
            server,
            panel,
            anna,
            anna_id,
            berta,
            berta_id,
            equipment,
            odd_bundles,
            numbers: 0,
            devices: Vec::new(),
            others: Vec::new(),
            anna_key,
            crowded: None,
        }
    }

    /// Takes the steps, which are separated by commas, one after the other.
    pub fn bring_about(&mut self, entry: &Entry, steps: &str) -> Situation {
        self.devices.clear();
        self.others.clear();
        let pictures = self.pictures();
        if pictures.is_file() {
            fs::remove_file(pictures).unwrap();
        }
        let caller = match entry.caller {
            CallerKind::Anyone => self.server.anyone(),
            CallerKind::User => self.anna.clone(),
            CallerKind::Panel => self.panel.clone(),
        };
        let mut situation = Situation { caller, names: BTreeMap::new() };
        situation.names.insert("new", json!(self.another()));
        situation.names.insert("phone", json!(self.another()));
        // More than a call takes.
        situation.names.insert("many", (1..=501).collect());
        situation.names.insert("anna", self.anna_id.clone());
        situation.names.insert("berta", self.berta_id.clone());
        situation.names.insert("equipment", self.equipment.clone());
        for step in steps.split(", ") {
            self.step(&mut situation, step);
        }
        situation
    }

    /// An IMEI, login or phone that nobody has.
    fn another(&mut self) -> String {
        self.numbers += 1;
        format!("9{:014}", self.numbers)
    }

    /// A new account's user, with the default plan or another.
    fn user(&mut self, mut parameters: Value) -> Session {
        let login = self.another();
        parameters["user"]["login"] = json!(login);
        self.server.user_with(&login, parameters)
    }

    /// Where the server keeps pictures of trackers.
    fn pictures(&self) -> PathBuf {
        self.server.data_dir().join("avatars")
    }

    fn step(&mut self, situation: &mut Situation, step: &str) {
        let new = self.another();
        let Situation { caller, names } = situation;
        let register = |caller: &Session, model: &str| {
            // The locks have ten digits.
            let device_id = if model == "jointech_jt701" { &new[5..] } else { &new };
            let tracker = json!({ "label": "Van", "group_id": 0, "plugin_id": 44, "model": model,
                "device_id": device_id });
            caller.call("tracker/register", tracker).success()["value"]["id"].clone()
        };
        let (anna, berta, panel) = (&self.anna, &self.berta, &self.panel);
        let create = |action: &str, parameters: Value| anna.call(action, parameters).success()["id"].clone();
        match step {
            "nothing" => {}
            // Trackers.
            "a tracker" | "a tracker of the caller" => {
                let owner = if step == "a tracker" { anna } else { &*caller };
                names.insert("tracker", register(owner, "telfmb920"));
                names.insert("imei", json!(new));
            }
            "a tracker that stops the engine" => {
                names.insert("tracker", register(anna, "qlgv55lite"));
                names.insert("imei", json!(new));
            }
            "a tracker with a lock" => drop(names.insert("tracker", register(anna, "jointech_jt701"))),
            "a tracker without a SIM" => drop(names.insert("tracker", register(anna, "wialon_ips"))),
            "an app on a phone" => drop(names.insert("tracker", register(anna, "traccar_client"))),
            "a tracker as in the examples" => {
                let phone = new.replacen('9', "7", 1);
                let tracker = json!({ "label": "tracker label", "group_id": names["group"], "plugin_id": 44,
                    "model": "telfmb920", "device_id": new, "phone": phone, "apn_name": "internet" });
                let tracker = anna.call("tracker/register", tracker).success()["value"]["id"].clone();
                names.insert("own_phone", json!(phone));
                let tags = json!([{ "tag_id": names["tag"], "ordinal": 4 }]);
                anna.call("tracker/tags/set", json!({ "tracker_id": tracker, "tag_bindings": tags }))
                    .success();
                let which = json!({ "tracker_id": tracker });
                anna.upload("tracker/avatar/upload", which, Some(("image/gif", b"GIF89a"))).success();
                names.insert("tracker", tracker);
                names.insert("imei", json!(new));
            }
            "a tracker of another account" => drop(names.insert("tracker", register(berta, "telfmb920"))),
            "another tracker" => drop(names.insert("other", register(anna, "telfmb920"))),
            "another model" => drop(names.insert("other", register(anna, "qlgv55lite"))),
            "a clone" => {
                let original = register(berta, "telfmb920");
                let clone = json!({ "tracker_id": original, "user_id": self.anna_id, "label": "Clone" });
                let clone = panel.call("panel/tracker/clone", clone).success()["id"].clone();
                names.insert("original", original);
                names.insert("tracker", clone);
            }
            "a blocked tracker" => {
                let tracker = register(anna, "telfmb920");
                let blocked = json!({ "tracker_id": tracker, "blocked": true });
                panel.call("panel/tracker/source/update", blocked).success();
                names.insert("blocked", tracker);
            }
            "cloned" => {
                let clone =
                    json!({ "tracker_id": names["tracker"], "user_id": self.berta_id, "label": "Clone" });
                let clone = panel.call("panel/tracker/clone", clone).success()["id"].clone();
                names.insert("clone", clone);
            }
            "blocked" => {
                let tracker = names.get("original").unwrap_or_else(|| &names["tracker"]);
                let blocked = json!({ "tracker_id": tracker, "blocked": true });
                panel.call("panel/tracker/source/update", blocked).success();
            }
            "corrupted" => {
                anna.call("tracker/corrupt", json!({ "tracker_id": names["tracker"] })).success();
            }
            "connected" => self.connect(names),
            "active" => self.send(names, Duration::ZERO),
            "last seen two minutes ago" => self.send(names, TWO_MINUTES),
            "a report of two minutes ago" => {
                let imei = names["imei"].as_str().unwrap();
                let mut device = TcpStream::connect(self.server.any()).unwrap();
                device.write_all(queclink_report(imei, now().minus(TWO_MINUTES)).as_bytes()).unwrap();
                device.read_exact(&mut [0; 11]).unwrap();
                self.others.push(device);
            }
            "replaced" => {
                let other = json!({ "tracker_id": names["tracker"], "plugin_id": 44, "model": "telfmb920",
                    "device_id": new });
                anna.call("tracker/replace", other).success();
                names.insert("imei", json!(new));
            }
            "an event" => {
                let which = json!({ "tracker_id": names["tracker"] });
                let command = json!({ "tracker_id": names["tracker"], "command": "getinfo" });
                anna.call("tracker/raw_command/send", command).success();
                anna.call("tracker/command/unconfirmed/reset", which).success();
                let unread = anna.call("history/unread/list", json!({ "limit": 1 })).success();
                names.insert("event", unread["list"][0]["id"].clone());
            }
            "a hundred commands wait" => {
                let command = json!({ "tracker_id": names["tracker"], "command": "getinfo" });
                let mut answers = (0..=100).map(|_| anna.call("tracker/raw_command/send", command.clone()));
                assert!(answers.any(|answer| answer.status != 200));
            }
            // Who calls.
            "a sub-user without rights" => *caller = self.sub_user(names, &[]),
            "a sub-user with every right" => {
                let rights: Vec<_> = Right::ALL.into_iter().filter(|right| *right != Right::Admin).collect();
                *caller = self.sub_user(names, &rights);
            }
            "an account with a plan of its own" => {
                let plan = json!({ "tariff": { "name": new } });
                let plan = panel.call("panel/tariff/create", plan).success()["id"].clone();
                *caller = self.user(json!({ "default_tariff_id": plan }));
                names.insert("plan", plan);
                names.insert("plan_name", json!(new));
            }
            "the plan is exhausted" => self.change_plan(names, json!({ "device_limit": 0 })),
            "the plan is for firms" => self.change_plan(names, json!({ "doc_type": 2 })),
            // Devices that are not registered, or are another's.
            "a device of another account" => {
                let phone = new.replacen('9', "7", 1);
                let tracker = json!({ "label": "Van", "group_id": 0, "plugin_id": 44, "model": "telfmb920",
                    "device_id": new, "phone": phone });
                berta.call("tracker/register", tracker).success();
                names.insert("taken_imei", json!(new));
                names.insert("taken_phone", json!(phone));
            }
            "a bundle" => {
                let import = json!({ "imeis": [new], "equip_id": self.equipment, "factory_preset": true });
                panel.call("panel/tracker/bundle/import", import).success();
                let read = panel.call("panel/tracker/bundle/read", json!({ "imei": new })).success();
                names.insert("bundle", read["value"]["id"].clone());
                names.insert("bundled_imei", json!(new));
            }
            "a tracker of the bundle" => {
                let tracker = json!({ "label": "Van", "group_id": 0, "imei": names["bundled_imei"] });
                let tracker = anna.call("tracker/register_quick", tracker).success();
                names.insert("tracker", tracker["value"]["id"].clone());
            }
            "the bundle was ordered" => {
                let order = json!({ "bundle_id": names["bundle"], "order_id": 4711 });
                panel.call("panel/tracker/bundle/order/assign", order).success();
            }
            "the service has a domain" => {
                let domain = json!({ "domain": "gps.example.com" });
                panel.call("panel/dealer/settings/service/update", domain).success();
            }
            "a SIM" | "a blocked SIM" | "a deleted SIM" => {
                let (iccid, phone) = (format!("8970{new}"), new.replacen('9', "6", 1));
                let card = json!({ "iccid": iccid, "phone": phone, "blocked": step == "a blocked SIM",
                    "deleted": step == "a deleted SIM" });
                panel.call("panel/sim_card/import", json!({ "sim_cards": [card] })).success();
                names.insert("iccid", json!(iccid));
                names.insert("sim_phone", json!(phone));
            }
            "the SIM is in the bundle" => {
                let assignment = json!({ "bundle_id": names["bundle"], "iccid": names["iccid"] });
                panel.call("panel/tracker/bundle/assign", assignment).success();
            }
            "the SIM's number is another device's" => {
                let tracker = json!({ "label": "Van", "group_id": 0, "plugin_id": 44, "model": "telfmb920",
                    "device_id": new, "phone": names["sim_phone"] });
                berta.call("tracker/register", tracker).success();
            }
            "the bundle's device is registered" => {
                let tracker = json!({ "label": "Van", "group_id": 0, "imei": names["bundled_imei"] });
                berta.call("tracker/register_quick", tracker).success();
            }
            "a bundle of a model that is gone" | "a bundle of an app" | "a bundle with a blocked SIM" => {
                names.insert("bundled_imei", json!(self.odd_bundles[step]));
            }
            // What belongs to a tracker.
            "a rule" => {
                let rule = json!({ "type": "sos", "trackers": [names["tracker"]], "alerts": {} });
                names.insert("rule", create("tracker/rule/create", rule));
            }
            "a vehicle" => {
                let vehicle = json!({ "vehicle": { "label": new, "tracker_id": names["tracker"] } });
                names.insert("vehicle", create("vehicle/create", vehicle));
            }
            "a vehicle of the other" => {
                create(
                    "vehicle/create",
                    json!({ "vehicle": { "label": new, "tracker_id": names["other"] } }),
                );
            }
            "a sensor" | "a second sensor" => {
                let (name, input) = if step == "a sensor" {
                    ("sensor", "analog_1")
                } else {
                    ("second_sensor", "ext_temp_sensor_1")
                };
                let sensor =
                    json!({ "type": "metering", "sensor_type": "custom", "name": step, "input_name": input });
                let sensor = json!({ "tracker_id": names["tracker"], "sensor": sensor });
                names.insert(name, create("tracker/sensor/create", sensor));
                names.insert("second_input", json!(input));
            }
            "a door" => {
                let sensor =
                    json!({ "type": "discrete", "sensor_type": "door", "name": "Door", "input_number": 3 });
                let sensor = json!({ "tracker_id": names["tracker"], "sensor": sensor });
                names.insert("door", create("tracker/sensor/create", sensor));
            }
            "an odometer" => {
                let value = json!({ "tracker_id": names["tracker"], "type": "odometer", "value": 7 });
                anna.call("tracker/counter/value/set", value).success();
            }
            "a meter of OBD" => {
                let sensor = json!({ "type": "metering", "sensor_type": "rpm", "name": "OBD: RPM",
                    "input_name": "obd_rpm", "units_type": "custom" });
                create("tracker/sensor/create", json!({ "tracker_id": names["tracker"], "sensor": sensor }));
            }
            "everything sent" => {
                self.connect(names);
                let mut full = record(now());
                full.parameters.extend([
                    (1, vec![1]),
                    (36, vec![3, 121]),
                    (84, vec![3, 232]),
                    (16, vec![0; 4]),
                ]);
                full.parameters.extend([(21, vec![4]), (113, vec![100]), (179, vec![1]), (78, vec![1; 8])]);
                full.parameters.extend([(240, vec![1]), (256, b"123".to_vec())]);
                let reaction = self.devices.last_mut().unwrap().send(&[full]);
                assert_eq!(reaction, Reaction::Acknowledged(1));
            }
            "a listing" | "a listing that users do not control" | "a hundred listings" => {
                let by_users = step != "a listing that users do not control";
                let listing = json!({ "label": "Work", "employee_controlled": false, "supervisor_controlled": by_users });
                let listing = json!({ "listing": listing });
                let create = |_| caller.call("status/listing/create", listing.clone());
                let mut made = (0..if step == "a hundred listings" { 100 } else { 1 }).map(create);
                let first = made.next().unwrap().success()["id"].clone();
                names.insert("listing", first);
                assert!(made.all(|made| made.status == 200));
            }
            "a status" | "another status" | "a thousand statuses" => {
                let status = json!({ "listing_id": names["listing"],
                    "status": { "label": "Busy", "color": "E57373" } });
                let create = |_| caller.call("status/create", status.clone());
                let mut made = (0..if step == "a thousand statuses" { 1000 } else { 1 }).map(create);
                let first = made.next().unwrap().success()["id"].clone();
                names.insert(if step == "another status" { "another_status" } else { "status" }, first);
                assert!(made.all(|made| made.status == 200));
            }
            "the tracker has the listing" => {
                let assignment = json!({ "tracker_id": names["tracker"], "listing_id": names["listing"] });
                anna.call("status/listing/tracker/assign", assignment).success();
            }
            "the tracker has the status" => {
                let assignment = json!({ "tracker_id": names["tracker"], "new_status_id": names["status"] });
                anna.call("status/tracker/assign", assignment).success();
            }
            "pictures cannot be kept" => {
                let pictures = self.pictures();
                if pictures.is_dir() {
                    fs::remove_dir_all(&pictures).unwrap();
                }
                fs::write(pictures, "in the way").unwrap();
            }
            // What belongs to the account.
            "something of an application" => {
                let kept = json!({ "key": "tracker-icons", "value": "large" });
                caller.call("user/settings/ui/update", kept).success();
            }
            "half a mebibyte of an application" => {
                // The last part leaves 14 bytes of 512 KiB.
                for (number, length) in [8192; 63].into_iter().chain([7740]).enumerate() {
                    let kept = json!({ "key": format!("part-{number}"), "value": "x".repeat(length) });
                    caller.call("user/settings/ui/update", kept).success();
                }
            }
            "a code" => {
                let codes = json!({ "count": 1, "tariff_id": 1 });
                panel.call("panel/dealer/activation_code/create", codes).success();
                let unused = json!({ "order_by": "activated", "ascending": true });
                let unused = panel.call("panel/dealer/activation_code/list", unused).success();
                names.insert("code", unused["list"][0]["code"].clone());
            }
            "a group" => {
                let group = json!({ "title": "Vans", "color": "FFFFFF" });
                names.insert("group", create("tracker/group/create", group));
            }
            "a tag" => {
                let tag = json!({ "tag": { "name": new, "color": "0000FF" } });
                names.insert("tag", create("tag/create", tag));
            }
            "a garage" => drop(names.insert("garage", create("garage/create", json!({ "garage": {} })))),
            "a security group" => {
                let group = json!({ "group": { "label": new, "privileges": { "rights": [] } } });
                names.insert("security_group", create("subuser/security_group/create", group));
            }
            "a sub-user" => {
                let user = json!({ "user": { "login": new }, "password": PASSWORD });
                names.insert("sub_user", create("subuser/register", user));
                names.insert("sub_user_login", json!(new));
            }
            "an API key" => {
                let key = anna.call("api/key/create", json!({ "title": new })).success();
                names.insert("key", key["value"]["hash"].clone());
            }
            "twenty API keys" => {
                let mut keys = (0..20).map(|_| caller.call("api/key/create", json!({ "title": "Key" })));
                assert!(keys.all(|key| key.status == 200));
            }
            "called with an API key" => {
                let key = self.anna_key.as_str();
                *caller = Session::new(self.server.http(), key);
                names.insert("key", json!(key));
            }
            // Plans.
            "the plan has statuses" => self.change_plan(names, json!({ "features": ["statuses"] })),
            "the plan has no features" => self.change_plan(names, json!({ "features": [] })),
            "another plan" | "a third plan" | "a plan without room" | "a plan for cameras" => {
                let mut plan = json!({ "name": new, "features": ["multilevel_access"] });
                match step {
                    "a plan without room" => plan["device_limit"] = json!(0),
                    "a plan for cameras" => plan["device_type"] = json!("camera"),
                    _ => {}
                }
                let plan =
                    panel.call("panel/tariff/create", json!({ "tariff": plan })).success()["id"].clone();
                names.insert(if step == "a third plan" { "third_plan" } else { "other_plan" }, plan);
                names.insert("other_plan_name", json!(new));
            }
            "changed to it" => {
                let change = json!({ "tracker_id": names["tracker"], "tariff_id": names["other_plan"] });
                anna.call("tariff/tracker/change", change).success();
            }
            // Users and what they try.
            "another user" | "a user who is not activated" => {
                let activated = step == "another user";
                let user =
                    json!({ "user": { "login": new, "activated": activated }, "password": USER_PASSWORD });
                names.insert("user", panel.call("panel/user/create", user).success()["id"].clone());
                names.insert("user_login", json!(new));
            }
            "a session of its own" => *caller = self.server.panel(),
            "called by them" => *caller = self.server.log_in(names["user_login"].as_str().unwrap()),
            "a tracker of theirs" => {
                let user = self.server.log_in(names["user_login"].as_str().unwrap());
                names.insert("tracker", register(&user, "telfmb920"));
            }
            "the user was removed" => {
                let removal = json!({ "user_id": names["user"], "login": names["user_login"] });
                panel.call("panel/user/corrupt", removal).success();
            }
            "ten wrong passwords" | "ten wrong passwords of the panel" => {
                let (action, login) = match step {
                    "ten wrong passwords" => ("user/auth", names["user_login"].clone()),
                    _ => ("panel/account/auth", json!("admin")),
                };
                let wrong = json!({ "login": login, "password": "wrong password" });
                let mut answers = (0..10).map(|_| self.server.anyone().call(action, wrong.clone()));
                assert!(answers.all(|answer| answer.status != 200));
            }
            "a user with a thousand sessions" => {
                if self.crowded.is_none() {
                    self.crowded = Some(self.user_with_all_sessions(&new));
                }
                let (user, login) = self.crowded.clone().unwrap();
                names.insert("user", user);
                names.insert("user_login", login);
            }
            "the panel has just tried again" => {
                let again = json!({ "tracker_id": names["tracker"] });
                panel.call("panel/tracker/register_retry", again).success();
            }
            _ => panic!("there is no step called \"{step}\""),
        }
    }

    fn connect(&mut self, names: &BTreeMap<&'static str, Value>) {
        let imei = names["imei"].as_str().unwrap();
        self.devices.push(Device::logged_in(self.server.teltonika(), imei));
    }

    fn send(&mut self, names: &BTreeMap<&'static str, Value>, age: Duration) {
        self.connect(names);
        let reaction = self.devices.last_mut().unwrap().send(&[record(now().minus(age))]);
        assert_eq!(reaction, Reaction::Acknowledged(1));
    }

    /// One of Anna's, who sees the tracker.
    fn sub_user(&mut self, names: &BTreeMap<&'static str, Value>, rights: &[Right]) -> Session {
        let login = self.another();
        let call = |action: &str, parameters: Value| self.anna.call(action, parameters).success();
        let group = json!({ "group": { "label": login, "privileges": { "rights": rights } } });
        let group = call("subuser/security_group/create", group)["id"].clone();
        let user = json!({ "user": { "login": login, "security_group_id": group }, "password": PASSWORD });
        let user = call("subuser/register", user)["id"].clone();
        if let Some(tracker) = names.get("tracker") {
            call("subuser/tracker/bind", json!({ "subuser_id": user, "trackers": [tracker] }));
        }
        let session = call("subuser/session/create", json!({ "subuser_id": user }));
        Session::new(self.server.http(), session["hash"].as_str())
    }

    /// The id and the login of one who can have no more.
    fn user_with_all_sessions(&self, login: &str) -> (Value, Value) {
        let user = json!({ "user": { "login": login }, "password": USER_PASSWORD });
        let user = self.panel.call("panel/user/create", user).success()["id"].clone();
        let session = json!({ "user_id": user });
        let mut answers = (0..=1000).map(|_| self.panel.call("panel/user/session/create", session.clone()));
        assert!(answers.any(|answer| answer.status != 200));
        (user, json!(login))
    }

    fn change_plan(&self, names: &BTreeMap<&'static str, Value>, change: Value) {
        let mut plan = json!({ "id": names["plan"], "name": names["plan_name"] });
        for (name, value) in change.as_object().unwrap() {
            plan[name] = value.clone();
        }
        self.panel.call("panel/tariff/update", json!({ "tariff": plan })).success();
    }
}

fn id(user: &Session) -> Value {
    user.call("user/get_info", json!({})).success()["user_info"]["id"].clone()
}

/// What no action makes: bundles of models that the server does not know, or does not sell, and a bundle whose SIM was
/// blocked later.
fn odd_bundles(server: &mut Server) -> BTreeMap<&'static str, String> {
    let kinds = [
        ("a bundle of a model that is gone", "gone"),
        ("a bundle of an app", "navixymobile"),
        ("a bundle with a blocked SIM", "telfmb920"),
    ];
    let imeis: Vec<_> =
        (1..).zip(kinds).map(|(number, (step, _))| (step, format!("8{number:014}"))).collect();
    server.with_catalog(async |catalog| {
        for ((_, imei), (_, model)) in imeis.iter().zip(kinds) {
            catalog.import_bundles(&[DeviceId::new(imei).unwrap()], model, true).await.unwrap();
        }
        let card = SimCard {
            iccid: "89701010064407635201".to_owned(),
            phone: "79995693344".to_owned(),
            apn_name: String::new(),
            apn_user: String::new(),
            apn_password: String::new(),
            blocked: true,
            deleted: false,
        };
        catalog.import_sim_cards(std::slice::from_ref(&card)).await.unwrap();
        let (_, imei) = imeis.last().unwrap();
        let bundle = catalog.bundle_of(&DeviceId::new(imei).unwrap()).await.unwrap().unwrap();
        catalog.assign_sim(bundle.id, &card.iccid, now()).await.unwrap();
    });
    imeis.into_iter().collect()
}

/// The parameters of a call with some of them changed; null takes one out.
pub fn merged(mut parameters: Map<String, Value>, changes: &Map<String, Value>) -> Map<String, Value> {
    for (name, value) in changes {
        match value {
            Value::Null => drop(parameters.remove(name)),
            value => drop(parameters.insert(name.clone(), value.clone())),
        }
    }
    parameters
}

/// `@name` anywhere is what the situation calls so.
pub fn named(value: Value, names: &BTreeMap<&'static str, Value>) -> Value {
    match value {
        Value::String(text) => match text.strip_prefix('@') {
            Some(name) => names.get(name).unwrap_or_else(|| panic!("the situation has no {text}")).clone(),
            None => Value::String(text),
        },
        Value::Array(items) => items.into_iter().map(|item| named(item, names)).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(name, value)| (name, named(value, names))).collect()
        }
        other => other,
    }
}
