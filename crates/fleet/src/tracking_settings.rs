//! How a device is to report: which settings there are is up to the profile of its model (`track_control`).

use crate::{Failure, Fleet, ParameterError, TrackerView, UserCaller, form::Form};
use domain::{ErrorCode, ModelCode, TrackerId};
use serde_json::{Map, Value};
use store::catalog::SourceSetting;

const KIND: &str = "tracking";

impl Fleet {
    /// What was set last, for the model that the device is of now; before that with nothing in it.
    ///
    /// # Errors
    /// `NotFound`, `DeviceBlocked`; `NotSupportedByDevice` for a model without a known profile.
    pub async fn tracking_settings(
        &self,
        caller: &UserCaller,
        id: TrackerId,
    ) -> Result<Map<String, Value>, Failure> {
        let view = self.readable(caller, id)?;
        let form = profile(&view)?;
        let stored = self.catalog.settings_of_source(view.source.id).await?;
        let set = stored.into_iter().find(|setting| setting.kind == KIND);
        let fitting = set.and_then(|setting| form.read(&setting.value).ok());
        Ok(fitting.unwrap_or_else(|| form.blank()))
    }

    /// Keeps them; they are not sent to the device.
    ///
    /// # Errors
    /// `NotFound`, `NotAllowedForClones`, `DeviceBlocked`; `NotSupportedByDevice` for a model without a known profile;
    /// `InvalidParameters` for what does not fit it.
    pub async fn set_tracking_settings(
        &self,
        caller: &UserCaller,
        id: TrackerId,
        given: &Map<String, Value>,
    ) -> Result<(), Failure> {
        let _turn = self.turn(caller).await?;
        let view = self.changeable(caller, id)?;
        let within = |wrong: ParameterError| ParameterError {
            parameter: format!("tracking_settings.{}", wrong.parameter),
            ..wrong
        };
        let value = profile(&view)?
            .read(given)
            .map_err(|wrong| Failure::parameters(wrong.into_iter().map(within).collect()))?;
        let setting = SourceSetting { source: view.source.id, kind: KIND.to_owned(), value };
        Ok(self.catalog.set_source_setting(&setting).await?)
    }
}

fn profile(view: &TrackerView) -> Result<&'static Form, ErrorCode> {
    let model = ModelCode::find(&view.source.model).map(ModelCode::model);
    let form = model.and_then(|model| Form::find(&format!("tracking.{}", model.track_control)));
    form.ok_or(ErrorCode::NotSupportedByDevice)
}
