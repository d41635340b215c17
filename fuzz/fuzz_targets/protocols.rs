//! All protocols at once. The first bytes of an input choose the protocol, how its bytes come and in what pieces; the rest
//! is what a device sends. Whatever it is: no panic, no message that no device can mean, nothing that grows faster than
//! what was received, and the same events however the bytes are cut.

#![no_main]

use domain::Transport;
use libfuzzer_sys::fuzz_target;
use protocols::{
    Admission, Connection, DeviceSlot, Event, KnownDevice, PROTOCOLS, Protocol,
    decode::{Decoder, Options},
    sanity::{assert_bounded, assert_sane},
};

fuzz_target!(|input: &[u8]| {
    let [protocol, transport, piece, bytes @ ..] = input else { return };
    let protocol = PROTOCOLS[usize::from(*protocol) % PROTOCOLS.len()];
    let transports = protocol.transports();
    match transports[usize::from(*transport) % transports.len()] {
        Transport::Udp => _ = converse(protocol, Transport::Udp, bytes, bytes.len()),
        transport => {
            let whole = converse(protocol, transport, bytes, bytes.len());
            let pieces = converse(protocol, transport, bytes, usize::from(*piece));
            assert_eq!(whole, pieces, "the events depend on how the bytes arrive");
        }
    }
    protocol.recognise(bytes);
    Decoder::new(protocol, Options::default()).frame(bytes);
});

fn converse(protocol: &dyn Protocol, transport: Transport, bytes: &[u8], piece: usize) -> Vec<Event> {
    let admission = Admission::Known(KnownDevice::default());
    let mut connection = Connection::new(protocol, transport);
    connection.identified(DeviceSlot::default(), &admission);
    let mut events = Vec::new();
    for chunk in bytes.chunks(piece.max(1)) {
        match transport {
            Transport::Udp => connection.receive_frame(chunk),
            Transport::Tcp | Transport::Http => connection.receive(chunk),
        }
        while let Some(event) = connection.poll() {
            match &event {
                Event::Identify { slot, .. } => connection.identified(*slot, &admission),
                Event::CommandWanted { slot } => connection.respond(*slot, None),
                Event::Message { message, .. } => assert_sane(message),
                _ => {}
            }
            events.push(event);
        }
        assert!(connection.buffered() <= protocol.max_frame(), "{} bytes wait", connection.buffered());
    }
    assert_bounded(&events, bytes.len());
    events
}
