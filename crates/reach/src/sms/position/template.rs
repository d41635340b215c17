//! Templates of texts: letters, between which blanks such as `{lat}` stand. A space or a comma stands for any number of
//! spaces, line ends, commas and semicolons, one at least; before a blank there may be spaces. Letters are taken in either
//! case. The text may begin before the template and go on behind it.

use super::{Place, link};
use domain::{Coordinates, Fix, Heading, Metres, Speed, Timestamp};

/// What the blanks held.
#[derive(Default)]
struct Filled {
    lat: Option<f64>,
    lng: Option<f64>,
    link: Option<Coordinates>,
    invalid: bool,
    altitude: Option<f64>,
    speed: Option<f64>,
    heading: Option<f64>,
    satellites: Option<f64>,
    date: Option<(i64, u32, u32)>,
    time: Option<(u32, u32, u32)>,
}

/// `None` when the text is not as the template says.
pub(super) fn read(template: &str, text: &str) -> Option<Place> {
    let mut before = None;
    text.char_indices().find_map(|(at, letter)| {
        let begins_a_word = !before.replace(letter).is_some_and(char::is_alphanumeric);
        if begins_a_word { fill(template, &text[at..])?.place() } else { None }
    })
}

/// The blanks that a template can have.
#[cfg(test)]
pub(super) const BLANKS: [&str; 11] =
    ["lat", "lng", "link", "fix", "altitude", "speed", "heading", "satellites", "date", "time", "skip"];

fn fill(template: &str, text: &str) -> Option<Filled> {
    let mut filled = Filled::default();
    let (mut template, mut text) = (template, text);
    while let Some(letter) = template.chars().next() {
        let behind = &template[letter.len_utf8()..];
        if letter == '{' {
            let (name, rest) = behind.split_once('}')?;
            text = filled.take(name, text.trim_start())?;
            template = rest;
        } else if is_separator(letter) {
            let rest = text.trim_start_matches(is_separator);
            if rest.len() == text.len() {
                return None;
            }
            (text, template) = (rest, behind.trim_start_matches(is_separator));
        } else {
            let found = text.chars().next().filter(|found| found.eq_ignore_ascii_case(&letter))?;
            (text, template) = (&text[found.len_utf8()..], behind);
        }
    }
    Some(filled)
}

fn is_separator(letter: char) -> bool {
    letter.is_whitespace() || matches!(letter, ',' | ';')
}

impl Filled {
    /// Fills one blank; answers with what follows.
    fn take<'t>(&mut self, name: &str, text: &'t str) -> Option<&'t str> {
        let decimal = |value: &mut Option<f64>| {
            let (number, rest) = number(text)?;
            *value = Some(number);
            Some(rest)
        };
        match name {
            "lat" => {
                let (degrees, rest) = degrees(text, ['N', 'S'])?;
                self.lat = Some(degrees);
                Some(rest)
            }
            "lng" => {
                let (degrees, rest) = degrees(text, ['E', 'W'])?;
                self.lng = Some(degrees);
                Some(rest)
            }
            "altitude" => decimal(&mut self.altitude),
            "speed" => decimal(&mut self.speed),
            "heading" => decimal(&mut self.heading),
            "satellites" => decimal(&mut self.satellites),
            "link" => {
                let (coordinates, rest) = link::at_start(text)?;
                self.link = Some(coordinates);
                Some(rest)
            }
            "fix" => {
                let (word, rest) =
                    text.split_at(text.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(text.len()));
                self.invalid = match word {
                    "1" | "2" | "3" | "A" | "a" => false,
                    "0" | "V" | "v" => true,
                    _ => return None,
                };
                Some(rest)
            }
            "date" => {
                let (date, rest) = date(text)?;
                self.date = Some(date);
                Some(rest)
            }
            "time" => {
                let (time, rest) = time(text)?;
                self.time = Some(time);
                Some(rest)
            }
            "skip" => Some(&text[text.find(is_separator).unwrap_or(text.len())..]),
            _ => None,
        }
    }

    fn place(self) -> Option<Place> {
        if self.invalid {
            return Some(Place::Unknown);
        }
        let coordinates = self.link.or_else(|| Coordinates::new(self.lat?, self.lng?))?;
        let satellites = self.satellites.map(|count| count.clamp(0.0, 255.0) as u8);
        let heading = self.heading.filter(|degrees| (0.0..=360.0).contains(degrees));
        let fix = Fix {
            speed: self
                .speed
                .filter(|speed| (0.0..1000.0).contains(speed))
                .map(|kmh| Speed::from_kmh(kmh as f32)),
            heading: heading.map(|degrees| Heading::from_degrees(degrees as u16 % 360)),
            altitude: self.altitude.map(|metres| Metres(metres as f32)),
            satellites,
            ..Fix::at(coordinates)
        };
        let time = self.date.and_then(|date| Timestamp::from_civil(date, self.time?));
        Some(if fix.is_usable() { Place::At { fix, time } } else { Place::Unknown })
    }
}

/// A number, and what follows.
fn number(text: &str) -> Option<(f64, &str)> {
    let signed = text.strip_prefix(['+', '-']).unwrap_or(text);
    let digits = signed.trim_start_matches(|c: char| c.is_ascii_digit());
    let fraction = digits.strip_prefix('.').map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    let rest = fraction.unwrap_or(digits);
    // A point at the end is that of a sentence.
    let number: f64 = text[..text.len() - rest.len()].parse().ok()?;
    number.is_finite().then_some((number, rest))
}

/// Degrees with a point, and with the letter of a hemisphere before or behind them, or none: then the sign says it.
pub(super) fn degrees(text: &str, [positive, negative]: [char; 2]) -> Option<(f64, &str)> {
    let letter = |text: &str| {
        let mut letters = text.chars();
        let letter = letters.next()?.to_ascii_uppercase();
        // Not the first one of a word.
        if letters.next().is_some_and(char::is_alphabetic) {
            return None;
        }
        (letter == positive || letter == negative).then_some(letter == negative)
    };
    let before = letter(text);
    let (degrees, rest) = number(if before.is_some() { text[1..].trim_start() } else { text })?;
    let rest = rest.strip_prefix('°').unwrap_or(rest);
    let behind = if before.is_none() { letter(rest) } else { None };
    let rest = if behind.is_some() { &rest[1..] } else { rest };
    // `N-22.5` says two things at once.
    let contradicts = before.or(behind).is_some() && degrees < 0.0;
    let is_negative = before.or(behind) == Some(true);
    (!contradicts).then_some((if is_negative { -degrees } else { degrees }, rest))
}

/// Year, month and day: in six or eight digits, or with `/`, `-` or `.` between them.
fn date(text: &str) -> Option<((i64, u32, u32), &str)> {
    let (first, rest) = digits(text)?;
    let (year, month, day, rest) = match first.len() {
        6 => (first.get(..2)?, first.get(2..4)?, first.get(4..)?, rest),
        8 => (first.get(..4)?, first.get(4..6)?, first.get(6..)?, rest),
        2 | 4 => {
            let (month, rest) = digits(rest.strip_prefix(['/', '-', '.'])?)?;
            let (day, rest) = digits(rest.strip_prefix(['/', '-', '.'])?)?;
            (first, month, day, rest)
        }
        _ => return None,
    };
    let century = if year.len() == 2 { 2000 } else { 0 };
    let year: i64 = year.parse().ok()?;
    Some(((century + year, month.parse().ok()?, day.parse().ok()?), rest))
}

/// Hour, minute and second; the second may be missing.
fn time(text: &str) -> Option<((u32, u32, u32), &str)> {
    let (hour, rest) = digits(text)?;
    let (minute, rest) = digits(rest.strip_prefix(':')?)?;
    let (second, rest) = rest.strip_prefix(':').and_then(digits).unwrap_or(("0", rest));
    Some(((hour.parse().ok()?, minute.parse().ok()?, second.parse().ok()?), rest))
}

fn digits(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    (1..=8).contains(&end).then(|| text.split_at(end))
}
