//! The `any` port: finds out which protocol a connection or a datagram speaks. All candidates look at the first bytes; a complete
//! frame with a right checksum decides, and so does a login whose device is registered with a model of that protocol.

use crate::{
    Refusal, Registered, admission::welcome, budget::Holder, ending::Ended, line::Line, reception::Reception,
};
use domain::{DeviceId, Transport};
use protocols::{Protocol, Recognition};
use tokio::time::Instant;

/// The protocols that may be found in what comes over one of `transports`.
pub(crate) fn candidates(
    protocols: &'static [&'static dyn Protocol],
    transports: &[Transport],
) -> Vec<&'static dyn Protocol> {
    let speaks = |protocol: &dyn Protocol| protocol.transports().iter().any(|it| transports.contains(it));
    protocols.iter().copied().filter(|protocol| speaks(*protocol)).collect()
}

/// What listens on TCP.
pub(crate) const STREAMS: &[Transport] = &[Transport::Tcp, Transport::Http];

/// The protocol of a datagram.
pub(crate) async fn detect_datagram(
    reception: &Reception,
    bytes: &[u8],
) -> Result<&'static dyn Protocol, Ended> {
    let candidates = candidates(reception.protocols, &[Transport::Udp]);
    let mut detection = Detection { transport: Transport::Udp, candidates, asked: Vec::new() };
    let detected = detection.look(reception, bytes).await?;
    match detected {
        Look::Known(protocol) => Ok(protocol),
        // Nothing more will come.
        Look::Within(_) => Err(Ended::Refused(Refusal::NoProtocol)),
    }
}

/// Waits for enough bytes to know the protocol; gives them back with it.
pub(crate) async fn detect(
    reception: &Reception,
    line: &mut Line,
    login_by: Instant,
) -> Result<(&'static dyn Protocol, Vec<u8>), Ended> {
    let candidates = candidates(reception.protocols, STREAMS);
    let mut detection = Detection { transport: Transport::Tcp, candidates, asked: Vec::new() };
    let mut bytes = Vec::new();
    loop {
        let waiting = bytes.len();
        let read = line.read(login_by, waiting, Holder::Stranger, |chunk| bytes.extend_from_slice(chunk));
        tokio::select! {
            biased;
            () = reception.stopping.cancelled() => return Err(Ended::Stopping),
            read = read => if !read? { return Err(Ended::LoginTimeout) },
        }
        match detection.look(reception, &bytes).await? {
            Look::Known(protocol) => return Ok((protocol, bytes)),
            Look::Within(most) if bytes.len() < most => {}
            Look::Within(_) => return Err(Ended::Refused(Refusal::NoProtocol)),
        }
    }
}

/// What the bytes tell so far.
enum Look {
    Known(&'static dyn Protocol),
    /// More are needed; not more than so many in all.
    Within(usize),
}

struct Detection {
    transport: Transport,
    /// Those that the bytes do not speak against.
    candidates: Vec<&'static dyn Protocol>,
    /// What the roster said, so that bytes that come one at a time cost one question.
    asked: Vec<(DeviceId, Option<Registered>)>,
}

impl Detection {
    async fn look(&mut self, reception: &Reception, bytes: &[u8]) -> Result<Look, Ended> {
        let mut decided = Vec::new();
        let mut strangers = Vec::new();
        let mut within = None;
        for candidate in std::mem::take(&mut self.candidates) {
            match candidate.recognise(bytes) {
                Recognition::No => continue,
                Recognition::Unsure => within = within.max(Some(reception.limits.detection_bytes)),
                Recognition::Begun => within = within.max(Some(candidate.max_frame())),
                Recognition::Frame => decided.push(candidate),
                Recognition::Login(device_id) => {
                    let found = self.ask(reception, device_id).await?;
                    match welcome(found, candidate.name()) {
                        Ok(_) | Err(Refusal::Blocked) => decided.push(candidate),
                        Err(_) => strangers.push(candidate),
                    }
                }
            }
            self.candidates.push(candidate);
        }
        match (&decided[..], &strangers[..], within) {
            ([protocol], ..) => Ok(Look::Known(*protocol)),
            ([_, _, ..], ..) => Err(Ended::Refused(Refusal::Ambiguous)),
            ([], _, Some(within)) => Ok(Look::Within(within)),
            // A login that only one protocol understands is refused in its own words, and remembered.
            ([], [protocol], None) => Ok(Look::Known(*protocol)),
            ([], [], None) => Err(Ended::Refused(Refusal::NoProtocol)),
            ([], _, None) => Err(Ended::Refused(Refusal::Ambiguous)),
        }
    }

    async fn ask(&mut self, reception: &Reception, device_id: DeviceId) -> Result<Option<Registered>, Ended> {
        if let Some((_, found)) = self.asked.iter().find(|(asked, _)| *asked == device_id) {
            return Ok(found.clone());
        }
        let found = match self.transport {
            // They are looked at one by one: who was here lately costs no question.
            Transport::Udp => reception.visitors.find(reception, &device_id).await?,
            Transport::Tcp | Transport::Http => reception.find(&device_id).await?,
        };
        self.asked.push((device_id, found.clone()));
        Ok(found)
    }
}
