//! Registration: a new tracker on a new source.

use crate::{Failure, Fleet, Plugin, TrackerView, UserCaller, rules, tracker::with_source};
use domain::{DeviceId, DeviceModel, ErrorCode, GroupId, ModelCode, TariffId, Timestamp};
use jiff::{ToSpan, tz::TimeZone};
use store::{
    catalog::{CatalogError, DocType, LegalType, NewSource, NewTracker},
    signals::Signal,
};

/// What a caller says about a new tracker; phone and access point are such as `rules` allow.
#[derive(Clone, Debug)]
pub struct Registration {
    pub label: String,
    pub group: GroupId,
    pub model: String,
    pub plugin: i64,
    pub device_id: Option<DeviceId>,
    pub phone: Option<String>,
    pub apn_name: Option<String>,
    pub apn_user: Option<String>,
    pub activation_code: Option<String>,
}

impl Fleet {
    /// # Errors
    /// `InvalidParameters` for the device id; `EntityNotFound` for the group; `UnknownModel`, `PluginNotFound`,
    /// `WrongActivationCode`, `LegalType`, `DeviceLimitExceeded`, `DeviceIdInUse`, `PhoneInUse`.
    pub async fn register(&self, caller: &UserCaller, new: Registration) -> Result<TrackerView, Failure> {
        let account = caller.account();
        let model = registrable(&new.model)?;
        Plugin::find(new.plugin).filter(|plugin| plugin.takes(model)).ok_or(ErrorCode::PluginNotFound)?;
        if let Some(wrong) = rules::device_id(new.device_id.as_ref(), model) {
            return Err(Failure::parameter("device_id", wrong));
        }
        let _turn = self.turn(caller).await?;
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
            device_id: new.device_id,
            model: new.model,
            phone: new.phone,
            tariff,
            created,
            tariff_end: free_days.and_then(|days| days_later(created, days, &caller.user.settings.time_zone)),
        };
        let tracker = NewTracker { label: new.label, group: new.group };
        let (source, tracker) =
            self.catalog.register(&source, &tracker).await.map_err(|error| match error {
                // The group was there a moment ago.
                CatalogError::ReferenceNotFound => ErrorCode::EntityNotFound.into(),
                error => Failure::from(error),
            })?;
        self.directory.refresh_tracker(&self.catalog, account, tracker).await?;
        self.bind_own(caller, tracker).await?;
        self.signals.publish(Signal::SourceChanged(source));
        self.signals.publish(Signal::AccountChanged(account));
        let tables = self.directory.read();
        let view = tables.tracker(account, tracker).and_then(|tracker| with_source(&tables, tracker));
        Ok(view.ok_or(ErrorCode::NotFound)?)
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
        let registered = self.directory.read().registered(caller.account());
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

/// The same time of day so many calendar days later, in the zone in which its owner reads the date.
fn days_later(time: Timestamp, days: i64, zone: &str) -> Option<Timestamp> {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let time = jiff::Timestamp::from_millisecond(time.millis()).ok()?.to_zoned(zone);
    let later = time.checked_add(days.days()).ok()?;
    Some(Timestamp::from_millis(later.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_days_are_calendar_days() {
        // In Berlin, summer time begins on 29 March 2026 and ends on 25 October 2026.
        for (created, days, zone, end) in [
            ("2026-03-20T22:30:00Z", 14, "UTC", "2026-04-03T22:30:00Z"),
            ("2026-03-20T22:30:00Z", 14, "Europe/Berlin", "2026-04-03T21:30:00Z"),
            ("2026-10-24T22:30:00Z", 1, "Europe/Berlin", "2026-10-25T23:30:00Z"),
        ] {
            let millis = |time: &str| time.parse::<jiff::Timestamp>().unwrap().as_millisecond();
            let later = days_later(Timestamp::from_millis(millis(created)), days, zone);
            assert_eq!(later, Some(Timestamp::from_millis(millis(end))), "{created} {zone}");
        }
    }
}
