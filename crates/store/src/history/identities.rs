//! Which messages are there already. Copies mostly come within days; what is merged after that keeps its hashes
//! shortened, so that they do not take more room than everything else of a message.

use domain::{RecordIdentity, Telemetry};
use std::collections::HashSet;

/// The identities of messages of one source, by the time under which they are filed.
#[derive(Default)]
pub(super) struct Identities {
    whole: HashSet<(i64, RecordIdentity)>,
    short: HashSet<(i64, RecordIdentity)>,
}

impl Identities {
    /// Answers whether it was not there before. Those that are short must come first, as merged blocks do.
    pub(super) fn add(&mut self, message: &Telemetry) -> bool {
        let Some(identity) = message.identity() else { return true };
        let key = (message.time.millis(), identity);
        if identity.hash.is_short() {
            return self.short.insert(key);
        }
        !self.short.contains(&shortened(key)) && self.whole.insert(key)
    }

    pub(super) fn contains(&self, message: &Telemetry) -> bool {
        let Some(identity) = message.identity() else { return false };
        let key = (message.time.millis(), identity);
        self.short.contains(&shortened(key)) || self.whole.contains(&key)
    }
}

fn shortened((time, identity): (i64, RecordIdentity)) -> (i64, RecordIdentity) {
    (time, RecordIdentity { hash: identity.hash.shortened(), ..identity })
}
