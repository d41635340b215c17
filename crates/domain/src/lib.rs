//! The words of the house as types: identifiers, time, units, messages, the records of the journal, states,
//! device models, error codes and rights. No I/O, no clock, no randomness: everything here is a value.

mod clock;
mod command;
mod command_life;
mod counter;
mod device_model;
mod error_code;
mod event;
mod id;
mod identity;
mod input;
mod message;
mod network;
mod record;
mod right;
mod sensor;
mod settings;
mod short_messages;
mod state;
mod time;
mod units;
mod units_type;

pub use clock::Clock;
pub use command::{Command, CommandKind, LockAction, Outcome};
pub use command_life::{CommandFailure, CommandLife, CommandState, CommandStep, Reliability};
pub use counter::{Counter, CounterRule, CounterType, Totals};
pub use device_model::{Battery, DeviceModel, IdType, ModelCode, StateFields, device_models};
pub use error_code::ErrorCode;
pub use event::{EventKind, EventType, LOCATION_RECEIVED, command_event, event_types};
pub use id::{
    AccountId, ApiKeyId, CommandId, CounterId, DeviceId, EventId, GarageId, GroupId, InvalidDeviceId,
    PanelAccountId, ReceivedSmsId, RuleId, SecurityGroupId, SensorId, SmsId, SourceId, StatusId,
    StatusListingId, TagId, TariffId, TrackerId, UserId, VehicleId,
};
pub use identity::{RecordHash, RecordIdentity};
pub use input::{InputName, InputSpec, Value, ValueKind, input_specs};
pub use message::{Fix, Inputs, Message, PositionSource};
pub use network::{Network, NotANetwork};
pub use record::{Contact, ContactKind, Derived, Problem, Record, Reply, Telemetry, TimeOrigin, Transport};
pub use right::Right;
pub use sensor::{
    COMPOSITE, CalcMethod, CalibrationPoint, Discrete, DiscreteType, GroupType, Metering, MeteringInput,
    MeteringParameters, MeteringType, NewSensor, Sensor, SensorKind, SensorOrigin, ValueTitle, VirtualSensor,
    VirtualType, default_sensors, diagnostic_states, sensors_after_replacement,
};
pub use settings::{ConnectionTimeouts, IgnitionSource, TripDetection};
pub use short_messages::{Blanks, ShortMessages};
pub use state::{Connection, ConnectionStatus, LatestFix, LatestValue, Movement, MovementStatus, State};
pub use time::{Timestamp, plausible_time};
pub use units::{Coordinates, Heading, Metres, Speed};
pub use units_type::{MeasurementSystem, UnitsType};
