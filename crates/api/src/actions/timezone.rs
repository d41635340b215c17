//! `timezone/list`, `panel/timezone/list`: the time zones that a user may choose.

use crate::{
    action::{Action, Anyone, Call},
    answer,
    parameters::{Text, parameters},
};
use domain::Timestamp;
use fleet::{Failure, NamedZone, PanelCaller, time_zones};
use schemars::JsonSchema;
use serde::Serialize;

#[derive(Serialize, JsonSchema)]
pub(crate) struct TimeZoneObject {
    zone_id: &'static str,
    description: String,
    /// Hours.
    base_offset: f64,
    /// Hours that summer time adds; 0 where there is none.
    dst_offset: i32,
    country_code: Option<&'static str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    alt_ids: &'static [&'static str],
}

impl TimeZoneObject {
    fn of(zone: &'static NamedZone, now: Timestamp) -> Self {
        let offsets = zone.offsets(now);
        let place = zone.name.rsplit('/').next().unwrap_or(zone.name);
        Self {
            zone_id: zone.name,
            description: place.replace('_', " "),
            base_offset: f64::from(offsets.base) / 3600.0,
            // Half an hour on Lord Howe Island is no whole number, but not none either.
            dst_offset: (offsets.summer + 1800) / 3600,
            country_code: zone.country,
            alt_ids: &zone.other_names,
        }
    }
}

parameters! {
    /// Descriptions are in English, whatever is asked for.
    struct Language {
        locale: Option<Text<0, 64>>,
    }
}

pub(crate) struct List;

impl Action for List {
    const PATH: &'static str = "timezone/list";
    const EXAMPLE: &'static str = r#"{"locale": "en_US"}"#;
    type Caller = Anyone;
    type Parameters = Language;
    type Answer = answer::List<TimeZoneObject>;

    async fn run(call: &Call<Anyone>, _: Language) -> Result<Self::Answer, Failure> {
        Ok(all(call.now))
    }
}

pub(crate) struct ListForPanel;

impl Action for ListForPanel {
    const PATH: &'static str = "panel/timezone/list";
    const EXAMPLE: &'static str = r#"{"locale": "en_US"}"#;
    type Caller = PanelCaller;
    type Parameters = Language;
    type Answer = answer::List<TimeZoneObject>;

    async fn run(call: &Call<PanelCaller>, _: Language) -> Result<Self::Answer, Failure> {
        Ok(all(call.now))
    }
}

fn all(now: Timestamp) -> answer::List<TimeZoneObject> {
    answer::List { list: time_zones().iter().map(|zone| TimeZoneObject::of(zone, now)).collect() }
}
