//! What can be set about the embedded history.

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryConfig {
    /// Memory for messages that are in the journal and not packed yet. When it is full the newest ones are not seen
    /// until packing has made room, so it has to hold a few segments of the journal. Default 512 MiB.
    pub unpacked_bytes: usize,
    /// Reads of files that go on at a time; further ones wait their turn. Default 4.
    pub readers: u32,
    /// About how many messages a read gives at a time. Default 1,000.
    pub batch: usize,
}

impl Default for HistoryConfig {
    fn default() -> Self {
        Self { unpacked_bytes: 512 << 20, readers: 4, batch: 1000 }
    }
}
