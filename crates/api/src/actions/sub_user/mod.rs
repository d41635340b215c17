//! `subuser/…`: further users of an account. Only masters call these, and only when the plans of all their trackers
//! have `multilevel_access`.

pub(crate) mod security_group;
pub(crate) mod session;
pub(crate) mod tracker;
pub(crate) mod user;

use domain::{ErrorCode, Right};

const RIGHTS: &[Right] = &[Right::Admin];
/// Of those that name nothing that may be missing.
const ERRORS: &[ErrorCode] = &[ErrorCode::NotPermitted, ErrorCode::TariffRestriction];
const ERRORS_OF_ONE: &[ErrorCode] =
    &[ErrorCode::NotPermitted, ErrorCode::TariffRestriction, ErrorCode::NotFound];
