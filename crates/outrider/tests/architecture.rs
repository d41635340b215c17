//! The house keeps its shape: who may import whom, what stays free of I/O, and that every file and dependency says
//! what it is for. ARCHITECTURE.md explains the rules; this test holds them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};
use toml::Table;

/// Each crate and the crates of the house that it may import.
#[rustfmt::skip]
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("protocols", &["domain"]),
    ("telemetry", &["domain"]),
    ("store", &["domain"]),
    ("live", &["domain", "telemetry", "store"]),
    ("fleet", &["domain", "telemetry", "store", "live"]),
    ("pipeline", &["domain", "telemetry", "store", "live"]),
    ("gateway", &["domain", "protocols", "store"]),
    ("reach", &["domain", "protocols", "store"]),
    ("api", &["domain", "fleet", "live"]),
    ("simulator", &["domain", "protocols"]),
    ("outrider", &["api", "domain", "fleet", "gateway", "live", "pipeline", "protocols", "reach", "simulator", "store", "telemetry"]),
];

/// Crates of pure functions and sans-IO machines, and what they must not import.
const WITHOUT_IO: &[&str] = &["domain", "protocols", "telemetry"];
const IO: &[&str] = &["tokio", "tokio-util", "axum", "sqlx", "mio", "async-std", "smol"];

#[test]
fn crates_import_only_what_they_may() {
    let rules: BTreeMap<_, _> = MAY_IMPORT.iter().copied().collect();
    let mut wrong = Vec::new();
    for (name, manifest) in manifests() {
        let Some(allowed) = rules.get(name.as_str()) else {
            wrong.push(format!("{name} is not in the table of this test"));
            continue;
        };
        for import in imports(&manifest) {
            if rules.contains_key(import) && !allowed.contains(&import) {
                wrong.push(format!("{name} imports {import}"));
            }
            if WITHOUT_IO.contains(&name.as_str()) && IO.contains(&import) {
                wrong.push(format!("{name} does no I/O, but imports {import}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn crates_take_dependencies_and_lints_from_the_workspace() {
    let of_workspace = |table: Option<&Table>| table.is_some_and(|table| table.contains_key("workspace"));
    let mut wrong = Vec::new();
    for (name, manifest) in manifests() {
        if !of_workspace(manifest.get("lints").and_then(|lints| lints.as_table())) {
            wrong.push(format!("{name} has its own lints"));
        }
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let section = manifest.get(section).and_then(|section| section.as_table());
            let foreign = section.into_iter().flatten().filter(|(import, _)| **import != name);
            let own = foreign.filter(|(_, source)| !of_workspace(source.as_table()));
            wrong.extend(own.map(|(import, _)| format!("{name} has its own {import}")));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_dependency_says_what_it_is_for() {
    let manifest = read(&root().join("Cargo.toml"));
    let (_, after) = manifest.split_once("\n[workspace.dependencies]\n").unwrap();
    let section = after.split_once("\n[").map_or(after, |(section, _)| section);
    let foreign: Vec<_> =
        section.lines().filter(|line| line.contains(" = ") && !line.contains("path = ")).collect();
    assert!(foreign.len() > 20, "found only {foreign:?}");
    let says = |line: &&str| line.rsplit_once(" # ").is_some_and(|(_, reason)| reason.len() >= 10);
    let silent: Vec<_> = foreign.into_iter().filter(|line| !says(line)).collect();
    assert!(silent.is_empty(), "without a reason behind it: {silent:#?}");
}

#[test]
fn every_source_file_begins_by_saying_what_it_is_for() {
    let files = files(&root().join("crates"), &["rs"]);
    assert!(files.len() > 20, "found only {files:?}");
    let silent: Vec<_> = files.into_iter().filter(|file| !read(file).starts_with("//! ")).collect();
    assert!(silent.is_empty(), "{silent:#?}");
}

#[test]
fn no_file_knows_the_machine_it_was_written_on() {
    let machine =
        [concat!("/ho", "me/"), concat!("/Us", "ers/"), concat!("/wo", "rk/"), concat!("/tmp", "/wt")];
    let mut wrong = Vec::new();
    for file in files(&root(), &["rs", "toml", "md", "sh", "tsv", "sql"]) {
        let text = read(&file);
        let found = machine.iter().filter(|path| text.contains(**path));
        wrong.extend(found.map(|path| format!("{}: {path}", file.display())));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The manifest of each crate by the name of its folder, which is the crate's.
fn manifests() -> Vec<(String, Table)> {
    let mut manifests = Vec::new();
    for folder in fs::read_dir(root().join("crates")).unwrap().map(Result::unwrap) {
        let name = folder.file_name().into_string().unwrap();
        let manifest: Table = read(&folder.path().join("Cargo.toml")).parse().unwrap();
        assert_eq!(manifest["package"]["name"].as_str(), Some(name.as_str()));
        manifests.push((name, manifest));
    }
    assert!(manifests.len() >= 8, "found only {} crates", manifests.len());
    manifests
}

/// What a crate imports outside its tests.
fn imports(manifest: &Table) -> impl Iterator<Item = &str> {
    let sections = ["dependencies", "build-dependencies"].into_iter();
    let sections = sections.filter_map(|section| manifest.get(section)?.as_table());
    sections.flat_map(|section| section.keys().map(String::as_str))
}

/// All files under `folder` with one of these extensions, without what is built, downloaded or hidden.
fn files(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (path, name) = (entry.path(), entry.file_name().into_string().unwrap());
        let passed_over = name.starts_with('.') || ["target", "node_modules"].contains(&name.as_str());
        if entry.file_type().unwrap().is_dir() {
            found.extend(if passed_over { Vec::new() } else { files(&path, extensions) });
        } else if extensions.iter().any(|one| path.extension().is_some_and(|extension| extension == *one)) {
            found.push(path);
        }
    }
    found
}
