//! One conversation with a device: read, understand, make durable, acknowledge, read again.

use crate::{
    Refusal, Registered,
    admission::{Denied, Stay},
    budget::Holder,
    ending::Ended,
    line::Line,
    moments,
    reception::Reception,
    records,
};
use domain::{Contact, ContactKind, DeviceId, Record, Reply, Transport};
use protocols::{Admission, Connection, DeviceSlot, Event, KnownDevice, Protocol};
use std::{convert::Infallible, sync::Arc};
use tokio::time::Instant;

pub(crate) struct Session {
    reception: Arc<Reception>,
    protocol: &'static dyn Protocol,
    line: Line,
    connection: Connection,
    stay: Stay,
    /// A known device must have spoken by then.
    login_by: Instant,
    heard: Instant,
}

/// What one chunk of bytes leads to.
#[derive(Default)]
struct Turn {
    records: Vec<Record>,
    at_once: Vec<u8>,
    when_durable: Vec<u8>,
    end: Option<Ended>,
}

impl Session {
    pub(crate) fn new(
        reception: Arc<Reception>,
        protocol: &'static dyn Protocol,
        line: Line,
        login_by: Instant,
    ) -> Self {
        Self {
            protocol,
            line,
            connection: Connection::new(protocol, Transport::Tcp),
            stay: Stay::new(Arc::clone(&reception)),
            login_by,
            heard: Instant::now(),
            reception,
        }
    }

    /// Speaks until the end; `start` are bytes that were read already.
    pub(crate) async fn run(mut self, start: Vec<u8>) {
        moments::connected(self.protocol.name());
        let Err(ended) = self.converse(start).await;
        if matches!(ended, Ended::Closed) {
            self.line.close().await;
        }
        moments::ended(&ended, self.protocol.name(), self.stay.source());
        self.stay.end(&ended);
    }

    async fn converse(&mut self, start: Vec<u8>) -> Result<Infallible, Ended> {
        if !start.is_empty() {
            self.connection.receive(&start);
            drop(start);
            self.settle().await?;
        }
        loop {
            self.wait().await?;
            let (waiting, holder) = (self.connection.buffered(), self.holder());
            if self.line.read(waiting, holder, |bytes| self.connection.receive(bytes))? {
                self.heard = Instant::now();
                self.settle().await?;
            }
        }
    }

    async fn wait(&mut self) -> Result<(), Ended> {
        let (deadline, too_late) = if self.stay.is_empty() {
            (self.login_by, Ended::LoginTimeout)
        } else {
            (self.heard + self.reception.limits.idle_timeout, Ended::IdleTimeout)
        };
        tokio::select! {
            biased;
            () = self.reception.stopping.cancelled() => Err(Ended::Stopping),
            why = self.stay.leash().pulled() => Err(why),
            readable = self.line.readable(deadline) => if readable? { Ok(()) } else { Err(too_late) },
        }
    }

    /// Does what the machine wants done, in its order. Nothing is read meanwhile.
    async fn settle(&mut self) -> Result<(), Ended> {
        let read = Instant::now();
        let turn = self.turn().await;
        let sent = self.line.send(&turn.at_once).await;
        if !turn.records.is_empty() {
            moments::received(self.protocol.name(), turn.records.len());
            self.reception.journal.append(turn.records).await?;
        }
        sent?;
        if !turn.when_durable.is_empty() {
            self.line.send(&turn.when_durable).await?;
            moments::acknowledged(read.elapsed());
        }
        self.line.settle(self.connection.buffered(), self.holder());
        turn.end.map_or(Ok(()), Err)
    }

    async fn turn(&mut self) -> Turn {
        let mut turn = Turn::default();
        let mut received = self.reception.clock.now();
        while turn.end.is_none()
            && let Some(event) = self.connection.poll()
        {
            match event {
                Event::Identify { slot, id } => {
                    match self.introduce(slot, &id).await {
                        Ok(admission) => self.connection.identified(slot, &admission),
                        Err(ended) => turn.end = Some(ended),
                    }
                    // That may have taken a while, in which an older session of the source went on receiving.
                    received = self.reception.clock.now();
                }
                Event::Message { slot, message, hash } => {
                    let Some(device) = self.speaker(slot) else { continue };
                    match records::telemetry(&device, message, hash, received, self.reception.retention) {
                        Some(telemetry) => turn.records.push(Record::Telemetry(telemetry)),
                        None => moments::dropped("before_release"),
                    }
                }
                Event::Problem { slot, error, bytes } => {
                    let Some(device) = self.speaker(slot) else { continue };
                    let protocol = self.protocol.name();
                    moments::problem(protocol, device.source, &error);
                    let problem = records::problem(&device, protocol, error, bytes, received);
                    turn.records.push(Record::Problem(problem));
                }
                Event::Heartbeat { slot } => {
                    let Some(Registered { source, .. }) = self.speaker(slot) else { continue };
                    let kind = ContactKind::Heartbeat;
                    self.reception.contacts.note(Contact { source, received, kind });
                }
                Event::Reply { slot, command, text, .. } => {
                    let Some(Registered { source, .. }) = self.speaker(slot) else { continue };
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

    /// Who speaks from `slot`. What a machine understood of a device that was not admitted is not kept: strangers
    /// do not fill the disk.
    fn speaker(&self, slot: DeviceSlot) -> Option<Registered> {
        let speaker = self.stay.device(slot);
        if speaker.is_none() {
            moments::dropped("stranger");
        }
        speaker
    }

    async fn introduce(&mut self, slot: DeviceSlot, device_id: &DeviceId) -> Result<Admission, Ended> {
        let protocol = self.protocol.name();
        match self.stay.admit(slot, device_id, protocol).await {
            Ok(registered) => {
                moments::admitted(protocol, registered.source);
                let model = domain::ModelCode::find(&registered.model.code);
                Ok(Admission::Known(KnownDevice { model, ..KnownDevice::default() }))
            }
            Err(Denied::Refused(reason)) => {
                self.remember(device_id, reason);
                Ok(Admission::Refused)
            }
            Err(Denied::Unknowable(error)) => Err(error.into()),
        }
    }

    fn remember(&self, device_id: &DeviceId, reason: Refusal) {
        let (protocol, address) = (self.protocol.name(), self.line.address());
        let now = self.reception.clock.now();
        moments::refused(reason);
        self.reception.refused.remember(device_id, protocol, address, reason, now);
    }

    fn holder(&self) -> Holder {
        if self.stay.is_empty() { Holder::Stranger } else { Holder::Device }
    }
}
