//! Commands to devices: whether a tracker's device takes one, and what became of it. The gateway sends them.

use crate::{Failure, Fleet, ParameterError, SmsGateway, SpecialSettings, TrackerView, UserCaller};
use domain::{
    Command, CommandId, CommandKind, CommandStep, ConnectionStatus, DeviceModel, ErrorCode, LockAction,
    ModelCode, Reliability, ShortMessages, SourceId, Timestamp, TrackerId,
};
use std::time::Duration;
use store::{
    catalog::{Awaited, Listed, NewCommand, Page, StoredCommand},
    signals::Signal,
};

/// The commands that a protocol can send, by its name.
pub type CommandKinds = fn(protocol: &str) -> &'static [CommandKind];

/// A fix that is younger need not be asked for.
const ACTUAL: Duration = Duration::from_secs(60);

/// A question that arrives later is of no use.
const LOCATION_SMS_LIFETIME: Duration = Duration::from_secs(3600);

/// As many of a tracker's commands can be listed.
pub const LISTED_COMMANDS: u32 = 1000;

/// How a device is asked where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocationRequest {
    Sms,
    Cells,
    Gnss,
}

impl Fleet {
    /// Sends what the user typed. It waits for the device for as long as commands of its kind live.
    ///
    /// # Errors
    /// `NotFound`, `NotAllowedForClones`, `DeviceBlocked`; `NotSupportedByDevice` when the device's protocol cannot carry it;
    /// `QueueUnavailable` when too many wait already.
    pub async fn send_raw_command(
        &self,
        caller: &UserCaller,
        id: TrackerId,
        command: Command,
        reliability: Reliability,
    ) -> Result<(), Failure> {
        let _turn = self.turn(caller).await?;
        let view = self.commanded(caller, id, ErrorCode::NotFound)?;
        self.enqueue(caller, &view, command, reliability).await
    }

    /// Closes or opens the electronic lock of a tracker, with the password that is given, or else the one that was
    /// remembered. A password that is to be remembered is, also when the device is not there.
    ///
    /// # Errors
    /// Those of `send_raw_command`; `NotSupportedByDevice` also for a device without a lock of that kind;
    /// `InvalidParameters` for a password that the lock cannot have, or when there is none.
    pub async fn command_lock(
        &self,
        caller: &UserCaller,
        id: TrackerId,
        action: LockAction,
        settings: Option<SpecialSettings>,
    ) -> Result<(), Failure> {
        let _turn = self.turn(caller).await?;
        let view = self.commanded(caller, id, ErrorCode::NotFound)?;
        let model = model(&view)?;
        let lock = lock(model).ok_or(ErrorCode::NotSupportedByDevice)?;
        if !self.can_send(model, CommandKind::Lock) {
            return Err(ErrorCode::NotSupportedByDevice.into());
        }
        let settings = settings.map(|settings| settings.of_lock(lock)).transpose();
        let settings = settings.map_err(|wrong| match wrong {
            None => ErrorCode::NotSupportedByDevice.into(),
            Some(wrong) => within_settings(wrong),
        })?;
        let password = match settings.as_ref().and_then(SpecialSettings::password) {
            Some(password) => password.to_owned(),
            None => self.remembered_password(caller, id, lock).await?,
        };
        if let Some(settings) =
            settings.filter(|settings| settings.remembers() && settings.password().is_some())
        {
            self.keep_special_settings(&view, settings).await?;
        }
        self.enqueue(caller, &view, Command::Lock { action, password }, Reliability::Repeated).await
    }

    async fn remembered_password(
        &self,
        caller: &UserCaller,
        id: TrackerId,
        lock: &str,
    ) -> Result<String, Failure> {
        let settings = self.special_settings_of_type(caller, id, lock).await?;
        let password = settings.get("password").and_then(|password| password.as_str());
        password.map(str::to_owned).ok_or_else(|| {
            let missing = ParameterError { parameter: "password".into(), error: "is required".into() };
            within_settings(vec![missing])
        })
    }

    /// Switches outputs: one (`Command::Output`) or all of them (`Command::Outputs`), as the device model does it.
    ///
    /// # Errors
    /// `EntityNotFound`, `NotAllowedForClones`, `DeviceBlocked`; `NotSupportedByDevice` when the model switches them otherwise
    /// or has not that many; `DeviceOffline`.
    pub async fn switch_outputs(
        &self,
        caller: &UserCaller,
        id: TrackerId,
        command: Command,
    ) -> Result<(), Failure> {
        let _turn = self.turn(caller).await?;
        let view = self.commanded(caller, id, ErrorCode::EntityNotFound)?;
        let model = model(&view)?;
        let has_it = match &command {
            Command::Output { number, .. } => (1..=model.digital_outputs).contains(number),
            Command::Outputs(states) => states.len() == usize::from(model.digital_outputs),
            _ => false,
        };
        let switches_so = match &*model.output_control {
            "none" => false,
            "default" => true,
            control => control.contains("batch") == (command.kind() == CommandKind::Outputs),
        };
        if !has_it || !switches_so || !self.can_send(model, command.kind()) {
            return Err(ErrorCode::NotSupportedByDevice.into());
        }
        if &*model.output_control != "async_offline" {
            self.require_online(&view)?;
        }
        self.enqueue(caller, &view, command, Reliability::Repeated).await
    }

    /// Keeps the engine from running, or lets it.
    ///
    /// # Errors
    /// `EntityNotFound`, `NotAllowedForClones`, `DeviceBlocked`, `NotSupportedByDevice`, `DeviceOffline`.
    pub async fn immobilize(&self, caller: &UserCaller, id: TrackerId, on: bool) -> Result<(), Failure> {
        let _turn = self.turn(caller).await?;
        let view = self.commanded(caller, id, ErrorCode::EntityNotFound)?;
        if !self.can_send(model(&view)?, CommandKind::Immobilize) {
            return Err(ErrorCode::NotSupportedByDevice.into());
        }
        self.require_online(&view)?;
        self.enqueue(caller, &view, Command::Immobilize(on), Reliability::Repeated).await
    }

    /// What the device confirmed last; before that, the engine may run.
    ///
    /// # Errors
    /// `EntityNotFound`, `DeviceBlocked`, `NotSupportedByDevice`.
    pub async fn is_immobilized(&self, caller: &UserCaller, id: TrackerId) -> Result<bool, Failure> {
        let view = self.unblocked(caller, id)?;
        if !self.can_send(model(&view)?, CommandKind::Immobilize) {
            return Err(ErrorCode::NotSupportedByDevice.into());
        }
        Ok(self.catalog.is_immobilized(view.source.id).await?)
    }

    /// Asks the device where it is, or whoever knows the cells that it hears. The answer comes as a message like any other, or
    /// as a short message, which is read.
    ///
    /// # Errors
    /// `NotFound`, `DeviceBlocked`; `NotSupportedByDevice` when the device cannot be asked so, or told of no cells;
    /// `DeviceOffline`; `LocationActual` when its place is known well enough; `QueueUnavailable`.
    pub async fn request_location(
        &self,
        caller: &UserCaller,
        id: TrackerId,
        how: LocationRequest,
    ) -> Result<(), Failure> {
        let _turn = self.turn(caller).await?;
        let view = self.tracker(caller, id)?;
        if view.source.blocked {
            return Err(ErrorCode::DeviceBlocked.into());
        }
        let model = model(&view)?;
        // By short message: what the device is asked, and at which phone.
        let by_sms = match (how, self.setup.sms) {
            (LocationRequest::Sms, SmsGateway::Configured) if model.has_location_request => {
                question(&view, model)
            }
            _ => None,
        };
        let can_be_asked = match how {
            LocationRequest::Sms => by_sms.is_some(),
            LocationRequest::Cells => model.has_gsm_lbs_location_request && self.knows_cells(),
            LocationRequest::Gnss => {
                model.has_gprs_location_request && self.can_send(model, CommandKind::Locate)
            }
        };
        if !can_be_asked {
            return Err(ErrorCode::NotSupportedByDevice.into());
        }
        if by_sms.is_none() {
            self.require_online(&view)?;
        }
        let now = self.now();
        let state = self.view(view.source.id, model_code(&view)?, now);
        let is_young = state.gps.updated.is_some_and(|updated| now.since(updated) < ACTUAL);
        // A device that is asked for its cells has no fix, and so is not active.
        let is_actual = state.connection_status == ConnectionStatus::Active || how == LocationRequest::Cells;
        if is_actual && is_young {
            return Err(ErrorCode::LocationActual.into());
        }
        match by_sms {
            Some((phone, text)) => {
                let (source, texts) = (view.source.id, vec![text]);
                Ok(self.send_sms(source, phone, texts, LOCATION_SMS_LIFETIME, Awaited::Place).await?)
            }
            None if how == LocationRequest::Cells => self.locate_by_cells(view.source.id),
            None => self.enqueue(caller, &view, Command::Locate, Reliability::Once).await,
        }
    }

    /// How many commands wait for the device or for its answer, and how many short messages for the gateway.
    ///
    /// # Errors
    /// `EntityNotFound`, `DeviceBlocked`.
    pub async fn unconfirmed_commands(&self, caller: &UserCaller, id: TrackerId) -> Result<usize, Failure> {
        let view = self.unblocked(caller, id)?;
        let (source, now) = (view.source.id, self.now());
        Ok(self.catalog.open_commands(source, now).await?.len()
            + self.catalog.queued_sms(source, now).await?)
    }

    /// Cancels the commands that wait for the device or for its answer, and the short messages that wait for the gateway.
    ///
    /// # Errors
    /// `EntityNotFound`, `NotAllowedForClones`, `DeviceBlocked`.
    pub async fn cancel_commands(&self, caller: &UserCaller, id: TrackerId) -> Result<(), Failure> {
        let view = self.commanded(caller, id, ErrorCode::EntityNotFound)?;
        self.step_commands(view.source.id, CommandStep::Cancel, self.now()).await?;
        self.catalog.cancel_sms(view.source.id, self.now()).await?;
        // Somebody may wait for the answer to what was cancelled.
        self.signals.publish(Signal::CommandWaits(view.source.id));
        Ok(())
    }

    /// The commands that were sent through the tracker, newest first, and what became of each; with `states`, only those
    /// that stand so.
    ///
    /// # Errors
    /// `EntityNotFound`, `DeviceBlocked`.
    pub async fn commands(
        &self,
        caller: &UserCaller,
        id: TrackerId,
        states: &[&str],
        page: &Page,
    ) -> Result<Listed<StoredCommand>, Failure> {
        let (view, now) = (self.unblocked(caller, id)?, self.now());
        if !states.is_empty() && self.catalog.has_open_commands(view.source.id).await? {
            // What is looked for is what is written down.
            self.step_commands(view.source.id, CommandStep::Pass, now).await?;
        }
        Ok(self.catalog.commands_of_tracker(view.tracker.id, now, states, page).await?)
    }

    /// Has every open command of a source take a step, and those woken who want to hear what became of them.
    async fn step_commands(
        &self,
        source: SourceId,
        step: CommandStep,
        now: Timestamp,
    ) -> Result<(), Failure> {
        self.catalog.step_commands(source, step, now).await?;
        self.signals.publish(Signal::EventHappened(source));
        Ok(())
    }

    /// A tracker of the caller's whose device can be told something: no clone, whose device is another account's.
    pub(crate) fn commanded(
        &self,
        caller: &UserCaller,
        id: TrackerId,
        missing: ErrorCode,
    ) -> Result<TrackerView, Failure> {
        let view = self.tracker(caller, id).map_err(|_| missing)?;
        if view.tracker.clone {
            return Err(ErrorCode::NotAllowedForClones.into());
        }
        if view.source.blocked {
            return Err(ErrorCode::DeviceBlocked.into());
        }
        Ok(view)
    }

    fn require_online(&self, view: &TrackerView) -> Result<(), Failure> {
        let state = self.view(view.source.id, model_code(view)?, self.now());
        match state.connection_status {
            ConnectionStatus::Active | ConnectionStatus::Idle => Ok(()),
            _ => Err(ErrorCode::DeviceOffline.into()),
        }
    }

    fn can_send(&self, model: &DeviceModel, kind: CommandKind) -> bool {
        model.protocols.iter().any(|protocol| (self.command_kinds)(protocol).contains(&kind))
    }

    /// Call it while holding the account's turn: the device is not replaced meanwhile.
    async fn enqueue(
        &self,
        caller: &UserCaller,
        view: &TrackerView,
        command: Command,
        reliability: Reliability,
    ) -> Result<(), Failure> {
        if !self.can_send(model(view)?, command.kind()) {
            return Err(ErrorCode::NotSupportedByDevice.into());
        }
        let asked = self.now();
        let new = NewCommand {
            source: view.source.id,
            tracker: Some(view.tracker.id),
            user: Some(caller.user.id),
            expires: asked.plus(command.kind().lifetime()),
            command,
            reliability,
            asked,
        };
        let id = self.catalog.enqueue_command(&new).await?;
        asked_for(id, &new);
        self.signals.publish(Signal::CommandWaits(view.source.id));
        Ok(())
    }
}

fn asked_for(CommandId(id): CommandId, new: &NewCommand) {
    let SourceId(source) = new.source;
    let kind = new.command.kind().as_str();
    tracing::info!(command.id = id, command.kind = kind, source.id = source, "a command was asked for");
}

/// The phone of a device, and how it is asked by short message where it is.
fn question<'v>(view: &'v TrackerView, model: &DeviceModel) -> Option<(&'v str, String)> {
    let phone = view.source.phone.as_deref().filter(|phone| !phone.is_empty())?;
    let device_id = view.source.device_id.as_ref().map(ToString::to_string).unwrap_or_default();
    Some((phone, ShortMessages::of(model)?.location(model, &device_id)?))
}

fn model_code(view: &TrackerView) -> Result<ModelCode, Failure> {
    Ok(ModelCode::find(&view.source.model).ok_or(ErrorCode::NotSupportedByDevice)?)
}

fn model(view: &TrackerView) -> Result<&'static DeviceModel, Failure> {
    model_code(view).map(ModelCode::model)
}

/// The kind of settings that the device's lock has.
fn lock(model: &DeviceModel) -> Option<&str> {
    model.special_control.split(',').map(str::trim).find(|control| control.ends_with("_lock_password"))
}

/// Where the settings of a lock stand in a call.
fn within_settings(wrong: Vec<ParameterError>) -> Failure {
    let named = |error: ParameterError| ParameterError {
        parameter: format!("command.special_settings.{}", error.parameter),
        ..error
    };
    Failure::parameters(wrong.into_iter().map(named).collect())
}
