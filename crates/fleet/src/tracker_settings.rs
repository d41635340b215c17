//! Settings of trackers: label and group, the radius of positions from cells, and the special settings of each device
//! model. What is a matter of the device belongs to the source.

use crate::{Failure, Fleet, ParameterError, TrackerView, UserCaller, form, form::Form};
use domain::{ConnectionTimeouts, ErrorCode, GroupId, Metres, ModelCode, Right, TrackerId};
use serde_json::{Map, Value, json};
use std::time::Duration;
use store::{catalog::SourceSetting, signals::Signal};
use telemetry::SourceSettings;

/// The kind of special settings that each device has: when it is offline.
pub(crate) const DEVICE_STATUS: &str = "device_status_settings";
/// How the kind of settings begins that a protocol has to know: each device has that of its model's protocols.
const OF_PROTOCOL: &str = "protocol_";
/// The kind of settings that a lock of any kind takes.
const ANY_LOCK: &str = "electronic_lock_password";
pub(crate) const LBS: &str = "lbs";

/// Special settings of a device, checked against the form of their type.
#[derive(Clone, Debug, PartialEq)]
pub struct SpecialSettings(Map<String, Value>);

impl SpecialSettings {
    /// # Errors
    /// Every field that is wrong, `type` included.
    pub fn read(given: &Map<String, Value>) -> Result<Self, Vec<ParameterError>> {
        form::read_kind("special", given).map(Self)
    }

    fn kind(&self) -> &str {
        self.0.get("type").and_then(Value::as_str).unwrap_or_default()
    }

    /// The password of a lock's settings.
    pub(crate) fn password(&self) -> Option<&str> {
        self.0.get("password").and_then(Value::as_str)
    }

    /// Whether a lock's password is to be kept.
    pub(crate) fn remembers(&self) -> bool {
        self.0.get("remember_password") == Some(&Value::Bool(true))
    }

    /// The same as settings of a lock of a certain kind; those of any lock (`electronic_lock_password`) become so.
    ///
    /// # Errors
    /// `None` when they are settings of something else; else what is wrong for this kind.
    pub(crate) fn of_lock(self, kind: &str) -> Result<Self, Option<Vec<ParameterError>>> {
        if self.kind() == kind {
            return Ok(self);
        }
        if self.kind() != ANY_LOCK {
            return Err(None);
        }
        let mut fields = self.0;
        fields.insert("type".to_owned(), json!(kind));
        Self::read(&fields).map_err(Some)
    }
}

impl Fleet {
    /// A tracker whose label and group may be looked at.
    ///
    /// # Errors
    /// `NotFound`, `DeviceBlocked`.
    pub fn unblocked_tracker(&self, caller: &UserCaller, id: TrackerId) -> Result<TrackerView, Failure> {
        let view = self.tracker(caller, id)?;
        if view.source.blocked { Err(ErrorCode::DeviceBlocked.into()) } else { Ok(view) }
    }

    /// # Errors
    /// `NotFound`, `DeviceBlocked`; `EntityNotFound` for the group.
    pub async fn set_label_and_group(
        &self,
        caller: &UserCaller,
        id: TrackerId,
        label: &str,
        group: GroupId,
    ) -> Result<(), Failure> {
        let account = caller.account();
        let _turn = self.turn(caller).await?;
        self.unblocked_tracker(caller, id)?;
        if group != GroupId::NONE && self.directory.read().group(account, group).is_none() {
            return Err(ErrorCode::EntityNotFound.into());
        }
        self.catalog.set_label_and_group(account, id, label, group).await?;
        self.directory.refresh_tracker(&self.catalog, account, id).await?;
        self.signals.publish(Signal::AccountChanged(account));
        Ok(())
    }

    /// How far off a position from cells may be to count, in metres.
    ///
    /// # Errors
    /// `EntityNotFound`, `DeviceBlocked`.
    pub fn lbs_radius(&self, caller: &UserCaller, id: TrackerId) -> Result<u64, Failure> {
        let view = self.unblocked(caller, id)?;
        Ok(self.live.settings(view.source.id).cell_radius.0 as u64)
    }

    /// A position that is known now counts, or does not, at once; others with the next one.
    ///
    /// # Errors
    /// `EntityNotFound`, `DeviceBlocked`; `NotAllowedForClones`: the source is another account's.
    pub async fn set_lbs_radius(
        &self,
        caller: &UserCaller,
        id: TrackerId,
        metres: u64,
    ) -> Result<(), Failure> {
        let _turn = self.turn(caller).await?;
        let view = self.unblocked(caller, id)?;
        if view.tracker.clone {
            return Err(ErrorCode::NotAllowedForClones.into());
        }
        let source = view.source.id;
        let value = Map::from_iter([("max_radius".to_owned(), json!(metres))]);
        let setting = SourceSetting { source, kind: LBS.to_owned(), value };
        self.catalog.set_source_setting(&setting).await?;
        let settings = self.live.settings(source);
        let cell_radius = cell_radius(&setting.value, settings.cell_radius);
        self.live.set_settings(source, SourceSettings { cell_radius, ..settings });
        Ok(())
    }

    /// The special settings of each type that the device has; of a type that was never set with nothing in it. Passwords
    /// are shown to who may set them.
    ///
    /// # Errors
    /// `NotFound`, `DeviceBlocked`.
    pub async fn special_settings(
        &self,
        caller: &UserCaller,
        id: TrackerId,
    ) -> Result<Vec<Map<String, Value>>, Failure> {
        let view = self.unblocked_tracker(caller, id)?;
        let stored = self.catalog.settings_of_source(view.source.id).await?;
        // The device of a clone is another account's.
        let sees_passwords = caller.may(Right::TrackerConfigure) && !view.tracker.clone;
        let of_kind = |kind: &str| {
            let name = special(kind);
            let set = stored.iter().find(|setting| setting.kind == name);
            let mut settings = set.map(|setting| setting.value.clone()).unwrap_or_else(|| blank(kind));
            if let Some(password) = settings.get_mut("password").filter(|_| !sees_passwords) {
                *password = Value::Null;
            }
            settings
        };
        Ok(special_kinds(&view).into_iter().map(of_kind).collect())
    }

    /// # Errors
    /// `NotFound`, `DeviceBlocked`; `NotSupportedByDevice` for a type that it does not have.
    pub async fn special_settings_of_type(
        &self,
        caller: &UserCaller,
        id: TrackerId,
        kind: &str,
    ) -> Result<Map<String, Value>, Failure> {
        let settings = self.special_settings(caller, id).await?;
        let found = settings.into_iter().find(|settings| settings.get("type").is_some_and(|of| of == kind));
        found.ok_or_else(|| ErrorCode::NotSupportedByDevice.into())
    }

    /// Keeps special settings of a device. When it is offline follows at once; what its protocol has to know, with a new
    /// connection, which this makes it open; others are not sent to it.
    ///
    /// # Errors
    /// `NotFound`, `NotAllowedForClones`, `DeviceBlocked`; `NotSupportedByDevice` for a type that it does not have.
    pub async fn set_special_settings(
        &self,
        caller: &UserCaller,
        id: TrackerId,
        settings: SpecialSettings,
    ) -> Result<(), Failure> {
        let _turn = self.turn(caller).await?;
        let view = self.changeable(caller, id)?;
        self.keep_special_settings(&view, settings).await
    }

    /// Call it while holding the account's turn.
    ///
    /// # Errors
    /// `NotSupportedByDevice`.
    pub(crate) async fn keep_special_settings(
        &self,
        view: &TrackerView,
        settings: SpecialSettings,
    ) -> Result<(), Failure> {
        if !special_kinds(view).contains(&settings.kind()) {
            return Err(ErrorCode::NotSupportedByDevice.into());
        }
        let (source, kind) = (view.source.id, special(settings.kind()));
        let is_status = settings.kind() == DEVICE_STATUS;
        let is_of_protocol = settings.kind().starts_with(OF_PROTOCOL);
        let setting = SourceSetting { source, kind, value: settings.0 };
        self.catalog.set_source_setting(&setting).await?;
        if is_status {
            let timeouts = timeouts(&setting.value, self.live.defaults().timeouts);
            self.live.set_settings(source, SourceSettings { timeouts, ..self.live.settings(source) });
        }
        if is_of_protocol {
            self.signals.publish(Signal::SourceChanged(source));
        }
        Ok(())
    }
}

/// The kind under which the catalog keeps special settings.
pub(crate) fn special(kind: &str) -> String {
    format!("special.{kind}")
}

/// How far off a position from cells may be, as settings say; else `default`.
pub(crate) fn cell_radius(value: &Map<String, Value>, default: Metres) -> Metres {
    let radius = value.get("max_radius").and_then(Value::as_u64);
    radius.map_or(default, |metres| Metres(metres as f32))
}

/// When the device is idle and when offline, as its settings say.
pub(crate) fn timeouts(settings: &Map<String, Value>, defaults: ConnectionTimeouts) -> ConnectionTimeouts {
    let seconds = settings.get("offline_timeout_seconds").and_then(Value::as_u64);
    let offline = seconds.map_or(defaults.offline, Duration::from_secs);
    ConnectionTimeouts { offline, ..defaults }
}

/// The kind of settings that a protocol has to know; `None` for a protocol that has none.
fn of_protocol(protocol: &str) -> Option<&'static str> {
    let form = Form::find(&special(&format!("{OF_PROTOCOL}{protocol}")))?;
    form.name.strip_prefix("special.")
}

fn blank(kind: &str) -> Map<String, Value> {
    let mut blank = Map::from_iter([("type".to_owned(), json!(kind))]);
    blank.extend(Form::find(&special(kind)).map(Form::blank).unwrap_or_default());
    blank
}

/// Those of the device model that are known, those of its protocols, and the one that each device has.
fn special_kinds(view: &TrackerView) -> Vec<&'static str> {
    let model = ModelCode::find(&view.source.model).map(ModelCode::model);
    let named = model.into_iter().flat_map(|model| {
        model.special_settings.iter().map(|kind| &**kind).chain(model.special_control.split(','))
    });
    let mut kinds: Vec<_> =
        named.map(str::trim).filter(|kind| Form::find(&special(kind)).is_some()).collect();
    let protocols = model.into_iter().flat_map(|model| &model.protocols);
    kinds.extend(protocols.filter_map(|protocol| of_protocol(protocol)));
    kinds.push(DEVICE_STATUS);
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}
