//! The names of inputs that a sensor may be made on, in words.

use domain::{InputSpec, input_specs};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputDescription {
    pub name: String,
    pub description: String,
}

/// A larger family stands in the list once, with `[N]` for its members' numbers.
const MEMBERS: u32 = 64;

/// By name.
pub fn input_descriptions() -> Vec<InputDescription> {
    let mut all: Vec<_> = input_specs().iter().flat_map(described).collect();
    all.sort_by(|one, other| one.name.cmp(&other.name));
    all
}

fn described(spec: &'static InputSpec) -> Vec<InputDescription> {
    let words = |number: &str| {
        let mut words = spec.description.to_owned();
        if let Some(first) = words.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        if number.is_empty() { words } else { format!("{words} {number}") }
    };
    match spec.range {
        None => vec![InputDescription { name: spec.name.to_owned(), description: words("") }],
        Some((first, last)) if last - first < MEMBERS => (first..=last)
            .filter_map(|index| Some((index, spec.member(index)?)))
            .map(|(index, name)| InputDescription {
                name: name.to_string(),
                description: words(&index.to_string()),
            })
            .collect(),
        Some(_) => {
            let name = spec.name.trim_end_matches("_#").to_owned();
            vec![InputDescription { name, description: words("[N]") }]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_once_in_order() {
        let all = input_descriptions();
        assert!(all.is_sorted_by(|one, other| one.name < other.name));
        let described = |name: &str| all.iter().find(|it| it.name == name).map(|it| &*it.description);
        assert_eq!(described("board_voltage"), Some("Supply voltage of the vehicle"));
        assert!(described("analog_8").is_some_and(|words| words.ends_with(" 8")));
        assert!(described("avl_io").is_some_and(|words| words.ends_with("[N]")));
    }
}
