//! `/openapi.json`, the description of the API for programs, and `/docs`, a page that shows it to people. Both derive
//! from the registry: what an action takes, answers and needs stands with the action.

use crate::{
    action::{CallerKind, Entry},
    actions::tracker::state::CompactStateObject,
    answer::Refusal,
    websocket,
};
use axum::{
    Router,
    http::header,
    response::{Html, IntoResponse},
    routing::get,
};
use domain::ErrorCode;
use schemars::{Schema, SchemaGenerator, generate::SchemaSettings, json_schema};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What the page may do: itself, and calls to this server.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
                           connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Errors that any action may answer.
const COMMON_ERRORS: [ErrorCode; 8] = [
    ErrorCode::WrongRequestFormat,
    ErrorCode::Unexpected,
    ErrorCode::InvalidParameters,
    ErrorCode::QueueUnavailable,
    ErrorCode::TooLargeRequest,
    ErrorCode::DatabaseUnavailable,
    ErrorCode::TooManyRequests,
    ErrorCode::WrongMethod,
];

/// Serves the description of these actions.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>(entries: Vec<&'static Entry>) -> Router<S> {
    let description: axum::body::Bytes = document(&entries).to_string().into();
    let json = [(header::CONTENT_TYPE, "application/json; charset=utf-8")];
    let page = ([(header::CONTENT_SECURITY_POLICY, PAGE_POLICY)], Html(include_str!("docs.html")));
    Router::new()
        .route("/openapi.json", get(async move || (json, description).into_response()))
        .route("/docs", get(async move || page))
}

/// The schema of a text that is one of these words.
pub(crate) fn words<const N: usize>(words: [&'static str; N]) -> Schema {
    json_schema!({ "type": "string", "enum": words.as_slice() })
}

/// OpenAPI 3.1: its schemas are JSON Schema 2020-12.
fn document(entries: &[&Entry]) -> Value {
    let mut settings = SchemaSettings::draft2020_12().for_serialize();
    settings.definitions_path = "/components/schemas".into();
    let mut generator = settings.into_generator();
    let failure = generator.subschema_for::<Refusal>();
    let mut paths: Map<String, Value> = entries
        .iter()
        .map(|entry| (format!("/{}", entry.path), operation(entry, &failure, &mut generator)))
        .collect();
    if entries.iter().any(|entry| entry.caller == CallerKind::User) {
        paths.insert(format!("/{}", websocket::PATH), subscription());
        // Its events are described in words; for programs there are the states.
        generator.subschema_for::<CompactStateObject>();
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Outrider",
            "version": env!("CARGO_PKG_VERSION"),
            "description": include_str!("description.md"),
        },
        "servers": [{ "url": "/v2" }],
        "paths": paths,
        "components": {
            "responses": common_refusals(&failure),
            "schemas": generator.take_definitions(true),
            "securitySchemes": {
                "session": session("Authorization: NVX <hash>, with the hash of user/auth."),
                "panel": session("Authorization: NVX <hash>, with the hash of panel/account/auth."),
            },
        },
    })
}

fn session(description: &str) -> Value {
    json!({ "type": "apiKey", "in": "header", "name": "Authorization", "description": description })
}

fn operation(entry: &Entry, failure: &Schema, generator: &mut SchemaGenerator) -> Value {
    let (resource, _) = entry.path.rsplit_once('/').unwrap_or((entry.path, ""));
    let mut operation = json!({
        "operationId": entry.path.replace('/', "_"),
        "tags": [resource],
        "security": match entry.caller {
            CallerKind::Anyone => json!([]),
            CallerKind::User => json!([{ "session": [] }]),
            CallerKind::Panel => json!([{ "panel": [] }]),
        },
        "requestBody": {
            "required": entry.parameters.iter().any(|(_, required)| *required),
            "content": content(entry),
        },
        "responses": responses(entry, failure, success(entry, generator)),
    });
    if !entry.rights.is_empty() {
        operation["x-rights"] = json!(entry.rights);
    }
    json!({ "post": operation })
}

/// A body of JSON; in parts, when one of them is a file.
fn content(entry: &Entry) -> Value {
    let mut schema = (entry.parameters_schema)();
    let Some(media_types) = entry.file else {
        return json!({ "application/json": { "schema": schema, "example": example(entry) } });
    };
    // OpenAPI 3.1, section 4.8.14.4: without a content encoding a text with a media type is what it is, bytes.
    schema["properties"]["file"] =
        json!({ "type": "string", "contentMediaType": "application/octet-stream" });
    match schema["required"].as_array_mut() {
        Some(required) => required.push(json!("file")),
        None => schema["required"] = json!(["file"]),
    }
    let encoding = json!({ "file": { "contentType": media_types.join(", ") } });
    json!({ "multipart/form-data": { "schema": schema, "encoding": encoding } })
}

fn example(entry: &Entry) -> Value {
    serde_json::from_str(entry.example).unwrap_or_default()
}

/// The answer with the `success` that stands before it.
fn success(entry: &Entry, generator: &mut SchemaGenerator) -> Value {
    let mut schema = (entry.answer_schema)(generator).to_value();
    let mut properties =
        Map::from_iter([("success".to_owned(), json!({ "type": "boolean", "const": true }))]);
    let mut required = vec![json!("success")];
    if let Some(Value::Object(own)) = schema.get_mut("properties").map(Value::take) {
        properties.extend(own);
    }
    if let Some(Value::Array(own)) = schema.get_mut("required").map(Value::take) {
        required.extend(own);
    }
    (schema["properties"], schema["required"]) = (properties.into(), required.into());
    schema
}

fn responses(entry: &Entry, failure: &Schema, success: Value) -> Value {
    let content = json!({ "application/json": { "schema": success } });
    let mut responses = Map::new();
    responses.insert("200".to_owned(), json!({ "description": "Success", "content": content }));
    let common = by_status(COMMON_ERRORS.to_vec());
    for (status, codes) in by_status(errors(entry)) {
        let response = if common.get(&status) == Some(&codes) {
            json!({ "$ref": format!("#/components/responses/{status}") })
        } else {
            refusal(&codes, failure)
        };
        responses.insert(status.to_string(), response);
    }
    Value::Object(responses)
}

/// Those that every action may answer, by HTTP status.
fn common_refusals(failure: &Schema) -> Map<String, Value> {
    let refusal = |(status, codes): (u16, Vec<_>)| (status.to_string(), refusal(&codes, failure));
    by_status(COMMON_ERRORS.to_vec()).into_iter().map(refusal).collect()
}

fn refusal(codes: &[ErrorCode], failure: &Schema) -> Value {
    let words: Vec<_> =
        codes.iter().map(|code| format!("{}: {}", code.number(), code.description())).collect();
    let codes: Vec<_> = codes.iter().map(|code| code.number()).collect();
    let content = json!({ "application/json": { "schema": failure } });
    json!({ "description": words.join("; "), "x-codes": codes, "content": content })
}

/// What the action may answer.
fn errors(entry: &Entry) -> Vec<ErrorCode> {
    let mut codes: Vec<_> = COMMON_ERRORS.into_iter().chain(entry.errors.iter().copied()).collect();
    if entry.caller != CallerKind::Anyone {
        codes.push(ErrorCode::SessionNotFound);
    }
    if !entry.rights.is_empty() {
        codes.push(ErrorCode::NotPermitted);
    }
    codes
}

/// By HTTP status, in ascending order.
fn by_status(mut codes: Vec<ErrorCode>) -> BTreeMap<u16, Vec<ErrorCode>> {
    codes.sort_unstable();
    codes.dedup();
    let mut by_status = BTreeMap::<u16, Vec<ErrorCode>>::new();
    for code in codes {
        by_status.entry(code.http_status()).or_default().push(code);
    }
    by_status
}

/// OpenAPI has no words for what is said over a WebSocket.
fn subscription() -> Value {
    json!({ "get": {
        "operationId": websocket::PATH.replace('/', "_"),
        "tags": ["event"],
        "description": include_str!("subscription.md"),
        "security": [],
        "responses": { "101": { "description": "Switching Protocols" } },
    } })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::ACTIONS;
    use std::{env, fs};

    const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");

    fn whole() -> Value {
        document(&ACTIONS.iter().collect::<Vec<_>>())
    }

    /// After a change that is meant: `UPDATE_OPENAPI=1 cargo test -p api openapi`.
    #[test]
    fn is_as_the_repository_says() {
        let now = serde_json::to_string_pretty(&whole()).unwrap() + "\n";
        if env::var_os("UPDATE_OPENAPI").is_some() {
            fs::write(FILE, &now).unwrap();
        }
        let known = fs::read_to_string(FILE).unwrap_or_default();
        let differs = known.lines().zip(now.lines()).position(|(known, now)| known != now);
        let line = differs.unwrap_or(known.lines().count().min(now.lines().count()));
        assert!(
            known == now,
            "docs/openapi.json differs from line {} on: {:?}. When that is meant: \
             UPDATE_OPENAPI=1 cargo test -p api openapi",
            line + 1,
            now.lines().nth(line)
        );
    }

    /// Of two types of one name the second gets a number, which changes with the order of actions; programs generate their
    /// types from these names.
    #[test]
    fn every_schema_has_a_name_of_its_own() {
        let document = whole();
        let names: Vec<_> = document["components"]["schemas"].as_object().unwrap().keys().collect();
        let numbered: Vec<_> =
            names.iter().filter(|name| name.ends_with(|last: char| last.is_ascii_digit())).collect();
        assert!(numbered.is_empty(), "several types are called the same: {numbered:?}");
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = whole();
        let mut seen = 0;
        let mut rest = vec![&document];
        while let Some(value) = rest.pop() {
            if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
                assert!(document.pointer(&reference[1..]).is_some(), "{reference}");
                seen += 1;
            }
            rest.extend(value.as_object().into_iter().flat_map(Map::values));
            rest.extend(value.as_array().into_iter().flatten());
        }
        assert!(seen > 10, "found only {seen}");
    }

    #[test]
    fn every_example_has_what_is_required_and_nothing_unknown() {
        for entry in ACTIONS {
            let (schema, example) = ((entry.parameters_schema)(), example(entry));
            let given = example.as_object().unwrap_or_else(|| panic!("{}: {}", entry.path, entry.example));
            let unknown = given.keys().find(|name| schema["properties"].get(name).is_none());
            assert_eq!(unknown, None, "{}", entry.path);
            let missing =
                entry.parameters.iter().find(|(name, required)| *required && !given.contains_key(*name));
            assert_eq!(missing, None, "{}", entry.path);
        }
    }
}
