//! The device's side of a Teltonika conversation: what it writes (the encoder stands beside the decoder, in
//! `protocols`) and how it reads what the server answers.
//! Source: Teltonika Telematics Wiki, "Teltonika Data Sending Protocols" (2024), "Communication with server".

pub use protocols::teltonika::{
    Codec,
    encode::{Record, framed, login, packet, record},
};

/// What a server says to a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The device may speak.
    Admitted,
    /// The device may not speak; the server closes.
    Refused,
    /// How many records of the last packet the server has.
    Taken(u32),
}

/// A byte that answers no login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a login is answered with 0 or 1, not with {0:#04x}")]
pub struct NoAnswer(pub u8);

/// Reads a server's answers, however its bytes are cut: one byte for the login, then four for every packet.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    greeted: bool,
    partial: [u8; 4],
    length: usize,
}

impl Answers {
    /// Takes bytes off the front of `bytes` until an answer is complete; `None` when more are needed.
    ///
    /// # Errors
    /// When the login is answered with something else than an answer.
    pub fn read(&mut self, bytes: &mut &[u8]) -> Result<Option<Answer>, NoAnswer> {
        while let Some((&byte, rest)) = bytes.split_first() {
            *bytes = rest;
            if !self.greeted {
                return match byte {
                    0 => Ok(Some(Answer::Refused)),
                    1 => {
                        self.greeted = true;
                        Ok(Some(Answer::Admitted))
                    }
                    other => Err(NoAnswer(other)),
                };
            }
            self.partial[self.length] = byte;
            self.length = (self.length + 1) % self.partial.len();
            if self.length == 0 {
                return Ok(Some(Answer::Taken(u32::from_be_bytes(self.partial))));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_however_they_are_cut() {
        let stream = [1, 0, 0, 0, 2, 0, 0, 1, 0];
        for size in 1..=stream.len() {
            let mut answers = Answers::default();
            let mut seen = Vec::new();
            for mut piece in stream.chunks(size) {
                while let Some(answer) = answers.read(&mut piece).unwrap() {
                    seen.push(answer);
                }
                assert!(piece.is_empty());
            }
            assert_eq!(seen, [Answer::Admitted, Answer::Taken(2), Answer::Taken(256)], "pieces of {size}");
        }
    }

    #[test]
    fn a_login_has_two_answers() {
        for (byte, expected) in
            [(0, Ok(Some(Answer::Refused))), (1, Ok(Some(Answer::Admitted))), (b'H', Err(NoAnswer(b'H')))]
        {
            assert_eq!(Answers::default().read(&mut &[byte][..]), expected);
        }
        assert_eq!(Answers::default().read(&mut &[][..]), Ok(None));
    }
}
