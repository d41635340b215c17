//! What `/openapi.json` says about answers is what the server answers.

use crate::support::{Answer, Server};
use serde_json::{Value, json};

#[test]
fn answers_are_as_described() {
    let server = Server::start();
    let (anna, panel) = (server.user("anna@example.com"), server.panel());
    let tracker = anna.register("Van 1", "356307042441013");
    anna.call("tracker/group/create", json!({ "title": "Vans", "color": "FF6DDC" })).success();
    let description = server.anyone().get("/openapi.json", &[]).body;
    let all = json!({ "trackers": [tracker, 5], "list_blocked": true, "allow_not_exist": true });
    for (session, action, parameters) in [
        (&anna, "user/get_info", json!({})),
        (&anna, "user/settings/read", json!({})),
        (&anna, "plugin/list", json!({})),
        (&anna, "tracker/list_models", json!({})),
        (&anna, "tracker/list_models", json!({ "compact_view": true })),
        (&anna, "tracker/list", json!({})),
        (&anna, "tracker/read", json!({ "tracker_id": tracker })),
        (&anna, "tracker/get_state", json!({ "tracker_id": tracker })),
        (&anna, "tracker/get_states", all),
        (&anna, "tracker/get_last_gps_point", json!({ "tracker_id": tracker })),
        (&anna, "tracker/group/list", json!({})),
        (&anna, "tracker/sensor/list", json!({ "tracker_id": tracker })),
        (&anna, "tracker/sensor/batch_list", json!({ "trackers": [tracker] })),
        (&anna, "tracker/sensor/input_name/list", json!({})),
        (&anna, "tracker/get_fuel", json!({ "tracker_id": tracker })),
        (&anna, "tracker/get_readings", json!({ "tracker_id": tracker })),
        (&anna, "tracker/get_diagnostics", json!({ "tracker_id": tracker })),
        (&anna, "tracker/get_inputs", json!({ "tracker_id": tracker })),
        (&anna, "tracker/get_outputs", json!({ "tracker_id": tracker })),
        (&anna, "tracker/batch_get_outputs", json!({ "trackers": [tracker] })),
        (&anna, "tracker/readings/list", json!({ "tracker_id": tracker })),
        (&anna, "tracker/readings/batch_list", json!({ "trackers": [tracker] })),
        (
            &anna,
            "tracker/counter/value/set",
            json!({ "tracker_id": tracker, "type": "odometer", "value": 7 }),
        ),
        (&anna, "tracker/counter/read", json!({ "tracker_id": tracker, "type": "odometer" })),
        (&anna, "tracker/get_counters", json!({ "tracker_id": tracker })),
        (&anna, "tracker/counter/value/list", json!({ "trackers": [tracker], "type": "odometer" })),
        (&anna, "tracker/batch_get_inputs", json!({ "trackers": [tracker] })),
        (&anna, "dealer/get_ui_config", json!({})),
        (&anna, "tracker/apn_settings/read", json!({ "tracker_id": tracker })),
        (&panel, "panel/dealer/settings/service/read", json!({})),
        (&panel, "panel/account/get_permissions", json!({})),
        (&panel, "panel/timezone/list", json!({})),
        (&anna, "user/get_tariff_restrictions", json!({})),
        (&anna, "tracker/read", json!({ "tracker_id": "none" })),
        (&anna, "tracker/read", json!({ "tracker_id": 5 })),
        (&panel, "panel/user/list", json!({})),
        (&panel, "panel/tariff/list", json!({})),
        (&panel, "panel/tariff/defaults/read", json!({})),
    ] {
        let answer = session.call(action, parameters.clone());
        let wrong = differences(&description, action, &answer);
        assert!(wrong.is_empty(), "{action} {parameters}: {wrong:#?}");
    }
}

#[test]
fn each_listener_describes_what_it_serves() {
    let server = Server::start();
    let http = server.anyone().get("/openapi.json", &[]);
    assert_eq!(http.body["openapi"], "3.1.0");
    let paths = |body: &Value| body["paths"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert!(paths(&http.body).contains(&"/event/subscription".to_owned()));
    assert!(paths(&http.body).contains(&"/panel/user/create".to_owned()));
    let admin = crate::support::Session::new(server.admin(), None).get("/openapi.json", &[]);
    assert!(paths(&admin.body).iter().all(|path| path.starts_with("/panel/")));

    let mut page = ureq::get(format!("http://{}/docs", server.http())).call().unwrap();
    let page = page.body_mut().read_to_string().unwrap();
    assert!(page.contains("<title>Outrider: the API</title>"));
    assert!(!page.contains("http://") && !page.contains("https://"), "the page needs nothing from elsewhere");
}

/// Where the answer is not as the description says.
fn differences(description: &Value, action: &str, answer: &Answer) -> Vec<String> {
    let responses = &description["paths"][format!("/{action}")]["post"]["responses"];
    let response = resolved(description, &responses[answer.status.to_string()]);
    let mut wrong = Vec::new();
    compare(description, &response["content"]["application/json"]["schema"], &answer.body, "", &mut wrong);
    wrong
}

/// As much of JSON Schema as the description uses; stricter, in that unknown properties are wrong.
fn compare(description: &Value, schema: &Value, value: &Value, at: &str, wrong: &mut Vec<String>) {
    let schema = resolved(description, schema);
    if let Some(choices) = schema["anyOf"].as_array().or(schema["oneOf"].as_array()) {
        let fits = |choice: &Value| {
            let mut wrong = Vec::new();
            compare(description, choice, value, at, &mut wrong);
            wrong.is_empty()
        };
        if !choices.iter().any(fits) {
            wrong.push(format!("{at}: {value} fits none of {choices:?}"));
        }
        return;
    }
    let of_type = |name: &str| match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    };
    let fits = match &schema["type"] {
        Value::String(name) => of_type(name),
        Value::Array(names) => names.iter().any(|name| of_type(name.as_str().unwrap())),
        _ => schema.get("const").is_some_and(|only| only == value),
    };
    let allowed = schema["enum"].as_array().is_none_or(|words| words.contains(value));
    if !fits || !allowed {
        wrong.push(format!("{at}: {value} is not {schema}"));
    }
    for (n, item) in value.as_array().into_iter().flatten().enumerate() {
        compare(description, &schema["items"], item, &format!("{at}/{n}"), wrong);
    }
    let Some(fields) = value.as_object() else { return };
    for name in schema["required"].as_array().into_iter().flatten() {
        if !fields.contains_key(name.as_str().unwrap()) {
            wrong.push(format!("{at} lacks {name}"));
        }
    }
    for (name, field) in fields {
        let at = format!("{at}/{name}");
        match schema["properties"].get(name).or(schema.get("additionalProperties")) {
            Some(schema) => compare(description, schema, field, &at, wrong),
            None => wrong.push(format!("{at} is not described")),
        }
    }
}

fn resolved<'a>(description: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(reference) => description.pointer(&reference[1..]).unwrap(),
        None => schema,
    }
}
