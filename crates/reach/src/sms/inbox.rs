//! What comes back from the gateway: messages of devices, and word of what became of those that were sent.

use super::gsm0338::PartOf;
use domain::{Clock, SmsId, SourceId};
use std::{collections::BTreeMap, sync::Arc};
use store::{
    catalog::{Catalog, CatalogError, SmsName, SmsPart, SmsState},
    signals::{Signal, Signals},
};
use subtle::ConstantTimeEq;

/// As many letters of a message are kept.
const LETTERS: usize = 4096;

/// As many of a part, which the network bounds by itself.
const LETTERS_OF_PART: usize = 256;

#[derive(Clone)]
pub struct Inbox {
    catalog: Catalog,
    signals: Signals,
    clock: Arc<dyn Clock>,
}

/// What the webhook was told.
#[derive(Clone, PartialEq, Eq)]
pub enum Notice {
    Message {
        from: String,
        text: String,
    },
    Ended {
        id: SmsId,
        state: SmsState,
    },
    /// The message is still under way.
    Nothing,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NotANotice {
    #[error("the secret is missing or wrong")]
    Secret,
    #[error("`{0}` is missing or cannot be understood")]
    Field(&'static str),
}

impl Notice {
    /// Out of the fields of a request: `from` and `text`, or `id` and `status`, and in any case the `secret`.
    ///
    /// # Errors
    /// `Secret`, `Field`.
    pub fn read(fields: &BTreeMap<String, String>, secret: &str) -> Result<Self, NotANotice> {
        let given = fields.get("secret").map_or(&[][..], String::as_bytes);
        if !bool::from(given.ct_eq(secret.as_bytes())) {
            return Err(NotANotice::Secret);
        }
        if let (Some(id), Some(status)) = (fields.get("id"), fields.get("status")) {
            let id = id.parse().map(SmsId).map_err(|_| NotANotice::Field("id"))?;
            let state = match &*status.to_lowercase() {
                "delivered" | "delivrd" => SmsState::Delivered,
                "failed" | "undelivered" | "undeliv" | "rejected" | "rejectd" => SmsState::Failed,
                "expired" => SmsState::Expired,
                "accepted" | "acceptd" | "queued" | "sent" | "buffered" | "enroute" => {
                    return Ok(Self::Nothing);
                }
                _ => return Err(NotANotice::Field("status")),
            };
            return Ok(Self::Ended { id, state });
        }
        let from = fields.get("from").map(|from| digits(from)).filter(|from| !from.is_empty());
        let from = from.ok_or(NotANotice::Field("from"))?;
        let text = fields.get("text").cloned().ok_or(NotANotice::Field("text"))?;
        Ok(Self::Message { from, text })
    }
}

impl Inbox {
    pub fn new(catalog: Catalog, signals: Signals, clock: Arc<dyn Clock>) -> Self {
        Self { catalog, signals, clock }
    }

    /// # Errors
    /// When the catalog fails: then the sender should say it again.
    pub async fn hear(&self, notice: &Notice) -> Result<(), CatalogError> {
        match notice {
            Notice::Message { from, text } => self.receive(from, text).await,
            Notice::Ended { id, state } => self.end(&SmsName::Id(*id), *state, None).await,
            Notice::Nothing => Ok(()),
        }
    }

    pub(super) async fn receive(&self, from: &str, text: &str) -> Result<(), CatalogError> {
        // PostgreSQL's texts hold no zero.
        let text: String = text.chars().filter(|letter| *letter != '\0').take(LETTERS).collect();
        let source = self.catalog.receive_sms(&digits(from), &text, self.clock.now()).await?;
        self.signals.publish(Signal::SmsCame);
        metrics::counter!("outrider_sms_received_total").increment(1);
        match source {
            Some(SourceId(source)) => {
                tracing::info!(source.id = source, "a short message of a device came in")
            }
            None => tracing::info!("a short message came in from a phone of no device"),
        }
        Ok(())
    }

    /// Keeps a part of a long message until the others are there.
    pub(super) async fn receive_part(
        &self,
        from: &str,
        text: &str,
        part: PartOf,
    ) -> Result<(), CatalogError> {
        let PartOf { reference, total, number } = part;
        let text = text.chars().filter(|letter| *letter != '\0').take(LETTERS_OF_PART).collect();
        let part = SmsPart { phone: digits(from), reference, total, number, text };
        if self.catalog.receive_sms_part(&part, self.clock.now()).await? {
            self.signals.publish(Signal::SmsCame);
            metrics::counter!("outrider_sms_received_total").increment(1);
            tracing::info!(sms.parts = total, "a long short message came in");
        }
        Ok(())
    }

    pub(super) async fn end(
        &self,
        name: &SmsName,
        state: SmsState,
        reason: Option<&str>,
    ) -> Result<(), CatalogError> {
        if self.catalog.end_sms(name, state, reason, self.clock.now()).await? {
            metrics::counter!("outrider_sms_total", "outcome" => state.as_str()).increment(1);
            tracing::info!(sms.name = ?name, sms.state = state.as_str(), "a short message has ended");
        }
        Ok(())
    }

    /// Notes that the gateway has a message before anybody can hear more of it.
    pub(super) async fn sent(&self, id: SmsId, reference: Option<String>) -> Result<(), CatalogError> {
        let sent = store::catalog::SmsStep::Sent { reference };
        self.catalog.step_sms(id, &sent, self.clock.now()).await.map(drop)
    }
}

/// A phone as sources have it: digits, without plus or the zeros that stand for it.
fn digits(phone: &str) -> String {
    let digits: String = phone.chars().filter(char::is_ascii_digit).take(20).collect();
    digits.strip_prefix("00").map_or(digits.clone(), str::to_owned)
}

impl std::fmt::Debug for Notice {
    /// Without phone and text.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Message { .. } => f.write_str("Message"),
            Self::Ended { id, state } => write!(f, "Ended({id:?}, {state:?})"),
            Self::Nothing => f.write_str("Nothing"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices() {
        let message = |from: &str, text: &str| Ok(Notice::Message { from: from.into(), text: text.into() });
        let ended = |id, state| Ok(Notice::Ended { id: SmsId(id), state });
        for (fields, notice) in [
            (&[("secret", "s"), ("from", "+49 176-1"), ("text", "hi")][..], message("491761", "hi")),
            (&[("secret", "s"), ("from", "00491761"), ("text", "")], message("491761", "")),
            (&[("secret", "s"), ("id", "7"), ("status", "DELIVRD")], ended(7, SmsState::Delivered)),
            (&[("secret", "s"), ("id", "7"), ("status", "undelivered")], ended(7, SmsState::Failed)),
            (&[("secret", "s"), ("id", "7"), ("status", "expired")], ended(7, SmsState::Expired)),
            (&[("secret", "s"), ("id", "7"), ("status", "sent")], Ok(Notice::Nothing)),
            (&[("secret", "s"), ("id", "7"), ("status", "?")], Err(NotANotice::Field("status"))),
            (&[("secret", "s"), ("id", "x"), ("status", "sent")], Err(NotANotice::Field("id"))),
            (&[("secret", "s"), ("text", "hi")], Err(NotANotice::Field("from"))),
            (&[("secret", "s"), ("from", "anonymous"), ("text", "hi")], Err(NotANotice::Field("from"))),
            (&[("secret", "s"), ("from", "1")], Err(NotANotice::Field("text"))),
            (&[("secret", "t"), ("from", "1"), ("text", "hi")], Err(NotANotice::Secret)),
            (&[("secret", "ss"), ("from", "1"), ("text", "hi")], Err(NotANotice::Secret)),
            (&[("from", "1"), ("text", "hi")], Err(NotANotice::Secret)),
        ] {
            let map = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            assert_eq!(Notice::read(&map, "s"), notice, "{fields:?}");
        }
    }
}
