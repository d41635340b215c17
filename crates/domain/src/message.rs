//! One record from a device in the server's vocabulary.

use crate::{Coordinates, Heading, InputName, Metres, Speed, Timestamp, Value};

/// What a device reported at one moment. `time` is what the device said, unchecked (see `plausible_time`);
/// `None` when its protocol carries no time for this record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Message {
    pub time: Option<Timestamp>,
    pub fix: Option<Fix>,
    pub inputs: Inputs,
}

/// A position. `None` fields were not reported.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fix {
    pub coordinates: Coordinates,
    /// The device's own word that the receiver had a fix. `is_usable` decides whether the house believes it.
    pub valid: bool,
    pub speed: Option<Speed>,
    pub heading: Option<Heading>,
    pub altitude: Option<Metres>,
    pub satellites: Option<u8>,
    /// Radius of uncertainty.
    pub precision: Option<Metres>,
    pub source: PositionSource,
}

/// What a position was learned from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PositionSource {
    /// The device's own receiver.
    #[default]
    Gnss,
    /// Mobile cells that the device heard: never a GPS point.
    Cells,
}

impl Fix {
    pub fn at(coordinates: Coordinates) -> Self {
        Self {
            coordinates,
            valid: true,
            speed: None,
            heading: None,
            altitude: None,
            satellites: None,
            precision: None,
            source: PositionSource::Gnss,
        }
    }

    /// A fix that may be shown on the map: valid, not 0,0, and not from fewer than two satellites.
    pub fn is_usable(&self) -> bool {
        self.valid && !self.coordinates.is_null_island() && self.satellites.is_none_or(|count| count >= 2)
    }
}

/// Named raw values in the order the device sent them; the last one wins when a name comes twice.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inputs(Vec<(InputName, Value)>);

impl Inputs {
    /// Room for so many inputs; a decoder that knows their number allocates once per record.
    pub fn with_capacity(inputs: usize) -> Self {
        Self(Vec::with_capacity(inputs))
    }

    /// None again; its room stays.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Room for so many more.
    pub fn reserve(&mut self, inputs: usize) {
        self.0.reserve(inputs);
    }

    pub fn push(&mut self, name: InputName, value: impl Into<Value>) {
        self.0.push((name, value.into()));
    }

    pub fn get(&self, name: InputName) -> Option<&Value> {
        self.0.iter().rev().find_map(|(candidate, value)| (*candidate == name).then_some(value))
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = (InputName, &Value)> {
        self.0.iter().map(|(name, value)| (*name, value))
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(InputName, Value)> for Inputs {
    fn from_iter<I: IntoIterator<Item = (InputName, Value)>>(inputs: I) -> Self {
        Self(inputs.into_iter().collect())
    }
}
