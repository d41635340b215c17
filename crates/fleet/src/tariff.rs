//! Plans, and what new trackers get.

use crate::{Failure, Fleet, PanelCaller};
use domain::{ErrorCode, TariffId};
use store::{
    catalog::{DeviceType, Direction, Listed, Page, Tariff, TariffDefaults, TariffOrder, TariffTerms},
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
    /// `TariffNotFound`; `InvalidTariff` for a plan that is not for trackers.
    pub async fn set_tariff_defaults(
        &self,
        _: &PanelCaller,
        defaults: &TariffDefaults,
    ) -> Result<(), Failure> {
        // A plan is never removed, and its device type never changes.
        let tariff = self.catalog.tariff(defaults.tariff).await?.ok_or(ErrorCode::TariffNotFound)?;
        if tariff.device_type != DeviceType::Tracker {
            return Err(ErrorCode::InvalidTariff.into());
        }
        self.catalog.set_tariff_defaults(defaults).await?;
        self.signals.publish(Signal::TariffsChanged);
        Ok(())
    }
}
