//! Messages 15 and 21: what a device answers to a command, and what can be read in the text.
//! Source: GT06 protocol 1.8.1, 5.2.5 and 6.1; Concox JM-VL01 protocol V19 (2021), "Online command".

use super::{draft::Draft, packet::Packet};
use crate::{
    clock,
    fields::{self, decimal},
    reader::{ReadError, Reader},
};
use domain::{Coordinates, Fix, Outcome};

pub(super) struct Answer {
    /// What the server put into its command.
    pub(super) flag: u32,
    pub(super) text: String,
}

impl Answer {
    /// # Errors
    /// When the content is too short.
    pub(super) fn read(packet: &Packet<'_>) -> Result<Self, ReadError> {
        let mut reader = Reader::new(packet.content);
        if packet.number == SHORT {
            // The length counts the flag and the text, if it is there; a language follows.
            let length = usize::from(reader.u8()?);
            let flag = reader.u32_be()?;
            let text = match length.checked_sub(4) {
                Some(length) => reader.slice(reader.left().min(length))?,
                None => reader.slice(reader.left().saturating_sub(2))?,
            };
            return Ok(Self { flag, text: printable(&String::from_utf8_lossy(text)) });
        }
        let flag = reader.u32_be()?;
        let wide = reader.u8()? == UTF16;
        let text = reader.rest();
        let text = if wide {
            let units: Vec<u16> =
                text.chunks_exact(2).map(|unit| u16::from_be_bytes([unit[0], unit[1]])).collect();
            String::from_utf16_lossy(&units)
        } else {
            String::from_utf8_lossy(text).into_owned()
        };
        Ok(Self { flag, text: printable(&text) })
    }

    pub(super) fn outcome(&self) -> Outcome {
        let text = self.text.to_ascii_lowercase();
        let refused = ["error", "fail", "invalid", "unsupport", "not support"];
        if refused.iter().any(|word| text.contains(word)) { Outcome::Refused } else { Outcome::Done }
    }

    /// The place, and the number of the SIM card, that the text tells.
    pub(super) fn draft(&self) -> Option<Draft> {
        let mut draft = Draft::default();
        if let Some((_, digits)) = self.text.split_once("ICCID:") {
            let end = digits.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(digits.len());
            if end > 0 {
                draft.inputs.push(input!("iccid"), &digits[..end]);
            }
        }
        place(&self.text, &mut draft);
        (draft.fix.is_some() || !draft.inputs.is_empty()).then_some(draft)
    }
}

const SHORT: u8 = 0x15;
const UTF16: u8 = 2;

/// `…!Lat:N22.577029,Lon:E113.916750,Course:126.53,Speed:0.0000,DateTime:2017-05-26 10:27:47`.
fn place(text: &str, draft: &mut Draft) {
    let (mut lat, mut lng, mut speed, mut heading) = (None, None, None, None);
    for part in text.split([',', '!']) {
        let Some((name, value)) = part.trim().split_once(':') else { continue };
        match name {
            "Lat" => lat = degrees(value),
            "Lon" => lng = degrees(value),
            "Speed" => speed = decimal(value.as_bytes()),
            "Course" => heading = decimal(value.as_bytes()),
            "DateTime" => draft.time = clock::iso(value.trim().as_bytes()),
            _ => {}
        }
    }
    let coordinates = lat.zip(lng).and_then(|(lat, lng)| Coordinates::new(lat, lng));
    draft.fix = coordinates.map(|coordinates| Fix {
        speed: speed.and_then(|kmh| crate::plausible::speed_kmh(kmh as f32)),
        heading: heading.and_then(|degrees| crate::plausible::heading(degrees as u16)),
        ..Fix::at(coordinates)
    });
}

fn degrees(value: &str) -> Option<f64> {
    let (hemisphere, number) = value.split_at_checked(1)?;
    let number = decimal(number.as_bytes())?;
    match hemisphere {
        "N" | "E" => Some(number),
        "S" | "W" => Some(-number),
        _ => None,
    }
}

/// Devices fill up with zeros and end with line ends.
fn printable(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    fields::text(text.as_bytes()).unwrap_or_default().to_owned()
}
