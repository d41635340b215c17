//! What the forms of a record have in common: one record, put together field by field.

use super::events;
use crate::{
    KnownDevice,
    alarm::Alarms,
    cells::{self, Cells},
    plausible,
};
use domain::{Coordinates, Fix, InputName, Inputs, Message, Timestamp};

#[derive(Default)]
pub(super) struct Record {
    pub(super) event: Option<i64>,
    pub(super) time: Option<Timestamp>,
    pub(super) lat: Option<f64>,
    pub(super) lng: Option<f64>,
    pub(super) valid: bool,
    pub(super) satellites: Option<u8>,
    pub(super) speed: Option<f32>,
    pub(super) heading: Option<u16>,
    pub(super) altitude: Option<f32>,
    pub(super) cells: Cells,
    pub(super) inputs: Inputs,
}

impl Record {
    pub(super) fn signal(&mut self, csq: Option<i64>) {
        if let Some(percent) = csq.and_then(cells::percent_of_csq) {
            self.inputs.push(input!("gsm_signal_level"), percent);
        }
    }

    /// Inputs and outputs as bits, the first one lowest.
    pub(super) fn switched(&mut self, bits: Switched) {
        let (all, first) = match bits {
            Switched::Inputs(bits, wiring) => {
                let ignition = wiring.ignition.filter(|number| (1..=8).contains(number));
                if let Some(number) = ignition {
                    self.inputs.push(input!("ignition"), bits >> (number - 1) & 1 == 1);
                }
                self.inputs.push(input!("input_status"), i64::from(bits));
                (bits, input!("digital_input_1"))
            }
            Switched::Outputs(bits) => {
                self.inputs.push(input!("output_status"), i64::from(bits));
                (bits, input!("digital_output_1"))
            }
        };
        for number in 1..=5 {
            self.member(first, number, all >> (number - 1) & 1 == 1);
        }
    }

    /// A member of the family of `first`.
    pub(super) fn member(&mut self, first: InputName, number: u32, value: impl Into<domain::Value>) {
        if let Some(name) = first.spec().member(number) {
            self.inputs.push(name, value);
        }
    }

    pub(super) fn finish(mut self) -> Message {
        if let Some(event) = self.event {
            self.inputs.push(input!("event_code"), event);
            if let Some(alarm) = events::alarm(event) {
                Alarms::new().raise(alarm).write(&mut self.inputs);
            }
        }
        self.cells.write(&mut self.inputs);
        let at = self.lat.zip(self.lng).and_then(|(lat, lng)| Coordinates::new(lat, lng));
        let fix = at.filter(|at| !at.is_null_island()).map(|at| Fix {
            valid: self.valid,
            speed: self.speed.and_then(plausible::speed_kmh),
            heading: self.heading.and_then(plausible::heading),
            altitude: self.altitude.and_then(plausible::altitude),
            satellites: self.satellites.and_then(plausible::satellites),
            ..Fix::at(at)
        });
        Message { time: self.time, fix, inputs: self.inputs }
    }
}

pub(super) enum Switched {
    Inputs(u8, Wiring),
    Outputs(u8),
}

/// What is connected where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Wiring {
    /// The input of the ignition key, where it is known.
    pub(super) ignition: Option<u8>,
}

/// Models whose document calls "Input 3 Active" "Ignition On".
const IGNITION_ON_3: [&str; 3] = ["meitrackt1", "meitrack_t622", "meitrack_mvt600"];

impl Wiring {
    /// As the setting `ignition_input` of the device says, else as its model is wired.
    pub(super) fn of(known: Option<&KnownDevice>) -> Self {
        let set = known.and_then(|known| known.settings.get("ignition_input"));
        let model = known.and_then(|known| known.model).map_or("", |model| model.as_str());
        let ignition = match set {
            Some(input) => input.parse().ok(),
            None => IGNITION_ON_3.contains(&model).then_some(3),
        };
        Self { ignition }
    }
}
