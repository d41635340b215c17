//! Every error that an action may answer, provoked through the door: `table.tsv` says how to bring each about, and
//! `docs/coverage.md` shows it. An error without a row fails the test, and so does a row without an error.

use crate::{
    situation::{Situation, World, merged, named},
    support::Server,
};
use api::{ACTIONS, Entry};
use domain::ErrorCode;
use serde_json::{Map, Value};
use std::{collections::BTreeSet, env, fmt::Write as _, fs, path::Path};

/// Action, error (or `ok` for the call that succeeds), situation, parameters. Of the errors, the parameters are what
/// differs from those of the call that succeeds; null takes one out. `file` is a part of the body: its type and content.
const TABLE: &str = include_str!("table.tsv");

/// Cells that cannot be provoked yet, each with what would fill it. At most five.
const REASONS: &[(&str, ErrorCode, &str)] = &[
    (
        "tracker/register_quick",
        ErrorCode::WrongActivationCode,
        "the action has no parameter for a code; bundles that are sold with one would fill it",
    ),
    (
        "tracker/raw_command/send",
        ErrorCode::NotSupportedByDevice,
        "every protocol carries what users type; one that carries no commands would fill it",
    ),
    (
        "tracker/replace_quick",
        ErrorCode::PluginNotFound,
        "the only models that the plugin of bundles does not take are apps, which answer 7 before; another plugin for \
         bundles would fill it",
    ),
];

/// The errors that the reference documents for the 23 actions of the page "Working with trackers". 7 is documented for
/// three of them, and may come from all.
pub const DOCUMENTED: &[(&str, &[u16])] = &[
    ("tracker/read", &[201]),
    ("tracker/list", &[]),
    ("tracker/corrupt", &[13, 243, 201, 219, 252, 208]),
    ("tracker/delete", &[201, 249, 203]),
    ("tracker/change_phone", &[201, 208, 219, 214, 223, 241]),
    ("tracker/get_diagnostics", &[201, 208]),
    ("tracker/get_fuel", &[201, 208]),
    ("tracker/get_inputs", &[201, 208]),
    ("tracker/get_last_gps_point", &[201, 208]),
    ("tracker/get_readings", &[201, 208]),
    ("tracker/get_state", &[201, 208]),
    ("tracker/get_states", &[201, 208, 217]),
    ("tracker/list_models", &[]),
    ("tracker/tags/set", &[]),
    ("tracker/location_request", &[201, 208, 213, 214, 256]),
    ("tracker/register", &[13, 204, 220, 221, 222, 223, 224, 225, 226, 227, 258]),
    ("tracker/register_retry", &[13, 201, 208, 219, 214, 242]),
    ("tracker/register_quick", &[13, 201, 204, 220, 221, 222, 223, 224, 225, 226, 227]),
    ("tracker/replace", &[7, 13, 204, 220, 221, 222, 223, 224, 225, 226, 258, 266]),
    ("tracker/replace_quick", &[7, 13, 201, 204, 220, 221, 222, 223, 224, 225, 226, 266]),
    ("tracker/replace_retry", &[13, 204, 208, 219, 214, 242, 266]),
    ("tracker/send_command", &[]),
    ("tracker/raw_command/send", &[7, 201]),
];

struct Row {
    action: &'static str,
    /// `None` for the call that succeeds.
    code: Option<u16>,
    situation: &'static str,
    parameters: Map<String, Value>,
}

fn rows() -> Vec<Row> {
    let row = |line: &'static str| {
        let columns: Vec<_> = line.split('\t').collect();
        let [action, code, situation, parameters] = *columns else { panic!("not four columns: {line}") };
        let code = (code != "ok").then(|| code.parse().unwrap());
        let parameters = serde_json::from_str(parameters).unwrap_or_else(|error| panic!("{line}: {error}"));
        Row { action, code, situation, parameters }
    };
    TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(row).collect()
}

/// The call that succeeds.
fn good(rows: &[Row], action: &str) -> Map<String, Value> {
    let good = rows.iter().find(|row| row.action == action && row.code.is_none());
    good.unwrap_or_else(|| panic!("{action} has no row that succeeds")).parameters.clone()
}

type Cell = (&'static str, u16);

/// What an action may answer: what it declares, what its rights bring, what the reference documents.
fn cells_of(entry: &Entry) -> BTreeSet<u16> {
    let declared = entry.errors.iter().map(|error| error.number());
    let rights = (!entry.rights.is_empty()).then_some(ErrorCode::NotPermitted.number());
    let documented =
        DOCUMENTED.iter().filter(|(action, _)| *action == entry.path).flat_map(|(_, codes)| *codes);
    declared.chain(rights).chain(documented.copied()).collect()
}

fn cells() -> BTreeSet<Cell> {
    ACTIONS.iter().flat_map(|entry| cells_of(entry).into_iter().map(|code| (entry.path, code))).collect()
}

#[test]
fn every_error_has_its_row() {
    let rows = rows();
    let cells = cells();
    let provoked: BTreeSet<Cell> = rows.iter().filter_map(|row| Some((row.action, row.code?))).collect();
    let excused: BTreeSet<Cell> = REASONS.iter().map(|(action, code, _)| (*action, code.number())).collect();
    assert!(excused.len() <= 5);
    assert_eq!(
        provoked.intersection(&excused).collect::<Vec<_>>(),
        Vec::<&Cell>::new(),
        "provoked after all"
    );
    let covered: BTreeSet<_> = provoked.union(&excused).copied().collect();
    let missing: Vec<_> = cells.difference(&covered).collect();
    assert!(missing.is_empty(), "no row provokes {missing:?}");
    let surplus: Vec<_> = covered.difference(&cells).collect();
    assert!(surplus.is_empty(), "not declared: {surplus:?}");
    for entry in ACTIONS {
        assert!(rows.iter().any(|row| row.action == entry.path && row.code.is_none()), "{}", entry.path);
    }
    for (action, codes) in DOCUMENTED {
        let entry = ACTIONS.iter().find(|entry| entry.path == *action).unwrap();
        let general = [ErrorCode::InvalidParameters.number(), ErrorCode::NotPermitted.number()];
        let declares =
            |code: &&u16| entry.errors.iter().any(|error| error.number() == **code) || general.contains(code);
        let excused = |code: &&u16| excused.contains(&(*action, **code));
        let undeclared: Vec<_> = codes.iter().filter(|code| !declares(code) && !excused(code)).collect();
        assert!(undeclared.is_empty(), "{action} does not declare {undeclared:?}");
    }
}

#[test]
fn every_error_is_answered() {
    let rows = rows();
    let mut world = World::on(Server::start());
    let mut wrong = Vec::new();
    for row in &rows {
        let Some(entry) = ACTIONS.iter().find(|entry| entry.path == row.action) else {
            panic!("{} is no action", row.action);
        };
        let Situation { caller, names } = world.bring_about(entry, row.situation);
        let changes = if row.code.is_some() { row.parameters.clone() } else { Map::new() };
        let mut parameters = merged(good(&rows, row.action), &changes);
        let file = parameters.remove("file");
        let parameters = named(Value::Object(parameters), &names);
        let answer = match file.as_ref().and_then(Value::as_array).map(Vec::as_slice) {
            Some([Value::String(kind), Value::String(content)]) => {
                caller.upload(row.action, parameters.clone(), Some((kind, content.as_bytes())))
            }
            _ => caller.call(row.action, parameters.clone()),
        };
        let is_right = match row.code {
            None => answer.status == 200 && answer.body["success"] == true,
            Some(code) => answer.status != 200 && answer.code() == i64::from(code),
        };
        if !is_right {
            let Row { action, code, situation, .. } = row;
            wrong.push(format!("{action} {code:?} ({situation}) {parameters}: {}", answer.body));
        }
    }
    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

/// After a change that is meant: `UPDATE_COVERAGE=1 cargo test -p outrider coverage`.
#[test]
fn the_page_is_fresh() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/coverage.md");
    let page = page();
    if env::var_os("UPDATE_COVERAGE").is_some() {
        fs::write(&file, &page).unwrap();
    }
    let known = fs::read_to_string(&file).unwrap_or_default();
    assert!(known == page, "docs/coverage.md is stale: UPDATE_COVERAGE=1 cargo test -p outrider coverage");
}

fn page() -> String {
    let rows = rows();
    let mut page = format!(
        "# Errors that are provoked\n\n\
         <!-- Generated: `UPDATE_COVERAGE=1 cargo test -p outrider coverage`. A test fails when this page is stale. -->\n\n\
         Every error that an action may answer beyond those that all may (3–9, 15, 111, 112), with the situation in which \
         the test `coverage::every_error_is_answered` provokes it against a running server, and compares code and HTTP \
         status. {} actions, {} errors; {} of them cannot be provoked, and say why. The situations are steps in \
         `crates/outrider/tests/server/situation.rs`; what the call has beyond a right one is under \"with\".\n\n\
         | action | error | HTTP | situation | with |\n|---|---|---|---|---|\n",
        ACTIONS.len(),
        cells().len(),
        REASONS.len(),
    );
    for entry in ACTIONS {
        for code in cells_of(entry) {
            let error = ErrorCode::ALL.iter().find(|error| error.number() == code).unwrap();
            let status = crate::support::http_status(i64::from(code));
            let cell = format!("| {} | {code} {} | {status} |", entry.path, error.description());
            for row in rows.iter().filter(|row| (row.action, row.code) == (entry.path, Some(code))) {
                let with = match row.parameters.is_empty() {
                    true => String::new(),
                    false => format!("`{}`", Value::Object(row.parameters.clone())),
                };
                writeln!(page, "{cell} {} | {with} |", row.situation).unwrap();
            }
            if let Some((.., reason)) =
                REASONS.iter().find(|(action, reason, _)| (*action, reason.number()) == (entry.path, code))
            {
                writeln!(page, "{cell} *not provoked* | {reason} |").unwrap();
            }
        }
    }
    page
}
