//! The engine of `outrider decode`: each line is a datagram, a frame or an HTTP request, all lines are one conversation,
//! each gets one answer that serialises to JSON.

use crate::{Admission, Connection, DeviceSettings, DeviceSlot, Event, Events, KnownDevice, Protocol, hex};
use domain::{DeviceId, Fix, Inputs, Message, ModelCode, Timestamp, Transport, Value};
use serde::{Serialize, Serializer, ser::SerializeMap};
use std::collections::HashMap;

/// What is known of the device before it speaks.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Stands for a login.
    pub device_id: Option<DeviceId>,
    pub model: Option<ModelCode>,
    pub settings: DeviceSettings,
    /// What a device that asks for the time is told; without it there is no answer.
    pub now: Option<Timestamp>,
}

/// A conversation in which every device is admitted.
pub struct Decoder {
    protocol: &'static dyn Protocol,
    /// One for each transport that lasts longer than a datagram.
    connections: Vec<(Transport, Connection)>,
    admission: Admission,
    now: Option<Timestamp>,
    devices: HashMap<DeviceSlot, DeviceId>,
}

/// What one line gave.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DecodedLine {
    /// Whether the line was understood, or at least some message in it.
    pub ok: bool,
    pub messages: Vec<DecodedMessage>,
    /// What goes to the device, in hex; empty for nothing.
    pub reply: String,
    /// What could not be understood beside the messages.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
    /// Why nothing was understood.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A message as the command line prints it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DecodedMessage {
    /// As the device said, ISO 8601 in UTC.
    pub time: Option<String>,
    pub lat: Option<f64>,
    pub lng: Option<f64>,
    /// km/h.
    pub speed: Option<f32>,
    pub heading: Option<u16>,
    /// Metres.
    pub alt: Option<f32>,
    pub satellites: Option<u8>,
    /// The device's own word that it had a fix.
    pub valid: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_id: Option<DeviceId>,
    #[serde(serialize_with = "by_name")]
    pub inputs: Inputs,
}

impl Decoder {
    pub fn new(protocol: &'static dyn Protocol, options: Options) -> Self {
        let admission = Admission::Known(KnownDevice { model: options.model, settings: options.settings });
        let devices = options.device_id.map(|id| (DeviceSlot::default(), id)).into_iter().collect();
        Self { protocol, connections: Vec::new(), admission, now: options.now, devices }
    }

    /// One line of input: hex, or `text:` with the escapes `\r \n \t \\ \xNN`.
    pub fn line(&mut self, line: &str) -> DecodedLine {
        match bytes_of(line) {
            Ok(bytes) => self.frame(&bytes),
            Err(error) => DecodedLine { error: Some(error.to_owned()), ..DecodedLine::default() },
        }
    }

    /// One frame, datagram or HTTP request.
    pub fn frame(&mut self, frame: &[u8]) -> DecodedLine {
        let (mut messages, mut problems, mut reply) = (Vec::new(), Vec::new(), Vec::new());
        for event in self.events(frame) {
            match event {
                Event::Message { slot, message, .. } => {
                    messages.push(DecodedMessage::new(message, self.devices.get(&slot).cloned()));
                }
                Event::Reply { slot, text, .. } => {
                    messages.push(DecodedMessage::new(answer(text), self.devices.get(&slot).cloned()));
                }
                Event::Problem { error, .. } => problems.push(error),
                Event::Broken(broken) => problems.push(broken.to_string()),
                Event::ReplyNow(bytes) | Event::ReplyWhenDurable(bytes) => reply.extend(bytes),
                Event::Identify { .. }
                | Event::Heartbeat { .. }
                | Event::TimeWanted { .. }
                | Event::CommandWanted { .. }
                | Event::Close => {}
            }
        }
        let reply = hex::lower(&reply);
        if messages.is_empty() && !problems.is_empty() {
            return DecodedLine { reply, error: Some(problems.join("; ")), ..DecodedLine::default() };
        }
        DecodedLine { ok: true, messages, reply, problems, error: None }
    }

    /// What one frame, datagram or HTTP request leads to; `Event::Identify` is answered already.
    pub fn events(&mut self, frame: &[u8]) -> Vec<Event> {
        let transport = transport_of(self.protocol, frame);
        let known = self.connections.iter().position(|(of, _)| *of == transport);
        let mut connection = match known {
            Some(at) => self.connections.swap_remove(at).1,
            None => introduced(self.protocol, transport, &self.admission),
        };
        let mut events = Vec::new();
        connection.receive_frame(frame);
        while let Some(event) = connection.poll() {
            match &event {
                Event::Identify { slot, id } => {
                    self.devices.insert(*slot, id.clone());
                    connection.identified(*slot, &self.admission);
                }
                Event::TimeWanted { slot } => {
                    if let Some(now) = self.now {
                        connection.tell_time(*slot, now);
                    }
                }
                Event::CommandWanted { slot } => connection.respond(*slot, None),
                _ => {}
            }
            events.push(event);
        }
        if transport != Transport::Udp {
            self.connections.push((transport, connection));
        }
        events
    }
}

/// How a line's bytes came: as an HTTP request when they begin with a method; as a datagram when no connection of the
/// protocol begins with them; otherwise over a connection. Only what the protocol speaks comes into question.
pub fn transport_of(protocol: &dyn Protocol, frame: &[u8]) -> Transport {
    let speaks = |transport| protocol.transports().contains(&transport);
    let methods = [&b"GET "[..], b"POST ", b"PUT ", b"HEAD ", b"OPTIONS "];
    if speaks(Transport::Http) && methods.iter().any(|method| frame.starts_with(method)) {
        return Transport::Http;
    }
    if speaks(Transport::Tcp) {
        let fits = speaks(Transport::Udp).then(|| {
            let mut machine = protocol.machine(Transport::Tcp);
            machine.identified(DeviceSlot::default(), &ANYBODY, &mut Events::new());
            frame.is_empty() || machine.frame(frame).is_ok()
        });
        return if fits == Some(false) { Transport::Udp } else { Transport::Tcp };
    }
    protocol.transports().first().copied().unwrap_or(Transport::Tcp)
}

/// Frames decode without a login too, so the device is introduced before it speaks.
fn introduced(protocol: &dyn Protocol, transport: Transport, admission: &Admission) -> Connection {
    let mut connection = Connection::new(protocol, transport);
    connection.identified(DeviceSlot::default(), admission);
    // Nobody has asked yet whether the device may speak.
    while connection.poll().is_some() {}
    connection
}

const ANYBODY: Admission = Admission::Known(KnownDevice { model: None, settings: DeviceSettings::new() });

/// A device's answer to a command, as a message.
pub fn answer(text: String) -> Message {
    let mut inputs = Inputs::with_capacity(1);
    inputs.push(input!("command_result"), Value::Text(text.into()));
    Message { inputs, ..Message::default() }
}

impl DecodedMessage {
    fn new(message: Message, device_id: Option<DeviceId>) -> Self {
        let fix: Option<Fix> = message.fix;
        Self {
            time: message.time.map(|time| time.to_string()),
            lat: fix.map(|fix| fix.coordinates.lat()),
            lng: fix.map(|fix| fix.coordinates.lng()),
            speed: fix.and_then(|fix| fix.speed).map(|speed| speed.kmh()),
            heading: fix.and_then(|fix| fix.heading).map(|heading| heading.degrees()),
            alt: fix.and_then(|fix| fix.altitude).map(|altitude| altitude.0),
            satellites: fix.and_then(|fix| fix.satellites),
            valid: fix.is_some_and(|fix| fix.valid),
            device_id,
            inputs: message.inputs,
        }
    }
}

fn by_name<S: Serializer>(inputs: &Inputs, serializer: S) -> Result<S::Ok, S::Error> {
    let mut object = serializer.serialize_map(None)?;
    for (at, (name, value)) in inputs.iter().enumerate() {
        // The last value of a name is the one that counts.
        if inputs.iter().skip(at + 1).any(|(later, _)| later == name) {
            continue;
        }
        let name = name.to_string();
        match value {
            Value::Int(value) => object.serialize_entry(&name, value)?,
            Value::Float(value) => object.serialize_entry(&name, value)?,
            Value::Flag(value) => object.serialize_entry(&name, value)?,
            Value::Text(value) => object.serialize_entry(&name, value)?,
        }
    }
    object.end()
}

/// The bytes that a line stands for: hex, or `text:` with the escapes `\r \n \t \\ \xNN`.
///
/// # Errors
/// When it is neither, or empty.
pub fn bytes_of(line: &str) -> Result<Vec<u8>, &'static str> {
    let line = line.trim_end_matches(['\r', '\n']);
    let bytes = match line.strip_prefix("text:") {
        Some(text) => unescape(text),
        None => hex::parse(line).ok_or("neither hex nor text:"),
    }?;
    if bytes.is_empty() { Err("an empty line") } else { Ok(bytes) }
}

fn unescape(text: &str) -> Result<Vec<u8>, &'static str> {
    const BAD: &str = "after a backslash stands r, n, t, x with two digits, or a backslash";
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, escape)) = rest.split_once('\\') {
        bytes.extend_from_slice(plain.as_bytes());
        let (byte, length) = match escape.as_bytes() {
            [b'r', ..] => (b'\r', 1),
            [b'n', ..] => (b'\n', 1),
            [b't', ..] => (b'\t', 1),
            [b'\\', ..] => (b'\\', 1),
            [b'x', ..] => {
                let byte = escape.get(1..3).and_then(hex::parse).and_then(|bytes| bytes.first().copied());
                (byte.ok_or(BAD)?, 3)
            }
            _ => return Err(BAD),
        };
        bytes.push(byte);
        rest = escape.get(length..).ok_or(BAD)?;
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_hex_or_escaped_text() {
        for (line, bytes) in [
            ("00ff", Ok(vec![0, 255])),
            ("00 FF\r\n", Ok(vec![0, 255])),
            ("text:*HQ,1#", Ok(b"*HQ,1#".to_vec())),
            ("text:a\\r\\n\\t\\\\\\x00\\xfFz", Ok(b"a\r\n\t\\\x00\xffz".to_vec())),
            ("text:ü", Ok("ü".as_bytes().to_vec())),
            ("", Err("an empty line")),
            ("text:", Err("an empty line")),
            ("0g", Err("neither hex nor text:")),
        ] {
            assert_eq!(bytes_of(line), bytes, "{line}");
        }
        for bad in ["text:\\", "text:\\q", "text:\\x4", "text:\\xg0", "text:\\xüü"] {
            assert!(bytes_of(bad).is_err(), "{bad}");
        }
    }
}
