//! A column of whole numbers. It is written as itself, as differences or as differences of differences, whichever is
//! shortest, with the common divisor of the differences taken out: times of whole seconds are not written in
//! milliseconds.
//!
//! ```text
//! column   nothing when it has no numbers; else how u8: 0 all are the same, 1 numbers, 2 differences, 3 differences of
//!          differences; first number int; 2 and 3: divisor varint; all but 0: the rest as int
//! ```
//!
//! Arithmetic wraps around, so that any two numbers have a difference.

use crate::wire::{DecodeError, Unread, put_signed, put_varint};

const SAME: u8 = 0;
const NUMBERS: u8 = 1;
const DIFFERENCES: u8 = 2;
const SECOND_DIFFERENCES: u8 = 3;

pub(super) fn write(numbers: &[i64], out: &mut Vec<u8>) {
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
    out.push(how);
    put_signed(out, *first);
    if how == NUMBERS {
        rest.iter().for_each(|number| put_signed(out, *number));
        return;
    }
    put_varint(out, divisor as u64);
    for (difference, second) in differences(*first, rest, divisor) {
        put_signed(out, if how == DIFFERENCES { difference } else { second });
    }
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
    // Each takes a byte or more.
    if count - 1 > from.0.len() {
        return Err(DecodeError::Truncated);
    }
    let mut numbers = Vec::with_capacity(count);
    numbers.push(first);
    match how {
        NUMBERS => {
            for _ in 1..count {
                numbers.push(from.signed()?);
            }
        }
        DIFFERENCES | SECOND_DIFFERENCES => {
            let divisor = from.varint()? as i64;
            let (mut number, mut difference) = (first, 0i64);
            for _ in 1..count {
                let read = from.signed()?;
                difference = if how == DIFFERENCES { read } else { difference.wrapping_add(read) };
                number = number.wrapping_add(difference.wrapping_mul(divisor));
                numbers.push(number);
            }
        }
        code => return Err(DecodeError::Unknown { field: "kind of column", code: code.into() }),
    }
    Ok(numbers)
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

/// About how many bits a number is worth after compression.
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
