//! Bundles and SIM cards, as the panel sees them. Equipment is what a bundle can hold: the device models that take a
//! device id.

use crate::{Failure, Fleet, PanelCaller};
use domain::{DeviceId, DeviceModel, ErrorCode, IdType, SourceId, device_models};
use store::catalog::{Bundle, BundleOrder, CatalogError, Direction, Listed, Page, SimCard};

/// The models that a bundle can hold.
pub fn equipment() -> impl Iterator<Item = &'static DeviceModel> {
    let sold = |model: &&DeviceModel| model.register && !matches!(model.id_type, IdType::Generated { .. });
    device_models().iter().filter(sold)
}

impl Fleet {
    /// All or none.
    ///
    /// # Errors
    /// `AlreadyExists` for an ICCID, `PhoneInUse` for a number of another card.
    pub async fn import_sim_cards(&self, _: &PanelCaller, cards: &[SimCard]) -> Result<(), Failure> {
        Ok(self.catalog.import_sim_cards(cards).await?)
    }

    /// All or none.
    ///
    /// # Errors
    /// `EntityNotFound` for the equipment; `AlreadyExists` for an IMEI.
    pub async fn import_bundles(
        &self,
        _: &PanelCaller,
        imeis: &[DeviceId],
        equipment: i64,
        factory_preset: bool,
    ) -> Result<(), Failure> {
        let model = held(equipment)?;
        Ok(self.catalog.import_bundles(imeis, &model.code, factory_preset).await?)
    }

    /// # Errors
    /// `NotFound`.
    pub async fn bundle(&self, _: &PanelCaller, imei: &DeviceId) -> Result<Bundle, Failure> {
        Ok(self.catalog.bundle_of(imei).await?.ok_or(ErrorCode::NotFound)?)
    }

    /// The bundles that were sold with an order of another system.
    ///
    /// # Errors
    /// `NotFound` when there are none.
    pub async fn bundles_of_order(&self, _: &PanelCaller, order: i64) -> Result<Vec<Bundle>, Failure> {
        let bundles = self.catalog.bundles_of_order(order).await?;
        if bundles.is_empty() { Err(ErrorCode::NotFound.into()) } else { Ok(bundles) }
    }

    pub async fn list_bundles(
        &self,
        _: &PanelCaller,
        page: &Page,
        order: BundleOrder,
        direction: Direction,
    ) -> Result<Listed<Bundle>, Failure> {
        Ok(self.catalog.list_bundles(page, order, direction).await?)
    }

    /// # Errors
    /// `NotFound` for the bundle, `EntityNotFound` for the equipment.
    pub async fn set_equipment(&self, _: &PanelCaller, bundle: i64, equipment: i64) -> Result<(), Failure> {
        if self.catalog.bundle(bundle).await?.is_none() {
            return Err(ErrorCode::NotFound.into());
        }
        Ok(self.catalog.set_bundle_model(bundle, &held(equipment)?.code).await?)
    }

    /// Notes the order of another system that a bundle was sold with.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn set_bundle_order(
        &self,
        _: &PanelCaller,
        bundle: i64,
        order: Option<i64>,
    ) -> Result<(), Failure> {
        Ok(self.catalog.set_bundle_order(bundle, order).await?)
    }

    /// Puts a SIM into a bundle. A device that is registered already has its number from now on.
    ///
    /// # Errors
    /// `NotFound` for the bundle; `WrongIccid`, `DeviceBlocked`, `DeletedDevice` for the SIM; `AlreadyExists` when
    /// another bundle has it, `PhoneInUse` when another device has its number.
    pub async fn assign_sim(&self, _: &PanelCaller, bundle: i64, iccid: &str) -> Result<(), Failure> {
        let found = self.catalog.bundle(bundle).await?.ok_or(ErrorCode::NotFound)?;
        let sim = self.catalog.sim_card(iccid).await?.ok_or(ErrorCode::WrongIccid)?;
        if sim.deleted {
            return Err(ErrorCode::DeletedDevice.into());
        }
        if sim.blocked {
            return Err(ErrorCode::DeviceBlocked.into());
        }
        let source = self.source_of(&found.imei).await?;
        let _turn = match source {
            Some(source) => Some(self.turn_of_source(source).await?),
            None => None,
        };
        let assigned = self.catalog.assign_sim(bundle, iccid, self.now()).await;
        assigned.map_err(|error| match error {
            CatalogError::Exists => ErrorCode::AlreadyExists.into(),
            error => Failure::from(error),
        })?;
        match self.source_of(&found.imei).await? {
            Some(source) => self.phone_changed(source).await,
            None => Ok(()),
        }
    }

    async fn source_of(&self, device_id: &DeviceId) -> Result<Option<SourceId>, Failure> {
        Ok(self.catalog.admission(device_id).await?.map(|admission| admission.source))
    }
}

fn held(id: i64) -> Result<&'static DeviceModel, ErrorCode> {
    equipment().find(|model| i64::from(model.id) == id).ok_or(ErrorCode::EntityNotFound)
}
