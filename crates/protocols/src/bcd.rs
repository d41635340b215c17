//! Packed decimal digits, two to a byte, the high half first. `Reader::bcd` reads them as one number.

use crate::clock;
use domain::Timestamp;

/// The digits as text, such as a terminal's number. `None` when a half byte is no digit.
pub fn digits(bytes: &[u8]) -> Option<String> {
    let halves = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    halves.map(|half| (half <= 9).then(|| char::from(b'0' + half))).collect()
}

/// Packed digits as one number, up to the last half byte, which holds flags. `None` when a half byte before is no digit,
/// or there are more digits than a number holds.
pub fn number_and_flags(bytes: &[u8]) -> Option<(u64, u8)> {
    let (last, before) = bytes.split_last()?;
    let halves = before.iter().flat_map(|byte| [byte >> 4, byte & 15]).chain([last >> 4]);
    let number = halves
        .map(|half| (half <= 9).then_some(half))
        .try_fold(0_u64, |value, digit| value.checked_mul(10)?.checked_add(digit?.into()))?;
    Some((number, last & 15))
}

/// `YYMMDDhhmmss` as the device's clock shows it; protocols with a local time subtract their offset.
pub fn time(bytes: [u8; 6]) -> Option<Timestamp> {
    let mut parts = [0; 6];
    for (part, byte) in parts.iter_mut().zip(bytes) {
        *part = pair(byte)?;
    }
    clock::binary(parts)
}

/// Text of digits as packed decimals, with a zero before an odd number of them. `None` when it is no such text, or does
/// not fit the room.
pub fn pack<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let mut packed = [0; N];
    if digits.len() > 2 * N {
        return None;
    }
    for (place, digit) in digits.bytes().rev().enumerate() {
        let digit = digit.is_ascii_digit().then(|| digit - b'0')?;
        packed[N - 1 - place / 2] |= digit << (4 * (place % 2));
    }
    Some(packed)
}

fn pair(byte: u8) -> Option<u8> {
    let (tens, ones) = (byte >> 4, byte & 15);
    (tens <= 9 && ones <= 9).then(|| tens * 10 + ones)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_packed_decimals() {
        assert_eq!(digits(&[0x01, 0x23, 0x45]).as_deref(), Some("012345"));
        assert_eq!(digits(&[0x0A]), None);
        assert_eq!(number_and_flags(&[0x01, 0x23, 0x4E]), Some((1234, 0xE)));
        assert_eq!(number_and_flags(&[0x01, 0x23, 0xE4]), None);
        assert_eq!(number_and_flags(&[]), None);
        assert_eq!(pack("12345"), Some([0x01, 0x23, 0x45]));
        assert_eq!(pack("1"), Some([0, 0, 0x01]));
        assert_eq!(pack::<2>("12345"), None);
        assert_eq!(pack::<2>("12a"), None);
    }

    #[test]
    fn reads_times() {
        let moment = |bytes| time(bytes).map(|time| time.to_string());
        assert_eq!(moment([0x24, 0x02, 0x29, 0x23, 0x59, 0x59]).as_deref(), Some("2024-02-29T23:59:59Z"));
        assert_eq!(moment([0x24, 0x02, 0x30, 0, 0, 0]), None);
        assert_eq!(moment([0x2A, 0x02, 0x29, 0, 0, 0]), None);
    }
}
