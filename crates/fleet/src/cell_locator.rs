//! Whoever knows where mobile cells are: users ask it where a device is.

use crate::{Failure, Fleet};
use domain::{ErrorCode, SourceId, State};

/// Finds out where devices are by the cells that they hear. What it finds comes as a record, like everything else that is
/// known of a device.
pub trait CellLocator: Send + Sync {
    /// Begins to find out where a source is, by the cells that its state has.
    ///
    /// # Errors
    /// When it cannot.
    fn locate(&self, source: SourceId, state: &State) -> Result<(), NotLocated>;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotLocated {
    #[error("the device has not told which cells it hears")]
    NoCells,
    #[error("too many wait already")]
    Busy,
}

impl Fleet {
    /// Who is asked from now on; the first who is named stays.
    pub fn locate_by_cells_with(&self, locator: Box<dyn CellLocator>) {
        // The error says that there is one already.
        _ = self.cell_locator.set(locator);
    }

    /// Whether there is somebody to ask.
    pub(crate) fn knows_cells(&self) -> bool {
        self.cell_locator.get().is_some()
    }

    /// Asks where a source is.
    ///
    /// # Errors
    /// `NotSupportedByDevice` without cells, or without anybody who knows them; `QueueUnavailable`.
    pub(crate) fn locate_by_cells(&self, source: SourceId) -> Result<(), Failure> {
        let locator = self.cell_locator.get().ok_or(ErrorCode::NotSupportedByDevice)?;
        let state = self.live.state(source).ok_or(ErrorCode::NotSupportedByDevice)?;
        locator.locate(source, &state).map_err(|reason| match reason {
            NotLocated::NoCells => ErrorCode::NotSupportedByDevice.into(),
            NotLocated::Busy => ErrorCode::QueueUnavailable.into(),
        })
    }
}
