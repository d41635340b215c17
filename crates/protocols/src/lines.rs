//! Text lines in a stream.

use crate::Framing;

/// Finds the line at the start of `buffer`; its end belongs to it. Empty lines are skipped.
pub fn frame(buffer: &[u8]) -> Framing {
    let blank = buffer.iter().take_while(|byte| is_end(**byte)).count();
    if blank > 0 {
        return Framing::Skip(blank);
    }
    match buffer.iter().position(|byte| is_end(*byte)) {
        // "\r\n" is one end, however its bytes arrive: the "\n" that comes later is an empty line.
        Some(end) => Framing::Frame(end + 1),
        None => Framing::Incomplete,
    }
}

/// The line without its end.
pub fn content(frame: &[u8]) -> &[u8] {
    let length = frame.iter().rposition(|byte| !is_end(*byte)).map_or(0, |last| last + 1);
    &frame[..length]
}

fn is_end(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n' | 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_in_many_ways() {
        for (buffer, expected) in [
            ("", Framing::Incomplete),
            ("ab", Framing::Incomplete),
            ("ab\r", Framing::Frame(3)),
            ("ab\r\ncd", Framing::Frame(3)),
            ("ab\ncd", Framing::Frame(3)),
            ("\r\n\0ab", Framing::Skip(3)),
        ] {
            assert_eq!(frame(buffer.as_bytes()), expected, "{buffer:?}");
        }
        assert_eq!(
            (content(b"ab\r\n"), content(b"\r\n"), content(b"ab")),
            (&b"ab"[..], &b""[..], &b"ab"[..])
        );
    }
}
