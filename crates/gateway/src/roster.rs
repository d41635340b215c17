//! Who may speak: what the gateway asks the catalog.

use domain::{DeviceId, DeviceModel, ModelCode, SourceId, Timestamp};
use protocols::DeviceSettings;
use std::{fmt, future::Future, pin::Pin, sync::Arc};
use store::catalog::{Admission, Catalog, CatalogError};

pub type Finding<'a> = Pin<Box<dyn Future<Output = Result<Option<Registered>, RosterError>> + Send + 'a>>;

/// The registered devices.
pub trait Roster: Send + Sync + 'static {
    /// The source that owns the device id now; `None` when nobody registered it.
    ///
    /// # Errors
    /// When the catalog cannot answer; the device is neither admitted nor refused.
    fn find<'a>(&'a self, device_id: &'a DeviceId) -> Finding<'a>;
}

/// A registered device. A session lasts only as long as all of this stays true.
#[derive(Clone)]
pub struct Registered {
    pub source: SourceId,
    pub model: &'static DeviceModel,
    pub blocked: bool,
    /// Older records belong to the source that had the device id before.
    pub accepts_from: Timestamp,
    /// What its protocols have to know of it.
    pub settings: Arc<DeviceSettings>,
}

impl PartialEq for Registered {
    fn eq(&self, other: &Self) -> bool {
        let key = |it: &Self| (it.source, it.model.id, it.blocked, it.accepts_from);
        key(self) == key(other) && self.settings == other.settings
    }
}

impl fmt::Debug for Registered {
    /// Without the settings: devices have passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registered").field("source", &self.source).finish_non_exhaustive()
    }
}

impl Roster for Catalog {
    fn find<'a>(&'a self, device_id: &'a DeviceId) -> Finding<'a> {
        Box::pin(async move { self.admission(device_id).await?.map(Registered::try_from).transpose() })
    }
}

impl TryFrom<Admission> for Registered {
    type Error = RosterError;

    fn try_from(admission: Admission) -> Result<Self, RosterError> {
        let Admission { source, model, blocked, accepts_from, settings } = admission;
        let Some(code) = ModelCode::find(&model) else {
            return Err(RosterError::UnknownModel(model.into()));
        };
        Ok(Self { source, model: code.model(), blocked, accepts_from, settings: Arc::new(settings) })
    }
}

#[derive(Debug, thiserror::Error)]
pub enum RosterError {
    #[error("the catalog does not answer in time")]
    Slow,
    #[error("the catalog names a device model that this server does not have: {0}")]
    UnknownModel(Box<str>),
    #[error("the catalog cannot answer")]
    Failed(#[from] CatalogError),
}
