//! Inputs and outputs of a device as bits: the whole as one number, and each by itself.

use domain::Inputs;

/// Bit 0 is the first of `count` digital inputs.
pub fn digital_inputs(bits: u32, count: u32, inputs: &mut Inputs) {
    inputs.push(input!("input_status"), i64::from(bits));
    for number in 1..=count {
        if let Some(name) = family!("digital_input_#").member(number) {
            inputs.push(name, bits >> (number - 1) & 1 == 1);
        }
    }
}

/// Bit 0 is the first of `count` outputs.
pub fn digital_outputs(bits: u32, count: u32, inputs: &mut Inputs) {
    inputs.push(input!("output_status"), i64::from(bits));
    for number in 1..=count {
        if let Some(name) = family!("digital_output_#").member(number) {
            inputs.push(name, bits >> (number - 1) & 1 == 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bit_is_a_port() {
        let mut inputs = Inputs::default();
        digital_inputs(0b101, 2, &mut inputs);
        digital_outputs(0b10, 2, &mut inputs);
        let written: Vec<_> = inputs.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(
            written,
            [
                "input_status=5",
                "digital_input_1=1",
                "digital_input_2=0",
                "output_status=2",
                "digital_output_1=0",
                "digital_output_2=1",
            ]
        );
    }
}
