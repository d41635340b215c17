//! Replacement: another device under a tracker, which keeps its id, label, past and settings. Its clones go along.

use crate::{
    Failure, Fleet, TrackerView, UserCaller,
    plugins::is_mobile,
    registration::{DeviceChoice, Making, NewDevice, bundled_device, chosen, configurable, registrable},
    registration_commands::RegistrationCommands,
};
use domain::{DeviceId, DeviceModel, ErrorCode, TrackerId};
use store::catalog::{AccessPoint, FirstSensors, NewSource, Release};

impl Fleet {
    /// # Errors
    /// `EntityNotFound` for the tracker; `NotAllowedForClones`, `DeviceBlocked`, `UnknownModel`, `InvalidParameters` for
    /// an app on a phone or the device id; `PluginNotFound`, `BundleNotFound`, `WrongIccid`, `LegalType`,
    /// `DeviceLimitExceeded`, `DeviceIdInUse`, `PhoneInUse`; `WrongDeviceStatus` when the old device was never active.
    pub async fn replace(
        &self,
        caller: &UserCaller,
        id: TrackerId,
        choice: DeviceChoice,
        commands: &RegistrationCommands,
    ) -> Result<TrackerView, Failure> {
        let view = self.replaceable(caller, id)?;
        no_app(&view, registrable(&choice.model)?)?;
        let (model, _) = chosen(&choice)?;
        let _turn = self.turn_of_source(view.source.id).await?;
        let view = self.replaceable(caller, id)?;
        let device = self.new_device(choice, model).await?;
        let view = self.put_on(caller, view, device, commands.apn.without_password()).await?;
        self.registration_commands_wanted(view.source.id, commands).await;
        Ok(view)
    }

    /// Replaces by a device of a bundle.
    ///
    /// # Errors
    /// `NotFound` for the bundle; else as `replace`.
    pub async fn replace_quick(
        &self,
        caller: &UserCaller,
        id: TrackerId,
        imei: &DeviceId,
    ) -> Result<TrackerView, Failure> {
        let view = self.replaceable(caller, id)?;
        let _turn = self.turn_of_source(view.source.id).await?;
        let view = self.replaceable(caller, id)?;
        let bundle = self.catalog.bundle_of(imei).await?.ok_or(ErrorCode::NotFound)?;
        no_app(&view, registrable(&bundle.model)?)?;
        let device = bundled_device(bundle)?;
        self.put_on(caller, view, device, None).await
    }

    /// Sends the commands of registration to the new device once more.
    ///
    /// # Errors
    /// `EntityNotFound`, `NotAllowedForClones`, `DeviceBlocked`, `NotSupportedByDevice` without a GSM module or when the
    /// device cannot be told what was asked for;
    /// `ContentValidation` when the new device has connected, `WrongDeviceStatus` when none was replaced.
    pub async fn replace_retry(
        &self,
        caller: &UserCaller,
        id: TrackerId,
        commands: &RegistrationCommands,
    ) -> Result<TrackerView, Failure> {
        let _turn = self.turn(caller).await?;
        let view = self.tracker(caller, id).map_err(|_| ErrorCode::EntityNotFound)?;
        self.may_be_told(&view).await?;
        if self.has_connected(view.source.id) {
            return Err(ErrorCode::ContentValidation.into());
        }
        // Only an active device can be replaced: one that was, was active.
        if self.catalog.tracker_spans(view.tracker.account, id).await?.len() < 2 {
            return Err(ErrorCode::WrongDeviceStatus.into());
        }
        let words = self.words_once_more(view.source.id, commands).await?;
        self.access_point_named(view.source.id, commands).await?;
        self.tell(words).await?;
        Ok(view)
    }

    fn replaceable(&self, caller: &UserCaller, id: TrackerId) -> Result<TrackerView, Failure> {
        let view = self.tracker(caller, id).map_err(|_| ErrorCode::EntityNotFound)?;
        configurable(&view)?;
        Ok(view)
    }

    /// Call it while holding the turns of the old source.
    async fn put_on(
        &self,
        caller: &UserCaller,
        view: TrackerView,
        device: NewDevice,
        access_point: Option<AccessPoint>,
    ) -> Result<TrackerView, Failure> {
        let old = &view.source;
        let master = self.master_of(caller).await?.ok_or(ErrorCode::SessionNotFound)?;
        let registered =
            i64::try_from(self.directory.read().registered(caller.account())).unwrap_or(i64::MAX);
        self.plan_fits(old.tariff, master.person.legal_type, registered).await?;
        // The old device's own id is in use as well; its phone may go on in the new one.
        if let Some(device_id) = &device.device_id
            && self.catalog.admission(device_id).await?.is_some()
        {
            return Err(ErrorCode::DeviceIdInUse.into());
        }
        if let Some(phone) = device.phone.as_deref().filter(|phone| old.phone.as_deref() != Some(phone))
            && self.catalog.is_phone_in_use(phone).await?
        {
            return Err(ErrorCode::PhoneInUse.into());
        }
        self.catch_up().await;
        let activated = self.live.with_state(old.id, |state| state.connection.activated.is_some());
        if activated != Some(true) {
            return Err(ErrorCode::WrongDeviceStatus.into());
        }
        let by_fixes = self.odometer_by_fixes(&view).await?;
        let TrackerView { tracker, source: old, .. } = view;
        let at = self.now();
        let new = NewSource {
            account: old.account,
            device_id: device.device_id,
            model: device.model.code.to_string(),
            phone: device.phone,
            bundled_sim: device.bundled_sim,
            tariff: old.tariff,
            created: at,
            tariff_end: old.tariff_end,
            activation_code: None,
            access_point,
            // Those of the old device come along.
            sensors: FirstSensors::OfModel,
        };
        let making =
            Making::Replacement { release: Release { source: old.id, at }, tracker: tracker.id, by_fixes };
        let (source, _) = self.make_source(new, device.model, &making).await?;
        self.live.set_settings(source, self.live.settings(old.id));
        self.trackers_left(old.id).await?;
        self.sensors.forget(old.id);
        let view = self.stored(caller, tracker.id)?;
        self.sensors_changed(&view).await?;
        Ok(view)
    }
}

/// An app on a phone is neither replaced nor replaces.
fn no_app(old: &TrackerView, new: &DeviceModel) -> Result<(), Failure> {
    if is_mobile(&new.code) || is_mobile(&old.source.model) {
        return Err(Failure::parameter("model", "is an app on a phone, which cannot be replaced"));
    }
    Ok(())
}
