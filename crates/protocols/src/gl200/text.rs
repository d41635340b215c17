//! Reports in text: `+RESP:GTFRI,<protocol version>,<IMEI>,…,<send time>,<count>$`. `+BUFF` is the same report sent late.
//! Source: Queclink "@Track Air Interface Protocol", "Message Format", the same for every device.

use crate::{clock, fields};
use domain::{DeviceId, Timestamp};

/// A report taken apart as far as all reports are alike.
#[derive(Clone, Debug)]
pub(super) struct Report<'a> {
    pub(super) kind: Kind,
    /// The three letters behind `GT`.
    pub(super) name: &'a str,
    /// Device type and version of the protocol in hexadecimal; empty where old firmware leaves it out.
    pub(super) version: &'a str,
    pub(super) id: &'a str,
    /// What stands between the device's number and the send time.
    pub(super) fields: Vec<&'a [u8]>,
    /// The device's local time, which it keeps at UTC unless it was set otherwise.
    pub(super) sent: Option<Timestamp>,
    /// The running number of the report, which its acknowledgement repeats.
    pub(super) count: &'a str,
    /// The bytes that name the record: neither how it was sent nor its running number.
    pub(super) own: &'a [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `+RESP` or `+BUFF`.
    Report,
    /// `+ACK`: an answer to a command, or a heartbeat.
    Acknowledgement,
}

/// What reports end with; the last one is that of the first devices.
pub(super) const ENDS: [u8; 2] = [b'$', 0];

const HEADS: [(&[u8], Kind); 3] =
    [(b"+RESP:GT", Kind::Report), (b"+BUFF:GT", Kind::Report), (b"+ACK:GT", Kind::Acknowledgement)];

/// Whether the bytes begin as a report in text does, as far as they go.
pub(super) fn begins(buffer: &[u8]) -> bool {
    HEADS.iter().any(|(head, _)| buffer.iter().zip(*head).all(|(byte, expected)| byte == expected))
}

impl<'a> Report<'a> {
    /// The end mark may be missing. `None` when the bytes are not a report of a device that says its number.
    pub(super) fn parse(frame: &'a [u8]) -> Option<Self> {
        let frame = frame.trim_ascii_end();
        let frame = frame.strip_suffix(b"$").or(frame.strip_suffix(b"\0")).unwrap_or(frame);
        let (kind, body) = HEADS.iter().find_map(|(head, kind)| Some((*kind, frame.strip_prefix(*head)?)))?;
        let mut fields: Vec<&[u8]> = fields::Fields::comma(body).collect();
        let (name, first) = (fields::text(fields.first()?)?, *fields.get(1)?);
        let (version, id, head) = if first.len() == IMEI && first.iter().all(u8::is_ascii_digit) {
            ("", first, 2)
        } else {
            (std::str::from_utf8(first).ok().filter(|text| is_hex(text.as_bytes()))?, *fields.get(2)?, 3)
        };
        let id = std::str::from_utf8(id).ok().filter(|id| DeviceId::new(id).is_ok())?;
        fields.drain(..head);

        let mut own = body;
        let mut count = "";
        if let Some(last) = fields.pop_if(|last| last.len() == COUNT && is_hex(last)) {
            count = std::str::from_utf8(last).unwrap_or_default();
            own = &body[..body.len() - COUNT - 1];
        }
        let sent = fields.pop().and_then(clock::year_first);
        Some(Self { kind, name, version, id, fields, sent, count, own })
    }
}

const IMEI: usize = 15;
const COUNT: usize = 4;

fn is_hex(field: &[u8]) -> bool {
    !field.is_empty() && field.iter().all(u8::is_ascii_hexdigit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_reports_apart() {
        for (frame, expected) in [
            (
                "+RESP:GTSTT,060228,862894020178276,x,21,20160319092223,1FBD$",
                Some(("STT", "060228", "862894020178276", 2, true, "1FBD")),
            ),
            (
                "+BUFF:GTSTT,060228,862894020178276,x,21,,1FBD",
                Some(("STT", "060228", "862894020178276", 2, false, "1FBD")),
            ),
            (
                "+RESP:GTTRI,862370030005908,1,20170607172115,3E7D\0",
                Some(("TRI", "", "862370030005908", 1, true, "3E7D")),
            ),
            (
                "+ACK:GTHBD,280100,A1000043D20139,,20100214093254,11F0$",
                Some(("HBD", "280100", "A1000043D20139", 1, true, "11F0")),
            ),
            (
                "+RESP:GTFRI,5E0100,862061048023666,,2023061618$",
                Some(("FRI", "5E0100", "862061048023666", 1, false, "")),
            ),
            ("+RESP:GTFRI,5E01x0,862061048023666,,20230616183400,11F0$", None),
            ("+RESP:GTFRI,5E0100", None),
            ("+RESP:XX", None),
            ("", None),
        ] {
            let report = Report::parse(frame.as_bytes());
            let parts = report
                .as_ref()
                .map(|it| (it.name, it.version, it.id, it.fields.len(), it.sent.is_some(), it.count));
            assert_eq!(parts, expected, "{frame}");
        }
    }

    #[test]
    fn a_report_sent_late_is_the_same_record() {
        let own = |frame: &'static str| Report::parse(frame.as_bytes()).map(|report| report.own);
        let now = own("+RESP:GTSTT,060228,862894020178276,x,21,20160319092223,1FBD$");
        let late = own("+BUFF:GTSTT,060228,862894020178276,x,21,20160319092223,1FC0$");
        assert_eq!(now, Some(&b"STT,060228,862894020178276,x,21,20160319092223"[..]));
        assert_eq!(now, late);
    }
}
