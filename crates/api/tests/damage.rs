//! No request makes the API panic: every action's example, damaged in every kind of way. The short form of the fuzz target
//! `requests`.

use api::{ACTIONS, try_call};
use rand::{RngExt, SeedableRng, rngs::StdRng};

const TIMES: usize = 300;
/// What parsers stumble over.
const PIECES: [&[u8]; 12] = [
    b"null",
    b"[]",
    b"{}",
    b"\"\"",
    b"-1",
    b"9223372036854775808",
    b"1e999",
    b"\xff",
    b"\\u0000",
    b"\\ud800",
    b"%",
    b"&=",
];

#[test]
fn damaged_calls_are_refused_and_nothing_worse() {
    let mut random = StdRng::seed_from_u64(1);
    let mut understood = 0;
    for (number, action) in ACTIONS.iter().enumerate() {
        assert!(try_call(number, "application/json", "", action.example.as_bytes()), "{}", action.path);
        for time in 0..TIMES {
            let mut body = action.example.as_bytes().to_vec();
            for _ in 0..random.random_range(1..4) {
                let at = random.random_range(0..body.len());
                let end = random.random_range(at..body.len().min(at + 6));
                let piece = PIECES[random.random_range(0..PIECES.len())];
                match random.random_range(0..4) {
                    0 => body[at] ^= 1 << random.random_range(0..8),
                    1 => drop(body.splice(at..end, piece.iter().copied())),
                    2 => body.truncate(at.max(1)),
                    _ => drop(body.splice(at..at, body[at..end].to_vec())),
                }
            }
            let form = ["application/json", "application/x-www-form-urlencoded", ""][time % 3];
            let query = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
            understood += usize::from(try_call(number, form, &query, &body));
        }
    }
    assert!(understood > 0, "some damage does no harm");
}
