//! Typed parameters. A limit is a type (`Text<1, 60>`), so that what an action takes can be read off its fields and a
//! value out of bounds never reaches it. All wrong parameters are told at once.

use crate::{dates::Moment, request::Arguments};
use domain::{
    CounterType, DeviceId, DiscreteType, GarageId, GroupId, GroupType, MeteringType, RuleId, SecurityGroupId,
    SensorId, StatusId, StatusListingId, TagId, TariffId, Timestamp, TrackerId, UnitsType, UserId, VehicleId,
    VirtualType,
};
use fleet::{Money, ParameterError, rules};
use jiff::civil::DateTime;
use serde_json::{Value, json};
use std::{borrow::Cow, fmt};

/// The parameters of an action; made by `parameters!`.
pub(crate) trait Parameters: Sized + Send {
    /// Name and whether it is required.
    const NAMES: &'static [(&'static str, bool)];

    /// The JSON Schema of them as an object.
    fn schema() -> Value;

    fn read(arguments: &Arguments) -> Result<Self, Vec<ParameterError>>;
}

/// The fields of an object among the parameters.
pub(crate) trait Fields: Sized + Send {
    /// The JSON Schema of the object.
    fn schema() -> Value;

    fn read(fields: &Arguments) -> Result<Self, Vec<ParameterError>>;
}

impl<P: Parameters> Fields for P {
    fn schema() -> Value {
        <P as Parameters>::schema()
    }

    fn read(fields: &Arguments) -> Result<Self, Vec<ParameterError>> {
        <P as Parameters>::read(fields)
    }
}

/// A type that a parameter may have.
pub(crate) trait Parameter: Sized {
    const REQUIRED: bool = true;

    /// The JSON Schema of its JSON form. Forms and queries carry it as text.
    fn schema() -> Value;

    /// # Errors
    /// What is wrong, to stand behind the parameter's name.
    fn parse(value: &Value) -> Result<Self, Wrong>;

    fn absent() -> Result<Self, Wrong> {
        Err("is required".into())
    }

    /// What null means: in most places nothing.
    fn null() -> Result<Self, Wrong> {
        Self::absent()
    }
}

/// What is wrong with a parameter.
pub(crate) enum Wrong {
    /// Stands behind the parameter's name.
    Itself(Cow<'static, str>),
    /// Of an object: its fields.
    Within(Vec<ParameterError>),
}

impl From<&'static str> for Wrong {
    fn from(text: &'static str) -> Self {
        Self::Itself(text.into())
    }
}

impl From<String> for Wrong {
    fn from(text: String) -> Self {
        Self::Itself(text.into())
    }
}

impl Wrong {
    /// One error per wrong parameter; that of an object's field is named `object.field`.
    fn named(self, name: &str) -> Vec<ParameterError> {
        match self {
            Self::Itself(error) => {
                vec![ParameterError { parameter: name.to_owned(), error: error.into_owned() }]
            }
            Self::Within(mut fields) => {
                for field in &mut fields {
                    field.parameter = format!("{name}.{}", field.parameter);
                }
                fields
            }
        }
    }
}

/// Defines a struct of parameters: `parameters! { struct Read { tracker_id: TrackerId } }`.
macro_rules! parameters {
    ($(#[$meta:meta])* struct $name:ident { $($field:ident : $kind:ty),* $(,)? }) => {
        $(#[$meta])*
        #[allow(dead_code, reason = "a parameter may be checked and not used")]
        pub(crate) struct $name { $($field: $kind),* }

        impl $crate::parameters::Parameters for $name {
            const NAMES: &'static [(&'static str, bool)] =
                &[$(($crate::parameters::name_of(stringify!($field)), <$kind as $crate::parameters::Parameter>::REQUIRED)),*];

            fn schema() -> serde_json::Value {
                let schemas = [$(<$kind as $crate::parameters::Parameter>::schema()),*];
                $crate::parameters::object_schema(Self::NAMES, schemas)
            }

            #[allow(unused_mut, unused_variables)]
            fn read(arguments: &$crate::request::Arguments) -> Result<Self, Vec<fleet::ParameterError>> {
                let mut wrong = Vec::new();
                $(let $field = $crate::parameters::read_one::<$kind>(
                    arguments,
                    $crate::parameters::name_of(stringify!($field)),
                    &mut wrong,
                );)*
                match ($($field,)*) {
                    ($(Some($field),)*) => Ok(Self { $($field),* }),
                    #[allow(unreachable_patterns)]
                    _ => Err(wrong),
                }
            }
        }
    };
}
pub(crate) use parameters;

parameters! {
    /// An action that takes none.
    struct Nothing {}
}

/// The parameter of a field: `r#type` is the field of `type`.
pub(crate) const fn name_of(field: &'static str) -> &'static str {
    match field.as_bytes() {
        [b'r', b'#', ..] => field.split_at(2).1,
        _ => field,
    }
}

pub(crate) fn object_schema<const N: usize>(names: &[(&str, bool)], schemas: [Value; N]) -> Value {
    let properties: Arguments = names.iter().map(|(name, _)| (*name).to_owned()).zip(schemas).collect();
    let mut schema = json!({ "type": "object", "properties": properties });
    let required: Vec<_> = names.iter().filter(|(_, required)| *required).map(|(name, _)| *name).collect();
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

pub(crate) fn read_one<P: Parameter>(
    arguments: &Arguments,
    name: &str,
    wrong: &mut Vec<ParameterError>,
) -> Option<P> {
    let read = match arguments.get(name) {
        None => P::absent(),
        Some(Value::Null) => P::null(),
        Some(value) => P::parse(value),
    };
    read.map_err(|error| wrong.extend(error.named(name))).ok()
}

impl<P: Parameter> Parameter for Option<P> {
    const REQUIRED: bool = false;

    fn schema() -> Value {
        P::schema()
    }

    fn parse(value: &Value) -> Result<Self, Wrong> {
        P::parse(value).map(Some)
    }

    fn absent() -> Result<Self, Wrong> {
        Ok(None)
    }
}

/// A field of a change: left out it leaves as it is, null takes away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Nullable<P>(pub(crate) Option<Option<P>>);

impl<P: Parameter> Parameter for Nullable<P> {
    const REQUIRED: bool = false;

    fn schema() -> Value {
        json!({ "anyOf": [P::schema(), { "type": "null" }] })
    }

    fn parse(value: &Value) -> Result<Self, Wrong> {
        P::parse(value).map(|value| Self(Some(Some(value))))
    }

    fn absent() -> Result<Self, Wrong> {
        Ok(Self(None))
    }

    fn null() -> Result<Self, Wrong> {
        Ok(Self(Some(None)))
    }
}

/// The fields of both in one object.
pub(crate) struct Both<A, B>(pub(crate) A, pub(crate) B);

impl<A: Fields, B: Fields> Fields for Both<A, B> {
    fn schema() -> Value {
        let (mut all, more) = (A::schema(), B::schema());
        if let (Some(all), Some(more)) = (all["properties"].as_object_mut(), more["properties"].as_object()) {
            all.extend(more.clone());
        }
        let required = [&all, &more].map(|schema| schema.get("required").and_then(Value::as_array).cloned());
        let required: Vec<_> = required.into_iter().flatten().flatten().collect();
        if !required.is_empty() {
            all["required"] = required.into();
        }
        all
    }

    fn read(arguments: &Arguments) -> Result<Self, Vec<ParameterError>> {
        match (A::read(arguments), B::read(arguments)) {
            (Ok(a), Ok(b)) => Ok(Self(a, b)),
            (a, b) => Err([a.err(), b.err()].into_iter().flatten().flatten().collect()),
        }
    }
}

/// A whole number within bounds; a text of digits counts as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Int<const MIN: i64, const MAX: i64>(pub(crate) i64);

impl<const MIN: i64, const MAX: i64> Parameter for Int<MIN, MAX> {
    fn schema() -> Value {
        json!({ "type": "integer", "minimum": MIN, "maximum": MAX })
    }

    fn parse(value: &Value) -> Result<Self, Wrong> {
        let number = match value {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        let number = number.ok_or("must be a whole number")?;
        if (MIN..=MAX).contains(&number) {
            Ok(Self(number))
        } else {
            Err(format!("must be from {MIN} to {MAX}").into())
        }
    }
}

impl<const MIN: i64, const MAX: i64> Int<MIN, MAX> {
    /// The number as another type, for bounds that fit it.
    pub(crate) fn number<T: TryFrom<i64> + Default>(self) -> T {
        T::try_from(self.0).unwrap_or_default()
    }
}

/// Numbers of objects fit into 32 bits.
type Id = Int<{ i32::MIN as i64 }, { i32::MAX as i64 }>;

macro_rules! id_parameters {
    ($($id:ident)*) => {$(
        impl Parameter for $id {
            fn schema() -> Value {
                Id::schema()
            }

            fn parse(value: &Value) -> Result<Self, Wrong> {
                Id::parse(value).map(|id| Self(id.0))
            }
        }
    )*};
}
id_parameters!(TrackerId GroupId SecurityGroupId TariffId UserId SensorId TagId VehicleId GarageId RuleId StatusId StatusListingId);

impl Parameter for bool {
    fn schema() -> Value {
        json!({ "type": "boolean" })
    }

    fn parse(value: &Value) -> Result<Self, Wrong> {
        match value {
            Value::Bool(flag) => Ok(*flag),
            Value::String(text) if text == "true" || text == "1" => Ok(true),
            Value::String(text) if text == "false" || text == "0" => Ok(false),
            _ => Err("must be true or false".into()),
        }
    }
}

/// A number; a text of one counts as one.
impl Parameter for f64 {
    fn schema() -> Value {
        json!({ "type": "number" })
    }

    fn parse(value: &Value) -> Result<Self, Wrong> {
        let number = match value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        number.filter(|number| number.is_finite()).ok_or_else(|| "must be a number".into())
    }
}

macro_rules! word_parameters {
    ($($name:ident)*) => {$(
        impl Parameter for $name {
            fn schema() -> Value {
                let words: Vec<_> = Self::ALL.iter().map(|word| word.as_str()).collect();
                json!({ "type": "string", "enum": words })
            }

            fn parse(value: &Value) -> Result<Self, Wrong> {
                let known = value.as_str().and_then(Self::find);
                known.ok_or_else(|| {
                    let words: Vec<_> = Self::ALL.iter().map(|word| word.as_str()).collect();
                    format!("must be one of {}", words.join(" ")).into()
                })
            }
        }
    )*};
}
word_parameters!(CounterType MeteringType DiscreteType VirtualType GroupType);

impl Parameter for UnitsType {
    fn schema() -> Value {
        json!({ "type": "string", "enum": Self::all().map(Self::as_str).collect::<Vec<_>>() })
    }

    fn parse(value: &Value) -> Result<Self, Wrong> {
        let known = value.as_str().and_then(Self::find);
        known.ok_or_else(|| "must be a unit such as custom, litre, celsius, volt, percent, kmh".into())
    }
}

impl Parameter for Moment {
    fn schema() -> Value {
        let description = "yyyy-MM-dd HH:mm:ss in the user's time zone, or ISO 8601 with an offset";
        json!({ "type": "string", "description": description })
    }

    fn parse(value: &Value) -> Result<Self, Wrong> {
        let text = value.as_str().unwrap_or_default();
        let exact =
            || text.parse::<jiff::Timestamp>().ok().map(|time| Timestamp::from_millis(time.as_millisecond()));
        let local = || DateTime::strptime("%Y-%m-%d %H:%M:%S", text).ok().filter(|_| text.len() == 19);
        let moment = exact().map(Self::Exact).or_else(|| local().map(Self::Local));
        moment.ok_or_else(|| "must be like 2020-09-23 03:24:00, or ISO 8601 with an offset".into())
    }
}

/// An amount of money, 0 or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Amount(pub(crate) Money);

impl Parameter for Amount {
    fn schema() -> Value {
        json!({ "type": "number", "minimum": 0 })
    }

    fn parse(value: &Value) -> Result<Self, Wrong> {
        let number = match value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        let amount = number.filter(|number| *number >= 0.0).and_then(Money::from_units);
        amount.map(Self).ok_or_else(|| "must be an amount of money, 0 or more".into())
    }
}

/// A printable text of MIN to MAX characters: no control characters, no private use.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Text<const MIN: usize, const MAX: usize>(pub(crate) String);

impl<const MIN: usize, const MAX: usize> Parameter for Text<MIN, MAX> {
    fn schema() -> Value {
        json!({ "type": "string", "minLength": MIN, "maxLength": MAX })
    }

    fn parse(value: &Value) -> Result<Self, Wrong> {
        let text = match value {
            Value::String(text) => text.clone(),
            // Clients print device ids and phones as bare numbers.
            Value::Number(number) => number.to_string(),
            _ => return Err("must be a text".into()),
        };
        if !(MIN..=MAX).contains(&text.chars().count()) {
            Err(format!("must have {MIN} to {MAX} characters").into())
        } else if text.chars().any(|c| c.is_control() || is_private_use(c)) {
            Err("must have printable characters only".into())
        } else {
            Ok(Self(text))
        }
    }
}

impl<const MIN: usize, const MAX: usize> fmt::Display for Text<MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Unicode 16, general category Co.
fn is_private_use(c: char) -> bool {
    matches!(c, '\u{E000}'..='\u{F8FF}' | '\u{F0000}'..='\u{FFFFD}' | '\u{100000}'..='\u{10FFFD}')
}

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident $min:literal..=$max:literal, $rule:path;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub(crate) struct $name(pub(crate) String);

        impl Parameter for $name {
            fn schema() -> Value {
                let mut schema = Text::<$min, $max>::schema();
                // The rule in its own words, about a text that nothing allows.
                schema["description"] = json!($rule("?"));
                schema
            }

            fn parse(value: &Value) -> Result<Self, Wrong> {
                let Text(text) = Text::<$min, $max>::parse(value)?;
                $rule(&text).map_or(Ok(Self(text)), |wrong| Err(wrong.into()))
            }
        }
    )*};
}

// Texts for which there is a rule beside their length.
texts! {
    TimeZone 1..=64, rules::time_zone;
    Locale 1..=64, rules::locale;
    MeasurementSystem 1..=64, rules::measurement_system;
    Geocoder 1..=64, rules::geocoder;
    RouteProvider 1..=64, rules::route_provider;
    /// Empty stands for none.
    Phone 0..=20, rules::phone;
    PhoneNumber 8..=20, rules::phone;
    Iccid 19..=20, rules::iccid;
    /// Empty stands for none.
    ActivationCode 0..=20, rules::activation_code;
    Apn 0..=40, rules::apn;
    StorePeriod 1..=64, rules::store_period;
}

impl Parameter for DeviceId {
    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^[0-9A-Za-z-]{1,64}$" })
    }

    fn parse(value: &Value) -> Result<Self, Wrong> {
        let Text(text) = Text::<1, 64>::parse(value)?;
        Self::new(&text).map_err(|invalid| invalid.to_string().into())
    }
}

/// A list of MIN to MAX items; in forms and queries it is JSON text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct List<P, const MIN: usize, const MAX: usize>(pub(crate) Vec<P>);

impl<P: Parameter, const MIN: usize, const MAX: usize> Parameter for List<P, MIN, MAX> {
    fn schema() -> Value {
        json!({ "type": "array", "items": P::schema(), "minItems": MIN, "maxItems": MAX })
    }

    fn parse(value: &Value) -> Result<Self, Wrong> {
        let value = structured(value);
        let items = value.as_array().ok_or("must be a list")?;
        if !(MIN..=MAX).contains(&items.len()) {
            return Err(format!("must have {MIN} to {MAX} items").into());
        }
        let item = |(at, item): (usize, &Value)| {
            let parsed = if item.is_null() { Err("must not be null".into()) } else { P::parse(item) };
            parsed.map_err(|wrong| match wrong {
                Wrong::Itself(error) => Wrong::from(format!("item {at} {error}")),
                within => Wrong::Within(within.named(&at.to_string())),
            })
        };
        items.iter().enumerate().map(item).collect::<Result<_, _>>().map(Self)
    }
}

/// A list in which nothing stands twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Distinct<P, const MIN: usize, const MAX: usize>(pub(crate) Vec<P>);

impl<P: Parameter + Eq + std::hash::Hash, const MIN: usize, const MAX: usize> Parameter
    for Distinct<P, MIN, MAX>
{
    fn schema() -> Value {
        let mut schema = List::<P, MIN, MAX>::schema();
        schema["uniqueItems"] = json!(true);
        schema
    }

    fn parse(value: &Value) -> Result<Self, Wrong> {
        let List(items) = List::<P, MIN, MAX>::parse(value)?;
        let mut seen = std::collections::HashSet::new();
        if items.iter().all(|item| seen.insert(item)) {
            Ok(Self(items))
        } else {
            Err("must not have duplicates".into())
        }
    }
}

/// An object whose fields are parameters themselves; in forms and queries it is JSON text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Object<P>(pub(crate) P);

impl<P: Fields> Parameter for Object<P> {
    fn schema() -> Value {
        P::schema()
    }

    fn parse(value: &Value) -> Result<Self, Wrong> {
        let value = structured(value);
        let fields = value.as_object().ok_or("must be an object")?;
        P::read(fields).map(Self).map_err(Wrong::Within)
    }
}

fn structured(value: &Value) -> Cow<'_, Value> {
    match value {
        Value::String(text) => Cow::Owned(serde_json::from_str(text).unwrap_or(Value::Null)),
        value => Cow::Borrowed(value),
    }
}

/// Defines a parameter that is one of a few words: `choices! { enum Form { Text "text", Hex "hex" } }`.
macro_rules! choices {
    ($(#[$meta:meta])* enum $name:ident { $($variant:ident $word:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum $name { $($variant),* }

        impl $crate::parameters::Parameter for $name {
            fn schema() -> serde_json::Value {
                serde_json::json!({ "type": "string", "enum": [$($word),*] })
            }

            fn parse(value: &serde_json::Value) -> Result<Self, $crate::parameters::Wrong> {
                match value.as_str() {
                    $(Some($word) => Ok(Self::$variant),)*
                    _ => Err(concat!("must be one of", $(" ", $word),*).into()),
                }
            }
        }
    };
}
pub(crate) use choices;

/// A colour as six hex digits, `RRGGBB`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Color(pub(crate) String);

impl Parameter for Color {
    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^[0-9A-Fa-f]{6}$" })
    }

    fn parse(value: &Value) -> Result<Self, Wrong> {
        let Text(text) = Text::<6, 6>::parse(value).map_err(|_| "must be a color like FF6DDC")?;
        if text.bytes().all(|b| b.is_ascii_hexdigit()) {
            Ok(Self(text))
        } else {
            Err("must be a color like FF6DDC".into())
        }
    }
}
