//! Bytes as hexadecimal text and back.

/// Upper-case digits without spaces, as inputs print keys and raw values.
pub fn upper(bytes: &[u8]) -> String {
    digits(bytes, b"0123456789ABCDEF")
}

/// Lower-case digits without spaces, as the command line prints replies.
pub fn lower(bytes: &[u8]) -> String {
    digits(bytes, b"0123456789abcdef")
}

/// The bytes of hexadecimal text; spaces may stand between bytes. `None` when it is no such text.
pub fn parse(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 2);
    let mut digits = text.trim_ascii().chars().peekable();
    while let Some(high) = digits.next() {
        let low = digits.next()?;
        bytes.push(u8::try_from(high.to_digit(16)? * 16 + low.to_digit(16)?).ok()?);
        while digits.next_if(char::is_ascii_whitespace).is_some() {}
    }
    Some(bytes)
}

fn digits(bytes: &[u8], alphabet: &[u8; 16]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        for half in [byte >> 4, byte & 15] {
            text.push(char::from(alphabet[usize::from(half)]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_and_parses() {
        assert_eq!(upper(&[0x00, 0x9A, 0xFF]), "009AFF");
        assert_eq!(lower(&[0x00, 0x9A, 0xFF]), "009aff");
        for (text, bytes) in [
            ("", Some(vec![])),
            (" 00 9a  FF ", Some(vec![0, 0x9A, 0xFF])),
            ("009aFF", Some(vec![0, 0x9A, 0xFF])),
            ("0", None),
            ("0 09", None),
            ("0g", None),
            ("ж0", None),
        ] {
            assert_eq!(parse(text), bytes, "{text}");
        }
    }
}
