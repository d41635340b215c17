//! Activation codes, as the panel sees them: made, listed, changed until they are used.

use crate::{Failure, Fleet, PanelCaller};
use domain::ErrorCode;
use std::collections::BTreeSet;
use store::catalog::{
    ActivationCode, CatalogError, CodeOrder, CodeTerms, DeviceType, Direction, Listed, Page,
};

const DIGITS: usize = 10;
/// How often codes are made anew when one of them was issued before.
const ATTEMPTS: usize = 8;

impl Fleet {
    /// # Errors
    /// `NotFound` for a plan that is unknown or not for trackers.
    pub async fn create_activation_codes(
        &self,
        _: &PanelCaller,
        count: usize,
        terms: &CodeTerms,
    ) -> Result<usize, Failure> {
        self.plan_of_codes(terms).await?;
        for _ in 0..ATTEMPTS {
            let mut codes = BTreeSet::new();
            while codes.len() < count {
                codes.insert(self.secrets.digits(DIGITS));
            }
            let codes: Vec<_> = codes.into_iter().collect();
            match self.catalog.create_activation_codes(&codes, terms).await {
                Err(CatalogError::Exists) => {}
                made => return Ok(made.map(|()| count)?),
            }
        }
        Err(ErrorCode::Unexpected.into())
    }

    /// Changes those that were not used yet; answers how many.
    ///
    /// # Errors
    /// `NotFound` for a plan that is unknown or not for trackers.
    pub async fn update_activation_codes(
        &self,
        _: &PanelCaller,
        codes: &[String],
        terms: &CodeTerms,
    ) -> Result<u64, Failure> {
        self.plan_of_codes(terms).await?;
        Ok(self.catalog.update_activation_codes(codes, terms).await?)
    }

    pub async fn list_activation_codes(
        &self,
        _: &PanelCaller,
        page: &Page,
        order: CodeOrder,
        direction: Direction,
    ) -> Result<Listed<ActivationCode>, Failure> {
        Ok(self.catalog.list_activation_codes(page, order, direction).await?)
    }

    async fn plan_of_codes(&self, terms: &CodeTerms) -> Result<(), Failure> {
        let tariff = self.catalog.tariff(terms.tariff).await?;
        let fits = tariff.is_some_and(|tariff| tariff.device_type == DeviceType::Tracker);
        if fits { Ok(()) } else { Err(ErrorCode::NotFound.into()) }
    }
}
