//! The outputs of a device, as it reports them.

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Outputs {
    bits: u8,
    switched: bool,
}

impl Outputs {
    /// The first one lowest.
    pub(super) fn bits(self) -> u8 {
        self.bits
    }

    /// As `bits`, from the first command on.
    pub(super) fn once_switched(self) -> Option<u8> {
        self.switched.then_some(self.bits)
    }

    /// The first output, which is the relay of devices with one.
    pub(super) fn relay(self) -> bool {
        self.bits & 1 == 1
    }

    /// Sets the outputs by marks from the first one on: 1 is on, 0 is off, anything else leaves an output as it is.
    pub(super) fn set(&mut self, marks: impl IntoIterator<Item = char>) {
        self.switched = true;
        for (bit, mark) in (0..8).zip(marks) {
            match mark {
                '1' => self.bits |= 1 << bit,
                '0' => self.bits &= !(1 << bit),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_switch_what_they_name() {
        let mut outputs = Outputs::default();
        assert_eq!(outputs.once_switched(), None);
        for (marks, bits) in [("1", 1), ("?1", 3), ("0", 2), ("221", 6), ("", 6), ("000", 0)] {
            outputs.set(marks.chars());
            assert_eq!((outputs.bits(), outputs.relay()), (bits, bits & 1 == 1), "{marks}");
        }
    }
}
