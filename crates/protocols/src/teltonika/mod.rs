//! Teltonika FM, FMB, FMC, FMM and GH devices over TCP and UDP: data codecs 7, 8, 8 Extended and 16, commands and texts.
//! Source: Teltonika Telematics Wiki, "Teltonika Data Sending Protocols" (2024).
//!
//! A device says its IMEI and waits for one byte: 1 to go on, 0 to go away. It keeps its records until the server
//! names how many of them it has, as four bytes, and sends them again otherwise; a single 0xFF keeps the link alive.
//!
//! Over UDP each datagram names the device, and its records are acknowledged by the datagram's number. Codecs 12 and 14
//! carry answers to commands, 13 and 15 texts of a serial port; their senders expect nothing. Frames of other codecs are
//! kept as problems and not answered. The document lists models that take commands over UDP ("Codec 12", "FM firmware
//! requirements") and shows one form of a command: that goes out as a datagram of its own, and the answer comes in one
//! that names the device like any other.

mod avl;
mod command;
mod compact;
mod datagram;
pub mod encode;
mod login;
mod packet;
mod parameters;
mod text;

use crate::{
    Admission, Broken, CommandError, Confirmation, DeviceSlot, Event, Events, Framing, Machine, Protocol,
    Recognition, parameters::Parameters,
};
use datagram::Datagram;
use domain::{Command, CommandId, CommandKind, Transport};
use packet::Packet;
use text::TextCodec;

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
        &[Transport::Tcp, Transport::Udp]
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
            _ => match login::recognise(start) {
                Recognition::No => datagram::recognise(start),
                recognition => recognition,
            },
        }
    }

    fn commands(&self) -> &'static [CommandKind] {
        command::KINDS
    }

    fn machine(&self, transport: Transport) -> Box<dyn Machine> {
        if transport == Transport::Udp {
            return Box::new(Courier { parameters: parameters::of(None), waiting: None });
        }
        Box::new(Session { device: Device::Unknown, parameters: parameters::of(None) })
    }
}

/// What the vendor's devices keep the link alive with.
const KEEP_ALIVE: u8 = 0xFF;
/// The one device of a connection.
const SLOT: DeviceSlot = DeviceSlot(0);
const ADMITTED: u8 = 1;
const REFUSED: u8 = 0;
/// Codec 7.
const COMPACT: u8 = 0x07;

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
            [0, 0, ..] => {
                let Packet { codec, body } = Packet::parse(frame)?;
                if let Some(count) = data(codec, body, frame, self.parameters, events) {
                    events.push_back(Event::ReplyWhenDurable(u32::from(count).to_be_bytes().to_vec()));
                }
            }
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

    fn command(
        &mut self,
        _: DeviceSlot,
        _: CommandId,
        command: &Command,
        wire: &mut Vec<u8>,
    ) -> Result<Confirmation, CommandError> {
        if !matches!(self.device, Device::Admitted) {
            return Err(CommandError::NotNow("the device has not logged in"));
        }
        wire.extend(command::frame(command)?);
        Ok(Confirmation::Reply)
    }
}

/// Reads one datagram, which names its device.
struct Courier {
    parameters: &'static Parameters,
    waiting: Option<Datagram>,
}

impl Machine for Courier {
    fn frame(&mut self, buffer: &[u8]) -> Result<Framing, Broken> {
        Ok(Framing::Frame(buffer.len()))
    }

    fn decode(&mut self, frame: &[u8], events: &mut Events) -> Result<(), Broken> {
        let datagram = Datagram::parse(frame)?;
        events.push_back(Event::Identify { slot: SLOT, id: datagram.imei.clone() });
        self.waiting = Some(datagram);
        Ok(())
    }

    fn identified(&mut self, _: DeviceSlot, admission: &Admission, events: &mut Events) {
        let Admission::Known(known) = admission else { return self.waiting = None };
        self.parameters = parameters::of(known.model);
        let Some(datagram) = self.waiting.take() else { return };
        let Some((&codec, body)) = datagram.payload.split_first() else { return };
        if let Some(count) = data(codec, body, &datagram.payload, self.parameters, events) {
            events.push_back(Event::ReplyWhenDurable(datagram.acknowledgement(count)));
        }
    }

    fn command(
        &mut self,
        _: DeviceSlot,
        _: CommandId,
        command: &Command,
        wire: &mut Vec<u8>,
    ) -> Result<Confirmation, CommandError> {
        wire.extend(command::frame(command)?);
        Ok(Confirmation::Reply)
    }
}

/// Understands the data of a frame or datagram, whose bytes are `raw`. Answers with the number of records to be
/// acknowledged: all of them, also when one could not be read, for the device would send it again for ever, and the
/// problem keeps its bytes. `None` for what is not acknowledged.
fn data(codec: u8, body: &[u8], raw: &[u8], parameters: &Parameters, events: &mut Events) -> Option<u8> {
    let problem = |error: String| Event::Problem { slot: SLOT, error, bytes: raw.to_vec() };
    if let Some(codec) = TextCodec::of(codec) {
        if let Err(error) = text::texts(codec, body, events) {
            events.push_back(problem(error.to_string()));
        }
        return None;
    }
    let read = match (Codec::of(codec), codec) {
        (Some(codec), _) => avl::records(codec, parameters, body, events),
        (None, COMPACT) => compact::records(body, events),
        (None, _) => {
            events.push_back(problem(format!("frames of codec {codec} are not decoded")));
            return None;
        }
    };
    if let Err(error) = read {
        events.push_back(problem(error.to_string()));
    }
    body.first().copied()
}
