//! What the events of a machine lead to, whatever its bytes came over: records for the journal, and replies.

use crate::{Refusal, Registered, admission::Denied, ending::Ended, moments, reception::Reception, records};
use domain::{CommandId, Contact, ContactKind, DeviceId, Outcome, Record, Reply, SourceId};
use protocols::{Admission, Connection, DeviceSettings, DeviceSlot, Event, KnownDevice, Protocol};
use std::{future::Future, net::IpAddr};

/// What one chunk of bytes leads to.
#[derive(Default)]
pub(crate) struct Turn {
    pub(crate) records: Vec<Record>,
    pub(crate) at_once: Vec<u8>,
    pub(crate) when_durable: Vec<u8>,
    /// Who waits, when all of that is done, to hear whether there is a command.
    pub(crate) command_wanted: Option<DeviceSlot>,
    pub(crate) end: Option<Ended>,
}

/// The devices of a conversation.
pub(crate) trait Guests: Send {
    fn admit(
        &mut self,
        slot: DeviceSlot,
        device_id: &DeviceId,
    ) -> impl Future<Output = Result<Registered, Denied>> + Send;

    fn device(&self, slot: DeviceSlot) -> Option<Registered>;

    /// The device in `slot` has said something.
    fn heard(&mut self, slot: DeviceSlot);

    /// A device answers a command; says to which one.
    fn answered(
        &mut self,
        source: SourceId,
        command: Option<CommandId>,
        outcome: Outcome,
        text: &str,
    ) -> impl Future<Output = Option<CommandId>> + Send;
}

/// Takes the events of `connection` one after the other.
pub(crate) async fn turn(
    reception: &Reception,
    protocol: &'static dyn Protocol,
    address: IpAddr,
    connection: &mut Connection,
    guests: &mut impl Guests,
) -> Turn {
    let mut turn = Turn::default();
    let mut received = reception.clock.now();
    while turn.end.is_none()
        && let Some(event) = connection.poll()
    {
        match event {
            Event::Identify { slot, id } => {
                match introduce(reception, protocol, address, slot, &id, guests).await {
                    Ok(admission) => connection.identified(slot, &admission),
                    Err(ended) => turn.end = Some(ended),
                }
                // That may have taken a while, in which an older session of the source went on receiving.
                received = reception.clock.now();
            }
            Event::Message { slot, message, hash } => {
                let Some(device) = speaker(guests, slot) else { continue };
                match records::telemetry(&device, message, hash, received, reception.retention) {
                    Some(telemetry) => turn.records.push(Record::Telemetry(telemetry)),
                    None => moments::dropped("before_release"),
                }
            }
            Event::Problem { slot, error, bytes } => {
                let Some(device) = speaker(guests, slot) else { continue };
                moments::problem(protocol.name(), device.source, &error);
                let problem = records::problem(&device, protocol.name(), error, bytes, received);
                turn.records.push(Record::Problem(problem));
            }
            Event::Heartbeat { slot } => {
                let Some(Registered { source, .. }) = speaker(guests, slot) else { continue };
                let kind = ContactKind::Heartbeat;
                reception.contacts.note(Contact { source, received, kind });
            }
            Event::TimeWanted { slot } => connection.tell_time(slot, received),
            Event::CommandWanted { slot } => turn.command_wanted = Some(slot),
            Event::Reply { slot, command, outcome, text } => {
                let Some(Registered { source, .. }) = speaker(guests, slot) else { continue };
                // The catalog learns it first: the journal keeps what was said, the catalog what it was said to.
                let command = guests.answered(source, command, outcome, &text).await;
                let bytes = text.into_bytes().into();
                turn.records.push(Record::Reply(Reply { source, received, command, bytes }));
            }
            // A reply never overtakes one of a frame before it.
            Event::ReplyNow(bytes) if turn.when_durable.is_empty() => turn.at_once.extend(bytes),
            Event::ReplyNow(bytes) | Event::ReplyWhenDurable(bytes) => turn.when_durable.extend(bytes),
            Event::Close => turn.end = Some(Ended::Closed),
            Event::Broken(broken) => turn.end = Some(Ended::Broken(broken)),
        }
    }
    turn
}

/// Who speaks from `slot`. What a machine understood of a device that was not admitted is not kept: strangers do not
/// fill the disk.
fn speaker(guests: &mut impl Guests, slot: DeviceSlot) -> Option<Registered> {
    let speaker = guests.device(slot);
    match speaker {
        Some(_) => guests.heard(slot),
        None => moments::dropped("stranger"),
    }
    speaker
}

async fn introduce(
    reception: &Reception,
    protocol: &'static dyn Protocol,
    address: IpAddr,
    slot: DeviceSlot,
    device_id: &DeviceId,
    guests: &mut impl Guests,
) -> Result<Admission, Ended> {
    match guests.admit(slot, device_id).await {
        Ok(registered) => {
            let model = domain::ModelCode::find(&registered.model.code);
            Ok(Admission::Known(KnownDevice { model, settings: DeviceSettings::clone(&registered.settings) }))
        }
        Err(Denied::Refused(reason)) => {
            remember(reception, protocol, address, device_id, reason);
            Ok(Admission::Refused)
        }
        Err(Denied::Unknowable(error)) => Err(error.into()),
    }
}

fn remember(
    reception: &Reception,
    protocol: &'static dyn Protocol,
    address: IpAddr,
    device_id: &DeviceId,
    reason: Refusal,
) {
    moments::refused(reason);
    reception.refused.remember(device_id, protocol.name(), address, reason, reception.clock.now());
}
