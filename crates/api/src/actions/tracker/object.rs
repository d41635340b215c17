//! The tracker object, as every action prints it.

use crate::dates::Dates;
use fleet::{TagBinding, TrackerView};
use schemars::JsonSchema;
use serde::Serialize;

#[derive(Serialize, JsonSchema)]
pub(crate) struct TrackerObject {
    id: i64,
    label: String,
    group_id: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    avatar_file_name: Option<String>,
    source: SourceObject,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_bindings: Option<Vec<BindingObject>>,
    clone: bool,
}

#[derive(Serialize, JsonSchema)]
struct BindingObject {
    tag_id: i64,
    ordinal: u8,
}

#[derive(Serialize, JsonSchema)]
struct SourceObject {
    id: i64,
    device_id: Option<String>,
    model: String,
    blocked: bool,
    tariff_id: i64,
    phone: Option<String>,
    status_listing_id: Option<i64>,
    creation_date: String,
    tariff_end_date: Option<String>,
}

impl TrackerObject {
    /// With its tags, as `read` and `list` print it.
    pub(crate) fn whole(view: &TrackerView, dates: &Dates) -> Self {
        let object = |binding: &TagBinding| BindingObject { tag_id: binding.tag.0, ordinal: binding.ordinal };
        let bindings = view.tags.iter().map(object).collect();
        Self { tag_bindings: Some(bindings), ..Self::registered(view, dates) }
    }

    /// Without tags, as the actions print it that make a tracker.
    pub(crate) fn registered(view: &TrackerView, dates: &Dates) -> Self {
        let TrackerView { tracker, source, .. } = view;
        Self {
            id: tracker.id.0,
            label: tracker.label.clone(),
            group_id: tracker.group.0,
            avatar_file_name: tracker.avatar_file_name.clone(),
            source: SourceObject {
                id: source.id.0,
                device_id: source.device_id.as_ref().map(ToString::to_string),
                model: source.model.clone(),
                blocked: source.blocked,
                tariff_id: source.tariff.0,
                phone: source.phone.clone().filter(|_| !source.bundled_sim),
                status_listing_id: source.status_listing_id,
                creation_date: dates.day(source.created),
                tariff_end_date: source.tariff_end.map(|end| dates.day(end)),
            },
            tag_bindings: None,
            clone: tracker.clone,
        }
    }
}
