//! The outputs of trackers and what their users call them.

use crate::{Failure, Fleet, TrackerView, UserCaller};
use domain::{ErrorCode, ModelCode, TrackerId};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputName {
    /// From 1.
    pub number: u8,
    /// `OUT1` as long as nobody has called it otherwise.
    pub title: String,
}

impl Fleet {
    /// As many as the device model has.
    ///
    /// # Errors
    /// `NotFound`, `DeviceBlocked`.
    pub async fn outputs(&self, caller: &UserCaller, tracker: TrackerId) -> Result<Vec<OutputName>, Failure> {
        let view = self.readable(caller, tracker)?;
        self.outputs_of(&view).await
    }

    /// Of each tracker, in the order of the question.
    ///
    /// # Errors
    /// `DeviceLimitExceeded` for more than 500; `ListHasNonexistent`, also for a blocked one.
    pub async fn outputs_of_all(
        &self,
        caller: &UserCaller,
        trackers: &[TrackerId],
    ) -> Result<Vec<(TrackerId, Vec<OutputName>)>, Failure> {
        let mut all = Vec::new();
        for view in self.all_readable(caller, trackers)? {
            all.push((view.tracker.id, self.outputs_of(&view).await?));
        }
        Ok(all)
    }

    /// # Errors
    /// `NotFound`, `NotAllowedForClones`, `DeviceBlocked`; `InvalidParameters` for a number that the model has not.
    pub async fn name_output(
        &self,
        caller: &UserCaller,
        tracker: TrackerId,
        output: &OutputName,
    ) -> Result<(), Failure> {
        let _turn = self.turn(caller).await?;
        let view = self.changeable(caller, tracker)?;
        if !(1..=count(&view)?).contains(&output.number) {
            return Err(Failure::parameter("tracker_output.number", "is no output of this device model"));
        }
        self.catalog.set_output_title(view.source.id, output.number.into(), &output.title).await?;
        Ok(())
    }

    async fn outputs_of(&self, view: &TrackerView) -> Result<Vec<OutputName>, Failure> {
        let named = self.catalog.output_titles(view.source.id).await?;
        let output = |number: u8| {
            let own = named.iter().find(|(named, _)| *named == i64::from(number));
            let title = own.map_or_else(|| format!("OUT{number}"), |(_, title)| title.clone());
            OutputName { number, title }
        };
        Ok((1..=count(view)?).map(output).collect())
    }
}

fn count(view: &TrackerView) -> Result<u8, Failure> {
    let model = ModelCode::find(&view.source.model).ok_or(ErrorCode::UnknownModel)?;
    Ok(model.model().digital_outputs)
}
