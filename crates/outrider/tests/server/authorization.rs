//! Every action of the registry × who calls × whose object it names. A new action needs a row here that says how to
//! call it, or this test fails.

use crate::support::{Answer, Server, Session};
use api::{ACTIONS, CallerKind, Entry};
use domain::{Right, UserId};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicU64, Ordering},
};
use store::catalog::{Catalog, Membership, NewUser};

/// What is put into an action's example so that it can be called.
#[derive(Clone, Copy, PartialEq)]
enum Put {
    /// The caller's tracker.
    Tracker,
    /// The caller's group.
    Group,
    User,
    Login,
    PanelPassword,
    /// A name, login, device id or phone that nobody has.
    New,
}

use Put::{Group, Login, New, PanelPassword, Tracker, User};

const NONE: &[Right] = &[];
const ADMIN: &[Right] = &[Right::Admin];
const UPDATE: &[Right] = &[Right::TrackerUpdate];
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
    ("plugin/list", NONE, &[]),
    ("tracker/list_models", NONE, &[]),
    ("tracker/register", REGISTER, &[("/group_id", Group), ("/device_id", New), ("/phone", New)]),
    ("tracker/read", NONE, &[("/tracker_id", Tracker)]),
    ("tracker/list", NONE, &[]),
    ("tracker/get_state", NONE, &[("/tracker_id", Tracker)]),
    ("tracker/get_states", NONE, &[("/trackers/0", Tracker)]),
    ("tracker/get_last_gps_point", NONE, &[("/tracker_id", Tracker)]),
    ("track/list", NONE, &[("/tracker_id", Tracker)]),
    ("track/read", NONE, &[("/tracker_id", Tracker)]),
    ("tracker/settings/trip_detection/read", NONE, &[("/tracker_id", Tracker)]),
    ("tracker/settings/trip_detection/update", UPDATE, &[("/tracker_id", Tracker)]),
    ("tracker/group/assign", ADMIN, &[("/id", Group), ("/trackers/0", Tracker)]),
    ("tracker/group/create", ADMIN, &[]),
    ("tracker/group/delete", ADMIN, &[("/id", Group)]),
    ("tracker/group/list", NONE, &[]),
    ("tracker/group/update", ADMIN, &[("/id", Group)]),
    ("panel/account/auth", NONE, &[("/password", PanelPassword)]),
    ("panel/account/logout", NONE, &[]),
    ("panel/user/create", NONE, &[("/user/login", New)]),
    ("panel/user/read", NONE, &[("/user_id", User)]),
    ("panel/user/list", NONE, &[]),
    ("panel/user/change_password", NONE, &[("/user_id", User)]),
    ("panel/user/session/create", NONE, &[("/user_id", User)]),
    ("panel/tariff/create", NONE, &[("/tariff/name", New)]),
    ("panel/tariff/list", NONE, &[]),
    ("panel/tariff/defaults/read", NONE, &[]),
    ("panel/tariff/defaults/update", NONE, &[]),
];

const NOBODYS: i64 = i32::MAX as i64;
/// Makes what comes only once.
static NEW: AtomicU64 = AtomicU64::new(0);
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
            "user/auth" | "panel/account/auth" => CallerKind::Anyone,
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
    let mut server = Server::start();
    let panel = server.panel();
    let account = Cast::new_account(&server, &panel, "anna");
    let sub_users = server.with_catalog(async |catalog| {
        let grantable: Vec<_> = Right::ALL.into_iter().filter(|right| *right != Right::Admin).collect();
        [sub_user(catalog, account.user, None).await, sub_user(catalog, account.user, Some(&grantable)).await]
    });
    let account = Account { session: server.resume(&account.session), ..account };
    let panel = server.resume(&panel);
    let spare = Cast::new_account(&server, &panel, "carla");
    let cast = Cast { panel, server, account, spare, sub_users };
    let foreign = Cast::new_account(&cast.server, &cast.panel, "berta");
    let before = foreign.all();
    for entry in ACTIONS {
        let action = Action { entry, cast: &cast };
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

/// A master user and what belongs to the account.
struct Account {
    /// Of the master.
    session: Session,
    user: i64,
    login: String,
    tracker: i64,
    group: i64,
}

impl Account {
    /// All that a master sees.
    fn all(&self) -> Vec<Value> {
        let actions = ["tracker/list", "tracker/group/list", "user/get_info", "user/settings/read"];
        actions.into_iter().map(|action| self.session.call(action, json!({})).success()).collect()
    }
}

/// Who there is.
struct Cast {
    server: Server,
    panel: Session,
    account: Account,
    /// For actions that change nothing but their own session and user.
    spare: Account,
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
        let group = json!({ "title": "Vans", "color": "FFFFFF" });
        let group = session.call("tracker/group/create", group).success()["id"].as_i64().unwrap();
        let tracker = session.register("Van", &format!("{user:015}"));
        Account { user, session, login: login.to_owned(), tracker, group }
    }

    /// A new session of a user.
    fn session(&self, user: i64) -> Session {
        let session = self.panel.call("panel/user/session/create", json!({ "user_id": user })).success();
        Session::new(self.server.http(), session["hash"].as_str())
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
                Tracker => json!(account.tracker),
                Group => json!(account.group),
                User => json!(account.user),
                Login => json!(account.login),
                PanelPassword => json!(crate::support::PANEL_PASSWORD),
                New => json!(format!("9{:014}", NEW.fetch_add(1, Ordering::Relaxed))),
            };
        }
        parameters
    }

    fn call(&self, caller: &Session, account: &Account) -> Answer {
        caller.call(self.entry.path, self.parameters(account))
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
        let refused = |user: i64| {
            let answer = self.call(&cast.session(user), &cast.account);
            answer.status == 403 && answer.code() == 13
        };
        let before = cast.account.all();
        assert_eq!(refused(none), !entry.rights.is_empty(), "{} without rights", entry.path);
        assert_eq!(cast.account.all(), before, "{} by somebody without rights", entry.path);
        assert_eq!(refused(all), entry.rights.contains(&Right::Admin), "{} with all rights", entry.path);
    }

    /// A new account, when the action names something of it.
    fn own_account(&self) -> Option<Account> {
        let names = self.puts().iter().any(|(_, put)| [Tracker, Group, User].contains(put));
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
        for (at, put) in self.puts().iter().filter(|(_, put)| [Tracker, Group].contains(put)) {
            let foreign = if *put == Tracker { foreign.tracker } else { foreign.group };
            let [foreign, nobodys] = [foreign, NOBODYS].map(|id| {
                let mut parameters = self.parameters(own);
                *parameters.pointer_mut(at).unwrap() = json!(id);
                let answer = master.call(entry.path, parameters);
                if answer.status != 200 {
                    let declared =
                        |code: i64| entry.errors.iter().any(|error| i64::from(error.number()) == code);
                    assert!(declared(answer.code()), "{} does not declare {}", entry.path, answer.code());
                }
                (answer.status, without(answer.body, id))
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
        for (at, _) in self.puts().iter().filter(|(_, put)| *put == User) {
            let mut parameters = self.parameters(own);
            *parameters.pointer_mut(at).unwrap() = json!(NOBODYS);
            assert_eq!(panel.call(entry.path, parameters).code(), 201, "{}", entry.path);
        }
        self.call(&panel, own).success();
    }
}

/// An answer without the id that was asked for and the time of asking.
fn without(answer: Value, id: i64) -> Value {
    match answer {
        Value::Number(number) if number.as_i64() == Some(id) => json!("the id"),
        Value::Array(items) => items.into_iter().map(|item| without(item, id)).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(name, _)| name != "user_time")
            .map(|(name, value)| (name.replace(&id.to_string(), "the id"), without(value, id)))
            .collect(),
        other => other,
    }
}

/// A sub-user of a master's account; no action makes one yet.
async fn sub_user(catalog: &Catalog, master: i64, rights: Option<&[Right]>) -> i64 {
    let master = catalog.user(UserId(master)).await.unwrap().unwrap();
    let account = master.account.id;
    let security_group = match rights {
        Some(rights) => Some(catalog.create_security_group(account, "all", rights, None).await.unwrap()),
        None => None,
    };
    let new = NewUser {
        membership: Membership::SubUser { account, security_group },
        login: format!("{:?}", rights.map(<[_]>::len)),
        password_hash: master.password_hash,
        activated: true,
        verified: true,
        person: master.person,
        comment: String::new(),
        settings: master.settings,
        created: master.created,
    };
    catalog.create_user(&new).await.unwrap().1.0
}
