//! Writes fields into a growing frame; a length that is known only afterwards is filled in later.

/// A frame in the making.
#[derive(Clone, Debug, Default)]
pub struct Writer(Vec<u8>);

/// Where a length waits to be filled in.
#[derive(Clone, Copy, Debug)]
#[must_use = "the length is still 0"]
pub struct LengthField<const WIDTH: usize>(usize);

macro_rules! integers {
    ($($type:ty: $be:ident $le:ident;)*) => {$(
        pub fn $be(&mut self, value: $type) -> &mut Self {
            self.bytes(&value.to_be_bytes())
        }

        pub fn $le(&mut self, value: $type) -> &mut Self {
            self.bytes(&value.to_le_bytes())
        }
    )*};
}

impl Writer {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What was written from `offset` on, such as the part that a checksum covers.
    pub fn since(&self, offset: usize) -> &[u8] {
        self.0.get(offset..).unwrap_or_default()
    }

    pub fn finish(self) -> Vec<u8> {
        self.0
    }

    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub fn u8(&mut self, value: u8) -> &mut Self {
        self.bytes(&[value])
    }

    integers! {
        u16: u16_be u16_le;
        i16: i16_be i16_le;
        u32: u32_be u32_le;
        i32: i32_be i32_le;
        u64: u64_be u64_le;
        i64: i64_be i64_le;
    }

    /// Leaves room for the length of what will follow.
    pub fn length_field<const WIDTH: usize>(&mut self) -> LengthField<WIDTH> {
        let field = LengthField(self.0.len());
        self.bytes(&[0; WIDTH]);
        field
    }

    /// Fills in how many bytes stand after the field, big-endian, with its lowest bytes where it is too narrow.
    pub fn fill_be<const WIDTH: usize>(&mut self, field: LengthField<WIDTH>) -> &mut Self {
        let end = field.0 + WIDTH;
        let length = (self.0.len().saturating_sub(end) as u64).to_be_bytes();
        if let Some(room) = self.0.get_mut(field.0..end) {
            for (byte, value) in room.iter_mut().rev().zip(length.iter().rev()) {
                *byte = *value;
            }
        }
        self
    }

    /// Fills in how many bytes stand after the field, little-endian.
    pub fn fill_le<const WIDTH: usize>(&mut self, field: LengthField<WIDTH>) -> &mut Self {
        self.fill_be(field);
        if let Some(room) = self.0.get_mut(field.0..field.0 + WIDTH) {
            room.reverse();
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_in_lengths_afterwards() {
        let mut writer = Writer::new();
        writer.u8(0xAA);
        let outer = writer.length_field::<4>();
        writer.u16_be(0x1234).u16_le(0x1234);
        let inner = writer.length_field::<2>();
        writer.bytes(&[7; 3]);
        writer.fill_le(inner).fill_be(outer);
        assert_eq!(writer.since(5), [0x12, 0x34, 0x34, 0x12, 3, 0, 7, 7, 7]);
        assert_eq!(writer.finish(), [0xAA, 0, 0, 0, 9, 0x12, 0x34, 0x34, 0x12, 3, 0, 7, 7, 7]);
    }
}
