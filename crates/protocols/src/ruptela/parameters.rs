//! What the numbered parameters of a record mean: the table beside this file, and what no table can say.

use crate::{
    alarm::{Alarm, Alarms},
    cells,
    parameters::Parameters,
};
use domain::Inputs;
use std::sync::LazyLock;

/// Collects the parameters of one record.
#[derive(Default)]
pub(super) struct Collected {
    alarms: Alarms,
    /// Texts that come in parts of eight bytes: vehicle's number by OBD and by CAN, cards of two drivers.
    texts: [[u8; 24]; 4],
}

/// Id of a part, which text it belongs to, and where it stands in it.
const PARTS: [(u16, usize, usize); 10] = [
    (104, 0, 0),
    (105, 0, 8),
    (106, 0, 16),
    (123, 1, 0),
    (124, 1, 8),
    (125, 1, 16),
    (126, 2, 0),
    (127, 2, 8),
    (128, 3, 0),
    (129, 3, 8),
];

impl Collected {
    pub(super) fn number(&mut self, id: u16, raw: u64, width: usize, inputs: &mut Inputs) {
        static TABLE: LazyLock<Parameters> =
            LazyLock::new(|| Parameters::built_in(include_str!("parameters.tsv")));
        match (id, width) {
            (27, 1) => {
                if let Some(percent) = cells::percent_of_csq(raw.cast_signed()) {
                    inputs.push(input!("gsm_signal_level"), percent);
                }
            }
            (104..=106 | 123..=129, 8) => {
                if let Some((_, text, place)) = PARTS.iter().find(|(part, ..)| *part == id) {
                    self.texts[*text][*place..place + 8].copy_from_slice(&raw.to_be_bytes());
                }
            }
            // The strength of harsh braking and acceleration; 0 for none.
            (134, _) if raw > 0 => _ = self.alarms.raise(Alarm::HarshBraking),
            (136, _) if raw > 0 => _ = self.alarms.raise(Alarm::HarshAcceleration),
            (134 | 136, _) => {}
            _ => TABLE.number(id, raw, width, inputs),
        }
    }

    pub(super) fn finish(self, inputs: &mut Inputs) {
        let names =
            [input!("obd_vin"), input!("can_vin"), input!("tacho_card1_sn"), input!("tacho_card2_sn")];
        for (name, text) in names.into_iter().zip(&self.texts) {
            let length = text.iter().rposition(|byte| !matches!(byte, 0 | 0xFF)).map_or(0, |last| last + 1);
            if let Some(text) = crate::fields::text(&text[..length]) {
                inputs.push(name, text);
            }
        }
        self.alarms.write(inputs);
    }
}
