//! What can be set about the embedded journal.

use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalConfig {
    /// A file that has reached this size is followed by a new one. Default 128 MiB.
    pub segment_bytes: u64,
    /// So does a file of so many records: history packs one at a time. Default 1,000,000.
    pub segment_records: u64,
    /// Memory that records may take while they wait for their commit; when it is full, `append` waits and `note` drops.
    /// Default 32 MiB.
    pub queue_bytes: u32,
    /// Memory for the newest committed records, from which followers are served without reading files.
    /// Default 32 MiB.
    pub recent_bytes: usize,
    /// With less free space than this on its disk the journal takes nothing. Default 256 MiB.
    pub min_free_bytes: u64,
    /// How often free space is measured again while there is too little and nobody appends. Default 1 s.
    pub low_space_recheck: Duration,
}

impl Default for JournalConfig {
    fn default() -> Self {
        Self {
            segment_bytes: 128 << 20,
            segment_records: 1_000_000,
            queue_bytes: 32 << 20,
            recent_bytes: 32 << 20,
            min_free_bytes: 256 << 20,
            low_space_recheck: Duration::from_secs(1),
        }
    }
}
