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

/// `room` is for what is written as bits.
pub(super) fn write(numbers: &[i64], room: &mut Vec<u64>, out: &mut Vec<u8>) {
    let Some((first, rest)) = numbers.split_first() else { return };
    let mut divisor = 0;
    let mut before = *first;
    for number in rest {
        divisor = common_divisor(divisor, number.wrapping_sub(before).unsigned_abs());
        before = *number;
    }
    if divisor == 0 {
        out.push(SAME);
        put_signed(out, *first);
        return;
    }
    // A divisor of 2^63 is no positive i64.
    let divisor = i64::try_from(divisor).unwrap_or(1);
    let how = shortest(*first, rest, divisor);
    out.push(how + AS_BITS);
    put_signed(out, *first);
    room.clear();
    if how == NUMBERS {
        room.extend(rest.iter().map(|number| zigzag(*number)));
    } else {
        put_varint(out, divisor as u64);
        let differences = differences(*first, rest, divisor);
        let wanted = |(difference, second)| zigzag(if how == DIFFERENCES { difference } else { second });
        room.extend(differences.map(wanted));
    }
    bits::write(room, out);
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

/// The differences between numbers in units of `divisor`, each with its own difference to the one before.
fn differences(first: i64, rest: &[i64], divisor: i64) -> impl Iterator<Item = (i64, i64)> {
    let (mut number_before, mut difference_before) = (first, 0i64);
    rest.iter().map(move |number| {
        let difference = number.wrapping_sub(number_before);
        // A division takes longer than all the rest.
        let difference = if divisor == 1 { difference } else { difference / divisor };
        let second = difference.wrapping_sub(difference_before);
        (number_before, difference_before) = (*number, difference);
        (difference, second)
    })
}

fn shortest(first: i64, rest: &[i64], divisor: i64) -> u8 {
    let mut lengths = [0; 3];
    for (number, (difference, second)) in rest.iter().zip(differences(first, rest, divisor)) {
        lengths[0] += bits(*number);
        lengths[1] += bits(difference);
        lengths[2] += bits(second);
    }
    let [numbers, differences, second_differences] = lengths;
    if numbers <= differences.min(second_differences) {
        NUMBERS
    } else if differences <= second_differences {
        DIFFERENCES
    } else {
        SECOND_DIFFERENCES
    }
}

/// About how many bits a number takes.
fn bits(number: i64) -> u32 {
    u64::BITS - number.unsigned_abs().leading_zeros()
}

fn common_divisor(mut a: u64, mut b: u64) -> u64 {
    // Nothing can change it any more.
    if a == 1 {
        return 1;
    }
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
