//! Records in their stored form, as a block has them: the writer writes it, and whoever keeps records keeps it without
//! making it again.

use super::{
    block::BLOCK_HEADER,
    codec::{decode_record, encode_record, expected_length},
};
use crate::wire::{DecodeError, Unread};
use domain::Record;

/// No record is shorter: kind, source, receive time, one field.
const SHORTEST_RECORD: usize = 4;

/// Some records, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    /// Room for a block's header, then the records.
    block: Vec<u8>,
    /// Where in `block` each record ends.
    ends: Vec<u32>,
}

impl Stored {
    pub(crate) fn of(records: &[Record]) -> Self {
        let length = records.iter().map(expected_length).sum::<usize>();
        let mut block = Vec::with_capacity(BLOCK_HEADER + length);
        block.resize(BLOCK_HEADER, 0);
        let mut ends = Vec::with_capacity(records.len());
        for record in records {
            encode_record(record, &mut block);
            ends.push(block.len() as u32);
        }
        Self { block, ends }
    }

    /// Reads exactly `count` records, and nothing may follow them.
    pub(super) fn read(bytes: &[u8], count: u32) -> Result<(Vec<Record>, Self), DecodeError> {
        let mut unread = Unread(bytes);
        let most = (count as usize).min(bytes.len() / SHORTEST_RECORD);
        let (mut records, mut ends) = (Vec::with_capacity(most), Vec::with_capacity(most));
        for _ in 0..count {
            records.push(decode_record(&mut unread)?);
            ends.push((BLOCK_HEADER + bytes.len() - unread.0.len()) as u32);
        }
        match unread.0.len() {
            0 => Ok((records, Self { block: [&[0; BLOCK_HEADER], bytes].concat(), ends })),
            rest => Err(DecodeError::Trailing(rest)),
        }
    }

    /// Of all records.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.block[BLOCK_HEADER..]
    }

    /// Of each record.
    pub(crate) fn each(&self) -> impl Iterator<Item = &[u8]> {
        let mut start = BLOCK_HEADER;
        self.ends.iter().map(move |end| {
            let record = &self.block[start..*end as usize];
            start = *end as usize;
            record
        })
    }

    /// The block whose header this is.
    pub(super) fn block(&mut self, header: [u8; BLOCK_HEADER]) -> &[u8] {
        self.block[..BLOCK_HEADER].copy_from_slice(&header);
        &self.block
    }

    /// Adds the records of others.
    pub(super) fn extend<'a>(&mut self, others: impl Iterator<Item = &'a Self> + Clone) {
        self.block.reserve_exact(others.clone().map(|other| other.bytes().len()).sum());
        self.ends.reserve_exact(others.clone().map(|other| other.ends.len()).sum());
        for other in others {
            let further = (self.block.len() - BLOCK_HEADER) as u32;
            self.block.extend_from_slice(other.bytes());
            self.ends.extend(other.ends.iter().map(|end| end + further));
        }
    }
}

/// For a fuzzer: whatever the bytes are, as so many records, nothing worse than an error comes of it, and what is
/// understood is written and read again alike.
///
/// # Panics
/// When that is not so.
#[cfg(feature = "testing")]
pub fn try_bytes(bytes: &[u8], count: u8) {
    if let Ok((records, _)) = Stored::read(bytes, count.into()) {
        let again = Stored::read(Stored::of(&records).bytes(), count.into()).map(|(again, _)| again);
        assert_eq!(format!("{:?}", again.as_ref().ok()), format!("{:?}", Some(&records)));
    }
}
