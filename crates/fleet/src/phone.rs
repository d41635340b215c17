//! Another phone number for a device: another SIM was put in.

use crate::{Failure, Fleet, RegistrationCommands, UserCaller};
use domain::{ErrorCode, SourceId, TrackerId};
use store::signals::Signal;

impl Fleet {
    /// Gives a device another number.
    ///
    /// # Errors
    /// `NotFound`, `NotAllowedForClones`, `DeviceBlocked`, `NotSupportedByDevice` without a GSM module, `BundledSim`,
    /// `PhoneInUse`.
    pub async fn change_phone(
        &self,
        caller: &UserCaller,
        id: TrackerId,
        phone: &str,
        commands: &RegistrationCommands,
    ) -> Result<(), Failure> {
        let view = self.tracker(caller, id)?;
        self.may_be_told(&view).await?;
        let _turn = self.turn_of_source(view.source.id).await?;
        let view = self.tracker(caller, id)?;
        self.may_be_told(&view).await?;
        let source = &view.source;
        if self.catalog.is_bundled_phone(phone).await? {
            return Err(ErrorCode::BundledSim.into());
        }
        let access_point = commands.apn.without_password();
        self.catalog.set_phone(source.id, phone, access_point.as_ref(), self.now()).await?;
        self.phone_changed(source.id).await?;
        self.registration_commands_wanted(source.id, commands).await;
        Ok(())
    }

    /// Reads a source again that has another number, and tells its account.
    pub(crate) async fn phone_changed(&self, source: SourceId) -> Result<(), Failure> {
        self.source_changed(source).await?;
        let account = self.directory.read().source(source).map(|source| source.account);
        if let Some(account) = account {
            self.signals.publish(Signal::AccountChanged(account));
        }
        Ok(())
    }
}
