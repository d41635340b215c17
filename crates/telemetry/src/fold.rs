//! The state of a source as a fold of its records, in the order of the journal. Deterministic: the same records and
//! settings give the same state, whenever they are applied.

use crate::{connection_status, movement, totals, vocabulary::vocabulary};
use domain::{
    ConnectionTimeouts, Contact, ContactKind, Derived, Fix, IgnitionSource, InputName, LatestFix, Metres,
    PositionSource, Record, State, Telemetry, TimeOrigin, Timestamp, TripDetection, Value,
};
use std::ops::{BitOr, BitOrAssign};

/// What decides how the records of one source are understood.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SourceSettings {
    pub trips: TripDetection,
    pub timeouts: ConnectionTimeouts,
    pub ignition: IgnitionSource,
    /// A position from cells that may be further off is not used.
    pub cell_radius: Metres,
}

impl Default for SourceSettings {
    fn default() -> Self {
        Self {
            trips: TripDetection::default(),
            timeouts: ConnectionTimeouts::default(),
            ignition: IgnitionSource::default(),
            // `max_radius` of `tracker/settings/lbs`, where nobody has changed it.
            cell_radius: Metres(300.0),
        }
    }
}

/// What of a state changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// The device was heard of.
    pub contact: bool,
    /// An input has a new value, or its value was confirmed at a newer time.
    pub values: bool,
    /// A newer fix, or a newer position from cells.
    pub fix: bool,
    /// The movement status.
    pub movement: bool,
    /// The connection status.
    pub connection: bool,
}

impl Change {
    pub const NOTHING: Self =
        Self { contact: false, values: false, fix: false, movement: false, connection: false };

    pub fn is_nothing(self) -> bool {
        self == Self::NOTHING
    }
}

impl BitOr for Change {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self {
            contact: self.contact | other.contact,
            values: self.values | other.values,
            fix: self.fix | other.fix,
            movement: self.movement | other.movement,
            connection: self.connection | other.connection,
        }
    }
}

impl BitOrAssign for Change {
    fn bitor_assign(&mut self, other: Self) {
        *self = *self | other;
    }
}

/// Takes one record of the source in. `Change::connection` compares the status just before and just after the record's
/// receipt.
///
/// A message of suspect time is filed at its receive time, so its values are the newest until something newer comes;
/// its fix is never live and it says nothing about movement. A duplicate changes nothing but the contact.
pub fn apply(state: &mut State, record: &Record, settings: &SourceSettings) -> Change {
    let status = |state: &State| connection_status(state, record.received(), &settings.timeouts);
    let before = status(state);
    let change = match record {
        Record::Telemetry(telemetry) => apply_telemetry(state, telemetry, settings),
        Record::Contact(contact) => apply_contact(state, contact),
        Record::Reply(reply) => heard(state, reply.received),
        // The bytes were not understood, but they came from the device.
        Record::Problem(problem) => heard(state, problem.received),
        Record::Derived(derived) => apply_derived(state, derived, settings),
    };
    Change { connection: before != status(state), ..change }
}

fn heard(state: &mut State, received: Timestamp) -> Change {
    let connection = &mut state.connection;
    connection.last_packet = connection.last_packet.max(Some(received));
    connection.link_lost = connection.link_lost.filter(|lost| *lost > received);
    Change { contact: true, ..Change::NOTHING }
}

fn apply_contact(state: &mut State, contact: &Contact) -> Change {
    match contact.kind {
        ContactKind::Login(_) | ContactKind::Heartbeat => heard(state, contact.received),
        // The end of a connection is no packet: the device said nothing.
        ContactKind::Closed => Change::NOTHING,
        ContactKind::Lost => {
            // Contacts are not awaited, so the device may have called again on its next connection already.
            if state.connection.last_packet.is_none_or(|packet| packet <= contact.received) {
                state.connection.link_lost = Some(contact.received);
            }
            Change::NOTHING
        }
    }
}

fn apply_telemetry(state: &mut State, telemetry: &Telemetry, settings: &SourceSettings) -> Change {
    let Telemetry { received, time, message, .. } = telemetry;
    let fix = believed_fix(telemetry);

    let mut change = heard(state, *received);
    let connection = &mut state.connection;
    connection.last_message = connection.last_message.max(Some(*received));
    if fix.is_some() && received.since(*time) <= settings.timeouts.idle {
        connection.last_current = connection.last_current.max(Some(*received));
        connection.activated = connection.activated.or(Some(*received));
    }
    for (name, value) in message.inputs.iter() {
        if !says_nothing(name, value) {
            change.values |= state.put(name, *time, value);
        }
    }
    change | travel(state, telemetry, settings)
}

/// Where the device was and whether it moved. As nothing of this comes from the device, it was not heard of.
fn apply_derived(state: &mut State, derived: &Derived, settings: &SourceSettings) -> Change {
    match derived.fix.source {
        PositionSource::Gnss => travel(state, &derived.as_telemetry(), settings),
        PositionSource::Cells => {
            let counts = derived.fix.is_usable() && is_precise(&derived.fix, settings);
            let fix = counts && keep_newer(&mut state.cell_fix, derived.fix, derived.time);
            Change { fix, ..Change::NOTHING }
        }
    }
}

/// What a record of the device's own receiver says of place and movement.
fn travel(state: &mut State, telemetry: &Telemetry, settings: &SourceSettings) -> Change {
    let mut change = Change::NOTHING;
    let fix = believed_fix(telemetry);
    if let Some(fix) = fix {
        change.fix = keep_newer(&mut state.fix, fix, telemetry.time);
    }
    if let Some(sample) = movement::Sample::of(telemetry, &settings.ignition) {
        let before = state.movement;
        movement::advance(&mut state.movement, &sample, &settings.trips);
        let place = fix.map(|fix| fix.coordinates);
        totals::advance(&mut state.totals, &sample, place, &before, &state.movement);
        change.movement = state.movement.status != before.status;
    }
    change
}

/// Whether a position from cells is as good as the user wants it. One that does not say how good it is is not.
pub(crate) fn is_precise(fix: &Fix, settings: &SourceSettings) -> bool {
    fix.precision.is_some_and(|precision| precision <= settings.cell_radius)
}

fn keep_newer(latest: &mut Option<LatestFix>, fix: Fix, time: Timestamp) -> bool {
    let newer = LatestFix { fix, time };
    let keeps = latest.is_none_or(|known| time >= known.time && newer != known);
    if keeps {
        *latest = Some(newer);
    }
    keeps
}

/// The fix of the device's own receiver, when it may be shown: usable, and its time is not suspect.
pub(crate) fn believed_fix(telemetry: &Telemetry) -> Option<Fix> {
    let believed = telemetry.time_origin != TimeOrigin::Suspect;
    telemetry.message.fix.filter(|fix| believed && fix.source == PositionSource::Gnss && fix.is_usable())
}

/// A reader without a key in it reports zeros; the last key stays known.
fn says_nothing(name: InputName, value: &Value) -> bool {
    name == vocabulary().hardware_key
        && match value {
            Value::Text(text) => text.bytes().all(|b| b == b'0'),
            value => value.number() == Some(0.0),
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{
        ConnectionStatus, Coordinates, Inputs, Message, MovementStatus, Problem, RecordHash, Reply, SourceId,
        Speed, Transport,
    };
    use proptest::prelude::*;

    const SOURCE: SourceId = SourceId(7);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(1_700_000_000 + seconds)
    }

    fn named(name: &str) -> InputName {
        InputName::find(name).unwrap()
    }

    fn telemetry(received: i64, time: i64, inputs: &[(&str, Value)]) -> Telemetry {
        let mut message = Message { time: Some(at(time)), ..Message::default() };
        message.inputs = inputs.iter().map(|(name, value)| (named(name), value.clone())).collect();
        Telemetry {
            source: SOURCE,
            received: at(received),
            time: at(time),
            time_origin: TimeOrigin::Device,
            hash: RecordHash(0),
            message,
        }
    }

    fn with_fix(mut telemetry: Telemetry, lat: f64) -> Telemetry {
        let speed = Some(Speed::from_kmh(50.0));
        telemetry.message.fix = Some(Fix { speed, ..Fix::at(Coordinates::new(lat, 20.0).unwrap()) });
        telemetry
    }

    fn contact(received: i64, kind: ContactKind) -> Record {
        Record::Contact(Contact { source: SOURCE, received: at(received), kind })
    }

    fn fold<'a>(records: impl IntoIterator<Item = &'a Record>) -> State {
        let mut state = State::default();
        for record in records {
            apply(&mut state, record, &SourceSettings::default());
        }
        state
    }

    fn latitude(state: &State) -> Option<f64> {
        state.fix.map(|latest| latest.fix.coordinates.lat())
    }

    /// One letter for each thing that changed.
    fn letters(change: Change) -> String {
        let Change { contact, values, fix, movement, connection } = change;
        [(contact, 'c'), (values, 'v'), (fix, 'f'), (movement, 'm'), (connection, 's')]
            .into_iter()
            .filter_map(|(changed, letter)| changed.then_some(letter))
            .collect()
    }

    #[test]
    fn a_day_of_a_device() {
        use ConnectionStatus::{Active, Idle, SignalLost};
        use MovementStatus::{Moving, Parked};
        use PositionSource::{Cells, Gnss};
        let invalid = {
            let mut telemetry = with_fix(telemetry(30, 30, &[]), 9.0);
            telemetry.message.fix.as_mut().unwrap().satellites = Some(1);
            telemetry
        };
        let suspect = {
            let mut telemetry = with_fix(telemetry(60, 60, &[("ignition", Value::Flag(false))]), 66.0);
            telemetry.time_origin = TimeOrigin::Suspect;
            telemetry
        };
        let derived = |received, time, source, metres: f32| {
            let (precision, speed) = (Some(Metres(metres)), Some(Speed::from_kmh(50.0)));
            Record::Derived(Derived {
                source: SOURCE,
                received: at(received),
                time: at(time),
                completes: None,
                fix: Fix { source, precision, speed, ..Fix::at(Coordinates::new(5.0, 5.0).unwrap()) },
            })
        };
        let reply =
            Record::Reply(Reply { source: SOURCE, received: at(95), command: None, bytes: [].into() });
        let problem = Record::Problem(Problem {
            source: Some(SOURCE),
            received: at(99),
            protocol: "teltonika".into(),
            error: "?".into(),
            bytes: [].into(),
        });
        let on = ("ignition", Value::Flag(true));
        // What came, what changed, and the status, movement and latitude that follow.
        let rows = [
            (contact(0, ContactKind::Login(Transport::Tcp)), "cs", Idle, Parked, None),
            (telemetry(5, 5, std::slice::from_ref(&on)).into_record(), "cv", Idle, Parked, None),
            (with_fix(telemetry(10, 9, &[]), 1.0).into_record(), "cfms", Active, Moving, Some(1.0)),
            (with_fix(telemetry(11, 9, &[]), 1.0).into_record(), "c", Active, Moving, Some(1.0)),
            (
                with_fix(telemetry(20, 19, std::slice::from_ref(&on)), 2.0).into_record(),
                "cvf",
                Active,
                Moving,
                Some(2.0),
            ),
            (contact(25, ContactKind::Heartbeat), "c", Active, Moving, Some(2.0)),
            (invalid.into_record(), "cs", Idle, Moving, Some(2.0)),
            (with_fix(telemetry(40, 39, &[]), 4.0).into_record(), "cfs", Active, Moving, Some(4.0)),
            // A record of 10 minutes ago from the buffer: a packet without a current fix.
            (with_fix(telemetry(50, -560, &[]), 5.0).into_record(), "cs", Idle, Moving, Some(4.0)),
            (suspect.into_record(), "cv", Idle, Moving, Some(4.0)),
            (with_fix(telemetry(70, 69, &[]), 7.0).into_record(), "cfs", Active, Moving, Some(7.0)),
            (contact(80, ContactKind::Lost), "s", SignalLost, Moving, Some(7.0)),
            (derived(85, 84, Cells, 300.0), "f", SignalLost, Moving, Some(7.0)),
            (derived(86, 83, Cells, 300.0), "", SignalLost, Moving, Some(7.0)),
            // Further off than the user wants it.
            (derived(86, 85, Cells, 300.5), "", SignalLost, Moving, Some(7.0)),
            (contact(79, ContactKind::Heartbeat), "c", SignalLost, Moving, Some(7.0)),
            (contact(90, ContactKind::Login(Transport::Tcp)), "cs", Active, Moving, Some(7.0)),
            (contact(89, ContactKind::Lost), "", Active, Moving, Some(7.0)),
            (contact(91, ContactKind::Closed), "", Active, Moving, Some(7.0)),
            (reply, "c", Active, Moving, Some(7.0)),
            (problem, "c", Active, Moving, Some(7.0)),
            // Out of the text of a short message: late, and then the newest.
            (derived(100, 68, Gnss, 0.0), "", Active, Moving, Some(7.0)),
            (derived(101, 100, Gnss, 0.0), "f", Active, Moving, Some(5.0)),
        ];
        let settings = SourceSettings::default();
        let mut state = State::default();
        for (number, (record, changed, status, movement, lat)) in rows.into_iter().enumerate() {
            let change = apply(&mut state, &record, &settings);
            assert_eq!(letters(change), changed, "row {number}");
            let now = connection_status(&state, record.received(), &settings.timeouts);
            assert_eq!(
                (now, state.movement.status, latitude(&state)),
                (status, movement, lat),
                "row {number}"
            );
        }
        assert_eq!(state.connection.last_packet, Some(at(99)));
        assert_eq!(state.connection.activated, Some(at(10)));
        assert_eq!(state.cell_fix.unwrap().time, at(84));
        assert_eq!(
            state.value(named("ignition")).unwrap().time,
            at(60),
            "a suspect value is filed at its receipt"
        );
    }

    #[test]
    fn a_packet_of_old_records_and_a_current_one_is_current() {
        for order in [[-900, -600, 0], [0, -600, -900]] {
            let records = order.map(|time| with_fix(telemetry(1, time, &[]), 1.0).into_record());
            assert!(fold(&records).connection.is_current(), "{order:?}");
        }
    }

    #[test]
    fn what_counts_as_current() {
        for (time, origin, current) in [
            (0, TimeOrigin::Device, true),
            (-300, TimeOrigin::Device, true),
            (-301, TimeOrigin::Device, false),
            (600, TimeOrigin::Device, true),
            (0, TimeOrigin::Received, true),
            (0, TimeOrigin::Suspect, false),
        ] {
            let record = Telemetry { time_origin: origin, ..with_fix(telemetry(0, time, &[]), 1.0) };
            let state = fold(&[record.into_record()]);
            assert_eq!(state.connection.is_current(), current, "{time} {origin:?}");
            assert_eq!(state.connection.activated.is_some(), current, "{time} {origin:?}");
            assert_eq!(state.fix.is_some(), origin != TimeOrigin::Suspect);
        }
    }

    #[test]
    fn a_key_of_zeros_keeps_the_last_key() {
        let key = |time, value: Value| telemetry(time, time, &[("hardware_key", value)]).into_record();
        let records = [
            key(1, "0000".into()),
            key(2, "7427A0".into()),
            key(3, "0000000000000000".into()),
            key(4, Value::Int(0)),
        ];
        assert_eq!(fold(&records[..1]).value(named("hardware_key")), None);
        let state = fold(&records);
        let kept = state.value(named("hardware_key")).unwrap();
        assert_eq!((kept.time, &kept.value), (at(2), &"7427A0".into()));
    }

    trait IntoRecord {
        fn into_record(self) -> Record;
    }

    impl IntoRecord for Telemetry {
        fn into_record(self) -> Record {
            Record::Telemetry(self)
        }
    }

    /// Messages of distinct times, received together much later, in an arbitrary order.
    fn shuffled_messages() -> impl Strategy<Value = (Vec<Record>, Vec<Record>)> {
        let message = (
            proptest::option::of(-80.0..80.0_f64),
            proptest::collection::btree_map(0..4_usize, any::<bool>(), 0..4),
        );
        proptest::collection::vec(message, 1..20).prop_flat_map(|messages| {
            let records: Vec<_> = messages
                .into_iter()
                .enumerate()
                .map(|(second, (lat, inputs))| {
                    let names = ["ignition", "motion", "digital_input_1", "digital_output_2"];
                    let mut telemetry = telemetry(1000, second as i64, &[]);
                    telemetry.message.inputs = inputs
                        .iter()
                        .map(|(at, value)| (named(names[*at]), Value::Flag(*value)))
                        .collect::<Inputs>();
                    lat.map_or(telemetry.clone(), |lat| with_fix(telemetry, lat)).into_record()
                })
                .collect();
            (Just(records.clone()), Just(records).prop_shuffle())
        })
    }

    proptest! {
        #[test]
        fn the_order_of_arrival_decides_neither_values_nor_fix((sent, arrived) in shuffled_messages()) {
            let (one, other) = (fold(&sent), fold(&arrived));
            prop_assert_eq!(one.values(), other.values());
            prop_assert_eq!(one.fix, other.fix);
            prop_assert_eq!(one.connection, other.connection);
        }

        #[test]
        fn late_records_move_nothing_back((sent, late) in shuffled_messages()) {
            let before = fold(&sent);
            let mut state = before.clone();
            for record in &late {
                let change = apply(&mut state, record, &SourceSettings::default());
                prop_assert!(!change.fix && !change.movement && !change.values, "{:?}", change);
            }
            prop_assert_eq!(state, before);
        }
    }
}
