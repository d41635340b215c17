//! `tracker/rule/…`: what shall be noticed about trackers. Rules are kept; they do not fire yet.

use crate::{
    action::{Action, Call},
    answer::{self, Created, Done, Value as Answered},
    forms::{RuleForm, kept_rule},
    parameters::{Both, Fields, List as Items, Parameters, parameters},
    request::Arguments,
};
use domain::{ErrorCode, Right, RuleId, TrackerId};
use fleet::{Failure, ParameterError, Rule, RuleDraft, UserCaller};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};

const RIGHTS: &[Right] = &[Right::TrackerRuleUpdate];
const ERRORS: &[ErrorCode] = &[ErrorCode::NotPermitted, ErrorCode::NotFound];

#[derive(Serialize, JsonSchema)]
pub(crate) struct RuleObject {
    id: i64,
    #[serde(flatten)]
    #[schemars(schema_with = "kept_rule")]
    fields: Map<String, Value>,
    trackers: Vec<i64>,
}

impl RuleObject {
    fn of(rule: Rule) -> Self {
        let trackers = rule.trackers.into_iter().map(|tracker| tracker.0).collect();
        Self { id: rule.id.0, fields: rule.fields, trackers }
    }
}

parameters! {
    struct Which {
        tracker_id: Option<TrackerId>,
    }
}

pub(crate) struct List;

impl Action for List {
    const PATH: &'static str = "tracker/rule/list";
    type Caller = UserCaller;
    type Parameters = Which;
    type Answer = answer::List<RuleObject>;

    async fn run(call: &Call<UserCaller>, which: Which) -> Result<Self::Answer, Failure> {
        let mut rules = call.fleet.rules(&call.caller).await?;
        if let Some(tracker) = which.tracker_id {
            rules.retain(|rule| rule.trackers.contains(&tracker));
        }
        Ok(answer::List { list: rules.into_iter().map(RuleObject::of).collect() })
    }
}

parameters! {
    struct WhichRule {
        rule_id: RuleId,
    }
}

pub(crate) struct Read;

impl Action for Read {
    const PATH: &'static str = "tracker/rule/read";
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::NotFound];
    const EXAMPLE: &'static str = r#"{"rule_id": 123}"#;
    type Caller = UserCaller;
    type Parameters = WhichRule;
    type Answer = Answered<RuleObject>;

    async fn run(call: &Call<UserCaller>, which: WhichRule) -> Result<Self::Answer, Failure> {
        let rule = call.fleet.rule(&call.caller, which.rule_id).await?;
        Ok(Answered { value: RuleObject::of(rule) })
    }
}

pub(crate) struct Delete;

impl Action for Delete {
    const PATH: &'static str = "tracker/rule/delete";
    const RIGHTS: &'static [Right] = RIGHTS;
    const ERRORS: &'static [ErrorCode] = ERRORS;
    const EXAMPLE: &'static str = r#"{"rule_id": 123}"#;
    type Caller = UserCaller;
    type Parameters = WhichRule;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, which: WhichRule) -> Result<Done, Failure> {
        call.fleet.delete_rule(&call.caller, which.rule_id).await?;
        Ok(Done {})
    }
}

parameters! {
    struct Trackers {
        trackers: Items<TrackerId, 0, 100_000>,
    }
}

parameters! {
    struct Id {
        id: RuleId,
    }
}

type New = Both<Trackers, RuleForm>;

/// The documentation's table lists the fields of a rule as parameters, its examples put them into `rule`.
fn fields(arguments: &Arguments) -> Result<Arguments, Vec<ParameterError>> {
    let nested = match arguments.get("rule") {
        None | Some(Value::Null) => return Ok(arguments.clone()),
        Some(Value::String(text)) => serde_json::from_str(text).unwrap_or(Value::Null),
        Some(value) => value.clone(),
    };
    match nested {
        Value::Object(fields) => Ok(fields),
        _ => {
            let error = "must be an object".to_owned();
            Err(vec![ParameterError { parameter: "rule".to_owned(), error }])
        }
    }
}

/// What is described is the form of the examples.
fn rule_schema(rule: Value) -> Value {
    json!({ "type": "object", "properties": { "rule": rule }, "required": ["rule"] })
}

/// A rule to be made.
pub(crate) struct NewRule(New);

impl Parameters for NewRule {
    const NAMES: &'static [(&'static str, bool)] = &[("rule", true)];

    fn schema() -> Value {
        rule_schema(New::schema())
    }

    fn read(arguments: &Arguments) -> Result<Self, Vec<ParameterError>> {
        <New as Fields>::read(&fields(arguments)?).map(Self)
    }
}

pub(crate) struct Create;

impl Action for Create {
    const PATH: &'static str = "tracker/rule/create";
    const RIGHTS: &'static [Right] = RIGHTS;
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::NotPermitted, ErrorCode::EntityNotFound];
    const EXAMPLE: &'static str = r#"{"rule": {"name": "Too fast", "type": "speedup", "description": "",
        "trackers": [123456], "zone_ids": [], "primary_text": "drives too fast", "secondary_text": "", "param": 90,
        "alerts": {"push_enabled": true, "emails": ["anna@example.com"], "sms_phones": [], "phones": []},
        "suspended": false}}"#;
    type Caller = UserCaller;
    type Parameters = NewRule;
    type Answer = Created;

    async fn run(call: &Call<UserCaller>, new: NewRule) -> Result<Created, Failure> {
        let id = call.fleet.create_rule(&call.caller, draft(new.0)).await?;
        Ok(Created { id: id.0 })
    }
}

/// A rule to be changed.
pub(crate) struct ChangedRule(Id, New);

impl Parameters for ChangedRule {
    const NAMES: &'static [(&'static str, bool)] = &[("rule", true)];

    fn schema() -> Value {
        rule_schema(<Both<Id, New> as Fields>::schema())
    }

    fn read(arguments: &Arguments) -> Result<Self, Vec<ParameterError>> {
        <Both<Id, New> as Fields>::read(&fields(arguments)?).map(|Both(id, new)| Self(id, new))
    }
}

pub(crate) struct Update;

impl Action for Update {
    const PATH: &'static str = "tracker/rule/update";
    const RIGHTS: &'static [Right] = RIGHTS;
    const ERRORS: &'static [ErrorCode] =
        &[ErrorCode::NotPermitted, ErrorCode::NotFound, ErrorCode::EntityNotFound];
    const EXAMPLE: &'static str = r#"{"rule": {"id": 123, "name": "Too fast", "type": "speedup", "description": "",
        "trackers": [123456], "zone_ids": [], "param": 80, "alerts": {"push_enabled": false}, "suspended": true}}"#;
    type Caller = UserCaller;
    type Parameters = ChangedRule;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, ChangedRule(Id { id }, new): ChangedRule) -> Result<Done, Failure> {
        call.fleet.update_rule(&call.caller, id, draft(new)).await?;
        Ok(Done {})
    }
}

fn draft(Both(trackers, RuleForm(fields)): New) -> RuleDraft {
    RuleDraft { trackers: trackers.trackers.0, fields }
}

parameters! {
    struct Bound {
        rule_id: RuleId,
        trackers: Items<TrackerId, 0, 100_000>,
    }
}

pub(crate) struct Bind;

impl Action for Bind {
    const PATH: &'static str = "tracker/rule/bind";
    const RIGHTS: &'static [Right] = RIGHTS;
    const ERRORS: &'static [ErrorCode] = ERRORS;
    const EXAMPLE: &'static str = r#"{"rule_id": 123, "trackers": [123456]}"#;
    type Caller = UserCaller;
    type Parameters = Bound;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, bound: Bound) -> Result<Done, Failure> {
        call.fleet.bind_rule(&call.caller, bound.rule_id, &bound.trackers.0).await?;
        Ok(Done {})
    }
}

pub(crate) struct Unbind;

impl Action for Unbind {
    const PATH: &'static str = "tracker/rule/unbind";
    const RIGHTS: &'static [Right] = RIGHTS;
    const ERRORS: &'static [ErrorCode] = ERRORS;
    const EXAMPLE: &'static str = r#"{"rule_id": 123, "trackers": [123456]}"#;
    type Caller = UserCaller;
    type Parameters = Bound;
    type Answer = Done;

    async fn run(call: &Call<UserCaller>, bound: Bound) -> Result<Done, Failure> {
        call.fleet.unbind_rule(&call.caller, bound.rule_id, &bound.trackers.0).await?;
        Ok(Done {})
    }
}
