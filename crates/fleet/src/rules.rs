//! What values may look like, beyond their length. A rule answers what is wrong, or `None`. Whoever takes parameters
//! applies the rules, so that all that is wrong is told at once.

use domain::{DeviceId, DeviceModel, IdType};
use jiff::tz::TimeZone;

pub fn time_zone(name: &str) -> Option<String> {
    TimeZone::get(name).is_err().then(|| "is no IANA time zone".to_owned())
}

/// `en` or `en_US`.
pub fn locale(name: &str) -> Option<String> {
    let is_language = |text: &str| text.len() == 2 && text.bytes().all(|b| b.is_ascii_lowercase());
    let is_country = |text: &str| text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase());
    let fits = match name.split_once('_') {
        Some((language, country)) => is_language(language) && is_country(country),
        None => is_language(name),
    };
    (!fits).then(|| "must be like en or en_US".to_owned())
}

pub fn measurement_system(name: &str) -> Option<String> {
    one_of(name, &["metric", "imperial", "us", "metric_gal_us", "nautical"])
}

pub fn geocoder(name: &str) -> Option<String> {
    one_of(name, &["google", "yandex", "progorod", "osm", "locationiq"])
}

pub fn route_provider(name: &str) -> Option<String> {
    one_of(name, &["progorod", "google", "osrm"])
}

/// A phone number in international form; empty stands for none.
pub fn phone(number: &str) -> Option<String> {
    let digits = number.bytes().all(|b| b.is_ascii_digit());
    let fits = number.is_empty() || digits && (8..=20).contains(&number.len());
    (!fits).then(|| "must have 8 to 20 digits".to_owned())
}

/// A time back from now: `2h`, `3d`, `5m` (months), `1y`.
pub fn store_period(period: &str) -> Option<String> {
    let digits = period.strip_suffix(['h', 'd', 'm', 'y']).unwrap_or_default();
    let fits = (1..=4).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    (!fits).then(|| "must be like 2h, 3d, 5m or 1y".to_owned())
}

/// Name or user of an access point.
pub fn apn(name: &str) -> Option<String> {
    let fits = name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.@ ".contains(c));
    (!fits).then(|| "must have only letters, digits, spaces and - _ . @".to_owned())
}

/// The number on a SIM card.
pub fn iccid(number: &str) -> Option<String> {
    let digits = number.bytes().all(|b| b.is_ascii_digit());
    let fits = digits && number.starts_with("89") && (19..=20).contains(&number.len());
    (!fits).then(|| "must have 19 or 20 digits and begin with 89".to_owned())
}

/// An activation code; empty stands for none.
pub fn activation_code(code: &str) -> Option<String> {
    let digits = code.bytes().all(|b| b.is_ascii_digit());
    let fits = code.is_empty() || digits && (3..=20).contains(&code.len());
    (!fits).then(|| "must have 3 to 20 digits".to_owned())
}

/// The device id of a new device of the model.
pub fn device_id(id: Option<&DeviceId>, model: &DeviceModel) -> Option<String> {
    let wrong = match (id, &model.id_type) {
        // The platform makes one; what the caller says is not looked at.
        (_, IdType::Generated { .. }) => return None,
        (Some(id), id_type) if id_type.fits(id) => return None,
        (None, _) => "is required for this model",
        (_, IdType::Imei) => "must be an IMEI of 15 digits",
        (_, IdType::Meid) => "must be a MEID of 14 hex digits",
        (_, IdType::Digits(_) | IdType::Text { .. }) => "does not have the form of this model's ids",
    };
    Some(wrong.to_owned())
}

fn one_of(value: &str, known: &[&str]) -> Option<String> {
    (!known.contains(&value)).then(|| format!("must be one of {}", known.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn right_and_wrong_values() {
        type Rule = fn(&str) -> Option<String>;
        let rules: [(Rule, &[&str], &[&str]); 8] = [
            (store_period, &["2h", "30d", "5m", "1y"], &["", "d", "1w", "-1d", "1 d", "1dd", "12345d"]),
            (time_zone, &["UTC", "Europe/Berlin", "Australia/Lord_Howe"], &["Mars/Olympus", "", "+01:00"]),
            (locale, &["en", "de_CH"], &["", "EN", "en_us", "en-US", "eng", "en_", "_US"]),
            (measurement_system, &["metric", "metric_gal_us"], &["", "Metric", "cubits"]),
            (
                phone,
                &["", "12345678", "12345678901234567890"],
                &["1234567", "123456789012345678901", "+12345678"],
            ),
            (
                iccid,
                &["8970101006440763520", "89701010064407635201"],
                &[
                    "",
                    "897010100644076352",
                    "897010100644076352011",
                    "79701010064407635201",
                    "8970101006440763520x",
                ],
            ),
            (
                activation_code,
                &["", "123", "12345678901234567890"],
                &["12", "123456789012345678901", "12345678x", "-123"],
            ),
            (apn, &["", "internet", "a-Z_9.@ x"], &["a/b", "ü", "a\tb"]),
        ];
        for (rule, right, wrong) in rules {
            assert!(right.iter().all(|value| rule(value).is_none()), "{right:?}");
            assert!(wrong.iter().all(|value| rule(value).is_some()), "{wrong:?}");
        }
    }
}
