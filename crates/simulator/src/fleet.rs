//! The demo's fleet: vehicles with names, drivers and groups.

use crate::{
    client::{Dial, Surroundings},
    handset::Handsets,
    imei::Imei,
    kind::Kind,
    language::teltonika::{CODEC_8, CODEC_8_EXTENDED},
    seed::Seed,
    swarm::{self, Device},
    vehicle::{Reporting, Vehicle},
};
use std::{sync::Arc, time::Duration};

/// Vehicles of one company.
#[derive(Clone, Debug)]
pub struct Fleet {
    members: Vec<Member>,
}

#[derive(Clone, Debug)]
pub struct Member {
    /// Such as `Van 07`.
    pub label: String,
    /// One of `Fleet::GROUPS`.
    pub group: &'static str,
    pub driver: String,
    pub device: Device,
}

/// What the devices of a fleet have to tell when they call first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum History {
    /// Only where the vehicles are now.
    None,
    /// All records of the last 24 hours.
    Day,
}

impl Fleet {
    pub const GROUPS: [&str; 3] = ["Deliveries", "Haulage", "Field service"];

    /// `count` vehicles, a third of them in each group.
    pub fn new(seed: u64, count: usize) -> Self {
        let seed = Seed::new(seed).named("fleet");
        let members = (0..count).map(|number| Member::new(seed, number, count)).collect();
        Self { members }
    }

    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// Drives and reports until it is stopped.
    pub async fn run<D: Dial>(&self, history: History, surroundings: Arc<Surroundings<D>>) {
        let now = surroundings.clock.now();
        let since = match history {
            History::None => now.minus(swarm::PRELUDE),
            History::Day => now.minus(Duration::from_secs(24 * 3600)),
        };
        let devices: Vec<_> = self.members.iter().map(|member| member.device).collect();
        swarm::run(devices, since, surroundings, Handsets::default()).await;
    }
}

impl Member {
    fn new(seed: Seed, number: usize, count: usize) -> Self {
        let third = count.div_ceil(Fleet::GROUPS.len());
        let (group, place) = (number / third, number % third + 1);
        let (kind, name) = [(Kind::Van, "Van"), (Kind::Truck, "Truck"), (Kind::Car, "Car")][group];
        // Steps without a common divisor with the lists' lengths: nobody drives two vehicles of a small fleet.
        let offset = seed.named("drivers").below(FIRST_NAMES.len() * FAMILY_NAMES.len());
        let (first, family) = (offset + number * 7, offset + number * 11 + number / FIRST_NAMES.len());
        let seed = seed.of(number as u64);
        Self {
            label: format!("{name} {place:02}"),
            group: Fleet::GROUPS[group],
            driver: format!(
                "{} {}",
                FIRST_NAMES[first % FIRST_NAMES.len()],
                FAMILY_NAMES[family % FAMILY_NAMES.len()]
            ),
            device: Device {
                imei: Imei::TEST.plus(number as u64),
                language: if number.is_multiple_of(2) { CODEC_8_EXTENDED } else { CODEC_8 },
                vehicle: Vehicle::new(seed.number(), kind, Reporting::AsDevice),
                seed: seed.number(),
            },
        }
    }
}

const FIRST_NAMES: [&str; 20] = [
    "Anna", "Emre", "Greta", "Jonas", "Lena", "Mateusz", "Nele", "Omar", "Paula", "Rico", "Sofia", "Tarek",
    "Ute", "Viktor", "Wiebke", "Yusuf", "Zoe", "Bjarne", "Carla", "Dilan",
];
const FAMILY_NAMES: [&str; 20] = [
    "Albers",
    "Brandt",
    "Claussen",
    "Demir",
    "Ehlers",
    "Fock",
    "Grabowski",
    "Harms",
    "Iwersen",
    "Jansen",
    "Koch",
    "Lorenz",
    "Meinke",
    "Nowak",
    "Oltmanns",
    "Petersen",
    "Quast",
    "Reimers",
    "Sievers",
    "Thomsen",
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    #[test]
    fn a_fleet_has_names_of_its_own_in_three_groups() {
        let fleet = Fleet::new(1, 40);
        let of =
            |name: fn(&Member) -> String| fleet.members().iter().map(name).collect::<BTreeSet<_>>().len();
        assert_eq!(of(|member| member.label.clone()), 40);
        assert_eq!(of(|member| member.driver.clone()), 40);
        assert_eq!(of(|member| member.device.imei.to_string()), 40);
        let mut groups = BTreeMap::new();
        for member in fleet.members() {
            *groups.entry(member.group).or_insert(0) += 1;
        }
        assert_eq!(groups, BTreeMap::from([("Deliveries", 14), ("Haulage", 14), ("Field service", 12)]));
        assert_eq!(fleet.members()[6].label, "Van 07");
        assert_eq!(fleet.members()[39].device.vehicle, Fleet::new(1, 40).members()[39].device.vehicle);
        assert_ne!(fleet.members()[39].device.vehicle, Fleet::new(2, 40).members()[39].device.vehicle);
        for count in 0..4 {
            assert_eq!(Fleet::new(1, count).members().len(), count);
        }
    }
}
