//! Objects that users give field by field and get back as they gave them: checked against a table of fields
//! (`data/forms.tsv`), kept as JSON. All that is wrong is told at once, by the names of the fields.

use crate::{ParameterError, rules};
use serde_json::{Map, Value, json};
use std::{borrow::Cow, collections::HashMap, sync::LazyLock};

/// The fields of a kind of object.
pub struct Form {
    pub name: &'static str,
    fields: Vec<Field>,
}

struct Field {
    name: &'static str,
    when: When,
    what: What,
}

/// What becomes of a field that is left out or null.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    Required,
    Null,
    Empty,
    Optional,
    List,
    False,
}

enum What {
    Bool,
    Int {
        min: i64,
        max: i64,
        step: i64,
    },
    Number {
        min: f64,
        max: f64,
    },
    Text {
        min: usize,
        max: usize,
    },
    Word(Vec<&'static str>),
    Digits {
        min: usize,
        max: usize,
    },
    Hex(usize),
    Color,
    Date,
    Time,
    Clock,
    Moment,
    TimeZone,
    Locale,
    Email,
    Symbols(usize),
    List {
        min: usize,
        max: usize,
        item: Box<What>,
    },
    Form(&'static str),
    Object,
    /// The field `type` says which form of those that begin with the name.
    Kind(&'static str),
}

/// What is wrong with a value: in itself, or in its fields.
enum Wrong {
    Itself(String),
    Within(Vec<ParameterError>),
}

impl From<&'static str> for Wrong {
    fn from(text: &'static str) -> Self {
        Self::Itself(text.to_owned())
    }
}

static FORMS: LazyLock<HashMap<&'static str, Form>> = LazyLock::new(|| {
    let mut forms: HashMap<&'static str, Form> = HashMap::new();
    let lines = include_str!("../data/forms.tsv").lines();
    for line in lines.filter(|line| !line.starts_with('#')) {
        let (name, field) = Field::of_line(line).unwrap_or_else(|| unreachable!("forms.tsv: {line}"));
        forms.entry(name).or_insert_with(|| Form { name, fields: Vec::new() }).fields.push(field);
    }
    forms
});

impl Form {
    pub fn find(name: &str) -> Option<&'static Self> {
        FORMS.get(name)
    }

    /// The form of objects that the house itself knows.
    ///
    /// # Panics
    /// When the table has no such form.
    pub fn of(name: &'static str) -> &'static Self {
        FORMS.get(name).unwrap_or_else(|| unreachable!("forms.tsv has no {name}"))
    }

    /// The object as it is kept; what the form does not name is left out.
    ///
    /// # Errors
    /// Every field that is wrong.
    pub fn read(&self, given: &Map<String, Value>) -> Result<Map<String, Value>, Vec<ParameterError>> {
        Self::read_fields(self.fields.iter(), given)
    }

    /// The changes of an object that is kept: what is left out stays as it was.
    ///
    /// # Errors
    /// Every field that is wrong.
    pub fn read_changes(
        &self,
        given: &Map<String, Value>,
    ) -> Result<Map<String, Value>, Vec<ParameterError>> {
        Self::read_fields(self.fields.iter().filter(|field| given.contains_key(field.name)), given)
    }

    fn read_fields<'f>(
        fields: impl Iterator<Item = &'f Field>,
        given: &Map<String, Value>,
    ) -> Result<Map<String, Value>, Vec<ParameterError>> {
        let (mut kept, mut wrong) = (Map::new(), Vec::new());
        for field in fields {
            match field.read(given.get(field.name)) {
                Ok(Some(value)) => _ = kept.insert(field.name.to_owned(), value),
                Ok(None) => {}
                Err(error) => wrong.extend(error.named(field.name)),
            }
        }
        if wrong.is_empty() { Ok(kept) } else { Err(wrong) }
    }

    /// An object of which nothing is known.
    pub fn blank(&self) -> Map<String, Value> {
        let blank = |field: &Field| field.blank().unwrap_or(Value::Null);
        let shown = self.fields.iter().filter(|field| field.when != When::Optional);
        shown.map(|field| (field.name.to_owned(), blank(field))).collect()
    }

    /// The JSON Schema of an object that is given.
    pub fn schema(&self) -> Value {
        let properties: Map<_, _> =
            self.fields.iter().map(|field| (field.name.to_owned(), field.schema())).collect();
        let required = self.fields.iter().filter(|field| field.when == When::Required);
        let required: Vec<_> = required.map(|field| field.name).collect();
        let mut schema = json!({ "type": "object", "properties": properties });
        if !required.is_empty() {
            schema["required"] = json!(required);
        }
        schema
    }

    /// The JSON Schema of an object that is kept.
    pub fn kept_schema(&self) -> Value {
        let mut schema = self.schema();
        let kept = self.fields.iter().filter(|field| field.when != When::Optional);
        schema["required"] = kept.map(|field| field.name).collect::<Vec<_>>().into();
        schema
    }
}

impl Field {
    fn of_line(line: &'static str) -> Option<(&'static str, Self)> {
        let mut columns = line.split('\t');
        let (form, name, when, what) = (columns.next()?, columns.next()?, columns.next()?, columns.next()?);
        let when = match when {
            "required" => When::Required,
            "null" => When::Null,
            "empty" => When::Empty,
            "optional" => When::Optional,
            "list" => When::List,
            "false" => When::False,
            _ => return None,
        };
        Some((form, Self { name, when, what: What::of(what)? }))
    }

    fn read(&self, given: Option<&Value>) -> Result<Option<Value>, Wrong> {
        // Clients send an empty text where they have no number and no answer.
        let is_nothing = |value: &Value| match &self.what {
            What::Bool | What::Int { .. } | What::Number { .. } | What::Date => value == "",
            _ => false,
        };
        match given {
            Some(value) if !value.is_null() && !is_nothing(value) => self.what.read(value).map(Some),
            _ if self.when == When::Required => Err("is required".into()),
            _ => Ok(self.blank()),
        }
    }

    fn blank(&self) -> Option<Value> {
        match self.when {
            When::Required | When::Optional => None,
            When::Null => Some(Value::Null),
            When::Empty => Some("".into()),
            When::List => Some(json!([])),
            When::False => Some(false.into()),
        }
    }

    fn schema(&self) -> Value {
        let schema = self.what.schema();
        if self.when == When::Null { json!({ "anyOf": [schema, { "type": "null" }] }) } else { schema }
    }
}

impl What {
    fn of(text: &'static str) -> Option<Self> {
        let (name, rest) = text.split_once(' ').unwrap_or((text, ""));
        let range = || rest.split_once("..");
        let lengths = || range().and_then(|(min, max)| Some((min.parse().ok()?, max.parse().ok()?)));
        Some(match name {
            "bool" => Self::Bool,
            "int" => {
                let (range, step) = rest.split_once(" step ").unwrap_or((rest, "1"));
                let (min, max) = range.split_once("..")?;
                Self::Int { min: min.parse().ok()?, max: max.parse().ok()?, step: step.parse().ok()? }
            }
            "number" => {
                let (min, max) = range()?;
                Self::Number { min: min.parse().ok()?, max: max.parse().ok()? }
            }
            "text" => lengths().map(|(min, max)| Self::Text { min, max })?,
            "digits" => lengths().map(|(min, max)| Self::Digits { min, max })?,
            "word" => Self::Word(rest.split('|').collect()),
            "hex" => Self::Hex(rest.parse().ok()?),
            "symbols" => Self::Symbols(rest.parse().ok()?),
            "color" => Self::Color,
            "date" => Self::Date,
            "time" => Self::Time,
            "clock" => Self::Clock,
            "time_zone" => Self::TimeZone,
            "locale" => Self::Locale,
            "moment" => Self::Moment,
            "email" => Self::Email,
            "object" => Self::Object,
            "form" => Self::Form(rest),
            "kind" => Self::Kind(rest),
            "list" => {
                let (range, item) = rest.split_once(" of ")?;
                let (min, max) = range.split_once("..")?;
                let item = Box::new(Self::of(item)?);
                Self::List { min: min.parse().ok()?, max: max.parse().ok()?, item }
            }
            _ => return None,
        })
    }

    fn read(&self, value: &Value) -> Result<Value, Wrong> {
        match self {
            Self::Bool => match value {
                Value::Bool(flag) => Ok((*flag).into()),
                Value::String(text) if text == "true" || text == "1" => Ok(true.into()),
                Value::String(text) if text == "false" || text == "0" => Ok(false.into()),
                _ => Err("must be true or false".into()),
            },
            Self::Int { min, max, step } => {
                let number = match value {
                    Value::Number(number) => number.as_i64(),
                    Value::String(text) => text.trim().parse().ok(),
                    _ => None,
                };
                let number = number.ok_or("must be a whole number")?;
                if !(*min..=*max).contains(&number) {
                    Err(Wrong::Itself(format!("must be from {min} to {max}")))
                } else if number % step != 0 {
                    Err(Wrong::Itself(format!("must be a multiple of {step}")))
                } else {
                    Ok(number.into())
                }
            }
            Self::Number { min, max } => {
                let number = match value {
                    Value::Number(number) => number.as_f64(),
                    Value::String(text) => text.trim().parse().ok(),
                    _ => None,
                };
                let number = number.ok_or("must be a number")?;
                let fits = (*min..=*max).contains(&number);
                fits.then(|| number.into())
                    .ok_or_else(|| Wrong::Itself(format!("must be from {min} to {max}")))
            }
            Self::Form(name) => {
                let value = structured(value);
                let given = value.as_object().ok_or("must be an object")?;
                let kept = Form::of(name).read(given).map_err(Wrong::Within)?;
                Ok(Value::Object(kept))
            }
            Self::Object => {
                let value = structured(value).into_owned();
                if value.is_object() { Ok(value) } else { Err("must be an object".into()) }
            }
            Self::Kind(kind) => {
                let value = structured(value);
                let given = value.as_object().ok_or("must be an object")?;
                read_kind(kind, given).map(Value::Object).map_err(Wrong::Within)
            }
            Self::List { min, max, item } => {
                let value = structured(value);
                let items = value.as_array().ok_or("must be a list")?;
                if !(*min..=*max).contains(&items.len()) {
                    return Err(Wrong::Itself(format!("must have {min} to {max} items")));
                }
                let (mut kept, mut wrong) = (Vec::new(), Vec::new());
                for (at, given) in items.iter().enumerate() {
                    match item.read(given) {
                        Ok(value) => kept.push(value),
                        Err(error) => wrong.extend(error.named(&at.to_string())),
                    }
                }
                if wrong.is_empty() { Ok(kept.into()) } else { Err(Wrong::Within(wrong)) }
            }
            _ => {
                let text = match value {
                    Value::String(text) => Cow::Borrowed(text.as_str()),
                    Value::Number(number) => Cow::Owned(number.to_string()),
                    _ => return Err("must be a text".into()),
                };
                self.wrong_text(&text).map_or_else(|| Ok((*text).into()), |wrong| Err(Wrong::Itself(wrong)))
            }
        }
    }

    /// What is wrong with a text, of the kinds that are texts.
    fn wrong_text(&self, text: &str) -> Option<String> {
        let length = text.chars().count();
        let of = |fits: &dyn Fn(char) -> bool| text.chars().all(fits);
        let (fits, wrong) = match self {
            Self::Text { min, max } => (
                (*min..=*max).contains(&length) && of(&|c| !c.is_control()),
                format!("must have {min} to {max} printable characters"),
            ),
            Self::Word(words) => (words.contains(&text), format!("must be one of {}", words.join(" "))),
            Self::Digits { min, max } => (
                (*min..=*max).contains(&length) && of(&|c| c.is_ascii_digit()),
                if min == max {
                    format!("must have {min} digits")
                } else {
                    format!("must have {min} to {max} digits")
                },
            ),
            Self::Hex(digits) => (
                length == *digits && of(&|c| matches!(c, '0'..='9' | 'A'..='F')),
                format!("must have {digits} hex digits, 0-9 and A-F"),
            ),
            Self::Symbols(count) => (
                length == *count && of(&|c| !c.is_whitespace() && !c.is_control() && c != ','),
                format!("must have {count} characters, neither spaces nor commas"),
            ),
            Self::Color => {
                (length == 6 && of(&|c| c.is_ascii_hexdigit()), "must be a color like FF6DDC".to_owned())
            }
            Self::Date => (is_date(text), "must be a date like 2020-09-23".to_owned()),
            Self::Time => (is_time(text), "must be a time like 23:59:59".to_owned()),
            Self::Clock => (is_time(&format!("{text}:00")), "must be a time like 23:59".to_owned()),
            Self::TimeZone | Self::Locale => {
                let rule = if matches!(self, Self::Locale) { rules::locale } else { rules::time_zone };
                return rule(text);
            }
            Self::Moment => (
                text.split_once(' ').is_some_and(|(date, time)| is_date(date) && is_time(time)),
                "must be like 2020-09-23 03:24:00".to_owned(),
            ),
            Self::Email => (
                length <= 255
                    && text
                        .split_once('@')
                        .is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
                    && of(&|c| !c.is_whitespace() && !c.is_control()),
                "must be an e-mail address".to_owned(),
            ),
            Self::Bool
            | Self::Int { .. }
            | Self::Number { .. }
            | Self::List { .. }
            | Self::Form(_)
            | Self::Kind(_)
            | Self::Object => (false, "must be a text".to_owned()),
        };
        (!fits).then_some(wrong)
    }

    fn schema(&self) -> Value {
        match self {
            Self::Bool => json!({ "type": "boolean" }),
            Self::Int { min, max, .. } => json!({ "type": "integer", "minimum": min, "maximum": max }),
            Self::Number { min, max } => json!({ "type": "number", "minimum": min, "maximum": max }),
            Self::Text { min, max } => json!({ "type": "string", "minLength": min, "maxLength": max }),
            Self::Word(words) => json!({ "type": "string", "enum": words }),
            Self::List { min, max, item } => {
                json!({ "type": "array", "items": item.schema(), "minItems": min, "maxItems": max })
            }
            Self::Form(name) => Form::of(name).schema(),
            Self::Kind(kind) => kind_schema(kind),
            Self::Object => json!({ "type": "object" }),
            _ => {
                // The rule in its own words, about a text that nothing allows.
                json!({ "type": "string", "description": self.wrong_text("\u{7}").unwrap_or_default() })
            }
        }
    }
}

impl Wrong {
    fn named(self, name: &str) -> Vec<ParameterError> {
        match self {
            Self::Itself(error) => vec![ParameterError { parameter: name.to_owned(), error }],
            Self::Within(mut fields) => {
                for field in &mut fields {
                    field.parameter = format!("{name}.{}", field.parameter);
                }
                fields
            }
        }
    }
}

/// Reads an object whose `type` says which form it has, of those that begin with `kind`.
///
/// # Errors
/// Every field that is wrong.
pub fn read_kind(kind: &str, given: &Map<String, Value>) -> Result<Map<String, Value>, Vec<ParameterError>> {
    let name = given.get("type").and_then(Value::as_str).unwrap_or_default();
    let form = Form::find(&format!("{kind}.{name}")).ok_or_else(|| {
        let error = format!("must be one of {}", kinds(kind).join(" "));
        vec![ParameterError { parameter: "type".to_owned(), error }]
    })?;
    let mut kept = Map::from_iter([("type".to_owned(), name.into())]);
    kept.extend(form.read(given)?);
    Ok(kept)
}

/// What `type` may say, in the order of the alphabet.
pub fn kinds(kind: &str) -> Vec<&'static str> {
    let of_kind = |name: &&'static str| name.strip_prefix(kind).and_then(|rest| rest.strip_prefix('.'));
    let mut kinds: Vec<_> = FORMS.keys().filter_map(of_kind).collect();
    kinds.sort_unstable();
    kinds
}

/// The JSON Schema of an object that is given.
pub fn kind_schema(kind: &str) -> Value {
    json!({
        "type": "object",
        "properties": { "type": { "type": "string", "enum": kinds(kind) } },
        "required": ["type"],
    })
}

/// In forms and queries objects and lists are JSON text.
fn structured(value: &Value) -> Cow<'_, Value> {
    match value {
        Value::String(text) => Cow::Owned(serde_json::from_str(text).unwrap_or(Value::Null)),
        value => Cow::Borrowed(value),
    }
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && jiff::civil::Date::strptime("%Y-%m-%d", text).is_ok()
}

fn is_time(text: &str) -> bool {
    text.len() == 8 && jiff::civil::Time::strptime("%H:%M:%S", text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(form: &'static str, given: Value) -> Result<Value, Vec<String>> {
        let read = Form::of(form).read(given.as_object().unwrap());
        let names = |wrong: Vec<ParameterError>| wrong.into_iter().map(|error| error.parameter).collect();
        read.map(Value::Object).map_err(names)
    }

    #[test]
    fn every_form_that_is_named_exists() {
        fn named(what: &What) -> Option<&'static str> {
            match what {
                What::Form(name) => Some(*name),
                What::Kind(kind) => {
                    assert!(!kinds(kind).is_empty(), "{kind}");
                    None
                }
                What::List { item, .. } => named(item),
                _ => None,
            }
        }
        for form in FORMS.values() {
            for name in form.fields.iter().filter_map(|field| named(&field.what)) {
                assert!(Form::find(name).is_some(), "{} names {name}", form.name);
            }
            assert!(form.schema()["properties"].is_object());
        }
    }

    #[test]
    fn what_is_left_out_is_kept_as_the_table_says() {
        let garage = json!({ "location": null, "mechanic_name": null, "dispatcher_name": null,
            "organization_name": "Bank", "id": 5 });
        let kept = json!({ "location": null, "mechanic_name": null, "dispatcher_name": null,
            "organization_name": "Bank" });
        assert_eq!(read("garage", garage), Ok(kept));
        let place = json!({ "organization_name": "Bank", "location": r#"{"lat": "40.4", "lng": -3.6}"# });
        assert_eq!(
            read("garage", place).unwrap()["location"],
            json!({ "lat": 40.4, "lng": -3.6, "address": "", "radius": null })
        );
        let blank = Value::Object(Form::of("special.hhd_lock_password").blank());
        assert_eq!(blank, json!({ "password": null, "remember_password": false }));
    }

    #[test]
    fn right_and_wrong_values() {
        for (form, field, right, wrong) in [
            (
                "special.hhd_lock_password",
                "password",
                json!(["12345678", null, 12345678]),
                json!(["1234567", "123456789", "1234567x", true]),
            ),
            (
                "special.jointech_lock_password",
                "password",
                json!(["d45s6w", "ünd/8\"", null]),
                json!(["d45s6", "d45 6w", "d45,6w", "d45s6w7"]),
            ),
            (
                "special.vg_lock_password",
                "password",
                json!(["123456", null]),
                json!(["12345", "1234567", "12345a"]),
            ),
            (
                "special.device_status_settings",
                "offline_timeout_seconds",
                json!([60, "600", 259_200_000, null]),
                json!([59, 259_200_001, 60.5, "x"]),
            ),
            ("special.tow_detection_ql", "rest_duration", json!([0, 3825, 90]), json!([91, 3840, null])),
            ("special.time_shift", "offset", json!([-24, 24.0, "3.5"]), json!([24.1, "x", null])),
            (
                "special.tacho_company_card",
                "company_card_number",
                json!(["A2332BF23EC3245A"]),
                json!(["a2332bf23ec3245a", "A2332BF23EC3245"]),
            ),
            (
                "special.teltonika_tacho_request",
                "activities_start_time",
                json!(["2020-02-29", null, ""]),
                json!(["2021-02-29", "2020-2-29"]),
            ),
            (
                "special.ddd_emails",
                "emails",
                json!([[], ["a@b.de"], "[\"a@b.de\"]"]),
                json!([["a"], ["a@b.de", "b@c.de", "c@d.de", "d@e.de", "e@f.de", "f@g.de"], "x"]),
            ),
            (
                "service_settings",
                "default_user_time_zone",
                json!(["UTC", "Europe/Berlin"]),
                json!(["Mars", "", null]),
            ),
            ("tracking.concox_gt700", "wakeup_time", json!(["10:20"]), json!(["10:20:30", "25:00", "1:0"])),
            ("castel_crash", "report", json!([true, "false", "1"]), json!(["yes", 1, null])),
            ("weekday_time", "time", json!(["00:00:00", "23:59:59"]), json!(["24:00:00", "1:00:00"])),
        ] {
            let says = |value: &Value| {
                let read = read(form, json!({ field: value }));
                read.err().is_some_and(|names| names.iter().any(|name| name.starts_with(field)))
            };
            for value in right.as_array().unwrap() {
                assert!(!says(value), "{form}.{field} {value}");
            }
            for value in wrong.as_array().unwrap() {
                assert!(says(value), "{form}.{field} {value}");
            }
        }
        let nested = json!({ "acceleration": { "report": true, "beep": 5, "threshold": 0.9 } });
        let wrong = ["acceleration.beep", "acceleration.threshold", "deceleration", "crash", "sharp_turn"];
        assert_eq!(read("special.castel_alarms", nested), Err(wrong.map(str::to_owned).to_vec()));
    }
}
