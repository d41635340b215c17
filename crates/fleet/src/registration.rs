//! Registration: a new tracker on a new source.

use crate::{Failure, Fleet, ParameterError, Plugin, TrackerView, UserCaller};
use domain::{DeviceId, DeviceModel, ErrorCode, GroupId, IdType, ModelCode, TariffId, Timestamp};
use std::time::Duration;
use store::{
    catalog::{CatalogError, DocType, LegalType, NewSource, NewTracker},
    signals::Signal,
};

/// What a caller says about a new tracker.
#[derive(Clone, Debug)]
pub struct Registration {
    pub label: String,
    pub group: GroupId,
    pub model: String,
    pub plugin: i64,
    pub device_id: Option<String>,
    /// International format, digits only.
    pub phone: Option<String>,
    pub apn_name: Option<String>,
    pub apn_user: Option<String>,
    pub activation_code: Option<String>,
}

const DAY: Duration = Duration::from_secs(24 * 3600);

impl Fleet {
    /// # Errors
    /// `InvalidParameters` with every wrong parameter; `EntityNotFound` for the group; `UnknownModel`,
    /// `PluginNotFound`, `WrongActivationCode`, `LegalType`, `DeviceLimitExceeded`, `DeviceIdInUse`, `PhoneInUse`.
    pub async fn register(&self, caller: &UserCaller, new: Registration) -> Result<TrackerView, Failure> {
        let account = caller.account();
        let model = registrable(&new.model)?;
        Plugin::find(new.plugin).filter(|plugin| plugin.takes(model)).ok_or(ErrorCode::PluginNotFound)?;
        let device_id = check_parameters(&new, model)?;
        if new.group != GroupId::NONE && self.directory.read().group(account, new.group).is_none() {
            return Err(ErrorCode::EntityNotFound.into());
        }
        if new.activation_code.is_some() {
            // No code has been issued: there is no action yet that makes one.
            return Err(ErrorCode::WrongActivationCode.into());
        }
        let (tariff, free_days) = self.tariff_of_new_tracker(caller).await?;
        let created = self.now();
        let source = NewSource {
            account,
            device_id: Some(device_id),
            model: new.model,
            phone: new.phone,
            tariff,
            created,
            tariff_end: free_days.map(|days| end_of_free_days(created, days)),
        };
        let tracker = NewTracker { label: new.label, group: new.group };
        let (source, tracker) =
            self.catalog.register(&source, &tracker).await.map_err(|error| match error {
                // The group was there a moment ago.
                CatalogError::ReferenceNotFound => ErrorCode::EntityNotFound.into(),
                error => Failure::from(error),
            })?;
        self.directory.refresh_tracker(&self.catalog, account, tracker).await?;
        self.signals.publish(Signal::SourceChanged(source));
        self.signals.publish(Signal::AccountChanged(account));
        self.tracker(caller, tracker)
    }

    /// The plan of a new tracker and its free days: the user's default plan wins over the panel's.
    async fn tariff_of_new_tracker(&self, caller: &UserCaller) -> Result<(TariffId, Option<i64>), Failure> {
        let defaults = self.catalog.tariff_defaults().await?;
        let user = self.catalog.user(caller.user.id).await?.ok_or(ErrorCode::SessionNotFound)?;
        let id = user.account.default_tariff.unwrap_or(defaults.tariff);
        let tariff = self.catalog.tariff(id).await?.ok_or(ErrorCode::InvalidTariff)?;
        let individual = user.person.legal_type == LegalType::Individual;
        let fits = match tariff.terms.doc_type {
            DocType::All => true,
            DocType::Individuals => individual,
            DocType::Businesses => !individual,
        };
        if !fits {
            return Err(ErrorCode::LegalType.into());
        }
        let registered =
            self.directory.read().trackers(caller.account()).filter(|tracker| !tracker.clone).count();
        if i64::try_from(registered).unwrap_or(i64::MAX) >= tariff.terms.device_limit {
            return Err(ErrorCode::DeviceLimitExceeded.into());
        }
        let limit = defaults.free_days_device_limit.unwrap_or(i64::MAX);
        let free = defaults.free_days > 0 && i64::try_from(registered).unwrap_or(i64::MAX) < limit;
        Ok((id, free.then_some(defaults.free_days)))
    }
}

fn registrable(code: &str) -> Result<&'static DeviceModel, ErrorCode> {
    let model = ModelCode::find(code).ok_or(ErrorCode::UnknownModel)?.model();
    if model.register { Ok(model) } else { Err(ErrorCode::UnknownModel) }
}

/// Every rule that the parameters alone can break. Answers the device's id.
fn check_parameters(new: &Registration, model: &DeviceModel) -> Result<DeviceId, Failure> {
    let mut wrong = Vec::new();
    let mut check = |fits: bool, parameter: &str, error: &str| {
        if !fits {
            wrong.push(ParameterError { parameter: parameter.to_owned(), error: error.to_owned() });
        }
    };
    let device_id = new.device_id.as_deref().map(DeviceId::new);
    match (&device_id, &model.id_type) {
        (None, _) => check(false, "device_id", "is required for this model"),
        (Some(Err(invalid)), _) => check(false, "device_id", &invalid.to_string()),
        (Some(Ok(id)), id_type) => check(id_type.fits(id), "device_id", form_of(id_type)),
    }
    let digits =
        |phone: &String| (8..=20).contains(&phone.len()) && phone.bytes().all(|b| b.is_ascii_digit());
    check(new.phone.as_ref().is_none_or(digits), "phone", "must have 8 to 20 digits");
    let apn = |text: &String| text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.@ ".contains(c));
    let apn_error = "must have only letters, digits, spaces and - _ . @";
    check(new.apn_name.as_ref().is_none_or(apn), "apn_name", apn_error);
    check(new.apn_user.as_ref().is_none_or(apn), "apn_user", apn_error);
    match device_id {
        Some(Ok(id)) if wrong.is_empty() => Ok(id),
        _ => Err(Failure::parameters(wrong)),
    }
}

fn form_of(id_type: &IdType) -> &'static str {
    match id_type {
        IdType::Imei => "must be an IMEI of 15 digits",
        IdType::Meid => "must be a MEID of 14 hex digits",
        IdType::Digits(_) | IdType::Generated { .. } => "does not have the form of this model's ids",
    }
}

fn end_of_free_days(created: Timestamp, days: i64) -> Timestamp {
    created.plus(DAY * u32::try_from(days).unwrap_or(u32::MAX))
}
