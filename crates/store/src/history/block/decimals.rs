//! A column of numbers with a point. Devices measure in decimal steps, so that nearly always all are whole numbers of
//! some power of ten and are written as such; where one is not, every bit of every number is kept.
//!
//! ```text
//! column   nothing when it has no numbers; else how u8: 0 to 9 the power of ten, then whole numbers of it (`integers`);
//!          255 IEEE 754, first the lowest byte of every number, then the next ones
//! ```

use super::integers;
use crate::wire::{DecodeError, Unread};

const BITS: u8 = 255;
const POWERS: [f64; 10] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

/// Beyond this whole numbers have gaps.
const MOST: f64 = 9_007_199_254_740_992.0;

/// A number of one of the two sizes.
pub(super) trait Float: Copy {
    const BYTES: usize;
    fn widened(self) -> f64;
    fn narrowed(number: f64) -> Self;
    fn bits(self) -> u64;
    fn from_bits(bits: u64) -> Self;
}

impl Float for f64 {
    const BYTES: usize = 8;
    fn widened(self) -> f64 {
        self
    }
    fn narrowed(number: f64) -> Self {
        number
    }
    fn bits(self) -> u64 {
        self.to_bits()
    }
    fn from_bits(bits: u64) -> Self {
        Self::from_bits(bits)
    }
}

impl Float for f32 {
    const BYTES: usize = 4;
    fn widened(self) -> f64 {
        self.into()
    }
    fn narrowed(number: f64) -> Self {
        number as Self
    }
    fn bits(self) -> u64 {
        self.to_bits().into()
    }
    fn from_bits(bits: u64) -> Self {
        Self::from_bits(bits as u32)
    }
}

/// Room for what numbers are made into before they are written.
#[derive(Default)]
pub(super) struct Room {
    scaled: Vec<i64>,
    pub(super) integers: integers::Room,
}

/// Answers with how many bytes it wrote that are no bits of numbers of `integers`.
pub(super) fn write<F: Float>(numbers: &[F], room: &mut Room, out: &mut Vec<u8>) -> usize {
    if numbers.is_empty() {
        return 0;
    }
    let Room { scaled, integers } = room;
    // What is whole in one power of ten is so in the next.
    for (power, scale) in (0u8..).zip(POWERS) {
        scaled.clear();
        scaled.extend(numbers.iter().map_while(|number| whole(*number, scale)));
        if scaled.len() == numbers.len() {
            out.push(power);
            integers::write(scaled, integers, out);
            return 0;
        }
    }
    out.push(BITS);
    for byte in 0..F::BYTES {
        out.extend(numbers.iter().map(|number| (number.bits() >> (8 * byte)) as u8));
    }
    F::BYTES * numbers.len()
}

pub(super) fn read<F: Float>(from: &mut Unread<'_>, count: usize) -> Result<Vec<F>, DecodeError> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let how = from.byte()?;
    if let Some(scale) = POWERS.get(usize::from(how)) {
        let scaled = integers::read(from, count)?;
        return Ok(scaled.into_iter().map(|number| F::narrowed(number as f64 / scale)).collect());
    }
    if how != BITS {
        return Err(DecodeError::Unknown { field: "kind of column", code: how.into() });
    }
    let bytes = from.take(count.checked_mul(F::BYTES).ok_or(DecodeError::Truncated)?)?;
    let bits = |at: usize| {
        let bytes = bytes.iter().skip(at).step_by(count).rev();
        bytes.fold(0, |bits, byte| bits << 8 | u64::from(*byte))
    };
    Ok((0..count).map(|at| F::from_bits(bits(at))).collect())
}

/// The number as a whole number of 1/`scale`, if that is all there is to it.
fn whole<F: Float>(number: F, scale: f64) -> Option<i64> {
    let scaled = number.widened() * scale;
    if scaled.abs() > MOST || scaled.is_nan() {
        return None;
    }
    // Halves are whole in no power: how they are rounded makes no difference. Much faster than `round`.
    let whole = if scaled < 0.0 { scaled - 0.5 } else { scaled + 0.5 } as i64;
    // As it is read: there is a −0.0, but no such whole number.
    let read = F::narrowed(whole as f64 / scale);
    (read.bits() == number.bits()).then_some(whole)
}
