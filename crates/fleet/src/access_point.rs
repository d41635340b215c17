//! The access points of SIMs, as far as they are known: what was said at registration, without the password.

use crate::{Failure, Fleet, RegistrationCommands, TrackerView, UserCaller, registration_commands};
use domain::{ErrorCode, ModelCode, SourceId, TrackerId};
use store::catalog::AccessPoint;

impl registration_commands::AccessPoint {
    /// What of it is kept; `None` when nothing was said.
    pub(crate) fn without_password(&self) -> Option<AccessPoint> {
        let Self { name, user, .. } = self;
        let said = !name.is_empty() || !user.is_empty();
        said.then(|| AccessPoint { name: name.clone(), user: user.clone() })
    }
}

impl Fleet {
    /// That of a tracker's SIM; `None` when nobody has named it.
    ///
    /// # Errors
    /// `NotFound`, `NotAllowedForClones`, `DeviceBlocked`; `NotSupportedByDevice` for a device without one, and for a SIM that
    /// came in a bundle.
    pub async fn access_point(
        &self,
        caller: &UserCaller,
        id: TrackerId,
    ) -> Result<Option<AccessPoint>, Failure> {
        let view = self.changeable(caller, id)?;
        if !has_access_point(&view) {
            return Err(ErrorCode::NotSupportedByDevice.into());
        }
        Ok(self.catalog.access_point(view.source.id).await?)
    }

    /// That of the SIM with a number, in a device of the caller's.
    ///
    /// # Errors
    /// `NotFound`, also when nobody has named it.
    pub async fn access_point_of_phone(
        &self,
        caller: &UserCaller,
        phone: &str,
    ) -> Result<AccessPoint, Failure> {
        let mut own = self.trackers(caller).into_iter();
        let of_phone =
            |view: &TrackerView| view.source.phone.as_deref() == Some(phone) && !view.tracker.clone;
        let view = own.find(|view| of_phone(view) && has_access_point(view)).ok_or(ErrorCode::NotFound)?;
        let known = self.catalog.access_point(view.source.id).await?;
        Ok(known.ok_or(ErrorCode::NotFound)?)
    }

    /// Keeps what is said about the access point of a device, if anything is.
    pub(crate) async fn access_point_named(
        &self,
        source: SourceId,
        commands: &RegistrationCommands,
    ) -> Result<(), Failure> {
        match commands.apn.without_password() {
            Some(access_point) => Ok(self.catalog.set_access_point(source, &access_point).await?),
            None => Ok(()),
        }
    }
}

/// Users are told nothing of a SIM that is hidden from them.
fn has_access_point(view: &TrackerView) -> bool {
    let model = ModelCode::find(&view.source.model).map(ModelCode::model);
    model.is_some_and(|model| model.has_apn_settings) && !view.source.bundled_sim
}
