//! A gateway that is reached over SMPP 3.4: one session as transceiver, kept up with `enquire_link` and made anew with
//! growing pauses when it ends. The address is the operator's, often within a private network: no guard stands before it.

mod pdu;

pub use pdu::SmppAccount;

use super::{Gateway, Inbox, Pacing, Said, gsm0338};
use domain::SmsId;
use pdu::{Delivered, HEADER, Header};
use std::{error::Error, future::Future, io, pin::Pin, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpStream, tcp::OwnedWriteHalf},
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::{MissedTickBehavior, interval, sleep, timeout},
};

/// For the connection and the bind.
const BIND: Duration = Duration::from_secs(15);
/// A response that takes longer does not come.
const RESPONSE: Duration = Duration::from_secs(60);
/// Half of it without a word, and the session asks whether the other side is there; all of it, and it has ended.
const SILENCE: Duration = Duration::from_secs(60);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Messages that wait for the session.
const QUEUE: usize = 16;

pub struct SmppGateway {
    messages: mpsc::Sender<Submission>,
    task: JoinHandle<()>,
}

struct Submission {
    id: SmsId,
    phone: String,
    parts: Vec<gsm0338::Part>,
    said: oneshot::Sender<Said>,
}

/// A message whose parts have been handed over: it is the message centre's when each was accepted.
struct Underway {
    id: SmsId,
    /// The sequence numbers of the parts without a response.
    waiting: Vec<u32>,
    /// The last part's, whose name is the message's: it alone asks for a receipt.
    last: u32,
    reference: Option<String>,
    outcome: oneshot::Sender<Said>,
}

#[derive(Debug, thiserror::Error)]
enum SessionError {
    #[error("connection")]
    Io(#[from] io::Error),
    #[error("no answer")]
    Silent,
    #[error("the message centre refused the bind with status {0:#x}")]
    Refused(u32),
    #[error("the message centre sent no PDU")]
    NotSmpp,
    #[error("the message centre ended the session")]
    Unbound,
}

impl SmppGateway {
    /// Connects, and goes on doing so until it is dropped.
    pub fn start(account: SmppAccount, pacing: Pacing, inbox: Inbox) -> Self {
        let (messages, waiting) = mpsc::channel(QUEUE);
        let task = tokio::spawn(sessions(account, pacing, inbox, waiting));
        Self { messages, task }
    }

    async fn submit(&self, id: SmsId, phone: &str, text: &str) -> Said {
        let reference = id.0.to_be_bytes()[7];
        let Some(parts) = gsm0338::parts(text, reference) else {
            return Said::Refused("the text is too long".to_owned());
        };
        let (said, answer) = oneshot::channel();
        let submission = Submission { id, phone: phone.to_owned(), parts, said };
        if self.messages.send(submission).await.is_err() {
            return Said::Later("stopping".to_owned());
        }
        answer.await.unwrap_or_else(|_| Said::Failed("the session ended before the answer".to_owned()))
    }
}

impl Drop for SmppGateway {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Gateway for SmppGateway {
    fn send<'a>(
        &'a self,
        id: SmsId,
        phone: &'a str,
        text: &'a str,
    ) -> Pin<Box<dyn Future<Output = Said> + Send + 'a>> {
        Box::pin(self.submit(id, phone, text))
    }
}

/// One session after the other.
async fn sessions(
    account: SmppAccount,
    pacing: Pacing,
    inbox: Inbox,
    mut waiting: mpsc::Receiver<Submission>,
) {
    let mut pause = FIRST_PAUSE;
    loop {
        let ended = match timeout(BIND, connect(&account)).await {
            Ok(Ok(session)) => {
                pause = FIRST_PAUSE;
                tracing::info!(smpp.address = account.address, "the SMPP session is bound");
                session.run(&account, &pacing, &inbox, &mut waiting).await
            }
            Ok(Err(error)) => error,
            Err(_) => SessionError::Silent,
        };
        tell(&account, &ended);
        let over = sleep(pause);
        tokio::pin!(over);
        loop {
            tokio::select! {
                () = &mut over => break,
                submission = waiting.recv() => match submission {
                    Some(submission) => _ = submission.said.send(Said::Later("there is no SMPP session".to_owned())),
                    None => return,
                },
            }
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

fn tell(account: &SmppAccount, ended: &SessionError) {
    let error: &dyn Error = ended;
    tracing::warn!(smpp.address = account.address, error, "there is no SMPP session");
}

struct Session {
    incoming: mpsc::Receiver<io::Result<(Header, Vec<u8>)>>,
    reader: JoinHandle<()>,
    writer: OwnedWriteHalf,
    sequence: u32,
    underway: Vec<Underway>,
}

async fn connect(account: &SmppAccount) -> Result<Session, SessionError> {
    let stream = TcpStream::connect(&account.address).await?;
    stream.set_nodelay(true)?;
    let (reader, writer) = stream.into_split();
    let (pdus, incoming) = mpsc::channel(1);
    let reader = tokio::spawn(async move {
        let mut reader = BufReader::new(reader);
        loop {
            let pdu = read(&mut reader).await;
            let is_over = pdu.is_err();
            if pdus.send(pdu).await.is_err() || is_over {
                break;
            }
        }
    });
    let mut session = Session { incoming, reader, writer, sequence: 0, underway: Vec::new() };
    session.ask(pdu::BIND_TRANSCEIVER, &pdu::bind(account)).await?;
    let (header, _) = session.next().await?;
    match header.status {
        _ if header.command != pdu::BIND_TRANSCEIVER | pdu::RESPONSE
            && header.command != pdu::GENERIC_NACK =>
        {
            Err(SessionError::NotSmpp)
        }
        pdu::OK => Ok(session),
        status => Err(SessionError::Refused(status)),
    }
}

async fn read(reader: &mut (impl AsyncReadExt + Unpin)) -> io::Result<(Header, Vec<u8>)> {
    let mut head = [0; HEADER];
    reader.read_exact(&mut head).await?;
    let (length, header) = Header::read(&head);
    if !(HEADER..=pdu::LONGEST).contains(&length) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut body = vec![0; length - HEADER];
    reader.read_exact(&mut body).await?;
    Ok((header, body))
}

impl Session {
    /// Until it ends, which the answer explains.
    async fn run(
        mut self,
        account: &SmppAccount,
        pacing: &Pacing,
        inbox: &Inbox,
        waiting: &mut mpsc::Receiver<Submission>,
    ) -> SessionError {
        let mut silence = interval(SILENCE / 2);
        silence.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut silent_for = 0;
        loop {
            let outcome = tokio::select! {
                incoming = self.next() => {
                    silent_for = 0;
                    match incoming {
                        Ok((header, body)) => self.hear(&header, &body, inbox).await,
                        Err(error) => Err(error),
                    }
                }
                Some(submission) = waiting.recv() => self.submit(account, pacing, submission).await,
                _ = silence.tick() => {
                    silent_for += 1;
                    match silent_for {
                        0..=1 => Ok(()),
                        2 => self.ask(pdu::ENQUIRE_LINK, &[]).await.map(drop),
                        _ => Err(SessionError::Silent),
                    }
                }
            };
            if let Err(error) = outcome {
                return error;
            }
        }
    }

    async fn next(&mut self) -> Result<(Header, Vec<u8>), SessionError> {
        match self.incoming.recv().await {
            Some(Ok(pdu)) => Ok(pdu),
            Some(Err(error)) if error.kind() == io::ErrorKind::InvalidData => Err(SessionError::NotSmpp),
            Some(Err(error)) => Err(error.into()),
            None => Err(SessionError::Unbound),
        }
    }

    /// Sends a request and answers with its sequence number.
    async fn ask(&mut self, command: u32, body: &[u8]) -> Result<u32, SessionError> {
        self.sequence = self.sequence % 0x7fff_ffff + 1;
        self.write(&pdu::pdu(command, pdu::OK, self.sequence, body)).await?;
        Ok(self.sequence)
    }

    async fn answer(&mut self, to: &Header, status: u32, body: &[u8]) -> Result<(), SessionError> {
        self.write(&pdu::pdu(to.command | pdu::RESPONSE, status, to.sequence, body)).await
    }

    async fn write(&mut self, octets: &[u8]) -> Result<(), SessionError> {
        let written = timeout(RESPONSE, self.writer.write_all(octets)).await;
        Ok(written.map_err(|_| SessionError::Silent)??)
    }

    /// Hands all parts over; the outcome is waited for elsewhere.
    async fn submit(
        &mut self,
        account: &SmppAccount,
        pacing: &Pacing,
        submission: Submission,
    ) -> Result<(), SessionError> {
        let Submission { id, phone, parts, said } = submission;
        let mut waiting = Vec::new();
        for (number, part) in (1..).zip(&parts) {
            pacing.turn().await;
            let body = pdu::submit(&account.from, &phone, part, number == parts.len());
            waiting.push(self.ask(pdu::SUBMIT_SM, &body).await?);
        }
        let last = self.sequence;
        let (outcome, answer) = oneshot::channel();
        self.underway.retain(|message| !message.outcome.is_closed());
        self.underway.push(Underway { id, waiting, last, reference: None, outcome });
        tokio::spawn(async move { _ = said.send(settle(answer).await) });
        Ok(())
    }

    async fn hear(&mut self, header: &Header, body: &[u8], inbox: &Inbox) -> Result<(), SessionError> {
        match header.command {
            pdu::ENQUIRE_LINK => self.answer(header, pdu::OK, &[]).await,
            pdu::UNBIND => {
                self.answer(header, pdu::OK, &[]).await?;
                Err(SessionError::Unbound)
            }
            pdu::DELIVER_SM => {
                let kept = match pdu::delivered(body) {
                    Some(Delivered::Message { from, text, part: None }) => inbox.receive(&from, &text).await,
                    Some(Delivered::Message { from, text, part: Some(part) }) => {
                        inbox.receive_part(&from, &text, part).await
                    }
                    Some(Delivered::Receipt { reference, state, word }) => {
                        inbox.end(&store::catalog::SmsName::Reference(reference), state, Some(&word)).await
                    }
                    Some(Delivered::Nothing) => Ok(()),
                    None => {
                        metrics::counter!("outrider_sms_unreadable_total").increment(1);
                        tracing::warn!(
                            smpp.sequence = header.sequence,
                            smpp.octets = body.len(),
                            "a deliver_sm cannot be read: refused"
                        );
                        return self.answer(header, pdu::REJECTED, &[0]).await;
                    }
                };
                // Only what is kept is acknowledged.
                let status = if kept.is_ok() { pdu::OK } else { pdu::NOT_NOW };
                self.answer(header, status, &[0]).await
            }
            command if command & pdu::RESPONSE == 0 => self.answer(header, pdu::UNKNOWN_COMMAND, &[]).await,
            _ => {
                self.respond(header, body, inbox).await;
                Ok(())
            }
        }
    }

    /// Takes the response to a part.
    async fn respond(&mut self, header: &Header, body: &[u8], inbox: &Inbox) {
        let is_of = |message: &Underway| message.waiting.contains(&header.sequence);
        let Some(at) = self.underway.iter().position(is_of) else { return };
        if header.status != pdu::OK {
            let message = self.underway.swap_remove(at);
            _ = message.outcome.send(refusal(header.status));
            return;
        }
        let message = &mut self.underway[at];
        message.waiting.retain(|sequence| *sequence != header.sequence);
        if message.last == header.sequence {
            message.reference = Some(pdu::text_of_response(body));
        }
        if message.waiting.is_empty() {
            let Underway { id, reference, outcome, .. } = self.underway.swap_remove(at);
            // Its receipt may be the next PDU. That the catalog failed shows when the outbox notes it again.
            _ = inbox.sent(id, reference.clone()).await;
            _ = outcome.send(Said::Accepted { reference });
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// What became of a message whose parts have all been handed over.
async fn settle(outcome: oneshot::Receiver<Said>) -> Said {
    match timeout(RESPONSE, outcome).await {
        Ok(Ok(said)) => said,
        Ok(Err(_)) => Said::Failed("the session ended before the answer".to_owned()),
        Err(_) => Said::Failed("the message centre did not answer".to_owned()),
    }
}

/// 5.1.3
fn refusal(status: u32) -> Said {
    let reason = format!("the message centre answered with status {status:#x}");
    match status {
        // ESME_RMSGQFUL, ESME_RTHROTTLED
        0x14 | 0x58 => Said::Later(reason),
        // ESME_RSYSERR, ESME_RSUBMITFAIL, ESME_RX_T_APPN, ESME_RUNKNOWNERR, and what a vendor means
        0x08 | 0x45 | 0x64 | 0xff.. => Said::Failed(reason),
        _ => Said::Refused(reason),
    }
}
