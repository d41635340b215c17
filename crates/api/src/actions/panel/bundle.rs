//! `panel/tracker/bundle/…`, `panel/equipment/list`, `panel/sim_card/import`: devices that are sold with a SIM.

use super::user::{DEALER, direction, page};
use crate::{
    action::{Action, Call},
    answer::{Done, List as ListOf, Page as PageOf, Value},
    dates::Dates,
    parameters::{
        Apn, Distinct, Int, List as Items, Nothing, Object, PhoneNumber, Text, choices, parameters,
    },
};
use domain::{DeviceId, DeviceModel, ErrorCode, ModelCode};
use fleet::{Bundle, BundleOrder, Failure, Listed, PanelCaller, SimCard, equipment};
use schemars::JsonSchema;
use serde::Serialize;

type Number = Int<0, 2_147_483_647>;

#[derive(Serialize, JsonSchema)]
pub(crate) struct BundleObject {
    id: i64,
    equip_id: Option<i32>,
    equip_vendor: Option<&'static str>,
    equip_name: Option<&'static str>,
    equip_model: Option<&'static str>,
    model_code: String,
    imei: String,
    factory_preset: bool,
    iccid: Option<String>,
    assign_time: Option<String>,
    order_id: Option<i64>,
    sim_card: Option<SimCardObject>,
}

#[derive(Serialize, JsonSchema)]
struct SimCardObject {
    phone: String,
    apn: ApnObject,
    iccid: String,
    deleted: bool,
    blocked: bool,
    /// A device that is registered speaks through it.
    registered: bool,
}

#[derive(Serialize, JsonSchema)]
struct ApnObject {
    name: String,
    user: String,
    password: String,
}

impl BundleObject {
    fn of(bundle: Bundle, dates: &Dates) -> Self {
        let model = ModelCode::find(&bundle.model).map(ModelCode::model);
        let registered = bundle.registered;
        let (sim, assigned) = bundle.sim.unzip();
        Self {
            id: bundle.id,
            equip_id: model.map(|model| model.id),
            equip_vendor: model.map(|model| &*model.vendor),
            equip_name: model.map(|model| &*model.name),
            equip_model: model.map(|model| &*model.name),
            model_code: bundle.model,
            imei: bundle.imei.to_string(),
            factory_preset: bundle.factory_preset,
            iccid: sim.as_ref().map(|sim| sim.iccid.clone()),
            assign_time: assigned.map(|assigned| dates.moment(assigned)),
            order_id: bundle.order,
            sim_card: sim.map(|sim| SimCardObject {
                phone: sim.phone,
                apn: ApnObject { name: sim.apn_name, user: sim.apn_user, password: sim.apn_password },
                iccid: sim.iccid,
                deleted: sim.deleted,
                blocked: sim.blocked,
                registered,
            }),
        }
    }
}

parameters! {
    struct NewBundles {
        imeis: Distinct<DeviceId, 1, 10_000>,
        equip_id: Number,
        factory_preset: bool,
    }
}

pub(crate) struct Import;

impl Action for Import {
    const PATH: &'static str = "panel/tracker/bundle/import";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::AlreadyExists, ErrorCode::EntityNotFound];
    const EXAMPLE: &'static str =
        r#"{"imeis": ["896654523569742", "896654523569743"], "equip_id": 1, "factory_preset": false}"#;
    type Caller = PanelCaller;
    type Parameters = NewBundles;
    type Answer = Done;

    async fn run(call: &Call<PanelCaller>, new: NewBundles) -> Result<Done, Failure> {
        let (imeis, equipment) = (&new.imeis.0, new.equip_id.0);
        call.fleet.import_bundles(&call.caller, imeis, equipment, new.factory_preset).await?;
        Ok(Done {})
    }
}

parameters! {
    struct Assignment {
        bundle_id: Number,
        iccid: Text<3, 20>,
    }
}

pub(crate) struct Assign;

impl Action for Assign {
    const PATH: &'static str = "panel/tracker/bundle/assign";
    const ERRORS: &'static [ErrorCode] = &[
        ErrorCode::NotFound,
        ErrorCode::DeviceBlocked,
        ErrorCode::PhoneInUse,
        ErrorCode::WrongIccid,
        ErrorCode::AlreadyExists,
        ErrorCode::DeletedDevice,
    ];
    const EXAMPLE: &'static str = r#"{"bundle_id": 1241, "iccid": "89701010064407635201"}"#;
    type Caller = PanelCaller;
    type Parameters = Assignment;
    type Answer = Done;

    async fn run(call: &Call<PanelCaller>, assignment: Assignment) -> Result<Done, Failure> {
        call.fleet.assign_sim(&call.caller, assignment.bundle_id.0, &assignment.iccid.0).await?;
        Ok(Done {})
    }
}

parameters! {
    struct OrderAssignment {
        bundle_id: Number,
        order_id: Option<Number>,
    }
}

pub(crate) struct AssignOrder;

impl Action for AssignOrder {
    const PATH: &'static str = "panel/tracker/bundle/order/assign";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::NotFound];
    const EXAMPLE: &'static str = r#"{"bundle_id": 1241, "order_id": 4711}"#;
    type Caller = PanelCaller;
    type Parameters = OrderAssignment;
    type Answer = Done;

    async fn run(call: &Call<PanelCaller>, assignment: OrderAssignment) -> Result<Done, Failure> {
        let order = assignment.order_id.map(|order| order.0);
        call.fleet.set_bundle_order(&call.caller, assignment.bundle_id.0, order).await?;
        Ok(Done {})
    }
}

parameters! {
    struct Which {
        imei: DeviceId,
    }
}

pub(crate) struct Read;

impl Action for Read {
    const PATH: &'static str = "panel/tracker/bundle/read";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::NotFound];
    const EXAMPLE: &'static str = r#"{"imei": "835664527777452"}"#;
    type Caller = PanelCaller;
    type Parameters = Which;
    type Answer = Value<BundleObject>;

    async fn run(call: &Call<PanelCaller>, which: Which) -> Result<Self::Answer, Failure> {
        let bundle = call.fleet.bundle(&call.caller, &which.imei).await?;
        Ok(Value { value: BundleObject::of(bundle, &call.dates) })
    }
}

choices! {
    enum OrderBy {
        Id "id",
        Imei "imei",
        DeviceId "device_id",
        Model "model",
        ModelCode "model_code",
        Iccid "iccid",
        AssignTime "assign_time",
    }
}

parameters! {
    struct Filter {
        filter: Option<Text<0, 255>>,
        order_by: Option<OrderBy>,
        ascending: Option<bool>,
        offset: Option<Number>,
        limit: Option<Int<1, 10_000>>,
    }
}

pub(crate) struct List;

impl Action for List {
    const PATH: &'static str = "panel/tracker/bundle/list";
    const EXAMPLE: &'static str = r#"{"filter": "8356", "order_by": "imei"}"#;
    type Caller = PanelCaller;
    type Parameters = Filter;
    type Answer = PageOf<BundleObject>;

    async fn run(call: &Call<PanelCaller>, filter: Filter) -> Result<Self::Answer, Failure> {
        let order = match filter.order_by {
            None | Some(OrderBy::Id) => BundleOrder::Id,
            Some(OrderBy::Imei | OrderBy::DeviceId) => BundleOrder::Imei,
            Some(OrderBy::Model | OrderBy::ModelCode) => BundleOrder::Model,
            Some(OrderBy::Iccid) => BundleOrder::Iccid,
            Some(OrderBy::AssignTime) => BundleOrder::AssignTime,
        };
        let page = page(filter.filter, filter.offset, filter.limit);
        let direction = direction(filter.ascending);
        let Listed { items, count } = call.fleet.list_bundles(&call.caller, &page, order, direction).await?;
        let list = items.into_iter().map(|bundle| BundleObject::of(bundle, &call.dates)).collect();
        Ok(PageOf { list, count })
    }
}

parameters! {
    struct EquipmentChange {
        bundle_id: Number,
        equip_id: Number,
    }
}

pub(crate) struct Update;

impl Action for Update {
    const PATH: &'static str = "panel/tracker/bundle/update";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::NotFound, ErrorCode::EntityNotFound];
    const EXAMPLE: &'static str = r#"{"bundle_id": 13457, "equip_id": 1}"#;
    type Caller = PanelCaller;
    type Parameters = EquipmentChange;
    type Answer = Done;

    async fn run(call: &Call<PanelCaller>, change: EquipmentChange) -> Result<Done, Failure> {
        call.fleet.set_equipment(&call.caller, change.bundle_id.0, change.equip_id.0).await?;
        Ok(Done {})
    }
}

/// An order of another system, of which only the bundles are known.
#[derive(Serialize, JsonSchema)]
pub(crate) struct OrderObject {
    id: i64,
    user_id: Option<i64>,
    seller_id: i64,
    amount: usize,
    sum: Option<f64>,
    r#type: &'static str,
    payer: String,
    recipient: String,
    contacts: String,
    place: String,
    comment: String,
    creation_time: Option<String>,
    status: Option<String>,
    bundles: Vec<BundleObject>,
}

parameters! {
    struct Order {
        order_id: Number,
    }
}

pub(crate) struct ReadOrder;

impl Action for ReadOrder {
    const PATH: &'static str = "panel/order/read";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::NotFound];
    const EXAMPLE: &'static str = r#"{"order_id": 12341}"#;
    type Caller = PanelCaller;
    type Parameters = Order;
    type Answer = Value<OrderObject>;

    async fn run(call: &Call<PanelCaller>, order: Order) -> Result<Self::Answer, Failure> {
        let id = order.order_id.0;
        let bundles = call.fleet.bundles_of_order(&call.caller, id).await?;
        let value = OrderObject {
            id,
            user_id: None,
            seller_id: DEALER,
            amount: bundles.len(),
            sum: None,
            r#type: "equip",
            payer: String::new(),
            recipient: String::new(),
            contacts: String::new(),
            place: String::new(),
            comment: String::new(),
            creation_time: None,
            status: None,
            bundles: bundles.into_iter().map(|bundle| BundleObject::of(bundle, &call.dates)).collect(),
        };
        Ok(Value { value })
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct EquipmentObject {
    equip_id: i32,
    model_name: &'static str,
    model_code: &'static str,
    vendor: &'static str,
    name: &'static str,
}

pub(crate) struct Equipment;

impl Action for Equipment {
    const PATH: &'static str = "panel/equipment/list";
    type Caller = PanelCaller;
    type Parameters = Nothing;
    type Answer = ListOf<EquipmentObject>;

    async fn run(_: &Call<PanelCaller>, _: Nothing) -> Result<Self::Answer, Failure> {
        let object = |model: &'static DeviceModel| EquipmentObject {
            equip_id: model.id,
            model_name: &model.name,
            model_code: &model.code,
            vendor: &model.vendor,
            name: &model.name,
        };
        Ok(ListOf { list: equipment().map(object).collect() })
    }
}

parameters! {
    struct AccessPoint {
        name: Option<Apn>,
        user: Option<Apn>,
        password: Option<Text<0, 40>>,
    }
}

parameters! {
    struct NewSimCard {
        iccid: Text<3, 20>,
        phone: PhoneNumber,
        apn: Option<Object<AccessPoint>>,
        blocked: Option<bool>,
        deleted: Option<bool>,
    }
}

parameters! {
    struct NewSimCards {
        sim_cards: Items<Object<NewSimCard>, 1, 10_000>,
    }
}

pub(crate) struct ImportSimCards;

impl Action for ImportSimCards {
    const PATH: &'static str = "panel/sim_card/import";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::AlreadyExists, ErrorCode::PhoneInUse];
    const EXAMPLE: &'static str = r#"{"sim_cards": [{"iccid": "89701010064407635201", "phone": "79995693344",
        "apn": {"name": "internet", "user": "", "password": ""}}]}"#;
    type Caller = PanelCaller;
    type Parameters = NewSimCards;
    type Answer = Done;

    async fn run(call: &Call<PanelCaller>, new: NewSimCards) -> Result<Done, Failure> {
        let card = |Object(card): Object<NewSimCard>| {
            let apn = card.apn.map(|Object(apn)| apn);
            let (name, user, password) = match apn {
                Some(apn) => (
                    apn.name.map(|name| name.0).unwrap_or_default(),
                    apn.user.map(|user| user.0).unwrap_or_default(),
                    apn.password.map(|password| password.0).unwrap_or_default(),
                ),
                None => Default::default(),
            };
            SimCard {
                iccid: card.iccid.0,
                phone: card.phone.0,
                apn_name: name,
                apn_user: user,
                apn_password: password,
                blocked: card.blocked == Some(true),
                deleted: card.deleted == Some(true),
            }
        };
        let cards: Vec<_> = new.sim_cards.0.into_iter().map(card).collect();
        call.fleet.import_sim_cards(&call.caller, &cards).await?;
        Ok(Done {})
    }
}
