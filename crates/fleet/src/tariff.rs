//! Plans, and what new trackers get.

use crate::{Failure, Fleet, PanelCaller};
use domain::{ErrorCode, TariffId};
use store::{
    catalog::{
        CatalogError, DeviceType, Direction, Listed, Page, Tariff, TariffDefaults, TariffOrder, TariffTerms,
    },
    signals::Signal,
};

impl Fleet {
    /// # Errors
    /// `DuplicateLabel`.
    pub async fn create_tariff(
        &self,
        _: &PanelCaller,
        device_type: DeviceType,
        terms: &TariffTerms,
    ) -> Result<TariffId, Failure> {
        let id = self.catalog.create_tariff(device_type, terms).await?;
        self.signals.publish(Signal::TariffsChanged);
        Ok(id)
    }

    pub async fn list_tariffs(
        &self,
        _: &PanelCaller,
        page: &Page,
        device_type: Option<DeviceType>,
        order: TariffOrder,
        direction: Direction,
    ) -> Result<Listed<Tariff>, Failure> {
        Ok(self.catalog.list_tariffs(page, device_type, order, direction).await?)
    }

    pub async fn tariff_defaults(&self, _: &PanelCaller) -> Result<TariffDefaults, Failure> {
        Ok(self.catalog.tariff_defaults().await?)
    }

    /// # Errors
    /// `TariffNotFound`.
    pub async fn set_tariff_defaults(
        &self,
        _: &PanelCaller,
        defaults: &TariffDefaults,
    ) -> Result<(), Failure> {
        self.catalog.set_tariff_defaults(defaults).await.map_err(|error| match error {
            CatalogError::ReferenceNotFound => ErrorCode::TariffNotFound.into(),
            error => Failure::from(error),
        })?;
        self.signals.publish(Signal::TariffsChanged);
        Ok(())
    }
}
