//! What a tracker reads when it makes a record: position with the receiver's small errors, voltages, engine, fuel.

use crate::{
    kind::Kind,
    reading::{Cause, EngineReading, Reading},
    roads::Point,
    seed::Seed,
    vehicle::Network,
};
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
    pub(crate) cause: Cause,
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

/// Home networks of the region, as MCC and MNC.
const OPERATORS: [(u16, u16); 3] = [(262, 1), (262, 2), (262, 3)];

impl Situation {
    pub(crate) fn reading(&self) -> Reading {
        let point = self.measured_point();
        let (pdop, hdop) = if self.sky { (12, 7) } else { (0, 0) };
        let dilution = self.slowly("dilution", 60).below(6) as u16;
        let (mcc, mnc) = OPERATORS[self.seed.named("operator").below(OPERATORS.len())];
        Reading {
            time: self.time,
            cause: self.cause,
            lat: point.lat(),
            lng: point.lng(),
            altitude: self.altitude(),
            heading: self.bearing.round() as u16 % 360,
            speed: if self.sky { (self.speed * 3.6).round() as u16 } else { 0 },
            satellites: if self.sky { 7 + self.slowly("satellites", 90).below(8) as u8 } else { 0 },
            pdop: pdop + dilution,
            hdop: hdop + dilution,
            ignition: self.engine == Engine::On,
            moving: self.speed > 0.3,
            gsm_bars: self.gsm_bars(),
            mcc,
            mnc,
            battery_level: 96 + self.slowly("battery", 1800).below(5) as u8,
            battery_voltage: 4020 + self.slowly("battery", 1800).below(60) as u16,
            board_voltage: self.board_millivolts(),
            odometer: self.odometer as u32,
            trip: self.trip as u32,
            engine: (self.engine == Engine::On).then(|| EngineReading {
                load: self.engine_load(),
                coolant: self.coolant(),
                rpm: self.revolutions(),
                speed: (self.speed * 3.6).round() as u8,
                fuel_level: self.fuel_level(),
            }),
            cargo_temperature: (self.kind == Kind::Truck).then(|| self.cargo_temperature()),
        }
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
    fn cargo_temperature(&self) -> i16 {
        let phase = self.seed.named("cooler").between(0.0, 1200.0) + self.time.seconds() as f64;
        let swing = (phase / 1200.0 * std::f64::consts::TAU).sin();
        (40.0 + 9.0 * swing + self.now("cooler").between(-1.0, 1.0)).round() as i16
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
