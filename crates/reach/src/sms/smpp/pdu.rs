//! The few PDUs of SMPP 3.4 that a client needs (Short Message Peer to Peer Protocol Specification v3.4, issue 1.2).

use crate::sms::gsm0338::{self, PartOf};
use store::catalog::SmsState;

/// Length, command, status, sequence number (3.2).
pub(super) const HEADER: usize = 16;
/// A longer one is not ours.
pub(super) const LONGEST: usize = 70_000;

pub(super) const RESPONSE: u32 = 0x8000_0000;
pub(super) const GENERIC_NACK: u32 = RESPONSE;
pub(super) const SUBMIT_SM: u32 = 0x04;
pub(super) const DELIVER_SM: u32 = 0x05;
pub(super) const UNBIND: u32 = 0x06;
pub(super) const BIND_TRANSCEIVER: u32 = 0x09;
pub(super) const ENQUIRE_LINK: u32 = 0x15;

pub(super) const OK: u32 = 0;
/// ESME_RINVCMDID
pub(super) const UNKNOWN_COMMAND: u32 = 0x03;
/// ESME_RX_T_APPN: the receiver cannot take it for the moment.
pub(super) const NOT_NOW: u32 = 0x64;
/// ESME_RX_R_APPN: the receiver will never take it.
pub(super) const REJECTED: u32 = 0x66;

const INTERFACE_VERSION: u8 = 0x34;
/// Optional parameters (5.3.2).
const RECEIPTED_MESSAGE_ID: u16 = 0x001e;
const SAR_MSG_REF_NUM: u16 = 0x020c;
const SAR_TOTAL_SEGMENTS: u16 = 0x020e;
const SAR_SEGMENT_SEQNUM: u16 = 0x020f;
const MESSAGE_PAYLOAD: u16 = 0x0424;
const MESSAGE_STATE: u16 = 0x0427;
/// esm_class (5.2.12): the type of a message that is a receipt of the network, and the bit for a header.
const TYPE: u8 = 0b0011_1100;
const RECEIPT: u8 = 0b0000_0100;
const HAS_HEADER: u8 = 0b0100_0000;

/// Who binds.
#[derive(Clone)]
pub struct SmppAccount {
    /// Host and port of the message centre.
    pub address: String,
    pub system_id: String,
    pub password: String,
    pub system_type: String,
    /// The sender of the messages; empty: the message centre's choice.
    pub from: String,
}

pub(super) struct Header {
    pub(super) command: u32,
    pub(super) status: u32,
    pub(super) sequence: u32,
}

impl Header {
    pub(super) fn read(octets: &[u8; HEADER]) -> (usize, Self) {
        let word =
            |at: usize| u32::from_be_bytes([octets[at], octets[at + 1], octets[at + 2], octets[at + 3]]);
        let header = Self { command: word(4), status: word(8), sequence: word(12) };
        (usize::try_from(word(0)).unwrap_or(usize::MAX), header)
    }
}

/// What the network says in a `deliver_sm`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Delivered {
    Message {
        from: String,
        text: String,
        /// Of a long message.
        part: Option<PartOf>,
    },
    Receipt {
        reference: String,
        state: SmsState,
        word: String,
    },
    /// Of a message that is still under way; or what only networks and handsets say to each other.
    Nothing,
}

pub(super) fn pdu(command: u32, status: u32, sequence: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(HEADER + body.len()).unwrap_or(u32::MAX);
    let mut pdu: Vec<u8> =
        [length, command, status, sequence].into_iter().flat_map(u32::to_be_bytes).collect();
    pdu.extend(body);
    pdu
}

/// 4.1.5
pub(super) fn bind(account: &SmppAccount) -> Vec<u8> {
    let mut body = Vec::new();
    for (text, size) in [(&account.system_id, 16), (&account.password, 9), (&account.system_type, 13)] {
        string(&mut body, text, size);
    }
    body.extend([INTERFACE_VERSION, 0, 0, 0]);
    body
}

/// 4.4.1; a receipt is asked for when `wants_receipt`.
pub(super) fn submit(from: &str, to: &str, part: &gsm0338::Part, wants_receipt: bool) -> Vec<u8> {
    let mut body = vec![0];
    let (ton, npi) = match from {
        "" => (0, 0),
        // International, of the telephone's numbering plan; or letters (5.2.5, 5.2.6).
        digits if digits.bytes().all(|octet| octet.is_ascii_digit()) => (1, 1),
        _ => (5, 0),
    };
    body.extend([ton, npi]);
    string(&mut body, from, 21);
    body.extend([1, 1]);
    string(&mut body, to, 21);
    body.extend([if part.has_header { HAS_HEADER } else { 0 }, 0, 0]);
    // At once, and for as long as the message centre wants.
    body.extend([0, 0]);
    body.extend([u8::from(wants_receipt), 0, part.data_coding, 0]);
    body.push(u8::try_from(part.octets.len()).unwrap_or(u8::MAX));
    body.extend(&part.octets);
    body
}

/// The one text of a response's body.
pub(super) fn text_of_response(body: &[u8]) -> String {
    Body(body).string().unwrap_or_default()
}

/// 4.6.1. `None` when it cannot be read.
pub(super) fn delivered(body: &[u8]) -> Option<Delivered> {
    let mut body = Body(body);
    _ = body.string()?;
    _ = body.take(2)?;
    let from = body.string()?;
    _ = body.take(2)?;
    _ = body.string()?;
    let esm_class = body.octet()?;
    _ = body.take(2)?;
    _ = (body.string()?, body.string()?);
    _ = body.take(2)?;
    let data_coding = body.octet()?;
    _ = body.octet()?;
    let length = body.octet()?;
    let mut octets = body.take(usize::from(length))?;
    let (mut reference, mut state) = (None, None);
    let (mut message, mut total, mut number) = (None, None, None);
    while let Some((tag, value)) = body.optional() {
        match tag {
            MESSAGE_PAYLOAD => octets = value,
            RECEIPTED_MESSAGE_ID => reference = Body(value).string(),
            MESSAGE_STATE => state = value.first().copied(),
            SAR_MSG_REF_NUM => message = value.try_into().ok().map(u16::from_be_bytes),
            SAR_TOTAL_SEGMENTS => total = value.first().copied(),
            SAR_SEGMENT_SEQNUM => number = value.first().copied(),
            _ => {}
        }
    }
    let has_header = esm_class & HAS_HEADER != 0;
    let text = gsm0338::text(data_coding, has_header, octets);
    if esm_class & TYPE != RECEIPT {
        let by_header = has_header.then(|| PartOf::of_header(octets)).flatten();
        let part = by_header.or_else(|| PartOf::new(message?, total?, number?));
        let is_message = esm_class & TYPE == 0;
        return Some(if is_message { Delivered::Message { from, text, part } } else { Delivered::Nothing });
    }
    // Appendix B: `id:… sub:… dlvrd:… submit date:… done date:… stat:DELIVRD err:… text:…`
    let field = |name: &str| {
        let (_, after) = text.split_once(name)?;
        after.split_whitespace().next().map(str::to_owned)
    };
    let word = field("stat:").unwrap_or_else(|| state.map(|state| state.to_string()).unwrap_or_default());
    let state = match &*word {
        // The numbers of message_state (5.2.28).
        "DELIVRD" | "2" => SmsState::Delivered,
        "EXPIRED" | "3" => SmsState::Expired,
        "DELETED" | "UNDELIV" | "UNKNOWN" | "REJECTD" | "4" | "5" | "7" | "8" => SmsState::Failed,
        _ => return Some(Delivered::Nothing),
    };
    Some(Delivered::Receipt { reference: reference.or_else(|| field("id:"))?, state, word })
}

/// What has not been read yet.
struct Body<'a>(&'a [u8]);

impl<'a> Body<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn octet(&mut self) -> Option<u8> {
        self.take(1).map(|octets| octets[0])
    }

    /// Up to a zero; a last one may lack it.
    fn string(&mut self) -> Option<String> {
        let end = self.0.iter().position(|octet| *octet == 0);
        let text = self.take(end.unwrap_or(self.0.len()))?;
        if end.is_some() {
            _ = self.take(1);
        }
        Some(text.iter().map(|octet| char::from(*octet)).collect())
    }

    fn optional(&mut self) -> Option<(u16, &'a [u8])> {
        let head = self.take(4)?;
        let (tag, length) = (u16::from_be_bytes([head[0], head[1]]), u16::from_be_bytes([head[2], head[3]]));
        Some((tag, self.take(usize::from(length))?))
    }
}

/// A text that ends with a zero, `size` octets with it at the most.
fn string(body: &mut Vec<u8>, text: &str, size: usize) {
    body.extend(text.bytes().filter(|octet| *octet != 0).take(size - 1));
    body.push(0);
}

impl std::fmt::Debug for SmppAccount {
    /// Without the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SmppAccount").field("address", &self.address).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deliver(esm_class: u8, data_coding: u8, text: &[u8], optional: &[u8]) -> Vec<u8> {
        let mut body = b"\0\x01\x01491761\0\x01\x01100\0".to_vec();
        body.extend([esm_class, 0, 0, 0, 0, 0, 0, data_coding, 0, u8::try_from(text.len()).unwrap()]);
        body.extend(text);
        body.extend(optional);
        body
    }

    #[test]
    fn what_the_network_says() {
        let receipt = |reference: &str, state, word: &str| {
            Some(Delivered::Receipt { reference: reference.into(), state, word: word.into() })
        };
        let said =
            |text: &str, part| Some(Delivered::Message { from: "491761".into(), text: text.into(), part });
        let message = |text: &str| said(text, None);
        let text = b"id:a7 sub:001 dlvrd:001 submit date:2611251500 done date:2611251501 stat:DELIVRD err:000 text:x";
        for (body, expected) in [
            (deliver(0, 0, b"hi", b""), message("hi")),
            (deliver(0, 8, &[4, 0x4f], b""), message("я")),
            (deliver(0x40, 0, b"\x05\x00\x03\x01\x02\x01hi", b""), said("hi", PartOf::new(1, 2, 1))),
            (deliver(0x40, 0, b"\x03\x05\x01\x00hi", b""), message("hi")),
            (
                deliver(0, 0, b"hi", b"\x02\x0c\x00\x02\x01\x02\x02\x0e\x00\x01\x03\x02\x0f\x00\x01\x02"),
                said("hi", PartOf::new(0x102, 3, 2)),
            ),
            (deliver(0, 0, b"hi", b"\x02\x0c\x00\x01\x01\x02\x0e\x00\x01\x03"), message("hi")),
            (deliver(0, 0, b"", b"\x04\x24\x00\x04long"), message("long")),
            (deliver(4, 0, text, b""), receipt("a7", SmsState::Delivered, "DELIVRD")),
            (deliver(4, 0, b"id:1 stat:EXPIRED", b""), receipt("1", SmsState::Expired, "EXPIRED")),
            (deliver(4, 0, b"id:1 stat:UNDELIV", b""), receipt("1", SmsState::Failed, "UNDELIV")),
            (deliver(4, 0, b"id:1 stat:ENROUTE", b""), Some(Delivered::Nothing)),
            (
                deliver(4, 0, b"", b"\x00\x1e\x00\x03b8\0\x04\x27\x00\x01\x02"),
                receipt("b8", SmsState::Delivered, "2"),
            ),
            // An intermediate notification.
            (deliver(0x20, 0, b"id:1 stat:ENROUTE", b""), Some(Delivered::Nothing)),
            (deliver(4, 0, b"stat:DELIVRD", b""), None),
            (deliver(0, 0, b"hi", b"")[..12].to_vec(), None),
            (Vec::new(), None),
        ] {
            assert_eq!(delivered(&body), expected, "{body:02x?}");
        }
    }
}
