//! Fields of a text line, read without allocation. An empty or unreadable field is `None`: trackers leave out what they
//! do not know.

/// The fields of a line, split at one separator; an empty line has one empty field.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    rest: Option<&'a [u8]>,
    separator: u8,
}

impl<'a> Fields<'a> {
    pub fn new(line: &'a [u8], separator: u8) -> Self {
        Self { rest: Some(line), separator }
    }

    pub fn comma(line: &'a [u8]) -> Self {
        Self::new(line, b',')
    }

    /// The next field; an empty one behind the end.
    pub fn field(&mut self) -> &'a [u8] {
        self.next().unwrap_or_default()
    }

    /// Leaves out so many fields.
    pub fn skip_fields(&mut self, count: usize) -> &mut Self {
        for _ in 0..count {
            self.next();
        }
        self
    }

    pub fn text(&mut self) -> Option<&'a str> {
        text(self.field())
    }

    pub fn integer<T: TryFrom<i64>>(&mut self) -> Option<T> {
        integer(self.field())
    }

    pub fn decimal(&mut self) -> Option<f64> {
        decimal(self.field())
    }

    pub fn hex(&mut self) -> Option<u64> {
        hex(self.field())
    }

    /// Everything that was not read yet, with its separators.
    pub fn rest(&self) -> &'a [u8] {
        self.rest.unwrap_or_default()
    }

    pub fn is_at_end(&self) -> bool {
        self.rest.is_none()
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest?;
        match rest.iter().position(|byte| *byte == self.separator) {
            Some(end) => {
                self.rest = Some(&rest[end + 1..]);
                Some(&rest[..end])
            }
            None => {
                self.rest = None;
                Some(rest)
            }
        }
    }
}

/// Printable text without the spaces around it, at most as long as an input takes.
pub fn text(field: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(field).ok()?.trim();
    let printable = !text.is_empty() && text.len() <= crate::sanity::MAX_TEXT;
    (printable && !text.contains(char::is_control)).then_some(text)
}

/// A whole number with or without a sign that fits `T`.
pub fn integer<T: TryFrom<i64>>(field: &[u8]) -> Option<T> {
    let (negative, digits) = match field.trim_ascii() {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] | digits => (false, digits),
    };
    if digits.is_empty() {
        return None;
    }
    let value = digits.iter().try_fold(0_i64, |value, digit| {
        let digit = digit.is_ascii_digit().then(|| i64::from(digit - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })?;
    T::try_from(if negative { -value } else { value }).ok()
}

/// A decimal number: a sign, digits, a point, digits. Neither exponents nor "nan".
pub fn decimal(field: &[u8]) -> Option<f64> {
    let field = field.trim_ascii();
    let (sign, digits) = match field {
        [b'-', digits @ ..] => (-1.0, digits),
        [b'+', digits @ ..] | digits => (1.0, digits),
    };
    let (mut mantissa, mut seen, mut behind_point) = (0_u64, 0_usize, None);
    for byte in digits {
        match byte {
            b'0'..=b'9' => {
                mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'));
                seen += 1;
                behind_point = behind_point.map(|count: usize| count + 1);
            }
            b'.' if behind_point.is_none() => behind_point = Some(0),
            _ => return None,
        }
    }
    let behind_point = behind_point.unwrap_or(0);
    match (seen, POWERS_OF_TEN.get(behind_point)) {
        (0, _) => None,
        // Both numbers are exact in a float, so that the quotient is the nearest one, as the library's parser gives it.
        (1..=15, Some(power)) => Some(sign * (mantissa as f64 / power)),
        _ => std::str::from_utf8(field).ok()?.parse().ok().filter(|number: &f64| number.is_finite()),
    }
}

/// Hexadecimal digits, at most 16.
pub fn hex(field: &[u8]) -> Option<u64> {
    if field.is_empty() || field.len() > 16 {
        return None;
    }
    field.iter().try_fold(0_u64, |value, byte| {
        let digit = char::from(*byte).to_digit(16)?;
        Some(value << 4 | u64::from(digit))
    })
}

const POWERS_OF_TEN: [f64; 16] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_a_line() {
        let mut fields = Fields::comma(b"+ACK,12,-3.5,,0A,x,y,");
        assert_eq!(fields.text(), Some("+ACK"));
        assert_eq!(fields.integer::<u8>(), Some(12));
        assert_eq!(fields.decimal(), Some(-3.5));
        assert_eq!(fields.decimal(), None);
        assert_eq!(fields.hex(), Some(10));
        assert_eq!(fields.rest(), b"x,y,");
        assert_eq!(fields.skip_fields(1).field(), b"y");
        assert!(!fields.is_at_end(), "an empty field is left");
        assert_eq!(fields.next(), Some(&b""[..]));
        assert!(fields.is_at_end());
        assert_eq!((fields.next(), fields.field(), fields.rest()), (None, &b""[..], &b""[..]));
    }

    #[test]
    fn whole_numbers_fit_or_are_none() {
        for (field, expected) in [
            ("0", Some(0)),
            ("-128", Some(-128)),
            ("+7", Some(7)),
            (" 007 ", Some(7)),
            ("128", None),
            ("99999999999999999999", None),
            ("", None),
            ("-", None),
            ("1.0", None),
            ("1a", None),
        ] {
            assert_eq!(integer::<i8>(field.as_bytes()), expected, "{field}");
        }
    }

    #[test]
    fn decimals_are_what_the_library_reads() {
        for field in ["0", "-12.5", "+3", "007.250", "5429.681944502211763", "123456789012345678", ".5", "5."]
        {
            let expected: f64 = field.parse().unwrap();
            assert_eq!(decimal(field.as_bytes()), Some(expected), "{field}");
        }
        for bad in ["", ".", "-", "1e5", "nan", "inf", "1.2.3", "--1", "0x10", "1,5"] {
            assert_eq!(decimal(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(decimal("9".repeat(400).as_bytes()), None);
    }

    #[test]
    fn hex_and_text() {
        assert_eq!(hex(b"00fF"), Some(255));
        assert_eq!(hex(b"FFFFFFFFFFFFFFFF"), Some(u64::MAX));
        for bad in [&b""[..], b"g", b"0x1", b"00000000000000000"] {
            assert_eq!(hex(bad), None);
        }
        assert_eq!(text(b" A b "), Some("A b"));
        for bad in [&b"  "[..], b"a\nb", b"\xff"] {
            assert_eq!(text(bad), None);
        }
    }
}
