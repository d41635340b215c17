//! Who a record is. Two records of a source with the same device time and the same bytes are one record.

use crate::Timestamp;
use std::fmt;

/// XXH3-128 (xxHash specification 0.8.2, seed 0) of a record's own bytes as its protocol names them: without
/// frame serial, checksum or resend mark, and never of decoded or server-added fields, so that a better decoder
/// does not double old records. Stored for ever.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordHash(pub u128);

impl RecordHash {
    pub fn of(record_bytes: &[u8]) -> Self {
        Self(xxhash_rust::xxh3::xxh3_128(record_bytes))
    }

    /// What is left of it where records are kept for long: it tells records of one source and one device time apart,
    /// which are few, and one in 2^32 of their pairs is not told apart.
    pub fn shortened(self) -> Self {
        Self(self.0 & u128::from(u32::MAX))
    }

    /// Whether it was shortened. A whole hash looks like that once in 2^96.
    pub fn is_short(self) -> bool {
        self == self.shortened()
    }
}

impl fmt::Debug for RecordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Identity of a record within its source. Records without a device time have none and are never de-duplicated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordIdentity {
    pub device_time: Timestamp,
    pub hash: RecordHash,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_stored_records_never_changes() {
        assert_eq!(format!("{:?}", RecordHash::of(b"")), "99aa06d3014798d86001c324468d497f");
        assert_ne!(RecordHash::of(b"a"), RecordHash::of(b"b"));
    }
}
