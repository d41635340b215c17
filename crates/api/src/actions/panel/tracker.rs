//! `panel/tracker/…`: trackers of all users, blocked, corrupted, moved to other plans and users.

use super::user::{DEALER, direction, page};
use crate::{
    action::{Action, Call},
    answer::{Done, Page as PageOf, Value},
    dates::Dates,
    parameters::{Int, Text, choices, parameters},
};
use domain::{ConnectionStatus, ErrorCode, TariffId, TrackerId, UserId};
use fleet::{
    Clones, Failure, FirstPayment, Listed, PanelCaller, PanelTracker, PanelTrackerFilter, PanelTrackerOrder,
    RegistrationCommands, Remainder, TrackerView,
};
use schemars::JsonSchema;
use serde::Serialize;

/// A tracker as the panel sees it.
#[derive(Serialize, JsonSchema)]
pub(crate) struct PanelTrackerObject {
    id: i64,
    clone: bool,
    comment: String,
    creation_date: String,
    group_id: i64,
    dealer_id: i64,
    deleted: bool,
    label: String,
    user_id: i64,
    model_name: String,
    last_connection: Option<String>,
    source: PanelSourceObject,
}

#[derive(Serialize, JsonSchema)]
struct PanelSourceObject {
    id: i64,
    device_id: Option<String>,
    model: String,
    blocked: bool,
    tariff_id: i64,
    creation_date: String,
    tariff_end_date: Option<String>,
    connection_status: &'static str,
    phone: Option<String>,
}

impl PanelTrackerObject {
    fn of(seen: &PanelTracker, dates: &Dates) -> Self {
        let PanelTracker { view: TrackerView { tracker, source, .. }, user, last_connection, status } = seen;
        let to_the_minute = |time| {
            let mut moment = dates.moment(time);
            moment.truncate("2020-02-02 12:44".len());
            moment
        };
        Self {
            id: tracker.id.0,
            clone: tracker.clone,
            comment: tracker.comment.clone(),
            creation_date: dates.day(tracker.created),
            group_id: tracker.group.0,
            dealer_id: DEALER,
            deleted: tracker.deleted,
            label: tracker.label.clone(),
            user_id: user.0,
            model_name: seen.model_name().to_owned(),
            last_connection: last_connection.map(to_the_minute),
            source: PanelSourceObject {
                id: source.id.0,
                device_id: source.device_id.as_ref().map(ToString::to_string),
                model: source.model.clone(),
                blocked: source.blocked,
                tariff_id: source.tariff.0,
                creation_date: dates.day(source.created),
                tariff_end_date: source.tariff_end.map(|end| dates.day(end)),
                connection_status: ConnectionStatus::as_str(*status),
                phone: source.phone.clone(),
            },
        }
    }
}

parameters! {
    struct Which {
        tracker_id: TrackerId,
    }
}

pub(crate) struct Read;

impl Action for Read {
    const PATH: &'static str = "panel/tracker/read";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::NotFound, ErrorCode::AlreadyCorrupted];
    const EXAMPLE: &'static str = r#"{"tracker_id": 1245678}"#;
    type Caller = PanelCaller;
    type Parameters = Which;
    type Answer = Value<PanelTrackerObject>;

    async fn run(call: &Call<PanelCaller>, which: Which) -> Result<Self::Answer, Failure> {
        let tracker = call.fleet.panel_tracker(&call.caller, which.tracker_id).await?;
        Ok(Value { value: PanelTrackerObject::of(&tracker, &call.dates) })
    }
}

choices! {
    enum OrderBy {
        Id "id",
        Label "label",
        Status "status",
        Model "model",
        DeviceId "device_id",
        Phone "phone",
        CreationDate "creation_date",
        LastConnection "last_connection",
    }
}

parameters! {
    struct Filter {
        user_id: Option<UserId>,
        tariff_id: Option<TariffId>,
        filter: Option<Text<0, 255>>,
        order_by: Option<OrderBy>,
        ascending: Option<bool>,
        offset: Option<Int<0, 2_147_483_647>>,
        limit: Option<Int<1, 10_000>>,
    }
}

pub(crate) struct List;

impl Action for List {
    const PATH: &'static str = "panel/tracker/list";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::NotFound];
    const EXAMPLE: &'static str = r#"{"user_id": 14, "order_by": "label", "limit": 50}"#;
    type Caller = PanelCaller;
    type Parameters = Filter;
    type Answer = PageOf<PanelTrackerObject>;

    async fn run(call: &Call<PanelCaller>, filter: Filter) -> Result<Self::Answer, Failure> {
        let order = match filter.order_by {
            None | Some(OrderBy::Id) => PanelTrackerOrder::Id,
            Some(OrderBy::Label) => PanelTrackerOrder::Label,
            Some(OrderBy::Status) => PanelTrackerOrder::Status,
            Some(OrderBy::Model) => PanelTrackerOrder::Model,
            Some(OrderBy::DeviceId) => PanelTrackerOrder::DeviceId,
            Some(OrderBy::Phone) => PanelTrackerOrder::Phone,
            Some(OrderBy::CreationDate) => PanelTrackerOrder::CreationDate,
            Some(OrderBy::LastConnection) => PanelTrackerOrder::LastConnection,
        };
        let direction = direction(filter.ascending);
        let filter = PanelTrackerFilter {
            user: filter.user_id,
            tariff: filter.tariff_id,
            page: page(filter.filter, filter.offset, filter.limit),
        };
        let Listed { items, count } =
            call.fleet.panel_trackers(&call.caller, &filter, order, direction).await?;
        let list = items.iter().map(|tracker| PanelTrackerObject::of(tracker, &call.dates)).collect();
        Ok(PageOf { list, count })
    }
}

parameters! {
    struct SourceChange {
        tracker_id: TrackerId,
        blocked: bool,
    }
}

pub(crate) struct UpdateSource;

impl Action for UpdateSource {
    const PATH: &'static str = "panel/tracker/source/update";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::NotFound, ErrorCode::AlreadyCorrupted];
    const EXAMPLE: &'static str = r#"{"tracker_id": 1245678, "blocked": false}"#;
    type Caller = PanelCaller;
    type Parameters = SourceChange;
    type Answer = Done;

    async fn run(call: &Call<PanelCaller>, change: SourceChange) -> Result<Done, Failure> {
        call.fleet.set_blocked(&call.caller, change.tracker_id, change.blocked).await?;
        Ok(Done {})
    }
}

parameters! {
    struct Remark {
        tracker_id: TrackerId,
        label: Text<1, 60>,
        deleted: Option<bool>,
        comment: Option<Text<0, 3000>>,
    }
}

pub(crate) struct UpdateSettings;

impl Action for UpdateSettings {
    const PATH: &'static str = "panel/tracker/settings/update";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::NotFound, ErrorCode::AlreadyCorrupted];
    const EXAMPLE: &'static str =
        r#"{"tracker_id": 1245678, "label": "Courier", "deleted": false, "comment": "Garage 3"}"#;
    type Caller = PanelCaller;
    type Parameters = Remark;
    type Answer = Done;

    async fn run(call: &Call<PanelCaller>, remark: Remark) -> Result<Done, Failure> {
        let Remark { tracker_id, label, deleted, comment } = remark;
        if deleted == Some(true) {
            let wrong = "cannot be true: panel/tracker/corrupt and delete_clone remove trackers";
            return Err(Failure::parameter("deleted", wrong));
        }
        let comment = comment.as_ref().map(|comment| comment.0.as_str());
        call.fleet.remark(&call.caller, tracker_id, &label.0, comment).await?;
        Ok(Done {})
    }
}

parameters! {
    struct Corruption {
        tracker_id: TrackerId,
        corrupt_clones: Option<bool>,
    }
}

/// What is to become of clones; they go along unless the call says otherwise.
pub(super) fn clones(corrupt: Option<bool>) -> Clones {
    if corrupt == Some(false) { Clones::Keep } else { Clones::Delete }
}

pub(crate) struct Corrupt;

impl Action for Corrupt {
    const PATH: &'static str = "panel/tracker/corrupt";
    const ERRORS: &'static [ErrorCode] = &[
        ErrorCode::NotFound,
        ErrorCode::NotAllowedForClones,
        ErrorCode::AlreadyCorrupted,
        ErrorCode::DeviceHasClones,
    ];
    const EXAMPLE: &'static str = r#"{"tracker_id": 134537, "corrupt_clones": true}"#;
    type Caller = PanelCaller;
    type Parameters = Corruption;
    type Answer = Done;

    async fn run(call: &Call<PanelCaller>, corruption: Corruption) -> Result<Done, Failure> {
        let clones = clones(corruption.corrupt_clones);
        call.fleet.panel_corrupt(&call.caller, corruption.tracker_id, clones).await?;
        Ok(Done {})
    }
}

parameters! {
    struct Again {
        tracker_id: TrackerId,
        send_register_commands: Option<bool>,
    }
}

pub(crate) struct RegisterRetry;

impl Action for RegisterRetry {
    const PATH: &'static str = "panel/tracker/register_retry";
    const ERRORS: &'static [ErrorCode] = &[
        ErrorCode::NotFound,
        ErrorCode::AlreadyCorrupted,
        ErrorCode::TimeoutNotReached,
        ErrorCode::DeviceBlocked,
        ErrorCode::NotAllowedForClones,
        ErrorCode::NotSupportedByDevice,
    ];
    const EXAMPLE: &'static str = r#"{"tracker_id": 1245678}"#;
    type Caller = PanelCaller;
    type Parameters = Again;
    type Answer = Done;

    async fn run(call: &Call<PanelCaller>, again: Again) -> Result<Done, Failure> {
        let commands =
            RegistrationCommands { send: again.send_register_commands, ..RegistrationCommands::default() };
        call.fleet.panel_register_retry(&call.caller, again.tracker_id, &commands).await?;
        Ok(Done {})
    }
}

parameters! {
    struct TariffChange {
        tracker_id: TrackerId,
        tariff_id: TariffId,
        repay: Option<bool>,
        charge: Option<bool>,
    }
}

pub(crate) struct ChangeTariff;

impl Action for ChangeTariff {
    const PATH: &'static str = "panel/tracker/tariff/change";
    const ERRORS: &'static [ErrorCode] = &[
        ErrorCode::NotFound,
        ErrorCode::NotAllowedForClones,
        ErrorCode::DeviceLimitExceeded,
        ErrorCode::InvalidTariff,
        ErrorCode::TariffChangeNotAllowed,
        ErrorCode::TariffNotFound,
        ErrorCode::AlreadyCorrupted,
    ];
    const EXAMPLE: &'static str =
        r#"{"tracker_id": 1245678, "tariff_id": 15843, "repay": false, "charge": true}"#;
    type Caller = PanelCaller;
    type Parameters = TariffChange;
    type Answer = Done;

    async fn run(call: &Call<PanelCaller>, change: TariffChange) -> Result<Done, Failure> {
        let remainder = if change.repay == Some(true) { Remainder::Repay } else { Remainder::Keep };
        let payment = if change.charge == Some(true) { FirstPayment::Now } else { FirstPayment::Later };
        let (tracker, tariff) = (change.tracker_id, change.tariff_id);
        call.fleet.change_tariff(&call.caller, tracker, tariff, remainder, payment).await?;
        Ok(Done {})
    }
}

parameters! {
    struct Move {
        tracker_id: TrackerId,
        user_id: UserId,
    }
}

pub(crate) struct MoveTracker;

impl Action for MoveTracker {
    const PATH: &'static str = "panel/tracker/move";
    const ERRORS: &'static [ErrorCode] = &[
        ErrorCode::NotFound,
        ErrorCode::NotAllowedForClones,
        ErrorCode::InvalidUserId,
        ErrorCode::AlreadyExists,
        ErrorCode::AlreadyCorrupted,
    ];
    const EXAMPLE: &'static str = r#"{"tracker_id": 1245678, "user_id": 214034}"#;
    type Caller = PanelCaller;
    type Parameters = Move;
    type Answer = Done;

    async fn run(call: &Call<PanelCaller>, to: Move) -> Result<Done, Failure> {
        call.fleet.move_tracker(&call.caller, to.tracker_id, to.user_id).await?;
        Ok(Done {})
    }
}
