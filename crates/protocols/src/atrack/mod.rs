//! ATrack's vehicle devices: positions in binary and in text, with items that each device can be set to add. Sources: ATrack
//! "AP Protocol Document" 1.3.8 (AT5, AU7, AY5) and "SP Protocol Document" 1.5.2 (AK, AL, AS), which agree but for the
//! items. Every packet carries the device's number.
//!
//! Setting of a device: `form`, its items as AT$FORM prints them (`%MV%BV…`), where its messages do not name them.

mod items;
mod packet;
mod record;

use crate::{
    Admission, Broken, CommandError, Confirmation, DeviceSlot, Event, Events, Framing, Machine, Protocol,
    Recognition, fields,
    reader::Reader,
    speakers::{Answer, Speakers},
};
use domain::{Command, CommandId, CommandKind, DeviceId, Outcome, RecordHash, Transport};
use packet::{Checked, Kind, Packet};
use record::Times;
use std::collections::VecDeque;

pub struct Atrack;

/// A device sends at most 1,400 bytes at once; photographs come in parts.
const MAX_FRAME: usize = 8 * 1024;
/// One command is in flight at a time; older ones are answered no more.
const MAX_TAGS: usize = 8;

impl Protocol for Atrack {
    fn name(&self) -> &'static str {
        "atrack"
    }

    fn transports(&self) -> &'static [Transport] {
        &[Transport::Tcp, Transport::Udp]
    }

    fn default_port(&self) -> u16 {
        5044
    }

    fn max_frame(&self) -> usize {
        MAX_FRAME
    }

    /// Prefixes that were changed from `@P` are not known on a port for all.
    fn recognise(&self, start: &[u8]) -> Recognition {
        let own = |head: &[u8]| start.iter().zip(head).all(|(byte, expected)| byte == expected);
        if ![&b"@P"[..], b"@R", &[0xFE, 0x02], b"$INFO="].into_iter().any(own) {
            return Recognition::No;
        }
        match packet::find(start, MAX_FRAME) {
            Ok(Framing::Incomplete) => Recognition::Unsure,
            Ok(Framing::Frame(length)) => match Packet::parse(&start[..length]) {
                Ok(packet) if packet.checked == Checked::Right => Recognition::Frame,
                Ok(Packet { id: Some(id), .. }) => {
                    DeviceId::new(&id).map_or(Recognition::No, Recognition::Login)
                }
                _ => Recognition::No,
            },
            _ => Recognition::No,
        }
    }

    fn commands(&self) -> &'static [CommandKind] {
        &[CommandKind::Text, CommandKind::Bytes]
    }

    fn machine(&self, _: Transport) -> Box<dyn Machine> {
        Box::new(Session::default())
    }
}

#[derive(Default)]
struct Session {
    speakers: Speakers,
    /// Tags of commands, which their answers repeat.
    tags: VecDeque<(DeviceSlot, Box<str>, CommandId)>,
}

impl Machine for Session {
    fn frame(&mut self, buffer: &[u8]) -> Result<Framing, Broken> {
        packet::find(buffer, MAX_FRAME)
    }

    fn decode(&mut self, frame: &[u8], events: &mut Events) -> Result<(), Broken> {
        // A datagram may carry several packets; zeros fill some.
        let mut left = frame;
        while left.iter().any(|byte| *byte != 0) {
            let packet = Packet::parse(left)?;
            let slot = match &packet.id {
                Some(id) => self.speakers.named(id, left, events)?,
                None => self.speakers.unnamed(),
            };
            let Some(slot) = slot else { return Ok(()) };
            self.packet(slot, &packet, left, events);
            left = packet.rest;
        }
        Ok(())
    }

    fn identified(&mut self, slot: DeviceSlot, admission: &Admission, events: &mut Events) {
        match self.speakers.answered(slot, admission) {
            Answer::Frame(frame) => {
                if let Err(broken) = self.decode(&frame, events) {
                    events.push_back(Event::Broken(broken));
                }
            }
            Answer::Refused(_) => self.speakers.leave(events),
            Answer::Nothing => {}
        }
    }

    /// A command is a line `AT$<name>+<tag>=…`; the tag is the user's own and may be missing.
    fn command(
        &mut self,
        slot: DeviceSlot,
        id: CommandId,
        command: &Command,
        wire: &mut Vec<u8>,
    ) -> Result<Confirmation, CommandError> {
        match command {
            Command::Text(text) => {
                let text = text.trim();
                if text.is_empty() || text.contains(|c: char| !c.is_ascii() || c.is_control()) {
                    return Err(CommandError::Unfit("a command is one line of ASCII characters"));
                }
                if let Some(tag) = tag_of(text) {
                    if self.tags.len() == MAX_TAGS {
                        self.tags.pop_front();
                    }
                    self.tags.push_back((slot, tag.into(), id));
                }
                wire.extend_from_slice(text.as_bytes());
                wire.extend_from_slice(b"\r\n");
            }
            Command::Bytes(bytes) => wire.extend_from_slice(bytes),
            _ => return Err(CommandError::Unsupported),
        }
        Ok(Confirmation::Reply)
    }
}

impl Session {
    fn packet(&mut self, slot: DeviceSlot, packet: &Packet<'_>, bytes: &[u8], events: &mut Events) {
        let form = self.speakers.known(slot).and_then(|known| known.settings.get("form"));
        let form = form.map(|form| items::form(form));
        let complete = match packet.kind {
            Kind::Answer => {
                self.answer(slot, packet.body, events);
                return;
            }
            // Photographs are not kept; a part that is acknowledged is not sent again.
            Kind::Alive | Kind::Photograph => {
                events.push_back(Event::Heartbeat { slot });
                true
            }
            Kind::Binary => positions(slot, packet.body, form.as_ref(), events),
            Kind::Text => lines(slot, packet.body, form.as_ref(), events),
        };
        if !complete {
            let (error, bytes) = ("a position that cannot be read".to_owned(), bytes.to_vec());
            events.push_back(Event::Problem { slot, error, bytes });
        }
        if let Some(reply) = packet.id.as_deref().and_then(|id| packet::acknowledgement(id, packet.sequence))
        {
            events.push_back(Event::ReplyWhenDurable(reply));
        }
    }

    fn answer(&mut self, slot: DeviceSlot, line: &[u8], events: &mut Events) {
        let Some(text) = fields::text(line) else { return };
        let outcome = if text.starts_with("$ERROR") { Outcome::Refused } else { Outcome::Done };
        let place = tag_of(text)
            .and_then(|tag| self.tags.iter().rposition(|(of, own, _)| *of == slot && **own == *tag));
        let command = place.and_then(|place| self.tags.remove(place)).map(|(.., id)| id);
        events.push_back(Event::Reply { slot, command, outcome, text: text.to_owned() });
    }
}

/// The tag of `AT$UNID+12=…` and of its answers `$UNID+12=…`, `$OK+12`, `$ERROR+12=101`.
fn tag_of(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once('$')?;
    let (head, _) = rest.split_once('=').unwrap_or((rest, ""));
    head.split_once('+').map(|(_, tag)| tag.trim()).filter(|tag| !tag.is_empty())
}

/// Whether all positions could be read. Times are seconds, or dates where a device was set so: only one of them fits.
fn positions(slot: DeviceSlot, body: &[u8], form: Option<&items::Form>, events: &mut Events) -> bool {
    let times = match body.first_chunk::<4>() {
        // The year of a date is 2000 to 2099, which no seconds of our days begin with.
        Some([0x07 | 0x08, _, 1..=12, 1..=31]) => Times::Long,
        _ => Times::Short,
    };
    let before = events.len();
    if read_positions(slot, body, times, form, events) {
        return true;
    }
    // A device that was set otherwise since its form was written down.
    let mut without = Events::new();
    let fits = form.is_some() && read_positions(slot, body, times, None, &mut without);
    if fits {
        events.truncate(before);
        events.append(&mut without);
    }
    fits
}

fn read_positions(
    slot: DeviceSlot,
    body: &[u8],
    times: Times,
    form: Option<&items::Form>,
    events: &mut Events,
) -> bool {
    let mut reader = Reader::new(body);
    while !reader.is_empty() {
        let start = reader.offset();
        match record::binary(&mut reader, times, form) {
            Ok(message) => {
                let hash = RecordHash::of(reader.since(start));
                events.push_back(Event::Message { slot, message, hash });
            }
            Err(_) => return false,
        }
    }
    true
}

/// Positions of a packet in text are lines.
fn lines(slot: DeviceSlot, body: &[u8], form: Option<&items::Form>, events: &mut Events) -> bool {
    let mut complete = true;
    let lines = body.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    for line in lines.filter(|line| !line.trim_ascii().is_empty()) {
        match record::words(line, form) {
            Some(message) => {
                let hash = RecordHash::of(line);
                events.push_back(Event::Message { slot, message, hash });
            }
            None => complete = false,
        }
    }
    complete
}
