//! What a protocol declares and what its machine is asked and says.

use domain::{
    Command, CommandId, CommandKind, DeviceId, Message, ModelCode, Outcome, RecordHash, Timestamp, Transport,
};
use std::collections::BTreeMap;

/// A device protocol: a stateless description that makes machines.
pub trait Protocol: Sync {
    /// Lower-case name, a key of `[devices.ports]` in the configuration.
    fn name(&self) -> &'static str;

    fn transports(&self) -> &'static [Transport];

    fn default_port(&self) -> u16;

    /// No frame of the protocol is longer than this many bytes.
    fn max_frame(&self) -> usize;

    /// Whether the first bytes of a connection (or a datagram) are of this protocol, for the `any` port.
    fn recognise(&self, start: &[u8]) -> Recognition;

    /// The kinds of command that its machines put into bytes; what is not named here is never given to one.
    fn commands(&self) -> &'static [CommandKind] {
        &[]
    }

    /// A machine for one connection (`Tcp`), for one connection that carries HTTP requests (`Http`), or for one
    /// datagram (`Udp`).
    ///
    /// The machine of a datagram hears `Machine::decode` once, with all of it. A protocol whose datagrams name the
    /// device pushes `Event::Identify` first and goes on in `Machine::identified`.
    fn machine(&self, transport: Transport) -> Box<dyn Machine>;
}

/// How sure a protocol is that bytes are its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recognition {
    No,
    /// Nothing speaks against it so far; more bytes are needed.
    Unsure,
    /// They begin a frame that names its device only in what is still to come, as an HTTP request does in its body: the
    /// whole frame is needed, however long it may be.
    Begun,
    /// A login that names the device; it decides when the device is registered with a model of this protocol.
    Login(DeviceId),
    /// A complete frame whose checksum is right.
    Frame,
}

/// The state of one conversation with a device, or with a relay that carries many.
pub trait Machine: Send {
    /// Finds the frame at the start of `buffer`, which is not empty.
    ///
    /// # Errors
    /// When the bytes can never become a frame: the stream is out of step and the connection must close.
    fn frame(&mut self, buffer: &[u8]) -> Result<Framing, Broken>;

    /// Understands one frame (a delimiter at its end may be missing) or one datagram.
    ///
    /// What a right checksum covers and cannot be decoded is an `Event::Problem` and is acknowledged.
    ///
    /// # Errors
    /// When the checksum is wrong or the device broke the order of the conversation: nothing is acknowledged, the
    /// connection closes. Events pushed before stay valid.
    fn decode(&mut self, frame: &[u8], events: &mut Events) -> Result<(), Broken>;

    /// The answer to `Event::Identify`. It may also come unasked, for a device that is known beforehand, or that may not
    /// speak any longer while others on the connection may.
    fn identified(&mut self, slot: DeviceSlot, admission: &Admission, events: &mut Events);

    /// The answer to `Event::TimeWanted`: what time it is.
    fn tell_time(&mut self, _slot: DeviceSlot, _now: Timestamp, _events: &mut Events) {}

    /// The answer to `Event::CommandWanted`: what `command` has written for the device, or nothing.
    fn respond(&mut self, _slot: DeviceSlot, _command: Option<&[u8]>, _events: &mut Events) {}

    /// Writes what tells the known device in `slot` to do `command`. Nothing is written with an error.
    ///
    /// A machine that gives its frames serial numbers, and hears them back in answers, remembers `id` by them, so
    /// that `Event::Reply` can name it; bounded, for a device may never answer.
    ///
    /// # Errors
    /// `Unsupported`, `Unfit` when it can never be sent, `NotNow` when this connection is not ready for it.
    fn command(
        &mut self,
        _slot: DeviceSlot,
        _id: CommandId,
        _command: &Command,
        _wire: &mut Vec<u8>,
    ) -> Result<Confirmation, CommandError> {
        Err(CommandError::Unsupported)
    }
}

/// What is to come after a command was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmation {
    /// The device answers: until then it is not known whether the command has arrived.
    Reply,
    /// The protocol knows no answer: the command is done when it is sent.
    Sent,
}

/// Why a command cannot be put into bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    #[error("the protocol has no command of this kind")]
    Unsupported,
    /// It will not fit later either: too long, no such output …
    #[error("the command does not fit the protocol: {0}")]
    Unfit(&'static str),
    #[error("the device cannot take a command now: {0}")]
    NotNow(&'static str),
}

/// What stands at the start of a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// More bytes are needed.
    Incomplete,
    /// The first so many bytes are a frame; 1 or more.
    Frame(usize),
    /// The first so many bytes carry nothing, such as a keep-alive; 1 or more.
    Skip(usize),
}

/// A device within a connection, numbered by its machine; 0 where a connection carries one device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct DeviceSlot(pub u16);

/// Whether a device may speak.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    Known(KnownDevice),
    Refused,
}

/// What a machine may know about its device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownDevice {
    pub model: Option<ModelCode>,
    pub settings: DeviceSettings,
}

/// Settings of a device that change how its bytes are read, by name.
pub type DeviceSettings = BTreeMap<String, String>;

/// What a machine wants done, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Who is this? The last event of its frame; frames wait until `Machine::identified` answers.
    Identify { slot: DeviceSlot, id: DeviceId },
    /// A record of the device; `hash` identifies its bytes (see `RecordHash`).
    Message { slot: DeviceSlot, message: Message, hash: RecordHash },
    /// Bytes under a right checksum that could not be understood.
    Problem { slot: DeviceSlot, error: String, bytes: Vec<u8> },
    /// A sign of life without a message.
    Heartbeat { slot: DeviceSlot },
    /// The device's answer to a command. `command` tells which one where the protocol does; otherwise it is the one
    /// that has waited longest.
    Reply { slot: DeviceSlot, command: Option<CommandId>, outcome: Outcome, text: String },
    /// What time is it? The device asks; the last event of its frame; frames wait until `Machine::tell_time` answers.
    TimeWanted { slot: DeviceSlot },
    /// Is there something to tell the device? It hears nothing but answers, and waits for one. To be answered when all
    /// messages and problems before it are durable; the last event of its frame; frames wait until `Machine::respond`.
    CommandWanted { slot: DeviceSlot },
    /// To be sent at once.
    ReplyNow(Vec<u8>),
    /// To be sent when all messages and problems before it are durable.
    ReplyWhenDurable(Vec<u8>),
    /// To be closed when all replies before it are sent. Nothing follows.
    Close,
    /// The stream cannot go on: close without another reply. Nothing follows.
    Broken(Broken),
}

/// Where a machine puts its events.
pub type Events = std::collections::VecDeque<Event>;

/// Why a conversation cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    #[error("wrong checksum: the frame says {said:#06x}, its bytes give {computed:#06x}")]
    Checksum { said: u32, computed: u32 },
    #[error("a frame of {length} bytes or more is longer than the {limit} of the protocol")]
    TooLong { length: usize, limit: usize },
    #[error("not a frame of this protocol: {0}")]
    NotAFrame(&'static str),
    #[error("out of order: {0}")]
    OutOfOrder(&'static str),
}
