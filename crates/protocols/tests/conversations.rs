//! The project's own captures of every protocol: each gives what its file says, however its bytes arrive.

mod harness;

use harness::{Manner, captures, converse, seeded};
use proptest::{prelude::*, sample::Index};
use protocols::{
    PROTOCOLS, Protocol,
    decode::{Decoder, Options},
    hex,
};

#[test]
fn captures_give_what_their_files_say() {
    for protocol in PROTOCOLS {
        for conversation in captures(protocol.name()) {
            let mut decoder = Decoder::new(*protocol, Options::default());
            for turn in &conversation.turns {
                let place =
                    format!("{}: {}: {}", protocol.name(), conversation.title, hex::lower(&turn.frame));
                let line = decoder.line(&hex::lower(&turn.frame));
                let messages = serde_json::to_value(&line.messages).unwrap();
                assert_eq!(messages, serde_json::Value::from(turn.messages.clone()), "{place}");
                assert_eq!(line.reply, turn.reply, "{place}");
                let problems = [line.problems, line.error.into_iter().collect()].concat().join("; ");
                match &turn.problem {
                    Some(problem) => assert!(problems.contains(problem), "{place}: {problems}"),
                    None => assert_eq!(problems, "", "{place}"),
                }
                assert_eq!(line.ok, turn.problem.is_none() || !turn.messages.is_empty(), "{place}");
            }
        }
    }
}

#[test]
fn chunks_change_nothing() {
    for protocol in PROTOCOLS {
        for stream in streams(*protocol) {
            for manner in Manner::ALL {
                let whole = converse(*protocol, manner, [&*stream]);
                let bytewise = converse(*protocol, manner, stream.chunks(1));
                assert_eq!(whole, bytewise, "{}: {}", protocol.name(), hex::lower(&stream));
                let prompt = converse(*protocol, Manner::Prompt, [&*stream]);
                if manner == Manner::Slow {
                    assert_eq!(whole, prompt, "{}: {}", protocol.name(), hex::lower(&stream));
                }
            }
        }
    }
}

#[test]
fn two_frames_glued_are_two_frames() {
    for protocol in PROTOCOLS {
        for stream in streams(*protocol) {
            let once = converse(*protocol, Manner::Introduced, [&*stream]);
            if matches!(once.last(), None | Some(protocols::Event::Broken(_) | protocols::Event::Close)) {
                continue;
            }
            let twice = converse(*protocol, Manner::Introduced, [&*[&*stream, &*stream].concat()]);
            let expected: Vec<_> = once.iter().chain(&once).cloned().collect();
            assert_eq!(twice, expected, "{}: {}", protocol.name(), hex::lower(&stream));
        }
    }
}

proptest! {
    #![proptest_config(seeded(256))]

    #[test]
    fn random_chunks_change_nothing(which: Index, cuts in prop::collection::vec(any::<Index>(), 0..12)) {
        for protocol in PROTOCOLS {
            let streams = streams(*protocol);
            let stream = which.get(&streams);
            let chunks = cut(stream, &cuts);
            for manner in Manner::ALL {
                prop_assert_eq!(
                    converse(*protocol, manner, [&**stream]),
                    converse(*protocol, manner, chunks.iter().copied())
                );
            }
        }
    }

    #[test]
    fn garbage_never_panics(
        garbage in prop::collection::vec(any::<u8>(), 0..3000),
        cuts in prop::collection::vec(any::<Index>(), 0..6),
    ) {
        for protocol in PROTOCOLS {
            for manner in Manner::ALL {
                prop_assert_eq!(
                    converse(*protocol, manner, [&*garbage]),
                    converse(*protocol, manner, cut(&garbage, &cuts))
                );
            }
            let mut decoder = Decoder::new(*protocol, Options::default());
            decoder.frame(&garbage);
            protocol.recognise(&garbage);
        }
    }

    #[test]
    fn damaged_captures_never_panic(
        which: Index,
        damage in prop::collection::vec((any::<Index>(), any::<u8>()), 1..8),
    ) {
        for protocol in PROTOCOLS {
            let mut stream = which.get(&streams(*protocol)).clone();
            for (place, byte) in &damage {
                let place = place.index(stream.len());
                stream[place] = *byte;
            }
            for manner in Manner::ALL {
                prop_assert_eq!(
                    converse(*protocol, manner, [&*stream]),
                    converse(*protocol, manner, stream.chunks(7))
                );
            }
        }
    }
}

fn streams(protocol: &dyn Protocol) -> Vec<Vec<u8>> {
    captures(protocol.name()).iter().map(harness::Conversation::stream).collect()
}

fn cut<'a>(stream: &'a [u8], cuts: &[Index]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
    places.extend([0, stream.len()]);
    places.sort_unstable();
    places.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect()
}
