//! The state of vehicle and device in four bytes; a bit that is 0 holds (LKGPS protocol, "vehicle_status").

use crate::{
    alarm::{Alarm, Alarms},
    hex,
};
use domain::Inputs;

pub(super) fn write(status: u32, inputs: &mut Inputs) {
    let holds = |bit: u32| status >> bit & 1 == 0;
    inputs.push(input!("ignition"), !holds(IGNITION_OFF));
    inputs.push(input!("armed"), holds(ARMED));
    inputs.push(input!("door_state_1"), i64::from(holds(DOOR_OPEN)));
    // The relay is the one output.
    inputs.push(input!("digital_output_1"), holds(ENGINE_CUT));
    inputs.push(input!("engine_blocked"), holds(ENGINE_CUT));
    let mut alarms = Alarms::new();
    for (bit, alarm) in ALARMS {
        if holds(*bit) {
            alarms.raise(*alarm);
        }
    }
    alarms.write(inputs);
    inputs.push(input!("status"), &*hex::upper(&status.to_be_bytes()));
}

const DOOR_OPEN: u32 = 8;
const ARMED: u32 = 9;
const IGNITION_OFF: u32 = 10;
const ENGINE_CUT: u32 = 27;

const ALARMS: &[(u32, Alarm)] = &[
    (0, Alarm::Vibration),
    (1, Alarm::Sos),
    (2, Alarm::Overspeed),
    (4, Alarm::GeofenceEnter),
    (7, Alarm::GeofenceExit),
    (18, Alarm::Sos),
    (19, Alarm::PowerCut),
    (24, Alarm::Temperature),
    (26, Alarm::Jamming),
];
