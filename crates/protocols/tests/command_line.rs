//! What `outrider decode` prints, line by line.

use domain::{DeviceId, ModelCode};
use protocols::{
    decode::{Decoder, Options},
    protocol,
};

/// Codec 8, one record of 2024-10-16T12:00:00Z with parameters 239 and 88 (4 bytes, 1056).
const PACKET: &str = "00000000000000280801000001929532fe00000f115e62209898ff0070010f0e005700\
                      0201ef0100015800000420000100003723";

#[test]
fn a_line_prints_one_object() {
    let device_id = DeviceId::new("356938035643809").ok();
    for (options, device_id, rpm) in [
        (Options::default(), "", r#""avl_io_88":1056"#),
        (
            Options { device_id, model: ModelCode::find("telfmb640"), ..Options::default() },
            r#""device_id":"356938035643809","#,
            r#""can_rpm":1056.0"#,
        ),
    ] {
        let mut decoder = Decoder::new(protocol("teltonika").unwrap(), options);
        let expected = [
            r#"{"ok":true,"messages":[{"time":"2024-10-16T12:00:00Z","lat":54.6871551,"lng":25.2796514,"#,
            r#""speed":87.0,"heading":271,"alt":112.0,"satellites":14,"valid":true,"#,
            device_id,
            r#""inputs":{"priority":0,"event_code":0,"ignition":true,"#,
            rpm,
            r#"}}],"reply":"00000001"}"#,
        ]
        .concat();
        assert_eq!(serde_json::to_string(&decoder.line(PACKET)).unwrap(), expected);
    }
}

#[test]
fn the_run_goes_on_after_a_bad_line() {
    let mut decoder = Decoder::new(protocol("teltonika").unwrap(), Options::default());
    let wrong_checksum = PACKET.replace("3723", "3722");
    for bad in ["", "no hex", "00", "78780d01", &PACKET[..60], &wrong_checksum] {
        let line = decoder.line(bad);
        assert!(!line.ok && line.error.is_some() && line.reply.is_empty(), "{bad}: {line:?}");
        assert!(decoder.line(PACKET).ok, "after {bad}");
    }
}
