//! Commands as `AT+GT…=<password>,…,<serial>$`, and which answer belongs to which. Source: Queclink @Track of GV200
//! (TRACGV200AN003 3.20), 3.2 "Command and Acknowledgement", AT+GTOUT and AT+GTRTO.

use crate::{CommandError, Confirmation, DeviceSlot, KnownDevice, fields};
use domain::{Command, CommandId, CommandKind};
use std::collections::VecDeque;

pub(super) const KINDS: &[CommandKind] = &[
    CommandKind::Text,
    CommandKind::Bytes,
    CommandKind::Output,
    CommandKind::Outputs,
    CommandKind::Immobilize,
    CommandKind::Locate,
];

/// One is in flight at a time; what is older than these is answered no more.
const MAX_SERIALS: usize = 8;
/// Outputs that the command knows.
const OUTPUTS: usize = 4;

/// Commands of one connection, by device and the serial number that their answers repeat.
#[derive(Debug, Default)]
pub(super) struct Commands {
    last: u16,
    sent: VecDeque<(DeviceSlot, u16, CommandId)>,
}

impl Commands {
    pub(super) fn write(
        &mut self,
        slot: DeviceSlot,
        id: CommandId,
        command: &Command,
        device: &KnownDevice,
        wire: &mut Vec<u8>,
    ) -> Result<Confirmation, CommandError> {
        match command {
            Command::Text(text) => {
                let text = text.trim();
                if text.is_empty() || text.contains(|c: char| !c.is_ascii() || c.is_control()) {
                    return Err(CommandError::Unfit("a command is one line of ASCII characters"));
                }
                let text = text.trim_end_matches('$');
                if let Some(serial) = serial_of(text.as_bytes()) {
                    self.remember(slot, serial, id);
                }
                wire.extend_from_slice(text.as_bytes());
                wire.push(b'$');
            }
            Command::Bytes(bytes) => wire.extend_from_slice(bytes),
            Command::Output { number, on } => {
                let place = usize::from(*number).checked_sub(1).filter(|place| *place < OUTPUTS);
                let place = place.ok_or(CommandError::Unfit("outputs have the numbers 1 to 4"))?;
                let mut outputs = [None; OUTPUTS];
                outputs[place] = Some(*on);
                self.outputs(slot, id, outputs, device, wire)?;
            }
            Command::Outputs(states) => {
                if states.is_empty() || states.len() > OUTPUTS {
                    return Err(CommandError::Unfit("there are 1 to 4 outputs"));
                }
                let mut outputs = [None; OUTPUTS];
                for (output, state) in outputs.iter_mut().zip(states) {
                    *output = Some(*state);
                }
                self.outputs(slot, id, outputs, device, wire)?;
            }
            // The relay that keeps the engine from running is on the first output.
            Command::Immobilize(blocked) => {
                self.outputs(slot, id, [Some(*blocked), None, None, None], device, wire)?;
            }
            Command::Locate => {
                let serial = self.next(slot, id);
                let password = password(device)?;
                wire.extend_from_slice(format!("AT+GTRTO={password},1,,,,,,{serial:04X}$").as_bytes());
            }
            Command::Lock { .. } => return Err(CommandError::Unsupported),
        }
        Ok(Confirmation::Reply)
    }

    /// State, duration and number of pulses of each output; an empty field leaves an output as it is.
    fn outputs(
        &mut self,
        slot: DeviceSlot,
        id: CommandId,
        outputs: [Option<bool>; OUTPUTS],
        device: &KnownDevice,
        wire: &mut Vec<u8>,
    ) -> Result<(), CommandError> {
        let there = device.model.map_or(OUTPUTS, |model| usize::from(model.model().digital_outputs));
        if outputs.iter().skip(there).any(Option::is_some) {
            return Err(CommandError::Unfit("the device has no such output"));
        }
        let password = password(device)?;
        let serial = self.next(slot, id);
        let groups = outputs.map(|state| match state {
            Some(on) => format!("{},0,0", u8::from(on)),
            None => ",,".to_owned(),
        });
        let line = format!("AT+GTOUT={password},{},,,,,{serial:04X}$", groups.join(","));
        wire.extend_from_slice(line.as_bytes());
        Ok(())
    }

    fn next(&mut self, slot: DeviceSlot, id: CommandId) -> u16 {
        // FFFF is what people and examples write.
        self.last = if self.last >= 0xFFFE { 1 } else { self.last + 1 };
        self.remember(slot, self.last, id);
        self.last
    }

    fn remember(&mut self, slot: DeviceSlot, serial: u16, id: CommandId) {
        if self.sent.len() == MAX_SERIALS {
            self.sent.pop_front();
        }
        self.sent.push_back((slot, serial, id));
    }

    /// The command that an answer with this number belongs to.
    pub(super) fn answered(&mut self, slot: DeviceSlot, serial: u16) -> Option<CommandId> {
        let place = self.sent.iter().rposition(|(of, sent, _)| (*of, *sent) == (slot, serial))?;
        self.sent.remove(place).map(|(.., id)| id)
    }
}

/// The serial number at the end of a command or before the send time of its answer.
pub(super) fn serial_of(text: &[u8]) -> Option<u16> {
    let last = text.rsplit(|byte| *byte == b',').next()?;
    (last.len() == 4).then(|| fields::hex(last))?.and_then(|serial| u16::try_from(serial).ok())
}

/// The setting `password`, or what devices of the model leave the factory with: the model's name in small letters.
fn password(device: &KnownDevice) -> Result<String, CommandError> {
    /// Names longer than a password may be.
    const LONGEST: usize = 6;
    if let Some(password) = device.settings.get("password") {
        return Ok(password.clone());
    }
    let model = device.model.ok_or(CommandError::Unfit("the password of the device is not known"))?;
    let code = model.as_str();
    let code = code.strip_prefix("ql").unwrap_or(code);
    let code = code.split('_').next().unwrap_or(code);
    if code.len() <= LONGEST {
        return Ok(code.to_owned());
    }
    let letters = code.find(|c: char| c.is_ascii_digit()).unwrap_or(0);
    let digits = code[letters..].find(|c: char| !c.is_ascii_digit()).unwrap_or(code.len() - letters);
    Ok(code[..letters + digits].to_owned())
}
