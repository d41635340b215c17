//! Records: the short layout is a position, the full one has inputs, outputs, a driver's key and named parameters.
//! "NA" stands for what the device does not know.

use crate::{
    alarm::{Alarm, Alarms},
    cells::{Cell, Cells},
    clock,
    custom_params::CustomParams,
    fields::{self, Fields},
    nmea, plausible, ports,
};
use domain::{Fix, InputName, Inputs, Message};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    Short,
    Full,
}

impl Layout {
    pub(super) fn fields(self) -> usize {
        match self {
            Self::Short => 10,
            Self::Full => 16,
        }
    }

    /// A record within a black box does not say which it is.
    pub(super) fn of(record: &[u8]) -> Self {
        let separators = record.iter().filter(|byte| **byte == b';').count();
        if separators < Self::Full.fields() - 1 { Self::Short } else { Self::Full }
    }
}

/// Why a record cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("fewer fields than its type has")]
    Fields,
    #[error("coordinates that are none")]
    Coordinates,
}

pub(super) fn message(record: &[u8], layout: Layout) -> Result<Message, Fault> {
    let mut fields = Fields::new(record, b';');
    let time = clock::day_first(fields.field(), fields.field());
    let place = [fields.field(), fields.field(), fields.field(), fields.field()];
    let [lat, north, lng, east] = place;
    let coordinates = nmea::coordinates(lat, north, lng, east);
    if coordinates.is_none() && place.iter().any(|field| !is_unknown(field)) {
        return Err(Fault::Coordinates);
    }
    let speed = fields.decimal();
    let heading = fields.decimal();
    let altitude = fields.decimal();
    if fields.is_at_end() {
        return Err(Fault::Fields);
    }
    let satellites: Option<u8> = fields.integer();
    let fix = coordinates.map(|coordinates| Fix {
        coordinates,
        valid: satellites != Some(0),
        speed: speed.and_then(|speed| plausible::speed_kmh(speed as f32)),
        heading: heading
            .filter(|heading| *heading >= 0.0)
            .and_then(|heading| plausible::heading(heading as u16)),
        altitude: altitude.and_then(|altitude| plausible::altitude(altitude as f32)),
        satellites: satellites.and_then(plausible::satellites),
        ..Fix::at(coordinates)
    });
    let mut inputs = Inputs::default();
    if layout == Layout::Full {
        inputs = Inputs::with_capacity(24);
        read_inputs(&mut fields, &mut inputs);
        let mut parameters = Parameters::default();
        for parameter in Fields::comma(fields.field()).filter(|parameter| !is_unknown(parameter)) {
            parameters.read(parameter, &mut inputs);
        }
        parameters.write(&mut inputs);
    }
    Ok(Message { time, fix, inputs })
}

fn is_unknown(field: &[u8]) -> bool {
    matches!(field, b"" | b"NA")
}

/// How many inputs and outputs are shown one by one; all of them are bits of the whole.
const PORTS: u32 = 8;

fn read_inputs(fields: &mut Fields<'_>, inputs: &mut Inputs) {
    if let Some(hdop) = fields.decimal().filter(|hdop| *hdop > 0.0) {
        inputs.push(input!("hdop"), hdop);
    }
    if let Some(bits) = fields.integer() {
        ports::digital_inputs(bits, PORTS, inputs);
    }
    if let Some(bits) = fields.integer() {
        ports::digital_outputs(bits, PORTS, inputs);
    }
    for (number, volts) in (1..).zip(Fields::comma(fields.field())) {
        let Some(name) = family!("analog_#").member(number) else { break };
        if let Some(volts) = fields::decimal(volts) {
            inputs.push(name, volts);
        }
    }
    if let Some(key) = fields.text().filter(|key| *key != "NA") {
        inputs.push(input!("hardware_key"), key);
    }
}

/// `name:type:value`; types are 1 whole number, 2 decimal, 3 text.
#[derive(Default)]
struct Parameters {
    alarms: Alarms,
    cells: [HeardCell; MAX_CELLS],
    /// All that have no name in the vocabulary.
    others: CustomParams,
}

/// `mcc1`, `mnc1`, `lac1`, `cell_id1` and so on: "Additional Parameters", LBS.
#[derive(Clone, Copy, Default)]
struct HeardCell {
    mcc: Option<u16>,
    mnc: Option<u16>,
    area: Option<u32>,
    id: Option<u64>,
    dbm: Option<i16>,
}

const MAX_CELLS: usize = 6;

impl Parameters {
    fn read(&mut self, parameter: &[u8], inputs: &mut Inputs) {
        let mut fields = Fields::new(parameter, b':');
        let (name, _type) = (fields.field(), fields.field());
        let value = fields.rest();
        let (Some(name), Some(text)) = (fields::text(name), fields::text(value)) else { return };
        let number = fields::decimal(value);
        if let (Some((input, factor)), Some(number)) = (named(name), number) {
            inputs.push(input, number * factor);
            return;
        }
        if name.eq_ignore_ascii_case("SOS") {
            if number != Some(0.0) {
                self.alarms.raise(Alarm::Sos);
            }
            return;
        }
        if self.read_cell(name, value) {
            return;
        }
        let index = name.strip_prefix("param").and_then(|index| fields::integer(index.as_bytes()));
        if let (Some(name), Some(number)) =
            (index.and_then(|index| family!("custom_param_#").member(index)), number)
        {
            inputs.push(name, number);
            return;
        }
        self.others.push(name, text);
    }

    fn read_cell(&mut self, name: &str, value: &[u8]) -> bool {
        let kind = name.trim_end_matches(|c: char| c.is_ascii_digit());
        if !matches!(kind, "mcc" | "mnc" | "lac" | "cell_id" | "rxlev") {
            return false;
        }
        let number = fields::integer::<usize>(&name.as_bytes()[kind.len()..]).unwrap_or(1);
        let Some(cell) = number.checked_sub(1).and_then(|index| self.cells.get_mut(index)) else {
            return true;
        };
        match kind {
            "mcc" => cell.mcc = fields::integer(value),
            "mnc" => cell.mnc = fields::integer(value),
            "lac" => cell.area = fields::integer(value),
            "cell_id" => cell.id = fields::integer(value),
            _ => cell.dbm = fields::integer(value),
        }
        true
    }

    fn write(self, inputs: &mut Inputs) {
        let mut cells = Cells::new();
        for heard in self.cells {
            if let HeardCell { mcc: Some(mcc), mnc: Some(mnc), area: Some(area), id: Some(id), dbm } = heard {
                cells.cell(Cell { mcc, mnc, area, id, dbm: dbm.filter(|dbm| *dbm < 0) });
            }
        }
        cells.write(inputs);
        self.alarms.write(inputs);
        self.others.write(inputs);
    }
}

/// Names that devices and the document agree on, with the factor to our unit.
fn named(parameter: &str) -> Option<(InputName, f64)> {
    Some(match parameter {
        "pwr_ext" => (input!("board_voltage"), 1.0),
        "pwr_int" => (input!("battery_voltage"), 1.0),
        "can_rpm" => (input!("can_rpm"), 1.0),
        "can_speed" => (input!("can_speed"), 1.0),
        "can_engine_hours" => (input!("can_engine_hours"), 1.0),
        "can_coolant_t" => (input!("can_coolant_t"), 1.0),
        "temp_int" => (input!("temp_sensor"), 1.0),
        _ => return None,
    })
}
