//! Every name that a decoder of this crate writes out is in the vocabulary.

#![allow(clippy::unwrap_used, reason = "a source that cannot be read fails the test")]

use domain::{InputName, input_specs};
use std::{fs, path::Path};

#[test]
fn decoders_use_listed_names_only() {
    let mut names = Vec::new();
    collect(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut names);
    assert!(names.len() >= 3, "the search finds nothing any more: {names:?}");
    let listed = |name: &str| match name.strip_suffix('#') {
        Some(_) => input_specs().iter().any(|spec| spec.name == name),
        None => InputName::find(name).is_some(),
    };
    let unlisted: Vec<_> = names.iter().filter(|name| !listed(name)).collect();
    assert!(unlisted.is_empty(), "not in the vocabulary: {unlisted:?}");
}

fn collect(folder: &Path, names: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, names);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = fs::read_to_string(&path).unwrap();
            for mark in ["input!(\"", "family!(\""] {
                let uses = source.split(mark).skip(1);
                names.extend(uses.filter_map(|use_| Some(use_.split_once('"')?.0.to_owned())));
            }
        }
    }
}
