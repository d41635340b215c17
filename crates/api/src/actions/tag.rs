//! `tag/…`: words by which trackers and vehicles are found.

use super::{tracker::object::TrackerObject, vehicle::VehicleObject};
use crate::{
    action::{Action, Call},
    answer::{self, Created, Done},
    parameters::{Color, Distinct, List as Items, Object, Text, choices, parameters},
};
use domain::{ErrorCode, Right, TagId};
use fleet::{Failure, Tag, UserCaller};
use schemars::JsonSchema;
use serde::Serialize;

const RIGHTS: &[Right] = &[Right::TagUpdate];

#[derive(Serialize, JsonSchema)]
pub(crate) struct TagObject {
    id: i64,
    name: String,
    color: String,
}

parameters! {
    struct NewFields {
        name: Text<1, 60>,
        color: Color,
    }
}

parameters! {
    struct NewTag {
        tag: Object<NewFields>,
    }
}

pub(crate) struct Create;

impl Action for Create {
    const PATH: &'static str = "tag/create";
    const RIGHTS: &'static [Right] = RIGHTS;
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::NotPermitted];
    const EXAMPLE: &'static str = r#"{"tag": {"name": "Refrigerated", "color": "FF0000"}}"#;
    type Caller = UserCaller;
    type Parameters = NewTag;
    type Answer = Created;

    async fn run(call: &Call<UserCaller>, new: NewTag) -> Result<Created, Failure> {
        let Object(NewFields { name, color }) = new.tag;
        let id = call.fleet.create_tag(&call.caller, &name.0, &color.0).await?;
        Ok(Created { id: id.0 })
    }
}

parameters! {
    struct ChangedFields {
        id: TagId,
        name: Text<1, 60>,
        color: Color,
    }
}

parameters! {
    struct ChangedTag {
        tag: Object<ChangedFields>,
    }
}

pub(crate) struct Update;

impl Action for Update {
    const PATH: &'static str = "tag/update";
    const RIGHTS: &'static [Right] = RIGHTS;
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::NotPermitted, ErrorCode::NotFound];
    const EXAMPLE: &'static str = r#"{"tag": {"id": 3, "name": "Refrigerated", "color": "FF0000"}}"#;
    type Caller = UserCaller;
    type Parameters = ChangedTag;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, changed: ChangedTag) -> Result<Done, Failure> {
        let Object(ChangedFields { id, name, color }) = changed.tag;
        call.fleet.update_tag(&call.caller, id, name.0, color.0).await?;
        Ok(Done {})
    }
}

parameters! {
    struct Which {
        tag_id: Option<TagId>,
        tag_ids: Option<Items<TagId, 0, 10_000>>,
    }
}

pub(crate) struct Delete;

impl Action for Delete {
    const PATH: &'static str = "tag/delete";
    const RIGHTS: &'static [Right] = RIGHTS;
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::NotPermitted, ErrorCode::NotFound];
    const EXAMPLE: &'static str = r#"{"tag_id": 3}"#;
    type Caller = UserCaller;
    type Parameters = Which;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, which: Which) -> Result<Done, Failure> {
        match (which.tag_id, which.tag_ids) {
            (Some(id), None) => call.fleet.delete_tag(&call.caller, id).await?,
            (None, Some(Items(ids))) => call.fleet.delete_tags(&call.caller, &ids).await?,
            _ => return Err(Failure::parameter("tag_id", "or tag_ids is required, and not both")),
        }
        Ok(Done {})
    }
}

parameters! {
    struct Filter {
        filter: Option<Text<3, 60>>,
    }
}

pub(crate) struct List;

impl Action for List {
    const PATH: &'static str = "tag/list";
    const EXAMPLE: &'static str = r#"{"filter": "fri"}"#;
    type Caller = UserCaller;
    type Parameters = Filter;
    type Answer = answer::List<TagObject>;

    async fn run(call: &Call<UserCaller>, filter: Filter) -> Result<Self::Answer, Failure> {
        let filter = filter.filter.map(|text| text.0.to_lowercase()).unwrap_or_default();
        let tags = call.fleet.tags(&call.caller).await?;
        let wanted = tags.into_iter().filter(|tag| tag.name.to_lowercase().contains(&filter));
        let object = |Tag { id, name, color, .. }| TagObject { id: id.0, name, color };
        Ok(answer::List { list: wanted.map(object).collect() })
    }
}

choices! {
    enum Entity {
        Place "place",
        Task "task",
        TaskSchedule "task_schedule",
        Employee "employee",
        Vehicle "vehicle",
        Zone "zone",
        Tracker "tracker",
    }
}

parameters! {
    struct Wanted {
        tag_ids: Distinct<TagId, 1, 1000>,
        entity_types: Option<Items<Entity, 0, 100>>,
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Found {
    result: Entities,
}

/// The types that were asked for. Of some there are none yet.
#[derive(Serialize, JsonSchema)]
struct Entities {
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<[(); 0]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    task: Option<[(); 0]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    task_schedule: Option<[(); 0]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    employee: Option<[(); 0]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vehicle: Option<Vec<VehicleObject>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    zone: Option<[(); 0]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tracker: Option<Vec<TrackerObject>>,
}

pub(crate) struct Search;

impl Action for Search {
    const PATH: &'static str = "tag/search";
    const EXAMPLE: &'static str = r#"{"tag_ids": [3], "entity_types": ["tracker", "vehicle"]}"#;
    type Caller = UserCaller;
    type Parameters = Wanted;
    type Answer = Found;

    async fn run(call: &Call<UserCaller>, wanted: Wanted) -> Result<Found, Failure> {
        let Wanted { tag_ids: Distinct(tags), entity_types } = wanted;
        let is_wanted = |entity| entity_types.as_ref().is_none_or(|Items(types)| types.contains(&entity));
        let none = |entity| is_wanted(entity).then_some([]);
        let trackers = || {
            let views = call.fleet.tagged_trackers(&call.caller, &tags);
            views.iter().map(|view| TrackerObject::whole(view, &call.dates)).collect()
        };
        let vehicle = if is_wanted(Entity::Vehicle) {
            let mut views = call.fleet.vehicles(&call.caller).await?;
            views.retain(|view| tags.iter().all(|tag| view.vehicle.tags.contains(tag)));
            Some(views.into_iter().map(VehicleObject::of).collect())
        } else {
            None
        };
        Ok(Found {
            result: Entities {
                place: none(Entity::Place),
                task: none(Entity::Task),
                task_schedule: none(Entity::TaskSchedule),
                employee: none(Entity::Employee),
                vehicle,
                zone: none(Entity::Zone),
                tracker: is_wanted(Entity::Tracker).then(trackers),
            },
        })
    }
}
