//! What lies on the disk: records of the journal, blocks of history and their columns. Damage is an error and nothing
//! worse; what is understood is written and read again alike.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let [kind, count, bytes @ ..] = input else { return };
    if kind % 2 == 0 {
        store::journal::try_records(bytes, *count);
    } else {
        store::history::try_block(bytes, *count);
    }
});
