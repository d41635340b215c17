//! Texts as the network carries them (3GPP TS 23.038): in the default alphabet of 7 bits where that has all letters, else
//! in UCS-2; long ones in parts, each with a header that says which part of which message it is (TS 23.040, 9.2.3.24.1).

/// One part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// As SMPP names it: 0 for the default alphabet, 8 for UCS-2.
    pub data_coding: u8,
    /// It begins with a header.
    pub has_header: bool,
    /// Header and text. The default alphabet takes one octet for each septet.
    pub octets: Vec<u8>,
}

/// Which part of which message a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartOf {
    pub reference: u16,
    /// 2 or more.
    pub total: u8,
    /// From 1 on.
    pub number: u8,
}

impl PartOf {
    /// `None` for a message that is whole, and for what is not possible.
    pub fn new(reference: u16, total: u8, number: u8) -> Option<Self> {
        (total > 1 && (1..=total).contains(&number)).then_some(Self { reference, total, number })
    }

    /// Out of the header with which a text begins (TS 23.040, 9.2.3.24.1 and 9.2.3.24.8).
    pub fn of_header(octets: &[u8]) -> Option<Self> {
        let (length, rest) = octets.split_first()?;
        let mut elements = rest.get(..usize::from(*length))?;
        while let [kind, length, rest @ ..] = elements {
            let (value, behind) = rest.split_at_checked(usize::from(*length))?;
            match (*kind, value) {
                (0, [reference, total, number]) => return Self::new((*reference).into(), *total, *number),
                (8, [high, low, total, number]) => {
                    return Self::new(u16::from_be_bytes([*high, *low]), *total, *number);
                }
                _ => elements = behind,
            }
        }
        None
    }
}

const DEFAULT: u8 = 0;
const UCS_2: u8 = 8;
const ESCAPE: u8 = 0x1b;
/// A header counts no more parts.
const PARTS: usize = 255;

/// TS 23.038, 6.2.1; ESC stands where the extension table is entered.
const ALPHABET: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\u{1b}ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
    ¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// TS 23.038, 6.2.1.1: after ESC.
const EXTENSION: [(char, u8); 10] = [
    ('\u{c}', 0x0a),
    ('^', 0x14),
    ('{', 0x28),
    ('}', 0x29),
    ('\\', 0x2f),
    ('[', 0x3c),
    ('~', 0x3d),
    (']', 0x3e),
    ('|', 0x40),
    ('€', 0x65),
];

/// The parts of a text; `reference` tells the parts of one message from those of another. `None` when it is too long.
pub fn parts(text: &str, reference: u8) -> Option<Vec<Part>> {
    let (data_coding, whole, room, letters) = match text.chars().map(septets).collect::<Option<Vec<_>>>() {
        Some(letters) => (DEFAULT, 160, 153, letters),
        None => (UCS_2, 140, 134, text.chars().map(ucs_2).collect()),
    };
    let length: usize = letters.iter().map(Vec::len).sum();
    if length <= whole {
        return Some(vec![Part { data_coding, has_header: false, octets: letters.concat() }]);
    }
    let mut texts = vec![Vec::new()];
    for letter in letters {
        // A letter of two septets or of two units stays whole.
        if texts.last().is_some_and(|last| last.len() + letter.len() > room) {
            texts.push(Vec::new());
        }
        texts.last_mut()?.extend(letter);
    }
    let count = u8::try_from(texts.len()).ok().filter(|count| usize::from(*count) <= PARTS)?;
    let part = |(number, text): (u8, Vec<u8>)| {
        let mut octets = vec![5, 0, 3, reference, count, number];
        octets.extend(text);
        Part { data_coding, has_header: true, octets }
    };
    Some((1..=count).zip(texts).map(part).collect())
}

/// A text that came in; its header, when it has one, is left out. What cannot be read becomes `?`.
pub fn text(data_coding: u8, has_header: bool, octets: &[u8]) -> String {
    let header = match octets.first() {
        Some(length) if has_header => usize::from(*length) + 1,
        _ => 0,
    };
    let octets = octets.get(header..).unwrap_or_default();
    match data_coding {
        UCS_2 => {
            let units = octets.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
            char::decode_utf16(units).map(|letter| letter.unwrap_or('?')).collect()
        }
        // ASCII and Latin 1 are the first letters of Unicode.
        1 | 3 => octets.iter().map(|octet| char::from(*octet)).collect(),
        _ => {
            let mut text = String::new();
            let mut septets = octets.iter();
            while let Some(septet) = septets.next() {
                let letter = if *septet == ESCAPE {
                    let code = septets.next();
                    EXTENSION.iter().find(|(_, extended)| Some(extended) == code).map(|(letter, _)| *letter)
                } else {
                    ALPHABET.chars().nth(usize::from(*septet))
                };
                text.push(letter.unwrap_or('?'));
            }
            text
        }
    }
}

fn septets(letter: char) -> Option<Vec<u8>> {
    let base = ALPHABET.chars().position(|known| known == letter).and_then(|code| u8::try_from(code).ok());
    if let Some(code) = base.filter(|code| *code != ESCAPE) {
        return Some(vec![code]);
    }
    EXTENSION.iter().find(|(known, _)| *known == letter).map(|(_, code)| vec![ESCAPE, *code])
}

fn ucs_2(letter: char) -> Vec<u8> {
    letter.encode_utf16(&mut [0; 2]).iter().flat_map(|unit| unit.to_be_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_alphabet_has_its_letters_in_their_places() {
        assert_eq!(ALPHABET.chars().count(), 128);
        for (letter, code) in [
            ('@', 0),
            ('Δ', 0x10),
            (' ', 0x20),
            ('0', 0x30),
            ('A', 0x41),
            ('Ü', 0x5e),
            ('a', 0x61),
            ('à', 0x7f),
        ] {
            assert_eq!(septets(letter), Some(vec![code]), "{letter}");
        }
        assert_eq!(septets('€'), Some(vec![ESCAPE, 0x65]));
        assert_eq!(septets('я'), None);
    }

    #[test]
    fn long_texts_go_in_parts_that_come_back_whole() {
        for (text_in, data_coding, lengths) in [
            ("a".repeat(160), DEFAULT, vec![160]),
            ("a".repeat(161), DEFAULT, vec![6 + 153, 6 + 8]),
            // The pair of the 153rd septet goes into the next part.
            (format!("{}€{}", "a".repeat(152), "b".repeat(10)), DEFAULT, vec![6 + 152, 6 + 12]),
            ("я".repeat(70), UCS_2, vec![140]),
            ("я".repeat(71), UCS_2, vec![6 + 134, 6 + 8]),
            (format!("{}😀", "я".repeat(66)) + "яяяя", UCS_2, vec![6 + 132, 6 + 12]),
            ("{[€~]}\\|^".to_owned(), DEFAULT, vec![18]),
            (String::new(), DEFAULT, vec![0]),
        ] {
            let parts = parts(&text_in, 7).unwrap();
            assert_eq!(parts.iter().map(|part| part.octets.len()).collect::<Vec<_>>(), lengths, "{text_in}");
            assert!(parts.iter().all(|part| part.data_coding == data_coding), "{text_in}");
            let count = u8::try_from(parts.len()).unwrap();
            for (number, part) in (1..).zip(&parts).filter(|(_, part)| part.has_header) {
                assert_eq!(part.octets[..6], [5, 0, 3, 7, count, number]);
            }
            for (number, part) in (1..).zip(&parts) {
                let expected = PartOf::new(7, count, number);
                assert_eq!(PartOf::of_header(&part.octets).filter(|_| part.has_header), expected);
            }
            let back: String =
                parts.iter().map(|part| text(part.data_coding, part.has_header, &part.octets)).collect();
            assert_eq!(back, text_in);
        }
        assert_eq!(parts(&"я".repeat(67 * 256), 7), None);
    }

    #[test]
    fn headers_say_which_part_it_is() {
        for (header, expected) in [
            (&[5, 0, 3, 7, 2, 1][..], PartOf::new(7, 2, 1)),
            (&[6, 8, 4, 1, 7, 3, 3], PartOf::new(0x107, 3, 3)),
            // Ports before it.
            (&[11, 5, 4, 0x0b, 0x84, 0x23, 0xf0, 0, 3, 7, 2, 2], PartOf::new(7, 2, 2)),
            (&[5, 0, 3, 7, 2, 0], None),
            (&[5, 0, 3, 7, 2, 3], None),
            (&[5, 0, 3, 7, 1, 1], None),
            (&[5, 0, 3, 7, 2], None),
            (&[5, 0, 9, 7, 2, 1], None),
            (&[0], None),
            (&[], None),
        ] {
            assert_eq!(PartOf::of_header(header), expected, "{header:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_does_no_harm() {
        for octets in [&[][..], &[200], &[5, 0], &[ESCAPE], &[ESCAPE, 1], &[255, 0x41]] {
            for data_coding in [0, 1, 8, 4] {
                _ = text(data_coding, true, octets);
                _ = text(data_coding, false, octets);
            }
        }
        assert_eq!(text(3, false, b"caf\xe9"), "café");
    }
}
