//! Registration: a new tracker on a new source, by a plugin or by a bundle, and its commands once more.

use crate::{
    Failure, Fleet, Plugin, TrackerView, UserCaller,
    plugins::{ActivationCodes, BUNDLED_SIM},
    registration_commands::RegistrationCommands,
    rules,
    tracker::with_source,
};
use domain::{
    CounterRule, DeviceId, DeviceModel, ErrorCode, GroupId, IdType, ModelCode, SourceId, TariffId, Timestamp,
    TrackerId,
};
use jiff::{ToSpan, tz::TimeZone};
use store::{
    catalog::{
        AccessPoint, ActivationCode, Bundle, BundledSim, CatalogError, NewSource, NewTracker, Release,
    },
    signals::Signal,
};

/// What a caller says about a new tracker.
#[derive(Clone, Debug)]
pub struct Registration {
    pub label: String,
    pub group: GroupId,
    pub device: DeviceChoice,
    pub activation_code: Option<String>,
    pub commands: RegistrationCommands,
}

/// What a caller says about a new device; phone and ICCID are such as `rules` allow.
#[derive(Clone, Debug)]
pub struct DeviceChoice {
    pub model: String,
    pub plugin: i64,
    pub device_id: Option<DeviceId>,
    pub phone: Option<String>,
    /// For the plugin of bundled SIMs.
    pub iccid: Option<String>,
}

/// A device that may be registered, as far as it can be told before it is.
pub(crate) struct NewDevice {
    pub(crate) model: &'static DeviceModel,
    /// `None` when the platform makes one.
    pub(crate) device_id: Option<DeviceId>,
    pub(crate) phone: Option<String>,
    pub(crate) bundled_sim: Option<BundledSim>,
}

/// What a new source is made for.
pub(crate) enum Making {
    Tracker(NewTracker),
    /// To stand under a tracker in place of a source that is released.
    Replacement {
        release: Release,
        tracker: TrackerId,
        /// What the odometer goes on with if its sensor does not come along.
        by_fixes: Option<CounterRule>,
    },
}

/// How often another device id is made when one is taken.
const ATTEMPTS: usize = 32;

impl Fleet {
    /// # Errors
    /// `InvalidParameters` for the device id or a missing code; `EntityNotFound` for the group; `UnknownModel`,
    /// `PluginNotFound`, `BundleNotFound`, `WrongIccid`, `WrongActivationCode`, `LegalType`, `DeviceLimitExceeded`,
    /// `DeviceIdInUse`, `PhoneInUse`.
    pub async fn register(&self, caller: &UserCaller, new: Registration) -> Result<TrackerView, Failure> {
        let (model, plugin) = chosen(&new.device)?;
        if plugin.codes == ActivationCodes::Required && new.activation_code.is_none() {
            return Err(Failure::parameter("activation_code", "is required by the plugin"));
        }
        let _turn = self.turn(caller).await?;
        self.own_group(caller, new.group)?;
        let device = self.new_device(new.device, model).await?;
        let code = match &new.activation_code {
            Some(code) => Some(self.unused_code(code).await?),
            None => None,
        };
        let tracker = NewTracker { label: new.label, group: new.group, sub_user: caller.sub_user() };
        let access_point = new.commands.apn.without_password();
        let view = self.create_tracker(caller, tracker, device, code, access_point).await?;
        self.registration_commands_wanted(view.source.id, &new.commands).await;
        Ok(view)
    }

    /// Registers a device by the bundle that it was sold in.
    ///
    /// # Errors
    /// `NotFound` for the bundle; `EntityNotFound` for the group; else as `register`.
    pub async fn register_quick(
        &self,
        caller: &UserCaller,
        tracker: NewTracker,
        imei: &DeviceId,
    ) -> Result<TrackerView, Failure> {
        let _turn = self.turn(caller).await?;
        let bundle = self.catalog.bundle_of(imei).await?.ok_or(ErrorCode::NotFound)?;
        self.own_group(caller, tracker.group)?;
        let device = bundled_device(bundle)?;
        self.create_tracker(caller, tracker, device, None, None).await
    }

    /// # Errors
    /// `NotFound`, `NotAllowedForClones`, `DeviceBlocked`, `NotSupportedByDevice` without a GSM module or when the device
    /// cannot be told what was asked for, `ContentValidation` when the device has connected.
    pub async fn register_retry(
        &self,
        caller: &UserCaller,
        which: &TrackerChoice,
        commands: &RegistrationCommands,
    ) -> Result<TrackerView, Failure> {
        let _turn = self.turn(caller).await?;
        let view = match which {
            TrackerChoice::Id(id) => self.tracker(caller, *id)?,
            TrackerChoice::Device(device_id) => {
                let mut own = self.trackers(caller).into_iter();
                own.find(|view| view.source.device_id.as_ref() == Some(device_id))
                    .ok_or(ErrorCode::NotFound)?
            }
        };
        self.may_be_told(&view).await?;
        if self.has_connected(view.source.id) {
            return Err(ErrorCode::ContentValidation.into());
        }
        let words = self.words_once_more(view.source.id, commands).await?;
        self.access_point_named(view.source.id, commands).await?;
        self.tell(words).await?;
        Ok(view)
    }

    /// Whether the commands of registration may be sent to a device.
    ///
    /// # Errors
    /// `NotAllowedForClones`, `DeviceBlocked`, `NotSupportedByDevice`.
    pub(crate) async fn may_be_told(&self, view: &TrackerView) -> Result<(), Failure> {
        configurable(view)?;
        if !ModelCode::find(&view.source.model).is_some_and(|code| code.model().has_phone) {
            return Err(ErrorCode::NotSupportedByDevice.into());
        }
        self.catch_up().await;
        Ok(())
    }

    /// # Errors
    /// `EntityNotFound`.
    fn own_group(&self, caller: &UserCaller, group: GroupId) -> Result<(), ErrorCode> {
        let exists = group == GroupId::NONE || self.directory.read().group(caller.account(), group).is_some();
        exists.then_some(()).ok_or(ErrorCode::EntityNotFound)
    }

    /// The device that a caller chose, with the SIM of its bundle where the plugin wants one.
    ///
    /// # Errors
    /// `BundleNotFound`, `WrongIccid`.
    pub(crate) async fn new_device(
        &self,
        choice: DeviceChoice,
        model: &'static DeviceModel,
    ) -> Result<NewDevice, Failure> {
        let DeviceChoice { plugin, device_id, phone, iccid, .. } = choice;
        let device_id = device_id.filter(|_| !is_generated(model));
        if plugin != BUNDLED_SIM {
            return Ok(NewDevice { model, device_id, phone, bundled_sim: None });
        }
        let bundle = match &device_id {
            Some(imei) => self.catalog.bundle_of(imei).await?,
            None => None,
        };
        let bundle = bundle.ok_or(ErrorCode::BundleNotFound)?;
        let iccid = iccid.ok_or_else(|| Failure::parameter("iccid", "is required by the plugin"))?;
        let sim = match bundle.sim {
            Some((sim, _)) => Some(sim),
            None => self.catalog.sim_card(&iccid).await?,
        };
        let sim = sim.filter(|sim| sim.iccid == iccid && !sim.blocked && !sim.deleted);
        let sim = sim.ok_or(ErrorCode::WrongIccid)?;
        Ok(NewDevice {
            model,
            device_id,
            phone: Some(sim.phone),
            bundled_sim: Some(BundledSim { bundle: bundle.id, iccid }),
        })
    }

    /// # Errors
    /// `WrongActivationCode`.
    async fn unused_code(&self, code: &str) -> Result<ActivationCode, Failure> {
        let code = self.catalog.activation_code(code).await?.filter(|code| code.used.is_none());
        Ok(code.ok_or(ErrorCode::WrongActivationCode)?)
    }

    /// Call it while holding the account's turn.
    async fn create_tracker(
        &self,
        caller: &UserCaller,
        tracker: NewTracker,
        device: NewDevice,
        code: Option<ActivationCode>,
        access_point: Option<AccessPoint>,
    ) -> Result<TrackerView, Failure> {
        let account = caller.account();
        let (tariff, free_days) = self.tariff_of_new_tracker(caller, code.as_ref()).await?;
        let created = self.now();
        let source = NewSource {
            account,
            device_id: device.device_id,
            model: device.model.code.to_string(),
            phone: device.phone,
            bundled_sim: device.bundled_sim,
            tariff,
            created,
            tariff_end: free_days.and_then(|days| days_later(created, days, &caller.user.settings.time_zone)),
            activation_code: code.map(|code| code.code),
            access_point,
            sensors: self.first_sensors().await?,
        };
        let (source, tracker) = self.make_source(source, device.model, &Making::Tracker(tracker)).await?;
        self.directory.refresh_tracker(&self.catalog, account, tracker).await?;
        if caller.sub_user().is_some() {
            self.directory.refresh_bindings(&self.catalog, account).await?;
        }
        self.signals.publish(Signal::SourceChanged(source));
        self.signals.publish(Signal::AccountChanged(account));
        self.stored(caller, tracker)
    }

    /// Makes the source, with a device id of the platform's own where the model wants one.
    pub(crate) async fn make_source(
        &self,
        mut source: NewSource,
        model: &DeviceModel,
        making: &Making,
    ) -> Result<(SourceId, TrackerId), Failure> {
        let refused = |error| match error {
            // The group was there a moment ago.
            CatalogError::ReferenceNotFound => ErrorCode::EntityNotFound.into(),
            // Another bundle got the SIM.
            CatalogError::Exists => ErrorCode::WrongIccid.into(),
            error => Failure::from(error),
        };
        let IdType::Generated { digits, prefix } = &model.id_type else {
            return self.made(&source, making).await.map_err(refused);
        };
        for _ in 0..ATTEMPTS {
            let random = self.secrets.digits(usize::from(*digits).saturating_sub(prefix.len()));
            source.device_id = DeviceId::new(&format!("{prefix}{random}")).ok();
            match self.made(&source, making).await {
                Err(CatalogError::DeviceIdTaken) => {}
                made => return made.map_err(refused),
            }
        }
        Err(ErrorCode::DeviceIdInUse.into())
    }

    async fn made(&self, source: &NewSource, making: &Making) -> Result<(SourceId, TrackerId), CatalogError> {
        match making {
            Making::Tracker(tracker) => self.catalog.register(source, tracker).await,
            Making::Replacement { release, tracker, by_fixes } => {
                Ok((self.catalog.replace(*release, source, by_fixes.as_ref()).await?, *tracker))
            }
        }
    }

    /// A tracker of the caller's account as it was just written, whether a sub-user sees it or not.
    pub(crate) fn stored(&self, caller: &UserCaller, tracker: TrackerId) -> Result<TrackerView, Failure> {
        let tables = self.directory.read();
        let tracker = tables.tracker(caller.account(), tracker);
        let view = tracker.and_then(|tracker| with_source(&tables, tracker));
        Ok(view.ok_or(ErrorCode::NotFound)?)
    }

    /// The plan of a new tracker and its free days: the code's plan wins over the user's default, that over the
    /// panel's.
    async fn tariff_of_new_tracker(
        &self,
        caller: &UserCaller,
        code: Option<&ActivationCode>,
    ) -> Result<(TariffId, Option<i64>), Failure> {
        let defaults = self.catalog.tariff_defaults().await?;
        let user = self.master_of(caller).await?.ok_or(ErrorCode::SessionNotFound)?;
        let id = match code {
            Some(code) => code.terms.tariff,
            None => user.account.default_tariff.unwrap_or(defaults.tariff),
        };
        let registered =
            i64::try_from(self.directory.read().registered(caller.account())).unwrap_or(i64::MAX);
        self.plan_fits(id, user.person.legal_type, registered.saturating_add(1)).await?;
        let free_days = match code {
            Some(code) => code.terms.free_days,
            None if registered < defaults.free_days_device_limit.unwrap_or(i64::MAX) => defaults.free_days,
            None => 0,
        };
        Ok((id, (free_days > 0).then_some(free_days)))
    }
}

/// Which tracker a caller means.
#[derive(Clone, Debug)]
pub enum TrackerChoice {
    Id(TrackerId),
    Device(DeviceId),
}

/// The model and the plugin that a caller chose.
///
/// # Errors
/// `UnknownModel`, `PluginNotFound`; `InvalidParameters` for the device id.
pub(crate) fn chosen(choice: &DeviceChoice) -> Result<(&'static DeviceModel, &'static Plugin), Failure> {
    let model = registrable(&choice.model)?;
    let plugin = Plugin::find(choice.plugin).filter(|plugin| plugin.takes(model));
    let plugin = plugin.ok_or(ErrorCode::PluginNotFound)?;
    match rules::device_id(choice.device_id.as_ref(), model) {
        Some(wrong) => Err(Failure::parameter("device_id", wrong)),
        None => Ok((model, plugin)),
    }
}

/// The device of a bundle.
///
/// # Errors
/// `UnknownModel`, `PluginNotFound`; `WrongIccid` when its SIM is blocked or deleted.
pub(crate) fn bundled_device(bundle: Bundle) -> Result<NewDevice, ErrorCode> {
    let model = registrable(&bundle.model)?;
    if !Plugin::find(BUNDLED_SIM).is_some_and(|plugin| plugin.takes(model)) {
        return Err(ErrorCode::PluginNotFound);
    }
    let sim = bundle.sim.map(|(sim, _)| sim);
    if sim.as_ref().is_some_and(|sim| sim.blocked || sim.deleted) {
        return Err(ErrorCode::WrongIccid);
    }
    Ok(NewDevice {
        model,
        device_id: Some(bundle.imei),
        phone: sim.as_ref().map(|sim| sim.phone.clone()),
        bundled_sim: sim.map(|sim| BundledSim { bundle: bundle.id, iccid: sim.iccid }),
    })
}

/// Whether the owner of a tracker may change its device.
///
/// # Errors
/// `NotAllowedForClones`, `DeviceBlocked`.
pub(crate) fn configurable(view: &TrackerView) -> Result<(), ErrorCode> {
    if view.tracker.clone {
        Err(ErrorCode::NotAllowedForClones)
    } else if view.source.blocked {
        Err(ErrorCode::DeviceBlocked)
    } else {
        Ok(())
    }
}

/// A model that devices can be registered with.
///
/// # Errors
/// `UnknownModel`.
pub(crate) fn registrable(code: &str) -> Result<&'static DeviceModel, ErrorCode> {
    let model = ModelCode::find(code).ok_or(ErrorCode::UnknownModel)?.model();
    if model.register { Ok(model) } else { Err(ErrorCode::UnknownModel) }
}

fn is_generated(model: &DeviceModel) -> bool {
    matches!(model.id_type, IdType::Generated { .. })
}

/// The same time of day so many calendar days later, in the zone in which its owner reads the date.
fn days_later(time: Timestamp, days: i64, zone: &str) -> Option<Timestamp> {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let time = jiff::Timestamp::from_millisecond(time.millis()).ok()?.to_zoned(zone);
    let later = time.checked_add(days.days()).ok()?;
    Some(Timestamp::from_millis(later.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_days_are_calendar_days() {
        // In Berlin, summer time begins on 29 March 2026 and ends on 25 October 2026.
        for (created, days, zone, end) in [
            ("2026-03-20T22:30:00Z", 14, "UTC", "2026-04-03T22:30:00Z"),
            ("2026-03-20T22:30:00Z", 14, "Europe/Berlin", "2026-04-03T21:30:00Z"),
            ("2026-10-24T22:30:00Z", 1, "Europe/Berlin", "2026-10-25T23:30:00Z"),
        ] {
            let millis = |time: &str| time.parse::<jiff::Timestamp>().unwrap().as_millisecond();
            let later = days_later(Timestamp::from_millis(millis(created)), days, zone);
            assert_eq!(later, Some(Timestamp::from_millis(millis(end))), "{created} {zone}");
        }
    }
}
