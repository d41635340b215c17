//! The examples of the page "Working with trackers": each call is made as JSON, as a form and as a query, and its answer
//! compared key by key with the one that the page prints: every key, every type, every null.

use crate::{
    situation::{Situation, World, named},
    support::{Answer, Server, Session, http_status},
};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Action, situation (steps of `situation.rs`), parameters, answer.
///
/// In an answer a text is what may stand there: words of `is`, several with `|` between; `=text` the text itself, `@name`
/// what the situation calls so, `&name` a shape. A list of one form has one item or more like it; after `any`, also none.
/// A key may be missing when it ends in `?`; one that ends in `+` is not on the page (newer, or ours). `*` stands for
/// keys of any name, one or more.
const TABLE: &str = include_str!("table.tsv");

/// An SMS gateway that cannot be reached: what is to be sent waits.
const CONFIGURATION: &str = r#"
    [devices]
    public_address = "gps.example.com"
    [outbound]
    allow = ["127.0.0.0/8"]
    [sms]
    provider = "http"
    webhook_secret = "correct horse"
    [sms.http]
    url = "http://127.0.0.1:1/send"
    body = '{"to": "{to}", "text": "{text}"}'
"#;

/// How a call may come.
#[derive(Clone, Copy, Debug)]
enum Shape {
    Json,
    /// Lists and objects in it as text, as one example of the page has them.
    JsonWithTexts,
    Form,
    Query,
}

#[derive(Default)]
struct Examples {
    shapes: BTreeMap<&'static str, Value>,
    calls: Vec<(&'static str, &'static str, Value, Value)>,
}

fn examples() -> Examples {
    let mut examples = Examples::default();
    for line in TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let json = |text: &str| serde_json::from_str(text).unwrap_or_else(|error| panic!("{line}: {error}"));
        match *line.split('\t').collect::<Vec<_>>() {
            ["shape", name, form] => drop(examples.shapes.insert(name, json(form))),
            [action, steps, parameters, answer] => {
                examples.calls.push((action, steps, json(parameters), json(answer)));
            }
            _ => panic!("neither a shape nor a call: {line}"),
        }
    }
    examples
}

#[test]
fn the_examples_of_the_page_in_every_shape() {
    let Examples { shapes, calls } = examples();
    let mut world = World::on(Server::start_with(CONFIGURATION));
    let mut wrong = Vec::new();
    for (action, steps, parameters, expected) in &calls {
        let entry = api::ACTIONS.iter().find(|entry| entry.path == *action).unwrap();
        for shape in [Shape::Json, Shape::JsonWithTexts, Shape::Form, Shape::Query] {
            // Many calls can be made once only.
            let Situation { caller, names } = world.bring_about(entry, steps);
            let parameters = named(parameters.clone(), &names);
            let Answer { status, body, .. } = call(&caller, action, &parameters, shape);
            let code = expected["status"]["code"].as_i64();
            let mut differences = Vec::new();
            if status != code.map_or(200, http_status) {
                differences.push(format!("HTTP {status}"));
            }
            Comparison { shapes: &shapes, names: &names, differences: &mut differences }
                .compare("", expected, &body);
            if !differences.is_empty() {
                wrong.push(format!("{action} {shape:?}: {}\n    {body}", differences.join("; ")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // All actions of the page are there.
    let called: BTreeSet<_> = calls.iter().map(|(action, ..)| *action).collect();
    let page: BTreeSet<_> = crate::coverage::DOCUMENTED.iter().map(|(action, _)| *action).collect();
    assert_eq!(called, page);
}

fn call(caller: &Session, action: &str, parameters: &Value, shape: Shape) -> Answer {
    let mut parameters: Map<_, _> = parameters.as_object().unwrap().clone();
    parameters.insert("hash".to_owned(), caller.hash().into());
    let path = format!("/v2/{action}");
    let is_structure = |value: &Value| value.is_array() || value.is_object();
    match shape {
        Shape::Json => caller.call(action, parameters.into()),
        Shape::JsonWithTexts => {
            for value in parameters.values_mut().filter(|value| is_structure(value)) {
                *value = value.to_string().into();
            }
            caller.call(action, parameters.into())
        }
        Shape::Form => {
            let form = [("content-type", "application/x-www-form-urlencoded")];
            caller.post(&path, &form, encoded(&parameters))
        }
        Shape::Query => caller.get(&format!("{path}?{}", encoded(&parameters)), &[]),
    }
}

/// Texts as they are, everything else as JSON.
fn encoded(parameters: &Map<String, Value>) -> String {
    let percent = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let pair = |(name, value): (&String, &Value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!("{name}={}", percent(&value))
    };
    parameters.iter().map(pair).collect::<Vec<_>>().join("&")
}

struct Comparison<'a> {
    shapes: &'a BTreeMap<&'static str, Value>,
    names: &'a BTreeMap<&'static str, Value>,
    differences: &'a mut Vec<String>,
}

impl Comparison<'_> {
    fn compare(&mut self, place: &str, expected: &Value, found: &Value) {
        match (expected, found) {
            (Value::String(words), _) => self.compare_word(place, words, found),
            (Value::Object(keys), Value::Object(fields)) => self.compare_object(place, keys, fields),
            (Value::Array(items), Value::Array(found)) => match &items[..] {
                [] if found.is_empty() => {}
                [Value::String(any), item] if any == "any" => self.compare_items(place, item, found),
                [item] if !found.is_empty() => self.compare_items(place, item, found),
                _ => self.differs(place, expected, &Value::from(found.clone())),
            },
            _ if expected == found => {}
            _ => self.differs(place, expected, found),
        }
    }

    fn compare_word(&mut self, place: &str, words: &str, found: &Value) {
        match words.split_at_checked(1) {
            Some(("&", shape)) => self.compare(place, &self.shapes[shape], found),
            Some(("=", text)) if found == text => {}
            Some(("@", name)) if *found == self.names[name] => {}
            _ if words.split('|').any(|word| is(word, found)) => {}
            _ => self.differs(place, &words.into(), found),
        }
    }

    fn compare_items(&mut self, place: &str, item: &Value, found: &[Value]) {
        for (at, found) in found.iter().enumerate() {
            self.compare(&format!("{place}[{at}]"), item, found);
        }
    }

    fn compare_object(&mut self, place: &str, keys: &Map<String, Value>, fields: &Map<String, Value>) {
        let mut left: BTreeSet<_> = fields.keys().map(String::as_str).collect();
        for (key, expected) in keys.iter().filter(|(key, _)| *key != "*") {
            let name = key.trim_end_matches(['?', '+']);
            left.remove(name);
            match fields.get(name) {
                Some(found) => self.compare(&format!("{place}.{name}"), expected, found),
                None if key.contains('?') => {}
                None => self.differences.push(format!("{place}.{name} is missing")),
            }
        }
        match keys.get("*") {
            Some(_) if left.is_empty() => self.differences.push(format!("{place} is empty")),
            Some(expected) => {
                for name in left {
                    self.compare(&format!("{place}.{name}"), expected, &fields[name]);
                }
            }
            None => {
                self.differences.extend(left.into_iter().map(|name| format!("{place}.{name} is too much")));
            }
        }
    }

    fn differs(&mut self, place: &str, expected: &Value, found: &Value) {
        self.differences.push(format!("{place} is {found}, not {expected}"));
    }
}

/// Whether a value is what a word says.
fn is(word: &str, value: &Value) -> bool {
    let is_date = |format: &str| {
        let is_like =
            |(digit, letter): (u8, u8)| if digit == b'0' { letter.is_ascii_digit() } else { digit == letter };
        let like = |text: &str| text.len() == format.len() && format.bytes().zip(text.bytes()).all(is_like);
        value.as_str().is_some_and(like)
    };
    match word {
        "int" => value.is_i64(),
        "float" => value.is_number(),
        "flag" => value.is_boolean(),
        "null" => value.is_null(),
        "text" => value.is_string(),
        "day" => is_date("0000-00-00"),
        "date" => is_date("0000-00-00 00:00:00"),
        "anything" => true,
        _ => false,
    }
}
