//! Protocols for tests: lines of `mark body * checksum`, where the checksum is the sum of the bytes before it as two
//! hex digits. `toy` marks its lines with `$`, `other` with `#`; both claim those with `&`.

use domain::{DeviceId, Message, RecordHash, Timestamp, Transport};
use protocols::{Admission, Broken, DeviceSlot, Event, Events, Framing, Machine, Protocol, Recognition};

pub(crate) static PROTOCOLS: &[&dyn Protocol] =
    &[&Toy { name: "toy", mark: b'$' }, &Toy { name: "other", mark: b'#' }];

pub(crate) const MAX_FRAME: usize = 64 << 10;

pub(crate) fn line(mark: char, body: &str) -> String {
    let text = format!("{mark}{body}");
    format!("{text}*{:02x}\n", sum(text.as_bytes()))
}

fn sum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum.wrapping_add(*byte))
}

struct Toy {
    name: &'static str,
    mark: u8,
}

impl Protocol for Toy {
    fn name(&self) -> &'static str {
        self.name
    }
    fn transports(&self) -> &'static [Transport] {
        &[Transport::Tcp]
    }
    fn default_port(&self) -> u16 {
        0
    }
    fn max_frame(&self) -> usize {
        MAX_FRAME
    }
    fn recognise(&self, start: &[u8]) -> Recognition {
        if start[0] != self.mark && start[0] != b'&' {
            return Recognition::No;
        }
        let Some(end) = start.iter().position(|byte| *byte == b'\n') else { return Recognition::Unsure };
        match body(&start[..end]) {
            Err(_) => Recognition::No,
            Ok(body) => match body.strip_prefix('L') {
                Some(id) => Recognition::Login(DeviceId::new(id).unwrap()),
                None => Recognition::Frame,
            },
        }
    }
    fn machine(&self, _: Transport) -> Box<dyn Machine> {
        Box::new(Lines)
    }
}

struct Lines;

impl Machine for Lines {
    fn frame(&mut self, buffer: &[u8]) -> Result<Framing, Broken> {
        let end = buffer.iter().position(|byte| *byte == b'\n');
        Ok(end.map_or(Framing::Incomplete, |end| Framing::Frame(end + 1)))
    }

    /// - `L id`: login; answered `ok`, or `no` and closed
    /// - `R slot,id`: login of one of many devices; answered `ok slot` or `no slot`
    /// - `D number,second,…`: a record, with no time when that is `-`; answered `A number`
    /// - `M slot,number`: a record without time of one of many devices; answered `A number`
    /// - `U`: bytes that cannot be understood; answered `A?`
    /// - `H`: heartbeat; answered `h`
    /// - `E size`: an answer of so many bytes
    /// - `Q`: answered `bye` and closed
    /// - `P`: a fault of the decoder
    fn decode(&mut self, frame: &[u8], events: &mut Events) -> Result<(), Broken> {
        let body = body(frame.strip_suffix(b"\n").unwrap_or(frame))?;
        let (kind, rest) = body.split_at(1);
        let mut fields = rest.split(',');
        let mut number = || fields.next().and_then(|field| field.parse::<u64>().ok());
        let slot = DeviceSlot(0);
        match kind {
            "L" => events.push_back(Event::Identify { slot, id: DeviceId::new(rest).unwrap() }),
            "R" => {
                let slot = DeviceSlot(number().unwrap() as u16);
                events
                    .push_back(Event::Identify { slot, id: DeviceId::new(fields.next().unwrap()).unwrap() });
            }
            "D" => {
                let (serial, second) = (number().unwrap(), number());
                let time = second.map(|second| Timestamp::from_seconds(second as i64));
                record(slot, serial, time, events);
            }
            "M" => {
                let slot = DeviceSlot(number().unwrap() as u16);
                record(slot, number().unwrap(), None, events);
            }
            "U" => {
                let (error, bytes) = ("nonsense".to_owned(), frame.to_vec());
                events.push_back(Event::Problem { slot, error, bytes });
                events.push_back(Event::ReplyWhenDurable(b"A?\n".into()));
            }
            "H" => {
                events.push_back(Event::Heartbeat { slot });
                events.push_back(Event::ReplyNow(b"h\n".into()));
            }
            "E" => events.push_back(Event::ReplyNow(vec![b'e'; number().unwrap() as usize])),
            "Q" => {
                events.push_back(Event::ReplyNow(b"bye\n".into()));
                events.push_back(Event::Close);
            }
            "P" => panic!("a fault of the decoder"),
            _ => return Err(Broken::NotAFrame("unknown kind")),
        }
        Ok(())
    }

    fn identified(&mut self, slot: DeviceSlot, admission: &Admission, events: &mut Events) {
        let answer = match admission {
            Admission::Known(_) => "ok",
            Admission::Refused => "no",
        };
        match slot {
            DeviceSlot(0) => {
                events.push_back(Event::ReplyNow(format!("{answer}\n").into()));
                if *admission == Admission::Refused {
                    events.push_back(Event::Close);
                }
            }
            DeviceSlot(slot) => events.push_back(Event::ReplyNow(format!("{answer} {slot}\n").into())),
        }
    }
}

fn record(slot: DeviceSlot, serial: u64, time: Option<Timestamp>, events: &mut Events) {
    let message = Message { time, ..Message::default() };
    events.push_back(Event::Message { slot, message, hash: RecordHash(serial.into()) });
    events.push_back(Event::ReplyWhenDurable(format!("A{serial}\n").into()));
}

/// What stands between mark and checksum of a line.
fn body(line: &[u8]) -> Result<&str, Broken> {
    let line = std::str::from_utf8(line).map_err(|_| Broken::NotAFrame("not text"))?;
    let (text, said) = line.rsplit_once('*').ok_or(Broken::NotAFrame("no checksum"))?;
    let said = u32::from_str_radix(said, 16).map_err(|_| Broken::NotAFrame("no checksum"))?;
    let computed = sum(text.as_bytes()).into();
    if said != computed {
        return Err(Broken::Checksum { said, computed });
    }
    text.get(1..).filter(|body| !body.is_empty()).ok_or(Broken::NotAFrame("empty"))
}
