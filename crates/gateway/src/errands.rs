//! The commands for the devices of one conversation: taken one at a time, put into the protocol's bytes, and told apart
//! when the device answers.
//!
//! What is sent and not yet written down as sent when the process dies is sent again: the other order would lose
//! commands. It is never sent after it has expired, however long a step before took.

use crate::{CommandQueue, moments, reception::Reception};
use domain::{CommandFailure, CommandId, CommandLife, CommandStep, Outcome, SourceId, Timestamp};
use protocols::{CommandError, Confirmation, Connection, DeviceSlot, Protocol};
use std::{sync::Arc, time::Duration};
use store::catalog::{CatalogError, StoredCommand, Took};
use tokio::time::Instant;

/// After a catalog that failed, and a machine that cannot send now.
const PAUSE: Duration = Duration::from_secs(30);

pub(crate) struct Errands {
    reception: Arc<Reception>,
    road: Road,
    devices: Vec<Device>,
}

/// How commands reach the devices of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Road {
    /// At any time.
    Open,
    /// Within an answer to something that a device has asked. Each may ask over several connections at once, so that
    /// a new one says nothing of the commands that another has.
    InAnswers,
}

struct Device {
    slot: DeviceSlot,
    source: SourceId,
    standing: Standing,
    in_flight: Option<CommandId>,
    /// When to see whether a command waits.
    look: Option<Instant>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It has logged in and said nothing.
    Silent,
    /// It speaks, and the queue does not know yet that this is a new connection.
    New,
    Known,
}

/// Bytes that tell a device to do something.
pub(crate) struct Outgoing {
    /// As the protocol's machine wrote them.
    pub(crate) bytes: Vec<u8>,
    /// So long they may take to leave.
    pub(crate) within: Duration,
    source: SourceId,
    id: CommandId,
    confirmation: Confirmation,
}

impl Errands {
    pub(crate) fn new(reception: Arc<Reception>, road: Road) -> Self {
        Self { reception, road, devices: Vec::new() }
    }

    /// `source` speaks from `slot` from now on.
    pub(crate) fn met(&mut self, slot: DeviceSlot, source: SourceId) {
        self.left(slot);
        let standing = match self.road {
            Road::Open => Standing::Silent,
            Road::InAnswers => Standing::Known,
        };
        self.devices.push(Device { slot, source, standing, in_flight: None, look: None });
    }

    /// Whoever was in `slot` is told nothing any more.
    pub(crate) fn left(&mut self, slot: DeviceSlot) {
        self.devices.retain(|device| device.slot != slot);
    }

    /// The device has said something: it listens.
    pub(crate) fn heard(&mut self, slot: DeviceSlot) {
        if let Some(device) = self.devices.iter_mut().find(|device| device.slot == slot)
            && device.standing == Standing::Silent
        {
            device.standing = Standing::New;
            device.look = Some(Instant::now());
        }
    }

    /// A command may wait for any of the devices.
    pub(crate) fn wake(&mut self) {
        let now = Instant::now();
        for device in self.devices.iter_mut().filter(|device| device.standing != Standing::Silent) {
            device.look = Some(now);
        }
    }

    /// When `next` has something to do.
    pub(crate) fn due(&self) -> Option<Instant> {
        let devices = match self.road {
            Road::Open => &*self.devices,
            Road::InAnswers => &[],
        };
        devices.iter().filter_map(|device| device.look).min()
    }

    /// The command that goes into the answer to the device in `slot`.
    pub(crate) async fn carried(
        &mut self,
        slot: DeviceSlot,
        protocol: &'static dyn Protocol,
        connection: &mut Connection,
    ) -> Option<Outgoing> {
        let now = Instant::now();
        for device in &mut self.devices {
            device.look = (device.slot == slot).then_some(now);
        }
        self.look(protocol, connection).await
    }

    /// The next command that is to be sent now.
    pub(crate) async fn next(
        &mut self,
        protocol: &'static dyn Protocol,
        connection: &mut Connection,
    ) -> Option<Outgoing> {
        self.due()?;
        self.look(protocol, connection).await
    }

    /// Looks after the devices for whom it is time.
    async fn look(
        &mut self,
        protocol: &'static dyn Protocol,
        connection: &mut Connection,
    ) -> Option<Outgoing> {
        loop {
            let now = Instant::now();
            let is_due = |device: &Device| device.look.is_some_and(|look| look <= now);
            let at = self.devices.iter().position(is_due)?;
            match self.take(at, protocol, connection).await {
                Ok(Some(outgoing)) => return Some(outgoing),
                Ok(None) => {}
                Err(error) => {
                    moments::queue_failed(&error);
                    if let Some(device) = self.devices.get_mut(at) {
                        device.look = Some(now + PAUSE);
                    }
                }
            }
        }
    }

    /// It has left.
    pub(crate) async fn sent(&mut self, outgoing: &Outgoing) {
        moments::command_sent();
        let (step, answered) = match outgoing.confirmation {
            Confirmation::Reply => (CommandStep::Send, false),
            Confirmation::Sent => (CommandStep::SendUnanswered, true),
        };
        self.step(outgoing.source, outgoing.id, step).await;
        if let Some(device) = self.of(outgoing.source) {
            device.in_flight = (!answered).then_some(outgoing.id);
            let wait = if answered { Duration::ZERO } else { CommandLife::REPLY_TIMEOUT };
            device.look = Some(Instant::now() + wait);
        }
    }

    /// The device's answer; says to which command.
    pub(crate) async fn answered(
        &mut self,
        source: SourceId,
        command: Option<CommandId>,
        outcome: Outcome,
        text: &str,
    ) -> Option<CommandId> {
        let in_flight = self.of(source).and_then(|device| device.in_flight);
        let id = match command.or(in_flight) {
            Some(id) => id,
            // It may have been sent over an earlier connection.
            None => {
                let now = self.now();
                let found = self.queue().in_flight(source, now).await;
                found.inspect_err(moments::queue_failed).ok().flatten()?
            }
        };
        self.step(source, id, CommandStep::Answer { outcome, reply: text.to_owned() }).await;
        if let Some(device) = self.of(source) {
            device.in_flight = device.in_flight.filter(|in_flight| *in_flight != id);
            device.look = Some(Instant::now());
        }
        Some(id)
    }

    /// Looks after one device. `None`: nothing is to be sent now, and it is known when to look again.
    async fn take(
        &mut self,
        at: usize,
        protocol: &'static dyn Protocol,
        connection: &mut Connection,
    ) -> Result<Option<Outgoing>, CatalogError> {
        let reception = Arc::clone(&self.reception);
        let queue = &reception.commands;
        let Some(device) = self.devices.get_mut(at) else { return Ok(None) };
        let source = device.source;
        if !queue.waits(source).await? {
            device.look = None;
            device.standing = Standing::Known;
            return Ok(None);
        }
        if device.standing == Standing::New {
            queue.reconnected(source, reception.clock.now()).await?;
            device.standing = Standing::Known;
        }
        device.look = match queue.take(source, reception.clock.now()).await? {
            Took::Nothing => {
                // All that waited has expired, as is written down now.
                reception.event_happened(source);
                None
            }
            Took::Wait(until) => Some(Instant::now() + until.since(reception.clock.now())),
            Took::Command(command) => {
                let slot = device.slot;
                return self.encode(*command, slot, protocol, connection).await;
            }
        };
        Ok(None)
    }

    async fn encode(
        &mut self,
        StoredCommand { id, source, command, life, .. }: StoredCommand,
        slot: DeviceSlot,
        protocol: &'static dyn Protocol,
        connection: &mut Connection,
    ) -> Result<Option<Outgoing>, CatalogError> {
        let mut bytes = Vec::new();
        let encoded = if protocol.commands().contains(&command.kind()) {
            connection.command(slot, id, &command, &mut bytes)
        } else {
            Err(CommandError::Unsupported)
        };
        let now = self.now();
        let step = match encoded {
            Ok(confirmation) if now < life.expires => {
                let within = life.expires.since(now);
                return Ok(Some(Outgoing { bytes, within, source, id, confirmation }));
            }
            // Its time has run out since it was taken.
            Ok(_) => CommandStep::GiveBack,
            Err(CommandError::Unsupported) => CommandStep::Fail(CommandFailure::Unsupported),
            Err(CommandError::Unfit(_)) => CommandStep::Fail(CommandFailure::Unfit),
            Err(CommandError::NotNow(_)) => {
                if let Some(device) = self.of(source) {
                    device.look = Some(Instant::now() + PAUSE);
                }
                CommandStep::GiveBack
            }
        };
        self.queue().step(id, step, now).await?;
        self.reception.event_happened(source);
        Ok(None)
    }

    async fn step(&self, source: SourceId, id: CommandId, step: CommandStep) {
        let goes_on = step == CommandStep::Send;
        match self.queue().step(id, step, self.now()).await {
            Ok(_) if goes_on => {}
            Ok(_) => self.reception.event_happened(source),
            Err(error) => moments::queue_failed(&error),
        }
    }

    fn of(&mut self, source: SourceId) -> Option<&mut Device> {
        self.devices.iter_mut().find(|device| device.source == source)
    }

    fn queue(&self) -> &dyn CommandQueue {
        &*self.reception.commands
    }

    fn now(&self) -> Timestamp {
        self.reception.clock.now()
    }
}
