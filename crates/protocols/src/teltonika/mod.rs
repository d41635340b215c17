//! Teltonika FM, FMB, FMC and FMM devices over TCP: login, data codecs 8, 8 Extended and 16.
//! Source: Teltonika Telematics Wiki, "Teltonika Data Sending Protocols" (2024).
//!
//! A device says its IMEI and waits for one byte: 1 to go on, 0 to go away. It keeps its records until the server
//! names how many of them it has, as four bytes, and sends them again otherwise; a single 0xFF keeps the link alive.
//!
//! Frames of other codecs are kept as problems and not answered. What their senders expect: codecs 12, 13 and 14
//! carry answers to commands and texts, and expect nothing; codec 7 expects the number of its records.

mod avl;
pub mod encode;
mod login;
mod packet;
mod parameters;

use crate::{
    Admission, Broken, DeviceSlot, Event, Events, Framing, Machine, Protocol, Recognition,
    parameters::Parameters,
};
use domain::Transport;
use packet::Packet;

/// Which data codec a frame of records has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    Codec8,
    Codec8Extended,
    Codec16,
}

impl Codec {
    pub const ALL: [Self; 3] = [Self::Codec8, Self::Codec8Extended, Self::Codec16];

    /// The byte that names it on the wire.
    pub fn number(self) -> u8 {
        match self {
            Self::Codec8 => 0x08,
            Self::Codec8Extended => 0x8E,
            Self::Codec16 => 0x10,
        }
    }

    fn of(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|codec| codec.number() == number)
    }
}

pub struct Teltonika;

impl Protocol for Teltonika {
    fn name(&self) -> &'static str {
        "teltonika"
    }

    fn transports(&self) -> &'static [Transport] {
        &[Transport::Tcp]
    }

    fn default_port(&self) -> u16 {
        5027
    }

    fn max_frame(&self) -> usize {
        packet::MAX_FRAME
    }

    fn recognise(&self, start: &[u8]) -> Recognition {
        match start {
            [] | [0] => Recognition::Unsure,
            [0, 0, ..] => packet::recognise(start),
            _ => login::recognise(start),
        }
    }

    fn machine(&self, _: Transport) -> Box<dyn Machine> {
        Box::new(Session { device: Device::Unknown, parameters: parameters::of(None) })
    }
}

/// What the vendor's devices keep the link alive with.
const KEEP_ALIVE: u8 = 0xFF;
/// The one device of a connection.
const SLOT: DeviceSlot = DeviceSlot(0);
const ADMITTED: u8 = 1;
const REFUSED: u8 = 0;

struct Session {
    device: Device,
    parameters: &'static Parameters,
}

/// Whom the session talks to.
enum Device {
    Unknown,
    /// It has said its name and waits for the answer.
    AtTheDoor,
    Admitted,
}

impl Machine for Session {
    fn frame(&mut self, buffer: &[u8]) -> Result<Framing, Broken> {
        match *buffer {
            [KEEP_ALIVE, ..] => Ok(match self.device {
                Device::Admitted => Framing::Frame(1),
                Device::Unknown | Device::AtTheDoor => Framing::Skip(1),
            }),
            [0] => Ok(Framing::Incomplete),
            [0, 0, ..] if !matches!(self.device, Device::Admitted) => {
                Err(Broken::OutOfOrder("records before a login"))
            }
            [0, 0, ..] => packet::frame(buffer),
            _ => login::frame(buffer),
        }
    }

    fn decode(&mut self, frame: &[u8], events: &mut Events) -> Result<(), Broken> {
        match *frame {
            [KEEP_ALIVE] => events.push_back(Event::Heartbeat { slot: SLOT }),
            [0, 0, ..] => packet(frame, self.parameters, events)?,
            _ => {
                events.push_back(Event::Identify { slot: SLOT, id: login::parse(frame)? });
                self.device = Device::AtTheDoor;
            }
        }
        Ok(())
    }

    fn identified(&mut self, _: DeviceSlot, admission: &Admission, events: &mut Events) {
        let asked = matches!(self.device, Device::AtTheDoor);
        match admission {
            Admission::Known(known) => {
                self.device = Device::Admitted;
                self.parameters = parameters::of(known.model);
                if asked {
                    events.push_back(Event::ReplyNow(vec![ADMITTED]));
                }
            }
            Admission::Refused => {
                self.device = Device::Unknown;
                if asked {
                    events.push_back(Event::ReplyNow(vec![REFUSED]));
                }
                events.push_back(Event::Close);
            }
        }
    }
}

fn packet(frame: &[u8], parameters: &Parameters, events: &mut Events) -> Result<(), Broken> {
    let Packet { codec, body } = Packet::parse(frame)?;
    let problem = |error: String| Event::Problem { slot: SLOT, error, bytes: frame.to_vec() };
    let Some(codec) = Codec::of(codec) else {
        events.push_back(problem(format!("frames of codec {codec} are not decoded")));
        return Ok(());
    };
    let Some(&count) = body.first() else {
        events.push_back(problem("a frame without a number of records".to_owned()));
        return Ok(());
    };
    if let Err(error) = avl::records(codec, parameters, body, events) {
        events.push_back(problem(error.to_string()));
    }
    // The whole number, also when a record could not be read: the device would send it again for ever, and the
    // problem keeps its bytes.
    events.push_back(Event::ReplyWhenDurable(u32::from(count).to_be_bytes().to_vec()));
    Ok(())
}
