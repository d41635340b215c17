//! `vehicle/…`: what trackers stand in.

use crate::{
    action::{Action, Call},
    answer::{self, Created, Done, Value as Answered},
    forms::{VehicleForm, kept_vehicle},
    parameters::{Both, Int, List as Items, Object, Parameter, Text, Wrong, parameters},
};
use domain::{ErrorCode, GarageId, Right, TagId, TrackerId, VehicleId};
use fleet::{Failure, Reassign, UserCaller, Vehicle, VehicleDraft, VehicleView};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::cmp::Ordering;

const RIGHTS: &[Right] = &[Right::VehicleUpdate];

/// What each type of vehicle may be, more exactly.
const SUBTYPES: [(&str, &[&str]); 4] = [
    (
        "car",
        &[
            "sedan",
            "universal",
            "hatchback",
            "liftback",
            "limousine",
            "pickup",
            "minivan",
            "coupe",
            "coupe4d",
            "muscle",
            "convertible",
            "phaeton",
            "lando",
            "crossover",
            "roadster",
            "suv",
        ],
    ),
    (
        "truck",
        &[
            "tipper",
            "board",
            "covered",
            "awning",
            "mixer",
            "tanker",
            "refrigerator",
            "transporter",
            "container",
            "tractor",
        ],
    ),
    ("bus", &["city", "shuttle", "platform", "school", "intercity", "sightseeing"]),
    (
        "special",
        &[
            "mobile_crane",
            "racing",
            "buggy",
            "ambulance",
            "firefighter",
            "hearse",
            "shop",
            "harvester",
            "snowplow",
            "tractor",
            "grader",
            "excavator",
            "bulldozer",
            "armored",
            "amphibian",
            "boat",
        ],
    ),
];

#[derive(Serialize, JsonSchema)]
pub(crate) struct VehicleObject {
    id: i64,
    tracker_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tracker_label: Option<String>,
    garage_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    garage_organization_name: Option<String>,
    #[serde(flatten)]
    #[schemars(schema_with = "kept_vehicle")]
    fields: Map<String, Value>,
    /// There are no icons and no pictures of vehicles yet.
    icon_id: Option<i64>,
    avatar_file_name: Option<String>,
    tags: Vec<i64>,
}

impl VehicleObject {
    pub(crate) fn of(view: VehicleView) -> Self {
        let VehicleView { vehicle, tracker_label, garage_organization_name } = view;
        let Vehicle { id, tracker, garage, tags, fields, .. } = vehicle;
        Self {
            id: id.0,
            tracker_id: tracker.map(|tracker| tracker.0),
            tracker_label,
            garage_id: garage.map(|garage| garage.0),
            garage_organization_name,
            fields,
            icon_id: None,
            avatar_file_name: None,
            tags: tags.into_iter().map(|tag| tag.0).collect(),
        }
    }

    /// A property that lists are sorted by.
    fn property(&self, name: &str) -> Value {
        match name {
            "id" => json!(self.id),
            "tracker_label" => json!(self.tracker_label),
            "garage_organization_name" => json!(self.garage_organization_name),
            // Documented under a name that no vehicle has.
            "tyres_size" => self.fields.get("tyre_size").cloned().unwrap_or_default(),
            name => self.fields.get(name).cloned().unwrap_or_default(),
        }
    }
}

parameters! {
    struct Links {
        tracker_id: Option<TrackerId>,
        garage_id: Option<GarageId>,
        tags: Option<Items<TagId, 0, 1000>>,
    }
}

/// # Errors
/// When the subtype is none of the type.
fn draft(links: Links, VehicleForm(fields): VehicleForm) -> Result<VehicleDraft, Failure> {
    let word = |name: &str| fields.get(name).and_then(Value::as_str);
    if let Some(subtype) = word("subtype") {
        let of_type = SUBTYPES.iter().find(|(kind, _)| Some(*kind) == word("type")).map(|(_, words)| *words);
        if !of_type.is_some_and(|words| words.contains(&subtype)) {
            return Err(Failure::parameter("vehicle.subtype", "is none of this type of vehicle"));
        }
    }
    Ok(VehicleDraft {
        tracker: links.tracker_id,
        garage: links.garage_id,
        tags: links.tags.map(|tags| tags.0).unwrap_or_default(),
        fields,
    })
}

fn reassign(force: Option<bool>) -> Reassign {
    if force == Some(false) { Reassign::No } else { Reassign::Yes }
}

parameters! {
    struct NewVehicle {
        vehicle: Object<Both<Links, VehicleForm>>,
        force_reassign: Option<bool>,
    }
}

pub(crate) struct Create;

impl Action for Create {
    const PATH: &'static str = "vehicle/create";
    const RIGHTS: &'static [Right] = RIGHTS;
    const ERRORS: &'static [ErrorCode] =
        &[ErrorCode::NotPermitted, ErrorCode::NotFound, ErrorCode::AlreadyExists];
    const EXAMPLE: &'static str = r#"{"vehicle": {"label": "Van 7", "type": "car", "subtype": "sedan", "max_speed": 160,
        "tracker_id": 123456, "garage_id": 222, "reg_number": "AB234D", "tags": []}, "force_reassign": false}"#;
    type Caller = UserCaller;
    type Parameters = NewVehicle;
    type Answer = Created;

    async fn run(call: &Call<UserCaller>, new: NewVehicle) -> Result<Created, Failure> {
        let Object(Both(links, form)) = new.vehicle;
        let draft = draft(links, form)?;
        let id = call.fleet.create_vehicle(&call.caller, draft, reassign(new.force_reassign)).await?;
        Ok(Created { id: id.0 })
    }
}

parameters! {
    struct Id {
        id: VehicleId,
    }
}

parameters! {
    struct ChangedVehicle {
        vehicle: Object<Both<Id, Both<Links, VehicleForm>>>,
        force_reassign: Option<bool>,
    }
}

pub(crate) struct Update;

impl Action for Update {
    const PATH: &'static str = "vehicle/update";
    const RIGHTS: &'static [Right] = RIGHTS;
    const ERRORS: &'static [ErrorCode] =
        &[ErrorCode::NotPermitted, ErrorCode::NotFound, ErrorCode::AlreadyExists];
    const EXAMPLE: &'static str = r#"{"vehicle": {"id": 222, "label": "Van 7", "type": "car", "tracker_id": 123456,
        "garage_id": 222}, "force_reassign": false}"#;
    type Caller = UserCaller;
    type Parameters = ChangedVehicle;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, changed: ChangedVehicle) -> Result<Done, Failure> {
        let Object(Both(Id { id }, Both(links, form))) = changed.vehicle;
        let draft = draft(links, form)?;
        call.fleet.update_vehicle(&call.caller, id, draft, reassign(changed.force_reassign)).await?;
        Ok(Done {})
    }
}

parameters! {
    struct Which {
        vehicle_id: VehicleId,
    }
}

pub(crate) struct Read;

impl Action for Read {
    const PATH: &'static str = "vehicle/read";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::NotFound];
    const EXAMPLE: &'static str = r#"{"vehicle_id": 222}"#;
    type Caller = UserCaller;
    type Parameters = Which;
    type Answer = Answered<VehicleObject>;

    async fn run(call: &Call<UserCaller>, which: Which) -> Result<Self::Answer, Failure> {
        let view = call.fleet.vehicle(&call.caller, which.vehicle_id).await?;
        Ok(Answered { value: VehicleObject::of(view) })
    }
}

parameters! {
    struct WhichOrMany {
        vehicle_id: Option<VehicleId>,
        vehicle_ids: Option<Items<VehicleId, 0, 10_000>>,
    }
}

pub(crate) struct Delete;

impl Action for Delete {
    const PATH: &'static str = "vehicle/delete";
    const RIGHTS: &'static [Right] = RIGHTS;
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::NotPermitted, ErrorCode::NotFound];
    const EXAMPLE: &'static str = r#"{"vehicle_id": 222}"#;
    type Caller = UserCaller;
    type Parameters = WhichOrMany;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, which: WhichOrMany) -> Result<Done, Failure> {
        match (which.vehicle_id, which.vehicle_ids) {
            (Some(id), None) => call.fleet.delete_vehicle(&call.caller, id).await?,
            (None, Some(Items(ids))) => call.fleet.delete_vehicles(&call.caller, &ids).await?,
            _ => return Err(Failure::parameter("vehicle_id", "or vehicle_ids is required, and not both")),
        }
        Ok(Done {})
    }
}

/// `property=asc` or `property=desc`.
struct Order {
    property: &'static str,
    descending: bool,
}

const SORTED_BY: [&str; 20] = [
    "id",
    "label",
    "reg_number",
    "model",
    "type",
    "garage_organization_name",
    "vin",
    "tracker_label",
    "fuel_type",
    "fuel_grade",
    "norm_avg_fuel_consumption",
    "fuel_tank_volume",
    "payload_weight",
    "chassis_number",
    "subtype",
    "wheel_arrangement",
    "tyres_number",
    "tyres_size",
    "max_speed",
    "passengers",
];

impl Parameter for Order {
    fn schema() -> Value {
        json!({ "type": "string", "pattern": format!("^({})=(asc|desc)$", SORTED_BY.join("|")) })
    }

    fn parse(value: &Value) -> Result<Self, Wrong> {
        let order = value.as_str().and_then(|text| {
            let (property, direction) = text.split_once('=')?;
            let property = SORTED_BY.into_iter().find(|known| *known == property)?;
            let descending = ["asc", "desc"].iter().position(|word| *word == direction)? == 1;
            Some(Self { property, descending })
        });
        order.ok_or_else(|| "must be like label=asc".into())
    }
}

parameters! {
    struct Wanted {
        limit: Option<Int<1, 2_147_483_647>>,
        offset: Option<Int<0, 2_147_483_647>>,
        sort: Option<Items<Order, 0, 2>>,
        filter: Option<Text<0, 100>>,
    }
}

pub(crate) struct List;

impl Action for List {
    const PATH: &'static str = "vehicle/list";
    const EXAMPLE: &'static str =
        r#"{"limit": 50, "offset": 0, "sort": ["type=desc", "label=asc"], "filter": "van"}"#;
    type Caller = UserCaller;
    type Parameters = Wanted;
    type Answer = answer::List<VehicleObject>;

    async fn run(call: &Call<UserCaller>, wanted: Wanted) -> Result<Self::Answer, Failure> {
        let filter = wanted.filter.map(|text| text.0.to_lowercase()).unwrap_or_default();
        let views = call.fleet.vehicles(&call.caller).await?;
        let mut list: Vec<_> = views.into_iter().map(VehicleObject::of).collect();
        list.retain(|vehicle| {
            let fields =
                ["vin", "reg_number", "label"].into_iter().filter_map(|name| vehicle.fields.get(name));
            fields.filter_map(Value::as_str).any(|text| text.to_lowercase().contains(&filter))
        });
        for Order { property, descending } in wanted.sort.into_iter().flat_map(|sort| sort.0).rev() {
            list.sort_by(|a, b| {
                let order = compare(&a.property(property), &b.property(property));
                if descending { order.reverse() } else { order }
            });
        }
        let (offset, limit) =
            (wanted.offset.map_or(0, Int::number), wanted.limit.map_or(usize::MAX, Int::number));
        Ok(answer::List { list: list.into_iter().skip(offset).take(limit).collect() })
    }
}

/// Nothing comes before everything else.
fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Number(a), Value::Number(b)) => {
            a.as_f64().unwrap_or_default().total_cmp(&b.as_f64().unwrap_or_default())
        }
        (a, b) => b.is_null().cmp(&a.is_null()),
    }
}
