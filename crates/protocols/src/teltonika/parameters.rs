//! What the numbered parameters of a record mean, read once from the tables beside this file.

use crate::parameters::Parameters;
use domain::ModelCode;
use std::sync::LazyLock;

/// The table of a device model, or of most models when it is not known.
pub(super) fn of(model: Option<ModelCode>) -> &'static Parameters {
    static ALL: LazyLock<[Parameters; 2]> = LazyLock::new(|| {
        [include_str!("parameters.tsv"), include_str!("professional.tsv")].map(Parameters::built_in)
    });
    let [usual, professional] = &*ALL;
    match model {
        Some(model) if professional.is_for(model) => professional,
        _ => usual,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Inputs, Value};

    fn reads(id: u16, raw: &[u8]) -> Vec<(String, Value)> {
        reads_by(of(None), id, raw)
    }

    fn reads_by(parameters: &Parameters, id: u16, raw: &[u8]) -> Vec<(String, Value)> {
        let mut inputs = Inputs::default();
        if matches!(raw.len(), 1 | 2 | 4 | 8) {
            let number = raw.iter().fold(0, |value, &byte| value << 8 | u64::from(byte));
            parameters.number(id, number, raw.len(), &mut inputs);
        } else {
            parameters.bytes(id, raw, &mut inputs);
        }
        inputs.iter().map(|(name, value)| (name.to_string(), value.clone())).collect()
    }

    #[test]
    fn professional_devices_number_otherwise() {
        let (usual, professional) = (of(None), of(ModelCode::find("telfmb640")));
        let rpm = [0, 0, 4, 0x20];
        assert_eq!(reads_by(professional, 88, &rpm), [("can_rpm".to_owned(), Value::Float(1056.0))]);
        assert_eq!(reads_by(usual, 88, &rpm), [("avl_io_88".to_owned(), Value::Int(1056))]);
    }

    #[test]
    fn raw_bytes_become_values() {
        let float = |value: f64| Value::Float(value);
        let int = |value: i64| Value::Int(value);
        let text = |value: &str| Value::from(value);
        for (id, raw, name, value) in [
            (66, &[0x30, 0x39][..], "board_voltage", float(12.345)),
            (67, &[0x0F, 0xA0], "battery_voltage", float(4.0)),
            (9, &[0x00, 0x19], "analog_1", float(0.025)),
            (16, &[0x00, 0x01, 0xE2, 0x40], "hw_mileage", float(123.456)),
            (17, &[0xFF, 0xDE], "axis_x", float(-0.034)),
            (21, &[5], "gsm_signal_level", int(100)),
            (36, &[0x03, 0x20], "obd_rpm", float(800.0)),
            (32, &[0xF6], "obd_coolant_t", float(-10.0)),
            (72, &[0xFF, 0xFF, 0xFF, 0x9C], "ext_temp_sensor_1", float(-10.0)),
            (84, &[0x01, 0x2C], "can_fuel_litres", float(30.0)),
            (102, &[0x00, 0x00, 0x00, 0x5A], "can_engine_hours", float(1.5)),
            (113, &[97], "battery_level", float(97.0)),
            (239, &[1], "ignition", Value::Flag(true)),
            (240, &[0], "motion", Value::Flag(false)),
            (241, &[0x00, 0x00, 0x60, 0x21], "gsm_network_name", text("24609")),
            (78, &[0, 0, 0, 0, 0x1A, 0x2B, 0x3C, 0x4D], "hardware_key", text("000000001A2B3C4D")),
            (256, b"WVWZZZ1JZXW000001", "obd_vin", text("WVWZZZ1JZXW000001")),
            (256, b"WVWZZZ1JZXW00000\xFF", "obd_vin", text("5756575A5A5A314A5A58573030303030FF")),
            (256, b"TRK 01\0\0\0", "obd_vin", text("TRK 01")),
            (10831, &[0xAB, 1, 2], "avl_io_10831", text("AB0102")),
            (60_000, &[0xFF, 0xFF], "avl_io_60000", int(65_535)),
            (60_000, &[0xFF; 8], "avl_io_60000", int(-1)),
            // The meaning of an id depends on the width.
            (72, &[0xFF, 0x9C], "ext_temp_sensor_1", float(-10.0)),
            (4, &[1], "digital_input_4", Value::Flag(true)),
            (4, &[0, 0, 0, 1], "impulse_counter_1", int(1)),
            (66, &[0, 0, 0, 1], "avl_io_66", int(1)),
            (78, &[1, 2, 3], "avl_io_78", text("010203")),
        ] {
            assert_eq!(reads(id, raw), [(name.to_owned(), value)], "{id}");
        }
    }

    #[test]
    fn a_device_can_say_that_it_has_no_value() {
        for (id, raw) in [
            (72, &3000_i32.to_be_bytes()[..]),
            (72, &850_i32.to_be_bytes()),
            (78, &[0; 8]),
            (201, &[0xFF, 0xFF]),
            (25, &[0x7F, 0xFF]),
            (256, &[0; 17]),
            (256, &[]),
        ] {
            assert_eq!(reads(id, raw), [], "{id}");
        }
    }
}
