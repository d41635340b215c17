//! One conversation: collects bytes into frames, feeds them to a machine, and holds them back while it is not known
//! who speaks. Bytes one at a time, all at once, or two frames glued give the same events.

use crate::{
    Admission, Broken, CommandError, Confirmation, DeviceSlot, Event, Events, Framing, Machine, Protocol,
};
use domain::{Command, CommandId, Timestamp, Transport};

pub struct Connection {
    machine: Box<dyn Machine>,
    max_frame: usize,
    /// Bytes not decoded yet.
    buffer: Vec<u8>,
    events: Events,
    waiting_for: Option<DeviceSlot>,
    ended: bool,
}

impl Connection {
    pub fn new(protocol: &dyn Protocol, transport: Transport) -> Self {
        Self {
            machine: protocol.machine(transport),
            max_frame: protocol.max_frame(),
            buffer: Vec::new(),
            events: Events::new(),
            waiting_for: None,
            ended: false,
        }
    }

    /// Takes bytes of a stream, in the order of their arrival.
    pub fn receive(&mut self, bytes: &[u8]) {
        if self.ended {
            return;
        }
        self.buffer.extend_from_slice(bytes);
        self.advance();
    }

    /// Takes one whole frame (its delimiter may be missing) or one datagram.
    pub fn receive_frame(&mut self, frame: &[u8]) {
        let decoded = self.machine.decode(frame, &mut self.events);
        self.settle(decoded);
    }

    /// Answers `Event::Identify`, introduces a device before it speaks, or tells that one may not speak any longer.
    pub fn identified(&mut self, slot: DeviceSlot, admission: &Admission) {
        if self.waiting_for == Some(slot) {
            self.waiting_for = None;
        }
        self.machine.identified(slot, admission, &mut self.events);
        self.settle(Ok(()));
        self.advance();
    }

    /// Answers `Event::TimeWanted`.
    pub fn tell_time(&mut self, slot: DeviceSlot, now: Timestamp) {
        if self.waiting_for == Some(slot) {
            self.waiting_for = None;
        }
        self.machine.tell_time(slot, now, &mut self.events);
        self.settle(Ok(()));
        self.advance();
    }

    /// Answers `Event::CommandWanted` with what `command` has written, if there was something to write.
    pub fn respond(&mut self, slot: DeviceSlot, command: Option<&[u8]>) {
        if self.waiting_for == Some(slot) {
            self.waiting_for = None;
        }
        self.machine.respond(slot, command, &mut self.events);
        self.settle(Ok(()));
        self.advance();
    }

    /// Writes what tells the known device in `slot` to do `command` behind `wire`.
    ///
    /// # Errors
    /// As `Machine::command`, and `NotNow` when the conversation is over.
    pub fn command(
        &mut self,
        slot: DeviceSlot,
        id: CommandId,
        command: &Command,
        wire: &mut Vec<u8>,
    ) -> Result<Confirmation, CommandError> {
        if self.ended {
            return Err(CommandError::NotNow("the conversation is over"));
        }
        self.machine.command(slot, id, command, wire)
    }

    /// The next thing to be done.
    pub fn poll(&mut self) -> Option<Event> {
        let event = self.events.pop_front();
        if self.events.is_empty() {
            // An idle connection keeps no room for the events of its longest frame.
            self.events = Events::new();
        }
        event
    }

    /// Bytes that wait for the rest of their frame or for an answer.
    pub fn buffered(&self) -> usize {
        self.buffer.len()
    }

    fn advance(&mut self) {
        let mut used = 0;
        while !self.held_back() && used < self.buffer.len() {
            let left = &self.buffer[used..];
            match self.machine.frame(left) {
                Ok(Framing::Incomplete) if left.len() <= self.max_frame => break,
                Ok(Framing::Incomplete) => self.settle(Err(self.too_long())),
                Ok(Framing::Skip(length)) => used += length,
                Ok(Framing::Frame(length)) if length > self.max_frame => self.settle(Err(self.too_long())),
                Ok(Framing::Frame(length)) => {
                    let decoded = self.machine.decode(&left[..length], &mut self.events);
                    used += length;
                    self.settle(decoded);
                }
                Err(broken) => self.settle(Err(broken)),
            }
        }
        if self.ended || used == self.buffer.len() {
            // An idle connection holds no memory for its next frame.
            self.buffer = Vec::new();
        } else {
            self.buffer.drain(..used);
        }
    }

    /// The same whether the frame came whole or is still coming.
    fn too_long(&self) -> Broken {
        Broken::TooLong { length: self.max_frame + 1, limit: self.max_frame }
    }

    fn held_back(&self) -> bool {
        self.ended || self.waiting_for.is_some()
    }

    /// Sees what the last call of the machine asked for.
    fn settle(&mut self, decoded: Result<(), Broken>) {
        if let Err(broken) = decoded {
            self.events.push_back(Event::Broken(broken));
        }
        match self.events.back() {
            Some(
                Event::Identify { slot, .. } | Event::TimeWanted { slot } | Event::CommandWanted { slot },
            ) => self.waiting_for = Some(*slot),
            Some(Event::Close | Event::Broken(_)) => self.ended = true,
            _ => {}
        }
    }
}
