//! A message in the making: what the parts of a packet add to it.

use crate::{alarm::Alarms, cells::Cells};
use domain::{Fix, Inputs, Message, Timestamp};

#[derive(Default)]
pub(super) struct Draft {
    pub(super) time: Option<Timestamp>,
    pub(super) fix: Option<Fix>,
    pub(super) inputs: Inputs,
    pub(super) cells: Cells,
    pub(super) alarms: Alarms,
    /// Where in the content stands whether the record is sent again; it is no part of the record.
    pub(super) resend_mark: Option<usize>,
}

impl Draft {
    pub(super) fn finish(mut self) -> Message {
        self.cells.write(&mut self.inputs);
        self.alarms.write(&mut self.inputs);
        Message { time: self.time, fix: self.fix, inputs: self.inputs }
    }
}
