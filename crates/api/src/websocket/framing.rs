//! How messages are framed: plainly, or as clients of the Atmosphere framework expect it. They say so in the query of
//! the upgrade, are told an id and a heartbeat in the first frame, and send `X` as often; on demand every message to
//! them begins with its length in UTF-16 units, as their language counts.

use crate::request::Arguments;
use axum::extract::ws::{Message, Utf8Bytes};
use domain::ErrorCode;
use fleet::Failure;
use serde_json::Value;
use std::time::Duration;

pub(super) const HEARTBEAT: &str = "X";
/// What a client sends to acknowledge the first frame, if it does.
const ACKNOWLEDGEMENT: &str = "...ACK...";
const DEFAULT_HEARTBEAT: Duration = Duration::from_secs(30);
const SHORTEST_HEARTBEAT: Duration = Duration::from_secs(5);
const LONGEST_HEARTBEAT: Duration = Duration::from_secs(300);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Framing {
    /// Of the Atmosphere protocol.
    pub(super) greeting: Option<String>,
    pub(super) heartbeat: Duration,
    length_prefix: bool,
}

/// A message of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Incoming<'a> {
    Heartbeat,
    Ignored,
    Json(&'a str),
}

impl Framing {
    /// As the query asks for; `new_id` makes an id for a client that has none.
    pub(super) fn of(query: &Arguments, new_id: impl FnOnce() -> String) -> Self {
        let text = |name: &str| query.get(name).and_then(Value::as_str);
        let says = |name: &str| text(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let heartbeat = text("X-Heartbeat-Server").and_then(|value| value.parse().ok()).map(|value: u64| {
            // Clients count in seconds; what would be hours is meant as milliseconds.
            if value < 1000 { Duration::from_secs(value) } else { Duration::from_millis(value) }
        });
        let heartbeat = heartbeat.filter(|heartbeat| !heartbeat.is_zero()).unwrap_or(DEFAULT_HEARTBEAT);
        let heartbeat = heartbeat.clamp(SHORTEST_HEARTBEAT, LONGEST_HEARTBEAT);
        let mut framing = Self { greeting: None, heartbeat, length_prefix: false };
        if says("X-atmo-protocol") {
            let own = text("X-Atmosphere-tracking-id").filter(|id| is_id(id)).map(str::to_owned);
            let id = own.unwrap_or_else(new_id);
            framing.greeting = Some(format!("{id}|{}|{HEARTBEAT}|", heartbeat.as_millis()));
            framing.length_prefix = says("X-Atmosphere-TrackMessageSize");
        }
        framing
    }

    /// Whether the request only tells that the client has gone.
    pub(super) fn says_good_bye(query: &Arguments) -> bool {
        query.get("X-Atmosphere-Transport").and_then(Value::as_str) == Some("close")
    }

    /// # Errors
    /// `WrongRequestFormat` for what is neither an object nor a word of the protocol.
    pub(super) fn read<'a>(&self, text: &'a str) -> Result<Incoming<'a>, Failure> {
        match text.trim() {
            HEARTBEAT | "1|X" => Ok(Incoming::Heartbeat),
            "" | ACKNOWLEDGEMENT => Ok(Incoming::Ignored),
            json if json.starts_with('{') => Ok(Incoming::Json(json)),
            _ => Err(ErrorCode::WrongRequestFormat.into()),
        }
    }

    pub(super) fn message(&self, text: String) -> Message {
        let text = if self.length_prefix { format!("{}|{text}", utf16_units(&text)) } else { text };
        Message::Text(Utf8Bytes::from(text))
    }
}

/// Of 0 the client says that it has none yet.
fn is_id(id: &str) -> bool {
    id != "0" && (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn utf16_units(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.encode_utf16().count() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framing(query: &[(&str, &str)]) -> Framing {
        let query = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
        Framing::of(&query, || "new".to_owned())
    }

    #[test]
    fn the_query_decides() {
        let protocol = ("X-atmo-protocol", "true");
        for (query, greeting, seconds) in [
            (vec![], None, 30),
            (vec![("X-Atmosphere-tracking-id", "7")], None, 30),
            (vec![protocol], Some("new|30000|X|"), 30),
            (vec![protocol, ("X-Atmosphere-tracking-id", "0")], Some("new|30000|X|"), 30),
            (vec![protocol, ("X-Atmosphere-tracking-id", "ab-12")], Some("ab-12|30000|X|"), 30),
            (vec![protocol, ("X-Atmosphere-tracking-id", "a|b")], Some("new|30000|X|"), 30),
            (vec![protocol, ("X-Heartbeat-Server", "60")], Some("new|60000|X|"), 60),
            (vec![protocol, ("X-Heartbeat-Server", "10000")], Some("new|10000|X|"), 10),
            (vec![protocol, ("X-Heartbeat-Server", "0")], Some("new|30000|X|"), 30),
            (vec![protocol, ("X-Heartbeat-Server", "1")], Some("new|5000|X|"), 5),
            (vec![protocol, ("X-Heartbeat-Server", "never")], Some("new|30000|X|"), 30),
        ] {
            let framing = framing(&query);
            assert_eq!(framing.greeting.as_deref(), greeting, "{query:?}");
            assert_eq!(framing.heartbeat, Duration::from_secs(seconds), "{query:?}");
        }
    }

    #[test]
    fn lengths_are_counted_as_clients_do() {
        let protocol = [("X-atmo-protocol", "true"), ("X-Atmosphere-TrackMessageSize", "true")];
        for (text, expected) in [("X", "1|X"), ("größe", "5|größe"), ("🚚", "2|🚚")] {
            assert_eq!(framing(&protocol).message(text.to_owned()).to_text().unwrap(), expected);
            assert_eq!(framing(&protocol[..1]).message(text.to_owned()).to_text().unwrap(), text);
            assert_eq!(framing(&protocol[1..]).message(text.to_owned()).to_text().unwrap(), text);
        }
    }

    #[test]
    fn reads_words_of_the_protocol() {
        for (text, expected) in [
            ("X", Ok(Incoming::Heartbeat)),
            ("1|X", Ok(Incoming::Heartbeat)),
            (" ", Ok(Incoming::Ignored)),
            ("...ACK...", Ok(Incoming::Ignored)),
            (" {\"a\":1}\n", Ok(Incoming::Json("{\"a\":1}"))),
            ("[]", Err(ErrorCode::WrongRequestFormat.into())),
            ("hello", Err(ErrorCode::WrongRequestFormat.into())),
        ] {
            assert_eq!(framing(&[]).read(text), expected, "{text}");
        }
    }
}
