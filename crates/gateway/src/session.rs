//! One conversation with a device: read, understand, make durable, acknowledge, read again.

use crate::{
    Registered,
    admission::{Denied, Stay},
    budget::Holder,
    ending::Ended,
    errands::{Errands, Outgoing, Road},
    line::Line,
    moments,
    reception::Reception,
    sessions::Parting,
    turn::{Guests, turn},
};
use domain::{CommandId, DeviceId, Outcome, SourceId, Transport};
use protocols::{Admission, Connection, DeviceSlot, Protocol};
use std::{convert::Infallible, sync::Arc};
use tokio::time::{Instant, sleep_until};

pub(crate) struct Session {
    reception: Arc<Reception>,
    protocol: &'static dyn Protocol,
    line: Line,
    connection: Connection,
    party: Party,
    /// A known device must have spoken by then.
    login_by: Instant,
    heard: Instant,
}

/// The devices of the connection, and what they are to be told.
struct Party {
    protocol: &'static dyn Protocol,
    stay: Stay,
    errands: Errands,
}

/// What a session waits for.
enum Next {
    /// Bytes have come.
    Settle,
    /// It is time to see whether commands wait.
    Deliver,
    /// Devices are to be let go.
    LetGo,
}

impl Session {
    pub(crate) fn new(
        reception: Arc<Reception>,
        protocol: &'static dyn Protocol,
        line: Line,
        login_by: Instant,
    ) -> Self {
        let transport = stream_transport(protocol);
        let stay = Stay::new(Arc::clone(&reception), transport);
        let road = if transport == Transport::Http { Road::InAnswers } else { Road::Open };
        let errands = Errands::new(Arc::clone(&reception), road);
        Self {
            protocol,
            line,
            connection: Connection::new(protocol, transport),
            party: Party { protocol, stay, errands },
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
        moments::ended(&ended, self.protocol.name(), self.party.stay.source());
        self.party.stay.end(&ended);
    }

    async fn converse(&mut self, start: Vec<u8>) -> Result<Infallible, Ended> {
        if !start.is_empty() {
            self.connection.receive(&start);
            drop(start);
            self.settle().await?;
        }
        loop {
            match self.wait().await? {
                Next::Settle => {
                    self.heard = Instant::now();
                    self.settle().await?;
                }
                Next::LetGo => self.let_go().await?,
                Next::Deliver => {}
            }
            self.deliver().await?;
        }
    }

    async fn wait(&mut self) -> Result<Next, Ended> {
        let (deadline, too_late) = if self.party.stay.is_empty() {
            (self.login_by, Ended::LoginTimeout)
        } else {
            (self.heard + self.reception.limits.idle_timeout, Ended::IdleTimeout)
        };
        let (waiting, holder) = (self.connection.buffered(), self.holder());
        let Self { line, connection, party: Party { stay, errands, .. }, reception, .. } = self;
        let errand = errands.due();
        tokio::select! {
            biased;
            () = reception.stopping.cancelled() => Err(Ended::Stopping),
            () = stay.leash().pulled() => Ok(Next::LetGo),
            () = stay.leash().woken() => {
                errands.wake();
                Ok(Next::Deliver)
            }
            () = sleep_until(errand.unwrap_or(deadline)), if errand.is_some() => Ok(Next::Deliver),
            read = line.read(deadline, waiting, holder, |bytes| connection.receive(bytes)) => {
                if read? { Ok(Next::Settle) } else { Err(too_late) }
            }
        }
    }

    /// Does what the machine wants done, in its order. Nothing is read meanwhile.
    async fn settle(&mut self) -> Result<(), Ended> {
        self.party.stay.check().await?;
        let mut wanted = self.take_turn(None).await?;
        while let Some(slot) = wanted {
            // Making durable what came before may have taken a while.
            self.party.stay.check().await?;
            let carried = self.party.errands.carried(slot, self.protocol, &mut self.connection).await;
            self.connection.respond(slot, carried.as_ref().map(|carried| &*carried.bytes));
            wanted = self.take_turn(carried).await?;
        }
        Ok(())
    }

    /// The reply that goes out at once has `carried` in it. Answers with who waits to hear whether there is a command.
    async fn take_turn(&mut self, carried: Option<Outgoing>) -> Result<Option<DeviceSlot>, Ended> {
        let read = Instant::now();
        let address = self.line.address();
        let turn = turn(&self.reception, self.protocol, address, &mut self.connection, &mut self.party).await;
        let sent = match &carried {
            None => self.line.send(&turn.at_once).await,
            Some(carried) => self.line.send_within(&turn.at_once, carried.within).await,
        };
        if let (Ok(()), Some(carried)) = (&sent, &carried) {
            self.party.errands.sent(carried).await;
        }
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
        turn.end.map_or(Ok(turn.command_wanted), Err)
    }

    /// Lets devices go, as others ask. The machine hears that they may not speak, and asks again when they do. All that
    /// they said is durable by now.
    async fn let_go(&mut self) -> Result<(), Ended> {
        for Parting { source, why, _gone } in self.party.stay.leash().partings() {
            let slots = self.party.stay.let_go(source);
            if slots.is_empty() {
                continue;
            }
            if self.party.stay.is_empty() {
                return Err(why);
            }
            moments::let_go(&why, self.protocol.name(), source);
            for slot in slots {
                self.party.errands.left(slot);
                self.connection.identified(slot, &Admission::Refused);
            }
        }
        self.settle().await
    }

    /// Sends the commands that wait.
    async fn deliver(&mut self) -> Result<(), Ended> {
        let errands = &mut self.party.errands;
        while let Some(outgoing) = errands.next(self.protocol, &mut self.connection).await {
            self.line.send_within(&outgoing.bytes, outgoing.within).await?;
            errands.sent(&outgoing).await;
        }
        Ok(())
    }

    fn holder(&self) -> Holder {
        if self.party.stay.is_empty() { Holder::Stranger } else { Holder::Device }
    }
}

/// What the bytes of a protocol's connections are.
fn stream_transport(protocol: &dyn Protocol) -> Transport {
    if protocol.transports().contains(&Transport::Tcp) { Transport::Tcp } else { Transport::Http }
}

impl Guests for Party {
    async fn admit(&mut self, slot: DeviceSlot, device_id: &DeviceId) -> Result<Registered, Denied> {
        self.errands.left(slot);
        let registered = self.stay.admit(slot, device_id, self.protocol.name()).await?;
        self.errands.met(slot, registered.source);
        moments::admitted(self.protocol.name(), registered.source);
        Ok(registered)
    }

    fn device(&self, slot: DeviceSlot) -> Option<Registered> {
        self.stay.device(slot)
    }

    fn heard(&mut self, slot: DeviceSlot) {
        self.errands.heard(slot);
    }

    async fn answered(
        &mut self,
        source: SourceId,
        command: Option<CommandId>,
        outcome: Outcome,
        text: &str,
    ) -> Option<CommandId> {
        self.errands.answered(source, command, outcome, text).await
    }
}
