//! Time zones that people choose from: a table of those that a country uses, with the rules of the bundled database.

use domain::Timestamp;
use jiff::tz::{Dst, TimeZone};
use std::sync::LazyLock;

/// A line of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedZone {
    pub name: &'static str,
    /// ISO 3166-1; `None` for UTC.
    pub country: Option<&'static str>,
    pub other_names: Vec<&'static str>,
}

/// By how much a zone is ahead of UTC, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZoneOffsets {
    /// When no summer time is on.
    pub base: i32,
    /// What summer time adds; 0 where there is none in the year to come.
    pub summer: i32,
}

/// In the order of their names.
pub fn time_zones() -> &'static [NamedZone] {
    static ZONES: LazyLock<Vec<NamedZone>> = LazyLock::new(|| {
        let lines = include_str!("../data/time_zones.tsv").lines().filter(|line| !line.starts_with('#'));
        lines.map(zone).collect()
    });
    &ZONES
}

fn zone(line: &'static str) -> NamedZone {
    let mut columns = line.split('\t');
    let mut column = || columns.next().unwrap_or_default();
    let (name, country) = (column(), column());
    let other_names = column().split(' ').filter(|name| !name.is_empty()).collect();
    NamedZone { name, country: (!country.is_empty()).then_some(country), other_names }
}

impl NamedZone {
    /// As they are at `now` and in the year after it.
    pub fn offsets(&self, now: Timestamp) -> ZoneOffsets {
        let zone = TimeZone::get(self.name).unwrap_or(TimeZone::UTC);
        let now = jiff::Timestamp::from_millisecond(now.millis()).unwrap_or_default();
        let year = jiff::SignedDuration::from_hours(366 * 24);
        let until = now.saturating_add(year).unwrap_or(now);
        let changes = zone.following(now).map(|change| change.timestamp()).take_while(|at| *at < until);
        let offsets: Vec<_> = std::iter::once(now)
            .chain(changes)
            .map(|at| {
                let info = zone.to_offset_info(at);
                (info.dst(), info.offset().seconds())
            })
            .collect();
        let of = |dst: Dst| offsets.iter().find(|(is, _)| *is == dst).map(|(_, seconds)| *seconds);
        let base = of(Dst::No).or(of(Dst::Yes)).unwrap_or_default();
        ZoneOffsets { base, summer: of(Dst::Yes).map_or(0, |seconds| seconds - base) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_known_once_and_belongs_to_a_country() {
        let zones = time_zones();
        let mut names: Vec<_> =
            zones.iter().flat_map(|zone| zone.other_names.iter().chain([&zone.name])).collect();
        for name in &names {
            assert!(TimeZone::get(name).is_ok(), "{name}");
        }
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
        assert!(zones.is_sorted_by_key(|zone| zone.name) && zones.len() > 400);
        let lacking: Vec<_> = zones.iter().filter(|zone| zone.country.is_none()).collect();
        assert_eq!(lacking.iter().map(|zone| zone.name).collect::<Vec<_>>(), ["UTC"]);
    }
}
