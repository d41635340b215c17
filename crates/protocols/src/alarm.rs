//! What devices raise an alarm about, in the words of `alarm_type`, the same for every protocol.

use domain::Inputs;

macro_rules! alarms {
    ($($(#[$doc:meta])* $alarm:ident $word:literal,)*) => {
        /// A reason for an alarm.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Alarm {
            $($(#[$doc])* $alarm,)*
        }

        impl Alarm {
            const ALL: &'static [Self] = &[$(Self::$alarm,)*];

            /// The alarm of that word, as devices that use our words or the like say it.
            pub fn named(word: &str) -> Option<Self> {
                let same = |alarm: &&Self| {
                    let letters = |text: &'static str| text.bytes().filter(|byte| *byte != b'_');
                    letters(alarm.word()).eq(word.bytes().filter(|byte| *byte != b'_').map(|b| b.to_ascii_lowercase()))
                };
                Self::ALL.iter().find(same).copied()
            }

            /// As `alarm_type` says it.
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$alarm => $word,)*
                }
            }
        }
    };
}

alarms! {
    /// Somebody pressed the panic button.
    Sos "sos",
    PowerCut "power_cut",
    PowerRestored "power_restored",
    PowerOn "power_on",
    PowerOff "power_off",
    /// The vehicle's battery.
    LowPower "low_power",
    /// The device's own battery.
    LowBattery "low_battery",
    BatteryFailure "battery_failure",
    Vibration "vibration",
    /// Movement with the ignition off.
    Towing "towing",
    Movement "movement",
    Overspeed "overspeed",
    LowSpeed "low_speed",
    HarshAcceleration "harsh_acceleration",
    HarshBraking "harsh_braking",
    HarshCornering "harsh_cornering",
    LaneChange "lane_change",
    Collision "collision",
    Rollover "rollover",
    FallDown "fall_down",
    Idling "idling",
    HighRevolutions "high_revolutions",
    FatigueDriving "fatigue_driving",
    GeofenceEnter "geofence_enter",
    GeofenceExit "geofence_exit",
    Geofence "geofence",
    /// The device was opened or taken off.
    Tamper "tamper",
    /// A seal or a lock was opened by force.
    LockForced "lock_forced",
    Unlocked "unlocked",
    Locked "locked",
    Door "door",
    Bonnet "bonnet",
    Footbrake "footbrake",
    Jamming "jamming",
    GnssAntennaCut "gnss_antenna_cut",
    GnssAntennaShort "gnss_antenna_short",
    FuelLeak "fuel_leak",
    Temperature "temperature",
    Humidity "humidity",
    TirePressure "tire_pressure",
    EngineFault "engine_fault",
    Parking "parking",
    IgnitionOn "ignition_on",
    IgnitionOff "ignition_off",
    /// A bit or number for which there is no word here; `event_code` says which.
    General "general",
}

/// The alarms of one message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Alarms(u64);

impl Alarms {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn raise(&mut self, alarm: Alarm) -> &mut Self {
        self.0 |= 1 << alarm as u32;
        self
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// `alarm_type` with the words, and the flag that an alarm has of its own; nothing when there is none.
    pub fn write(self, inputs: &mut Inputs) {
        let mut raised = Alarm::ALL.iter().copied().filter(|alarm| self.0 >> *alarm as u32 & 1 == 1);
        let Some(first) = raised.next() else { return };
        let mut flag = |alarm| match alarm {
            Alarm::Sos => inputs.push(input!("alarm"), true),
            Alarm::PowerCut => inputs.push(input!("unplug"), true),
            Alarm::PowerRestored => inputs.push(input!("unplug"), false),
            Alarm::LowBattery => inputs.push(input!("battery_low"), true),
            Alarm::Towing => inputs.push(input!("towing"), true),
            Alarm::FallDown => inputs.push(input!("fall_detection"), true),
            Alarm::Idling => inputs.push(input!("idling"), true),
            Alarm::Jamming => inputs.push(input!("jamming"), true),
            Alarm::Tamper => inputs.push(input!("device_tamper"), true),
            _ => {}
        };
        flag(first);
        let mut words = std::borrow::Cow::Borrowed(first.word());
        for alarm in raised {
            flag(alarm);
            words.to_mut().push(',');
            words.to_mut().push_str(alarm.word());
        }
        inputs.push(input!("alarm_type"), &*words);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_alarm_has_its_own_bit_and_word() {
        assert!(Alarm::ALL.len() <= 64, "more than the set holds");
        for (at, alarm) in Alarm::ALL.iter().enumerate() {
            assert_eq!(Alarm::named(alarm.word()), Some(*alarm));
            assert!(Alarm::ALL[..at].iter().all(|other| other.word() != alarm.word()), "{alarm:?}");
        }
    }

    #[test]
    fn words_are_found_however_they_are_written() {
        for (word, alarm) in [("lowBattery", Some(Alarm::LowBattery)), ("SOS", Some(Alarm::Sos)), ("x", None)]
        {
            assert_eq!(Alarm::named(word), alarm, "{word}");
        }
    }

    #[test]
    fn alarms_are_words_and_their_flags() {
        for (alarms, expected) in [
            (vec![], vec![]),
            (vec![Alarm::Overspeed], vec!["alarm_type=overspeed"]),
            (
                vec![Alarm::Towing, Alarm::Sos, Alarm::Sos],
                vec!["alarm=1", "towing=1", "alarm_type=sos,towing"],
            ),
            (vec![Alarm::PowerRestored], vec!["unplug=0", "alarm_type=power_restored"]),
        ] {
            let (mut set, mut inputs) = (Alarms::new(), Inputs::default());
            for alarm in &alarms {
                set.raise(*alarm);
            }
            set.write(&mut inputs);
            let written: Vec<_> = inputs.iter().map(|(name, value)| format!("{name}={value}")).collect();
            assert_eq!(written, expected, "{alarms:?}");
        }
    }
}
