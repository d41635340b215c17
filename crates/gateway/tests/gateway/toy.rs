//! Protocols for tests: lines of `mark body * checksum`, where the checksum is the sum of the bytes before it as two
//! hex digits. `toy` marks its lines with `$`, `other` with `#`; both claim those with `&`. `web` marks them with `~` and
//! says that they are HTTP. A datagram of `toy` has several lines, the first of which is a login.

use domain::{Command, CommandId, CommandKind, DeviceId, Message, Outcome, RecordHash, Timestamp, Transport};
use protocols::{
    Admission, Broken, CommandError, Confirmation, DeviceSlot, Event, Events, Framing, Machine, Protocol,
    Recognition,
};

pub(crate) static PROTOCOLS: &[&dyn Protocol] = &[
    &Toy { name: "toy", mark: b'$', transports: &[Transport::Tcp, Transport::Udp] },
    &Toy { name: "other", mark: b'#', transports: &[Transport::Tcp] },
    &Toy { name: "web", mark: b'~', transports: &[Transport::Http] },
];

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
    transports: &'static [Transport],
}

impl Protocol for Toy {
    fn name(&self) -> &'static str {
        self.name
    }
    fn transports(&self) -> &'static [Transport] {
        self.transports
    }
    fn default_port(&self) -> u16 {
        0
    }
    fn max_frame(&self) -> usize {
        MAX_FRAME
    }
    fn recognise(&self, start: &[u8]) -> Recognition {
        if start[0] != self.mark && (start[0] != b'&' || self.name == "web") {
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
    fn commands(&self) -> &'static [CommandKind] {
        &[CommandKind::Text, CommandKind::Locate]
    }
    fn machine(&self, transport: Transport) -> Box<dyn Machine> {
        Box::new(Lines { transport, waiting: Vec::new(), answer: String::new() })
    }
}

struct Lines {
    transport: Transport,
    /// Lines of a datagram behind its login.
    waiting: Vec<u8>,
    /// What `web` says when it is known whether there is a command, which follows in the same line.
    answer: String,
}

impl Machine for Lines {
    fn frame(&mut self, buffer: &[u8]) -> Result<Framing, Broken> {
        let end = buffer.iter().position(|byte| *byte == b'\n');
        Ok(end.map_or(Framing::Incomplete, |end| Framing::Frame(end + 1)))
    }

    /// - `L id`: login; answered `ok` or by the device's setting `greeting`, or `no` and closed
    /// - `R slot,id`: login of one of many devices; answered `ok slot` or `no slot`
    /// - `D number,second,…`: a record, with no time when that is `-`; answered `A number`
    /// - `M slot,number`: a record without time of one of many devices; answered `A number`
    /// - `U`: bytes that cannot be understood; answered `A?`
    /// - `H`: heartbeat; answered `h`
    /// - `E size`: an answer of so many bytes
    /// - `Q`: answered `bye` and closed
    /// - `P`: a fault of the decoder
    /// - `Z text`: an answer to a command
    fn decode(&mut self, frame: &[u8], events: &mut Events) -> Result<(), Broken> {
        let mut frame = frame;
        if self.transport == Transport::Udp
            && let Some(end) = frame.iter().position(|byte| *byte == b'\n')
        {
            self.waiting = frame[end + 1..].to_vec();
            frame = &frame[..end];
        }
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
                if self.transport == Transport::Http {
                    events.pop_back();
                    self.answer = format!("A{serial}");
                    events.push_back(Event::CommandWanted { slot });
                }
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
            "Z" => {
                let (outcome, text) = (Outcome::Done, rest.to_owned());
                events.push_back(Event::Reply { slot, command: None, outcome, text });
            }
            "P" => panic!("a fault of the decoder"),
            _ => return Err(Broken::NotAFrame("unknown kind")),
        }
        Ok(())
    }

    fn identified(&mut self, slot: DeviceSlot, admission: &Admission, events: &mut Events) {
        let answer = match admission {
            Admission::Known(known) => known.settings.get("greeting").map_or("ok", String::as_str),
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
        while *admission != Admission::Refused && !self.waiting.is_empty() {
            let rest = std::mem::take(&mut self.waiting);
            if let Err(broken) = self.decode(&rest, events) {
                events.push_back(Event::Broken(broken));
            }
        }
    }

    fn respond(&mut self, _: DeviceSlot, command: Option<&[u8]>, events: &mut Events) {
        let command = command.map(|bytes| String::from_utf8_lossy(bytes).trim_end().to_owned());
        let line = [std::mem::take(&mut self.answer), command.unwrap_or_default()].concat() + "\n";
        events.push_back(Event::ReplyNow(line.into()));
    }

    /// A text is a line of kind `C`, which is answered; where a device is wanted it is told with `W` and says nothing.
    fn command(
        &mut self,
        _: DeviceSlot,
        _: CommandId,
        command: &Command,
        wire: &mut Vec<u8>,
    ) -> Result<Confirmation, CommandError> {
        let (body, confirmation) = match command {
            Command::Text(text) => (format!("C{text}"), Confirmation::Reply),
            _ => ("W".to_owned(), Confirmation::Sent),
        };
        wire.extend(line('$', &body).as_bytes());
        Ok(confirmation)
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
