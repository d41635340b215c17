//! The project's own captures of every protocol: each gives what its file says, however its bytes arrive.

mod harness;

use domain::Transport;
use harness::{Manner, Stream, captures, converse, datagram, seeded};
use proptest::{prelude::*, sample::Index};
use protocols::{
    Admission, Connection, Event, PROTOCOLS, Protocol,
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
                // As it is printed: a float of 32 bits has its own digits there.
                let printed = serde_json::to_string(&line.messages).unwrap();
                let messages: serde_json::Value = serde_json::from_str(&printed).unwrap();
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
            let Stream { transport, bytes } = &stream;
            for manner in Manner::ALL {
                let whole = converse(*protocol, *transport, manner, [&**bytes]);
                let bytewise = converse(*protocol, *transport, manner, bytes.chunks(1));
                assert_eq!(whole, bytewise, "{}: {}", protocol.name(), hex::lower(bytes));
                let prompt = converse(*protocol, *transport, Manner::Prompt, [&**bytes]);
                if manner == Manner::Slow {
                    assert_eq!(whole, prompt, "{}: {}", protocol.name(), hex::lower(bytes));
                }
            }
        }
    }
}

#[test]
fn two_frames_glued_are_two_frames() {
    for protocol in PROTOCOLS {
        for stream in streams(*protocol) {
            let Stream { transport, bytes } = &stream;
            let once = converse(*protocol, *transport, Manner::Introduced, [&**bytes]);
            if matches!(once.last(), None | Some(Event::Broken(_) | Event::Close)) {
                continue;
            }
            let glued = [&**bytes, &**bytes].concat();
            let twice = converse(*protocol, *transport, Manner::Introduced, [&*glued]);
            // A device that names itself in every frame is asked about once.
            let said = |event: &&Event| !matches!(event, Event::Identify { .. });
            let expected: Vec<_> = once.iter().chain(&once).filter(said).collect();
            assert_eq!(
                twice.iter().filter(said).collect::<Vec<_>>(),
                expected,
                "{}: {}",
                protocol.name(),
                hex::lower(bytes)
            );
        }
    }
}

#[test]
fn strangers_are_shown_the_door_and_not_heard() {
    for protocol in PROTOCOLS {
        for Stream { transport, bytes } in streams(*protocol) {
            let mut connection = Connection::new(*protocol, transport);
            connection.receive(&bytes);
            let mut events = Vec::new();
            while let Some(event) = connection.poll() {
                if let Event::Identify { slot, .. } = &event {
                    connection.identified(*slot, &Admission::Refused);
                }
                events.push(event);
            }
            let place = format!("{}: {}", protocol.name(), hex::lower(&bytes));
            let asked = events.iter().any(|event| matches!(event, Event::Identify { .. }));
            assert!(
                !asked || matches!(events.last(), Some(Event::Close | Event::Broken(_))),
                "{place}: {events:?}"
            );
            let heard = |event: &Event| {
                !matches!(
                    event,
                    Event::Identify { .. } | Event::ReplyNow(_) | Event::Close | Event::Broken(_)
                )
            };
            assert!(!events.iter().any(heard), "{place}: {events:?}");
        }
    }
}

proptest! {
    #![proptest_config(seeded(256))]

    #[test]
    fn random_chunks_change_nothing(which: Index, cuts in prop::collection::vec(any::<Index>(), 0..12)) {
        for protocol in PROTOCOLS {
            let streams = streams(*protocol);
            if streams.is_empty() {
                continue;
            }
            let Stream { transport, bytes } = which.get(&streams);
            let chunks = cut(bytes, &cuts);
            for manner in Manner::ALL {
                prop_assert_eq!(
                    converse(*protocol, *transport, manner, [&**bytes]),
                    converse(*protocol, *transport, manner, chunks.iter().copied())
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
            for (transport, manner) in protocol.transports().iter().flat_map(|it| Manner::ALL.map(|manner| (*it, manner))) {
                if transport == Transport::Udp {
                    datagram(*protocol, &garbage);
                    continue;
                }
                prop_assert_eq!(
                    converse(*protocol, transport, manner, [&*garbage]),
                    converse(*protocol, transport, manner, cut(&garbage, &cuts))
                );
            }
            let mut decoder = Decoder::new(*protocol, Options::default());
            decoder.frame(&garbage);
            protocol.recognise(&garbage);
        }
    }

    #[test]
    fn damaged_captures_never_panic(which: Index, damage in prop::collection::vec(any_damage(), 1..6)) {
        for protocol in PROTOCOLS {
            let conversations = captures(protocol.name());
            let conversation = which.get(conversations);
            let donor: Vec<u8> = conversations.iter().flat_map(|it| it.turns[0].frame.clone()).collect();
            let damaged = |bytes: &[u8]| damage.iter().fold(bytes.to_vec(), |bytes, it| it.done_to(bytes, &donor));
            let Some(Stream { transport, bytes }) = conversation.stream(*protocol) else {
                for turn in &conversation.turns {
                    datagram(*protocol, &damaged(&turn.frame));
                }
                continue;
            };
            let bytes = damaged(&bytes);
            for manner in Manner::ALL {
                prop_assert_eq!(
                    converse(*protocol, transport, manner, [&*bytes]),
                    converse(*protocol, transport, manner, bytes.chunks(7))
                );
            }
            for turn in &conversation.turns {
                let frame = damaged(&turn.frame);
                Decoder::new(*protocol, Options::default()).frame(&frame);
                protocol.recognise(&frame);
            }
        }
    }
}

/// What happens to bytes on their way.
#[derive(Clone, Debug)]
enum Damage {
    Replaced(Index, u8),
    Flipped(Index, u8),
    CutOff(Index),
    /// From one place up to another they are lost.
    Lost(Index, Index),
    /// From one place up to another they come twice.
    Doubled(Index, Index),
    /// Bytes of other frames of the protocol come in between.
    Spliced(Index, Index, Index),
}

fn any_damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(place, byte)| Damage::Replaced(place, byte)),
        (any::<Index>(), 0..8_u8).prop_map(|(place, bit)| Damage::Flipped(place, bit)),
        any::<Index>().prop_map(Damage::CutOff),
        any::<(Index, Index)>().prop_map(|(from, to)| Damage::Lost(from, to)),
        any::<(Index, Index)>().prop_map(|(from, to)| Damage::Doubled(from, to)),
        any::<(Index, Index, Index)>().prop_map(|(place, from, to)| Damage::Spliced(place, from, to)),
    ]
}

impl Damage {
    fn done_to(&self, mut bytes: Vec<u8>, donor: &[u8]) -> Vec<u8> {
        let range = |from: &Index, to: &Index, length: usize| {
            let (from, to) = (from.index(length + 1), to.index(length + 1));
            from.min(to)..from.max(to)
        };
        let length = bytes.len();
        match self {
            _ if length == 0 => {}
            Self::Replaced(place, byte) => bytes[place.index(length)] = *byte,
            Self::Flipped(place, bit) => bytes[place.index(length)] ^= 1 << bit,
            Self::CutOff(place) => bytes.truncate(place.index(length)),
            Self::Lost(from, to) => _ = bytes.drain(range(from, to, length)),
            Self::Doubled(from, to) => {
                let range = range(from, to, length);
                let again = bytes[range.clone()].to_vec();
                bytes.splice(range.end..range.end, again);
            }
            Self::Spliced(place, from, to) => {
                let place = place.index(length);
                bytes.splice(place..place, donor[range(from, to, donor.len())].to_vec());
            }
        }
        bytes
    }
}

fn streams(protocol: &dyn Protocol) -> Vec<Stream> {
    captures(protocol.name()).iter().filter_map(|conversation| conversation.stream(protocol)).collect()
}

fn cut<'a>(stream: &'a [u8], cuts: &[Index]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
    places.extend([0, stream.len()]);
    places.sort_unstable();
    places.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect()
}
