//! Reads fields off a slice of bytes, in order, without ever reading past its end.

/// A cursor over bytes. Every read either takes what it says or takes nothing and tells why.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

/// Why a field could not be read; offsets count from the start of the slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    #[error("{wanted} bytes wanted at offset {offset}, {left} left")]
    Short { offset: usize, wanted: usize, left: usize },
    #[error("not {what} at offset {offset}")]
    Not { offset: usize, what: &'static str },
}

macro_rules! integers {
    ($($type:ty: $be:ident $le:ident;)*) => {$(
        pub fn $be(&mut self) -> Result<$type, ReadError> {
            self.array().map(<$type>::from_be_bytes)
        }

        pub fn $le(&mut self) -> Result<$type, ReadError> {
            self.array().map(<$type>::from_le_bytes)
        }
    )*};
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0 }
    }

    /// How many bytes were read.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// How many bytes are left.
    pub fn left(&self) -> usize {
        self.bytes.len() - self.offset
    }

    pub fn is_empty(&self) -> bool {
        self.left() == 0
    }

    /// The bytes between an earlier offset and the cursor.
    pub fn since(&self, offset: usize) -> &'a [u8] {
        self.bytes.get(offset..self.offset).unwrap_or_default()
    }

    /// All bytes that are left.
    pub fn rest(&mut self) -> &'a [u8] {
        let rest = &self.bytes[self.offset..];
        self.offset = self.bytes.len();
        rest
    }

    pub fn slice(&mut self, length: usize) -> Result<&'a [u8], ReadError> {
        let left = &self.bytes[self.offset..];
        let Some(slice) = left.get(..length) else {
            return Err(ReadError::Short { offset: self.offset, wanted: length, left: left.len() });
        };
        self.offset += length;
        Ok(slice)
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], ReadError> {
        let left = &self.bytes[self.offset..];
        let Some(array) = left.first_chunk() else {
            return Err(ReadError::Short { offset: self.offset, wanted: N, left: left.len() });
        };
        self.offset += N;
        Ok(*array)
    }

    pub fn u8(&mut self) -> Result<u8, ReadError> {
        self.array().map(|[byte]| byte)
    }

    pub fn i8(&mut self) -> Result<i8, ReadError> {
        self.u8().map(u8::cast_signed)
    }

    integers! {
        u16: u16_be u16_le;
        i16: i16_be i16_le;
        u32: u32_be u32_le;
        i32: i32_be i32_le;
        u64: u64_be u64_le;
        i64: i64_be i64_le;
        f32: f32_be f32_le;
        f64: f64_be f64_le;
    }

    /// An unsigned number of 0 to 8 bytes.
    pub fn uint_be(&mut self, length: usize) -> Result<u64, ReadError> {
        Ok(self.slice(length)?.iter().fold(0, |value, &byte| value << 8 | u64::from(byte)))
    }

    /// An unsigned number of 0 to 8 bytes.
    pub fn uint_le(&mut self, length: usize) -> Result<u64, ReadError> {
        Ok(self.slice(length)?.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte)))
    }

    /// Packed decimal digits, two to a byte, high half first.
    pub fn bcd(&mut self, length: usize) -> Result<u64, ReadError> {
        let offset = self.offset;
        self.slice(length)?.iter().try_fold(0_u64, |value, &byte| {
            let (tens, ones) = (byte >> 4, byte & 15);
            let digits = (tens <= 9 && ones <= 9).then(|| u64::from(tens * 10 + ones));
            let value = digits.and_then(|digits| value.checked_mul(100)?.checked_add(digits));
            value.ok_or(ReadError::Not { offset, what: "packed decimal digits" })
        })
    }
}

/// Bits `first..first + count` of `value`, bit 0 being the lowest.
pub fn bits(value: u64, first: u32, count: u32) -> u64 {
    let mask = 1_u64.checked_shl(count).map_or(u64::MAX, |bit| bit - 1);
    value.checked_shr(first).unwrap_or(0) & mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_in_order_and_never_past_the_end() {
        let bytes = [0x01, 0xFE, 0xFF, 0x12, 0x34, 0x34, 0x12, 0x80, 0x00, 0x00, 0x01];
        let mut reader = Reader::new(&bytes);
        assert_eq!(reader.u8(), Ok(1));
        assert_eq!(reader.i16_be(), Ok(-257));
        assert_eq!(reader.u16_be(), Ok(0x1234));
        assert_eq!(reader.u16_le(), Ok(0x1234));
        assert_eq!(reader.since(5), [0x34, 0x12]);
        assert_eq!(reader.u64_be(), Err(ReadError::Short { offset: 7, wanted: 8, left: 4 }));
        assert_eq!(reader.slice(5), Err(ReadError::Short { offset: 7, wanted: 5, left: 4 }));
        assert_eq!(reader.clone().i32_be(), Ok(-0x7FFF_FFFF));
        assert_eq!(reader.clone().uint_be(3), Ok(0x80_0000));
        assert_eq!(reader.uint_le(4), Ok(0x0100_0080));
        assert!(reader.is_empty());
        assert!(reader.rest().is_empty());
        assert!(reader.since(99).is_empty());
    }

    #[test]
    fn reads_packed_decimals() {
        assert_eq!(Reader::new(&[0x20, 0x26, 0x09]).bcd(3), Ok(202_609));
        for bad in [[0x2A, 0x00], [0xA2, 0x00]] {
            let error = ReadError::Not { offset: 0, what: "packed decimal digits" };
            assert_eq!(Reader::new(&bad).bcd(2), Err(error));
        }
        assert!(Reader::new(&[0x99; 16]).bcd(16).is_err(), "more digits than a number holds");
    }

    #[test]
    fn picks_bits() {
        for (first, count, expected) in
            [(0, 4, 0x4), (4, 8, 0x23), (12, 64, 0x1), (64, 8, 0), (0, 64, 0x1234)]
        {
            assert_eq!(bits(0x1234, first, count), expected, "{count} bits from {first}");
        }
    }
}
