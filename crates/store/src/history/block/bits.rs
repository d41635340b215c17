//! Whole numbers as bits, most of them small: the low bits of each as they are, what is above them counted in ones (the
//! code of Golomb and Rice). Numbers that are far larger than the others say their length.
//!
//! ```text
//! numbers  low u8: how many low bits; then bits, the lowest of each byte first, the last byte filled up with zeros
//! number   number / 2^low: so many ones, a zero; then the low bits
//!          when that is 16 or more: 16 ones; length − 1 in 6 bits; so many bits
//! ```

use crate::wire::{DecodeError, Unread};

/// So many ones tell that a number says its length.
const LONG: u32 = 16;
const LENGTH: u32 = 6;

pub(super) fn write(numbers: &[u64], out: &mut Vec<u8>) {
    let low = shortest(numbers);
    out.push(low as u8);
    let mut bits = Writer { out, held: 0, count: 0 };
    for number in numbers {
        let high = number >> low;
        if high >= u64::from(LONG) {
            let length = length(*number);
            bits.put(ones(LONG) | u64::from(length - 1) << LONG, LONG + LENGTH);
            bits.put_any(*number, length);
            continue;
        }
        let high = high as u32;
        let rest = number & ones(low);
        // Nearly always all of it at once.
        if high + 1 + low <= Writer::AT_ONCE {
            bits.put(ones(high) | rest << (high + 1), high + 1 + low);
        } else {
            bits.put(ones(high), high + 1);
            bits.put_any(rest, low);
        }
    }
    bits.finish();
}

/// Calls `each` with so many numbers.
pub(super) fn read(
    from: &mut Unread<'_>,
    count: usize,
    mut each: impl FnMut(u64),
) -> Result<(), DecodeError> {
    let low = u32::from(from.byte()?);
    if low >= u64::BITS {
        return Err(DecodeError::OutOfRange("a number of low bits"));
    }
    let mut bits = Reader { bytes: from.0, at: 0 };
    // Each takes a bit or more.
    if count > bits.length() {
        return Err(DecodeError::Truncated);
    }
    for _ in 0..count {
        let high = bits.window().trailing_ones().min(LONG);
        if high == LONG {
            bits.at += LONG as usize;
            let length = bits.take(LENGTH) as u32 + 1;
            each(bits.take(length));
        } else {
            bits.at += high as usize + 1;
            each(u64::from(high) << low | bits.take(low));
        }
        // What is beyond the end reads as zeros.
        if bits.at > bits.length() {
            return Err(DecodeError::Truncated);
        }
    }
    from.take(bits.at.div_ceil(8))?;
    Ok(())
}

/// The number of low bits with which numbers take the fewest: near their usual length.
fn shortest(numbers: &[u64]) -> u32 {
    let lengths: u32 = numbers.iter().map(|number| length(*number)).sum();
    let all = numbers.iter().fold(0, |all, number| all | number);
    let taken = |low: u32| taken(numbers, all, low);
    let mut low = (lengths / (numbers.len() as u32).max(1)).min(u64::BITS - 1);
    let mut least = taken(low);
    for step in [low.checked_sub(1), low.checked_add(1).filter(|low| *low < u64::BITS)] {
        let (Some(mut next), start) = (step, low) else { continue };
        loop {
            let bits = taken(next);
            if bits >= least {
                break;
            }
            (low, least) = (next, bits);
            match if next < start { next.checked_sub(1) } else { Some(next + 1) } {
                Some(further) if further < u64::BITS => next = further,
                _ => break,
            }
        }
        if low != start {
            break;
        }
    }
    low
}

/// How many bits numbers take; `all` has each bit that one of them has.
fn taken(numbers: &[u64], all: u64, low: u32) -> u64 {
    if all >> low < u64::from(LONG) {
        let highs: u64 = numbers.iter().map(|number| number >> low).sum();
        return highs + numbers.len() as u64 * u64::from(1 + low);
    }
    let bits = |number: &u64| match number >> low {
        high if high < u64::from(LONG) => high as u32 + 1 + low,
        _ => LONG + LENGTH + length(*number),
    };
    numbers.iter().map(|number| u64::from(bits(number))).sum()
}

fn length(number: u64) -> u32 {
    u64::BITS - number.leading_zeros()
}

/// A number of so many ones, fewer than 64.
fn ones(count: u32) -> u64 {
    (1 << count) - 1
}

struct Writer<'a> {
    out: &'a mut Vec<u8>,
    held: u64,
    /// Of bits that are held, fewer than 32.
    count: u32,
}

impl Writer<'_> {
    const AT_ONCE: u32 = 32;

    /// Up to `AT_ONCE` bits.
    fn put(&mut self, bits: u64, count: u32) {
        self.held |= bits << self.count;
        self.count += count;
        if self.count >= u32::BITS {
            self.out.extend_from_slice(&(self.held as u32).to_le_bytes());
            self.held >>= u32::BITS;
            self.count -= u32::BITS;
        }
    }

    fn put_any(&mut self, bits: u64, count: u32) {
        let first = count.min(Self::AT_ONCE);
        self.put(bits & ones(first), first);
        if count > first {
            self.put(bits >> first, count - first);
        }
    }

    fn finish(self) {
        let bytes = self.held.to_le_bytes();
        self.out.extend_from_slice(&bytes[..self.count.div_ceil(8) as usize]);
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    /// The bit that is read next.
    at: usize,
}

impl Reader<'_> {
    /// So many bits of a window are there at least, wherever it begins.
    const SURE: u32 = u64::BITS - 7;

    fn length(&self) -> usize {
        8 * self.bytes.len()
    }

    /// The next bits.
    fn window(&self) -> u64 {
        let rest = self.bytes.get(self.at / 8..).unwrap_or_default();
        let word = rest.first_chunk().map_or_else(
            || rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
            |word| u64::from_le_bytes(*word),
        );
        word >> (self.at % 8)
    }

    /// Up to 64 bits.
    fn take(&mut self, count: u32) -> u64 {
        let first = count.min(Self::SURE);
        let bits = self.window() & ones(first);
        self.at += first as usize;
        if count == first {
            return bits;
        }
        let more = self.window() & ones(count - first);
        self.at += (count - first) as usize;
        more << first | bits
    }
}
