//! Trip detection: when a tracker is moving, stopped, parked. It belongs to the source.

use crate::{Failure, Fleet, TrackerView, UserCaller};
use domain::{ErrorCode, TrackerId, TripDetection};
use telemetry::SourceSettings;

impl Fleet {
    /// What is in force.
    ///
    /// # Errors
    /// `EntityNotFound`, `DeviceBlocked`.
    pub fn trip_detection(&self, caller: &UserCaller, id: TrackerId) -> Result<TripDetection, Failure> {
        let view = self.unblocked(caller, id)?;
        Ok(self.live.settings(view.source.id).trips)
    }

    /// Live movement follows with the next record; tracks of the past are cut anew at once.
    ///
    /// # Errors
    /// `EntityNotFound`, `DeviceBlocked`; `NotAllowedForClones`: the source is another account's.
    pub async fn set_trip_detection(
        &self,
        caller: &UserCaller,
        id: TrackerId,
        trips: TripDetection,
    ) -> Result<(), Failure> {
        let view = self.unblocked(caller, id)?;
        if view.tracker.clone {
            return Err(ErrorCode::NotAllowedForClones.into());
        }
        let source = view.source.id;
        let _turn = self.turn(caller).await?;
        self.catalog.set_trip_detection(source, &trips).await?;
        self.live.set_settings(source, SourceSettings { trips, ..self.live.settings(source) });
        Ok(())
    }

    /// A tracker that the caller sees, and whose device is not blocked.
    fn unblocked(&self, caller: &UserCaller, id: TrackerId) -> Result<TrackerView, Failure> {
        let view = self.tracker(caller, id).map_err(|_| ErrorCode::EntityNotFound)?;
        if view.source.blocked { Err(ErrorCode::DeviceBlocked.into()) } else { Ok(view) }
    }
}
