//! Coordinates in a link to a map: of Google (`q=`, `query=`, `ll=`, `@`), OpenStreetMap (`mlat=`, `mlon=`) and those that
//! write theirs like them, and `geo:` (RFC 5870).

use super::template::degrees;
use domain::Coordinates;

/// Behind what the two numbers stand.
const MARKS: [&str; 8] = ["query=", "q=", "ll=", "loc:", "destination=", "place/", "@", "geo:"];

/// The coordinates of the first link of a text.
pub(super) fn find(text: &str) -> Option<Coordinates> {
    text.char_indices().find_map(|(at, _)| at_start(&text[at..])).map(|(coordinates, _)| coordinates)
}

/// Those of the link with which a text begins, and what follows the link.
pub(super) fn at_start(text: &str) -> Option<(Coordinates, &str)> {
    let begins = |start: &str| text.get(..start.len()).is_some_and(|found| found.eq_ignore_ascii_case(start));
    if !["http://", "https://", "maps.", "www.", "geo:"].into_iter().any(begins) {
        return None;
    }
    let end = text.find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"')).unwrap_or(text.len());
    let (link, rest) = text.split_at(end);
    let link = link.to_ascii_lowercase().replace("%2c", ",").replace("%20", "").replace("%2b", "+");
    if !link.contains("map") && !link.starts_with("geo:") {
        return None;
    }
    let pairs = MARKS.iter().flat_map(|mark| link.match_indices(mark).map(move |(at, mark)| at + mark.len()));
    let pair = pairs.filter_map(|at| pair(link.get(at..)?)).next();
    Some((pair.or_else(|| marker(&link))?, rest))
}

fn pair(text: &str) -> Option<Coordinates> {
    let (lat, rest) = precise(text, ['N', 'S'])?;
    let (lng, _) = precise(rest.strip_prefix([',', '+'])?.trim_start(), ['E', 'W'])?;
    Coordinates::new(lat, lng)
}

fn marker(link: &str) -> Option<Coordinates> {
    let of = |mark: &str| precise(link.split_once(mark)?.1, ['_', '_']);
    Coordinates::new(of("mlat=")?.0, of("mlon=")?.0)
}

/// With a point: whole numbers are the number of something else.
fn precise(text: &str, letters: [char; 2]) -> Option<(f64, &str)> {
    let (degrees, rest) = degrees(text, letters)?;
    text[..text.len() - rest.len()].contains('.').then_some((degrees, rest))
}
