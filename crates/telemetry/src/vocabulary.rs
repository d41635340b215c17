//! The inputs of the vocabulary that have a meaning of their own for the state of a source.

use domain::{InputName, InputSpec, input_specs};
use std::sync::LazyLock;

pub(crate) struct Vocabulary {
    pub(crate) ignition: InputName,
    /// The device's own judgement, under the two names that devices use for it.
    pub(crate) motion: InputName,
    pub(crate) moving: InputName,
    pub(crate) hardware_key: InputName,
    pub(crate) battery_level: InputName,
    pub(crate) battery_voltage: InputName,
    pub(crate) gsm_signal_level: InputName,
    pub(crate) gsm_network_name: InputName,
    pub(crate) gsm_roaming: InputName,
    pub(crate) inputs: Switches,
    pub(crate) outputs: Switches,
}

/// Digital inputs or outputs, which come one by one or all as bits of one number (input 1 is bit 0).
pub(crate) struct Switches {
    pub(crate) each: &'static InputSpec,
    pub(crate) mask: InputName,
}

pub(crate) fn vocabulary() -> &'static Vocabulary {
    static VOCABULARY: LazyLock<Vocabulary> = LazyLock::new(|| Vocabulary {
        ignition: name("ignition"),
        motion: name("motion"),
        moving: name("moving"),
        hardware_key: name("hardware_key"),
        battery_level: name("battery_level"),
        battery_voltage: name("battery_voltage"),
        gsm_signal_level: name("gsm_signal_level"),
        gsm_network_name: name("gsm_network_name"),
        gsm_roaming: name("gsm_roaming"),
        inputs: Switches { each: family("digital_input_#"), mask: name("input_status") },
        outputs: Switches { each: family("digital_output_#"), mask: name("output_status") },
    });
    &VOCABULARY
}

fn name(name: &str) -> InputName {
    InputName::find(name).unwrap_or_else(|| unreachable!("inputs.tsv has no {name}"))
}

fn family(name: &str) -> &'static InputSpec {
    let row = input_specs().iter().find(|spec| spec.name == name);
    row.unwrap_or_else(|| unreachable!("inputs.tsv has no {name}"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_vocabulary_has_every_name() {
        assert_eq!(super::vocabulary().ignition.to_string(), "ignition");
    }
}
