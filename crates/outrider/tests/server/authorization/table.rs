//! The rows of the test: what each action needs and what stands where in its example.

use super::objects::Kind;
use domain::Right;

/// What is put into an action's example so that it can be called.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Put {
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
    /// The number of an order with which a bundle was sold.
    Order,
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

use Put::{
    Active, Bundle, Cloned, Doomed, Equipment, Iccid, Imei, Login, New, Order, OtherUser, PanelPassword,
    Plan, Replaced, User,
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
const EVENT: Put = Put::Own(Kind::Event);
const PHONE: Put = Put::Own(Kind::Phone);

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
pub type Row = (&'static str, &'static [Right], &'static [(&'static str, Put)]);

pub const ROWS: &[Row] = &[
    ("user/auth", NONE, &[("/login", Login)]),
    ("user/logout", NONE, &[]),
    ("user/session/renew", NONE, &[]),
    ("user/get_info", NONE, &[]),
    ("user/get_tariff_restrictions", NONE, &[]),
    ("user/settings/read", NONE, &[]),
    ("user/settings/update", NONE, &[]),
    ("user/password/set", NONE, &[]),
    ("user/personal_info/update", NONE, &[]),
    ("dealer/get_ui_config", NONE, &[]),
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
    ("tracker/settings/tracking/read", NONE, &[("/tracker_id", TRACKER)]),
    ("tracker/settings/tracking/update", CONFIGURE, &[("/tracker_id", TRACKER)]),
    ("apn_settings/read", NONE, &[("/phone", PHONE)]),
    ("tracker/apn_settings/read", NONE, &[("/tracker_id", TRACKER)]),
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
    ("tracker/sms/log/list", CONFIGURE, &[("/tracker_id", TRACKER)]),
    ("tariff/list", NONE, &[]),
    ("tariff/tracker/list", NONE, &[("/tracker_id", TRACKER)]),
    ("tariff/tracker/change", ADMIN, &[("/tracker_id", TRACKER), ("/tariff_id", Plan)]),
    ("track/list", NONE, &[("/tracker_id", TRACKER)]),
    ("track/read", NONE, &[("/tracker_id", TRACKER)]),
    ("history/read", NONE, &[("/id", EVENT)]),
    ("history/mark_read", NONE, &[("/id", EVENT)]),
    ("history/mark_read_all", NONE, &[]),
    ("history/type/list", NONE, &[]),
    ("history/tracker/list", NONE, &[("/trackers/0", TRACKER)]),
    ("history/user/list", NONE, &[]),
    ("history/unread/list", NONE, &[]),
    ("history/unread/count", NONE, &[]),
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
    ("panel/account/get_permissions", NONE, &[]),
    ("panel/timezone/list", NONE, &[]),
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
    ("panel/tracker/settings/update", NONE, &[("/tracker_id", TRACKER)]),
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
    ("panel/order/read", NONE, &[("/order_id", Order)]),
    ("panel/equipment/list", NONE, &[]),
    ("panel/dealer/settings/service/read", NONE, &[]),
    ("panel/dealer/settings/service/update", NONE, &[]),
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

/// What the reference lets everybody change: what a tracker carries that they see, and who they are.
pub const FREE: &[&str] = &["tracker/tags/set", "user/personal_info/update"];
