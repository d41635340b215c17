//! What a tracker reads when it makes a record: position with the receiver's small errors, voltages, engine, fuel.

use crate::{kind::Kind, roads::Point, seed::Seed, teltonika::Record, vehicle::Network};
use domain::Timestamp;

/// Everything that a record is made from.
pub(crate) struct Situation {
    pub(crate) seed: Seed,
    pub(crate) kind: Kind,
    pub(crate) time: Timestamp,
    pub(crate) engine: Engine,
    /// When the ignition was last turned.
    pub(crate) engine_since: Timestamp,
    /// The first trip of the day.
    pub(crate) cold: bool,
    pub(crate) ignition_changed: bool,
    /// The last one under the sky.
    pub(crate) point: Point,
    /// Degrees.
    pub(crate) bearing: f32,
    /// Metres per second.
    pub(crate) speed: f32,
    pub(crate) sky: bool,
    pub(crate) network: Network,
    /// Metres in all, on this trip, and since the tank was filled.
    pub(crate) odometer: f64,
    pub(crate) trip: f64,
    pub(crate) today: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    On,
    Off,
}

/// Ids of the vendor's parameters; `protocols` names them in `teltonika/parameters.tsv`.
mod id {
    pub(super) const DIGITAL_INPUT_1: u16 = 1;
    pub(super) const TOTAL_ODOMETER: u16 = 16;
    pub(super) const GSM_BARS: u16 = 21;
    pub(super) const SPEED: u16 = 24;
    pub(super) const ENGINE_LOAD: u16 = 31;
    pub(super) const COOLANT: u16 = 32;
    pub(super) const RPM: u16 = 36;
    pub(super) const OBD_SPEED: u16 = 37;
    pub(super) const FUEL_LEVEL: u16 = 48;
    pub(super) const EXTERNAL_VOLTAGE: u16 = 66;
    pub(super) const BATTERY_VOLTAGE: u16 = 67;
    pub(super) const BATTERY_CURRENT: u16 = 68;
    pub(super) const GNSS_STATUS: u16 = 69;
    pub(super) const TEMPERATURE_1: u16 = 72;
    pub(super) const BATTERY_LEVEL: u16 = 113;
    pub(super) const PDOP: u16 = 181;
    pub(super) const HDOP: u16 = 182;
    pub(super) const TRIP_ODOMETER: u16 = 199;
    pub(super) const IGNITION: u16 = 239;
    pub(super) const MOVEMENT: u16 = 240;
    pub(super) const OPERATOR: u16 = 241;
}

/// Home networks of the region, as MCC and MNC.
const OPERATORS: [u32; 3] = [26_201, 26_202, 26_203];

impl Situation {
    pub(crate) fn record(&self) -> Record {
        let point = self.measured_point();
        let speed = if self.sky { (self.speed * 3.6).round() as u16 } else { 0 };
        Record {
            time: self.time,
            priority: u8::from(self.ignition_changed),
            lat: (point.lat() * 1e7).round() as i32,
            lng: (point.lng() * 1e7).round() as i32,
            altitude: self.altitude(),
            heading: self.bearing.round() as u16 % 360,
            satellites: if self.sky { 7 + self.slowly("satellites", 90).below(8) as u8 } else { 0 },
            speed,
            event: if self.ignition_changed { id::IGNITION } else { 0 },
            generation: 0,
            parameters: self.parameters(speed),
        }
    }

    fn parameters(&self, speed: u16) -> Vec<(u16, Vec<u8>)> {
        let on = self.engine == Engine::On;
        let mut parameters = Vec::with_capacity(20);
        let mut byte = |id, value: u8| parameters.push((id, vec![value]));
        byte(id::IGNITION, on.into());
        byte(id::MOVEMENT, u8::from(self.speed > 0.3));
        byte(id::DIGITAL_INPUT_1, on.into());
        byte(id::GSM_BARS, self.gsm_bars());
        byte(id::GNSS_STATUS, if self.sky { 1 } else { 2 });
        byte(id::BATTERY_LEVEL, 96 + self.slowly("battery", 1800).below(5) as u8);
        if on {
            byte(id::ENGINE_LOAD, self.engine_load());
            byte(id::COOLANT, self.coolant().cast_unsigned());
            byte(id::OBD_SPEED, (self.speed * 3.6).round() as u8);
            byte(id::FUEL_LEVEL, self.fuel_level());
        }
        let mut word = |id, value: u16| parameters.push((id, value.to_be_bytes().to_vec()));
        let (pdop, hdop) = if self.sky { (12, 7) } else { (0, 0) };
        let dilution = self.slowly("dilution", 60).below(6) as u16;
        word(id::PDOP, pdop + dilution);
        word(id::HDOP, hdop + dilution);
        word(id::EXTERNAL_VOLTAGE, self.board_millivolts());
        word(id::BATTERY_VOLTAGE, 4020 + self.slowly("battery", 1800).below(60) as u16);
        word(id::BATTERY_CURRENT, 0);
        word(id::SPEED, speed);
        if on {
            word(id::RPM, self.revolutions());
        }
        let mut long = |id, value: u32| parameters.push((id, value.to_be_bytes().to_vec()));
        let operators = OPERATORS[self.seed.named("operator").below(OPERATORS.len())];
        long(id::OPERATOR, operators);
        long(id::TOTAL_ODOMETER, self.odometer as u32);
        long(id::TRIP_ODOMETER, self.trip as u32);
        if self.kind == Kind::Truck {
            long(id::TEMPERATURE_1, self.cargo_temperature().cast_unsigned());
        }
        parameters
    }

    /// A moving receiver is a metre or two off; a parked one holds its position.
    fn measured_point(&self) -> Point {
        if self.engine == Engine::Off || self.speed == 0.0 || !self.sky {
            return self.point;
        }
        let noise = self.now("position");
        self.point.moved(noise.between(0.0, 360.0) as f32, noise.of(1).between(0.0, 2.0) as f32)
    }

    /// Gentle hills south of the river, flat land north of it.
    fn altitude(&self) -> i16 {
        let (x, y) = (self.point.x / 1000.0, self.point.y / 1000.0);
        let hills = 22.0 + 14.0 * (x / 9.0).sin() * (y / 7.0).cos() - 0.6 * y.min(0.0);
        let error = self.now("altitude").between(-2.0, 2.0) as f32;
        (hills.clamp(2.0, 90.0) + error).round() as i16
    }

    fn gsm_bars(&self) -> u8 {
        match self.network {
            Network::Silent => 0,
            Network::Heard => {
                let cell = |metres: f32| (metres / 2500.0).floor() as i64;
                let (x, y) = (cell(self.point.x), cell(self.point.y));
                2 + self.seed.named("cell").of(x.cast_unsigned()).of(y.cast_unsigned()).below(4) as u8
            }
        }
    }

    /// 14.1 V from the alternator; 12.4 V at rest, a little more just after the engine stopped.
    fn board_millivolts(&self) -> u16 {
        let since = self.time.since(self.engine_since).as_secs_f64();
        let volts = match self.engine {
            Engine::On if since < 3.0 => 11.6,
            Engine::On => 14.1,
            Engine::Off => 12.4 + 0.45 * (-since / 900.0).exp(),
        };
        ((volts + self.now("voltage").between(-0.04, 0.04)) * 1000.0) as u16
    }

    fn revolutions(&self) -> u16 {
        /// km/h at which the gears begin, and the end of the last one.
        const GEARS: [f32; 7] = [0.0, 14.0, 28.0, 45.0, 65.0, 90.0, 150.0];
        let (idle, low, high) = self.kind.revolutions();
        let kmh = self.speed * 3.6;
        let gear = GEARS.windows(2).find(|gear| (gear[0]..gear[1]).contains(&kmh));
        let turns = match gear {
            Some(gear) if kmh > 2.0 => low + (high - low) * (kmh - gear[0]) / (gear[1] - gear[0]),
            _ => idle,
        };
        (turns + self.now("rpm").between(-25.0, 25.0) as f32) as u16
    }

    /// Percent.
    fn engine_load(&self) -> u8 {
        let base = if self.speed > 0.5 { 28.0 } else { 16.0 };
        (base + f64::from(self.speed) + self.now("load").between(0.0, 14.0)).min(100.0) as u8
    }

    /// °C; the engine warms up to 90.
    fn coolant(&self) -> i8 {
        let start = if self.cold { 12.0 } else { 68.0 };
        let since = self.time.since(self.engine_since).as_secs_f64();
        (90.0 - (90.0 - start) * (-since / 400.0).exp() + self.now("coolant").between(-0.5, 0.5)) as i8
    }

    /// Percent; the tank is filled every night.
    fn fuel_level(&self) -> u8 {
        let (tank, per_kilometre) = self.kind.fuel();
        (97.0 - self.today / 1000.0 * per_kilometre / tank * 100.0).clamp(3.0, 100.0) as u8
    }

    /// Tenths of a degree: a cooler around 4 °C that works in turns.
    fn cargo_temperature(&self) -> i32 {
        let phase = self.seed.named("cooler").between(0.0, 1200.0) + self.time.seconds() as f64;
        let swing = (phase / 1200.0 * std::f64::consts::TAU).sin();
        (40.0 + 9.0 * swing + self.now("cooler").between(-1.0, 1.0)).round() as i32
    }

    /// For what differs from record to record.
    fn now(&self, what: &str) -> Seed {
        self.seed.of(self.time.millis().cast_unsigned()).named(what)
    }

    /// For what stays for so many seconds.
    fn slowly(&self, what: &str, seconds: i64) -> Seed {
        self.seed.of(self.time.seconds().div_euclid(seconds).cast_unsigned()).named(what)
    }
}
