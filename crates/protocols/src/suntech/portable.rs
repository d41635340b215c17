//! ST910, which is carried: `ST910;Location|Emergency|Alert;number;…`. Source: Suntech ST910 manual, chapter "Report". Two
//! kinds of firmware differ: the newer one has the cell before the coordinates, and percent instead of volts. Which of an
//! alert's numbers is its reason differs between them too, so it is not read.

use super::{Dialect, Kind, Report, alerts, coordinate, fix, mileage, moment, words};
use crate::{alarm::Alarms, fields};
use domain::{Inputs, Message};

pub(super) fn read(line: &[u8]) -> Option<Report> {
    let list = words(line);
    let dialect = Dialect::Portable;
    let kind = match *list.get(1)? {
        b"Emergency" => Kind::Emergency,
        b"Location" => Kind::Status,
        b"Alert" => Kind::Other,
        b"Alive" => {
            return Some(Report { messages: Vec::new(), answer: None, kind: Kind::Alive, dialect });
        }
        b"Res" => {
            let text = list.get(3..).map(|rest| rest.join(&b';'))?;
            let answer = fields::text(&text).map(str::to_owned);
            return Some(Report { messages: Vec::new(), answer, kind: Kind::Other, dialect });
        }
        _ => return None,
    };
    let date =
        (3..list.len().saturating_sub(1).min(6)).find(|at| moment(list[*at], list[at + 1]).is_some())?;
    let place =
        (date + 2..=date + 3).find(|at| list.get(*at).is_some_and(|word| coordinate(word).is_some()))?;
    let (mut inputs, mut alarms) = (Inputs::with_capacity(6), Alarms::new());
    let mut position = fix(list.get(place..)?)?;
    let rest = list.get(place + 4..)?;
    position.valid = rest.first() == Some(&&b"1"[..]);
    let rest = rest.get(1..).unwrap_or_default();
    let newer = place == date + 3;
    let number = |at: usize| rest.get(at).and_then(|word| fields::integer::<i64>(word));
    if newer && let Some(metres) = rest.first().and_then(|word| fields::decimal(word)) {
        mileage(metres, &mut inputs);
    }
    match (kind, newer) {
        (Kind::Emergency, _) => {
            if let Some(number) = number(usize::from(newer)) {
                alerts::emergency(number, &mut alarms, &mut inputs);
            }
        }
        (_, true) => {
            if let Some(percent) = number(1).filter(|percent| (0..=100).contains(percent)) {
                inputs.push(input!("battery_level"), percent as f64);
            }
        }
        (_, false) => {
            if let Some(volts) = rest.first().and_then(|word| fields::decimal(word)) {
                inputs.push(input!("battery_voltage"), volts);
            }
        }
    }
    alarms.write(&mut inputs);
    let time = moment(list[date], list[date + 1]);
    let messages = vec![Message { time, fix: Some(position), inputs }];
    Some(Report { messages, answer: None, kind, dialect })
}
