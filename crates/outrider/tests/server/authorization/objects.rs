//! What an account may have: made through the door when a call needs it.

use super::{Account, PASSWORD, new};
use crate::support::{Device, Reaction, now, queclink_report, record};
use domain::Timestamp;
use serde_json::{Value, json};
use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

/// What an account may have.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
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
    /// Something that happened to the tracker, and was not read.
    Event,
    /// That of a SIM whose access point is known.
    Phone,
}

impl Kind {
    /// Makes one; answers with what names it.
    pub fn make(self, account: &Account) -> Value {
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
            Self::Phone => {
                let phone = new();
                let tracker = json!({
                    "label": "Van", "group_id": 0, "plugin_id": 44, "model": "telfmb920", "device_id": new(),
                    "phone": phone, "apn_name": "internet",
                });
                create("tracker/register", tracker);
                json!(phone)
            }
            Self::Event => {
                let tracker = account.object(Self::Tracker);
                create("tracker/raw_command/send", json!({ "tracker_id": tracker, "command": "getinfo" }));
                create("tracker/command/unconfirmed/reset", json!({ "tracker_id": tracker }));
                create("history/unread/list", json!({}))["list"][0]["id"].clone()
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
    pub fn nobodys(self) -> Value {
        match self {
            Self::ApiKey => json!("00000000000000000000000000000000"),
            Self::Phone => json!("00000000"),
            _ => json!(i32::MAX),
        }
    }
}

fn two_minutes_ago() -> Timestamp {
    now().minus(Duration::from_secs(120))
}
