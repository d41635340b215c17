//! What a user may do. A security group of sub-users holds some of these; a master user holds all.

use serde::{Deserialize, Serialize};

/// Rights of the API. `Admin` belongs to master users only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    Admin,
    TrackerUpdate,
    TrackerRegister,
    TrackerRuleUpdate,
    TrackerConfigure,
    TrackerSetOutput,
    TagUpdate,
    TaskUpdate,
    ZoneUpdate,
    PlaceUpdate,
    EmployeeUpdate,
    VehicleUpdate,
    PaymentCreate,
    FormTemplateUpdate,
    Reports,
    CheckinUpdate,
}

impl Right {
    pub const ALL: [Self; 16] = [
        Self::Admin,
        Self::TrackerUpdate,
        Self::TrackerRegister,
        Self::TrackerRuleUpdate,
        Self::TrackerConfigure,
        Self::TrackerSetOutput,
        Self::TagUpdate,
        Self::TaskUpdate,
        Self::ZoneUpdate,
        Self::PlaceUpdate,
        Self::EmployeeUpdate,
        Self::VehicleUpdate,
        Self::PaymentCreate,
        Self::FormTemplateUpdate,
        Self::Reports,
        Self::CheckinUpdate,
    ];
}
