//! A column of whole numbers. It is written as itself, as differences or as differences of differences, whichever is
//! shortest, with the common divisor of the differences taken out: times of whole seconds are not written in
//! milliseconds.
//!
//! ```text
//! column   nothing when it has no numbers; else how u8: 0 all are the same, 4 numbers, 5 differences, 6 differences of
//!          differences; first number int; 5 and 6: divisor varint; all but 0: the rest, zigzag, as `bits`
//! ```
//!
//! Up to version 2 of blocks it was 1, 2 and 3, with the rest as int.
//!
//! Arithmetic wraps around, so that any two numbers have a difference.

use super::bits;
use crate::wire::{DecodeError, Unread, put_signed, put_varint, unzigzag, zigzag};

const SAME: u8 = 0;
const NUMBERS: u8 = 1;
const DIFFERENCES: u8 = 2;
const SECOND_DIFFERENCES: u8 = 3;
/// Added to how, when the rest is written as bits.
const AS_BITS: u8 = 3;

/// Room for what numbers are made into before they are written.
#[derive(Default)]
pub(super) struct Room {
    differences: Vec<i64>,
    bits: Vec<u64>,
}

pub(super) fn write(numbers: &[i64], room: &mut Room, out: &mut Vec<u8>) {
    let Some((first, rest)) = numbers.split_first() else { return };
    let Room { differences, bits } = room;
    differences.clear();
    differences.extend(rest.iter().zip(numbers).map(|(number, before)| number.wrapping_sub(*before)));
    let divisor = common_divisor(differences);
    if divisor == 0 {
        out.push(SAME);
        put_signed(out, *first);
        return;
    }
    // A divisor of 2^63 is no positive i64.
    let divisor = i64::try_from(divisor).unwrap_or(1);
    // A division takes longer than all the rest.
    if divisor != 1 {
        differences.iter_mut().for_each(|difference| *difference /= divisor);
    }
    let how = shortest(rest, differences);
    out.push(how + AS_BITS);
    put_signed(out, *first);
    bits.clear();
    match how {
        NUMBERS => bits.extend(rest.iter().map(|number| zigzag(*number))),
        DIFFERENCES => bits.extend(differences.iter().map(|difference| zigzag(*difference))),
        _ => bits.extend(seconds(differences).map(zigzag)),
    }
    if how != NUMBERS {
        put_varint(out, divisor as u64);
    }
    bits::write(bits, out);
}

pub(super) fn read(from: &mut Unread<'_>, count: usize) -> Result<Vec<i64>, DecodeError> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let how = from.byte()?;
    let first = from.signed()?;
    if how == SAME {
        return Ok(vec![first; count]);
    }
    let (how, is_bits) = if how > AS_BITS { (how - AS_BITS, true) } else { (how, false) };
    let divisor = match how {
        NUMBERS => 1,
        DIFFERENCES | SECOND_DIFFERENCES => from.varint()? as i64,
        code => return Err(DecodeError::Unknown { field: "kind of column", code: code.into() }),
    };
    // Each takes a bit or more.
    if count - 1 > from.0.len().saturating_mul(8) {
        return Err(DecodeError::Truncated);
    }
    let mut numbers = Vec::with_capacity(count);
    numbers.push(first);
    let (mut number, mut difference) = (first, 0i64);
    let next = |read: i64| {
        if how == NUMBERS {
            numbers.push(read);
            return;
        }
        difference = if how == DIFFERENCES { read } else { difference.wrapping_add(read) };
        number = number.wrapping_add(difference.wrapping_mul(divisor));
        numbers.push(number);
    };
    rest(from, is_bits, count - 1, next)?;
    Ok(numbers)
}

fn rest(
    from: &mut Unread<'_>,
    is_bits: bool,
    count: usize,
    mut next: impl FnMut(i64),
) -> Result<(), DecodeError> {
    if is_bits {
        return bits::read(from, count, |number| next(unzigzag(number)));
    }
    for _ in 0..count {
        next(from.signed()?);
    }
    Ok(())
}

/// The differences of differences.
fn seconds(differences: &[i64]) -> impl Iterator<Item = i64> {
    let before = [0].iter().chain(differences);
    differences.iter().zip(before).map(|(difference, before)| difference.wrapping_sub(*before))
}

fn shortest(rest: &[i64], differences: &[i64]) -> u8 {
    let length = |number: i64| u64::BITS - number.unsigned_abs().leading_zeros();
    let mut lengths = [0; 3];
    for ((number, difference), second) in rest.iter().zip(differences).zip(seconds(differences)) {
        lengths[0] += length(*number);
        lengths[1] += length(*difference);
        lengths[2] += length(second);
    }
    let [numbers, differences, seconds] = lengths;
    if numbers <= differences.min(seconds) {
        NUMBERS
    } else if differences <= seconds {
        DIFFERENCES
    } else {
        SECOND_DIFFERENCES
    }
}

/// Of all numbers that are not 0; 0 when there is none.
fn common_divisor(numbers: &[i64]) -> u64 {
    let mut divisor = 0;
    for number in numbers {
        let number = number.unsigned_abs();
        // Nearly always one of these, and neither needs more than a division.
        if number != 0 && (divisor == 0 || number % divisor != 0) {
            divisor = greatest(divisor, number);
        }
        if divisor == 1 {
            break;
        }
    }
    divisor
}

fn greatest(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
