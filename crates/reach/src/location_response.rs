//! The event that a source has said where it is, or was found, after somebody had asked.

use domain::{EventKind, Fix, LOCATION_RECEIVED, SourceId, Timestamp};
use store::{
    catalog::{Catalog, CatalogError, EventPlace, NewEvent},
    signals::{Signal, Signals},
};

/// Writes such events down, and wakes whoever tells users of them.
#[derive(Clone)]
pub struct LocationResponses {
    pub catalog: Catalog,
    pub signals: Signals,
}

impl LocationResponses {
    /// # Errors
    /// When the catalog cannot be written.
    pub(crate) async fn tell(&self, response: &NewEvent) -> Result<(), CatalogError> {
        if self.catalog.record_event(response).await? {
            self.signals.publish(Signal::EventHappened(response.source));
        }
        Ok(())
    }
}

/// `cause` names the answer: told again, it happens once.
pub(crate) fn location_response(source: SourceId, time: Timestamp, fix: &Fix, cause: String) -> NewEvent {
    let precision = fix.precision.map(|metres| metres.0.round() as u32);
    NewEvent {
        source,
        kind: EventKind::LocationResponse,
        time,
        message: LOCATION_RECEIVED.to_owned(),
        cause,
        place: Some(EventPlace { coordinates: fix.coordinates, precision }),
    }
}
