//! Every action of the registry × who calls × whose object it names. A new action needs a row in `table.rs` that says how
//! to call it, or this test fails.

mod objects;
mod table;

use crate::support::{Answer, Device, Reaction, Server, Session, now, record};
use api::{ACTIONS, CallerKind, Entry};
use domain::Right;
use objects::Kind;
use serde_json::{Value, json};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::atomic::{AtomicU64, Ordering},
};
use table::{
    FREE,
    Put::{
        self, Active, Bundle, Cloned, Doomed, Equipment, Iccid, Imei, Login, New, Order, OtherUser,
        PanelPassword, Plan, Replaced, User,
    },
    ROWS,
};

/// What comes only once.
fn new() -> String {
    static NEW: AtomicU64 = AtomicU64::new(0);
    format!("9{:014}", NEW.fetch_add(1, Ordering::Relaxed))
}

/// The password in the examples.
const PASSWORD: &str = "correct horse";

const NOBODYS: i64 = i32::MAX as i64;

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
            "user/auth" | "panel/account/auth" | "timezone/list" | "dealer/get_ui_config" => {
                CallerKind::Anyone
            }
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

    fn order(&self) -> Value {
        let order = json!({ "bundle_id": self.bundle().0, "order_id": 4711 });
        self.panel.call("panel/tracker/bundle/order/assign", order).success();
        json!(4711)
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
                Order => self.cast.order(),
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
        let one = |put: &Put| {
            [User, Put::Own(Kind::Tracker), Cloned, Bundle, Order].contains(put)
                && !entry.path.contains("batch")
        };
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
