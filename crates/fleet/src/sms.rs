//! Short messages to and from the device of a tracker, as its users see them.

use crate::{Failure, Fleet, UserCaller};
use domain::{ErrorCode, SourceId, Timestamp, TrackerId};
use std::{cmp::Reverse, time::Duration};
use store::{
    catalog::{Awaited, CatalogError, NewSms, ReceivedSms, SmsState, StoredSms},
    signals::Signal,
};

/// As many of a tracker's short messages can be listed.
pub const LISTED_SMS: u32 = 1000;

/// One that went out, or is to, or one that came in.
#[derive(Clone, Debug)]
pub enum ShortMessage {
    Out(StoredSms),
    In(ReceivedSms),
}

impl Fleet {
    /// The newest short messages to and from the present device of a tracker, newest first.
    ///
    /// # Errors
    /// `EntityNotFound`, `NotAllowedForClones`, `DeviceBlocked`.
    pub async fn short_messages(
        &self,
        caller: &UserCaller,
        id: TrackerId,
        limit: u32,
    ) -> Result<Vec<ShortMessage>, Failure> {
        let view = self.commanded(caller, id, ErrorCode::EntityNotFound)?;
        let (source, now) = (view.source.id, self.now());
        let mut messages = Vec::new();
        for mut sms in self.catalog.sms_of_source(source, limit).await? {
            // Nobody has noted it yet.
            if sms.state == SmsState::Queued && sms.expires <= now {
                (sms.state, sms.over) = (SmsState::Expired, Some(sms.expires));
            }
            messages.push(ShortMessage::Out(sms));
        }
        messages.extend(self.catalog.sms_from_source(source, limit).await?.into_iter().map(ShortMessage::In));
        messages.sort_by_key(|message| Reverse(message.time()));
        messages.truncate(limit as usize);
        Ok(messages)
    }

    /// Puts messages to a device into the outbox.
    pub(crate) async fn send_sms(
        &self,
        source: SourceId,
        phone: &str,
        texts: Vec<String>,
        lifetime: Duration,
        awaited: Awaited,
    ) -> Result<(), CatalogError> {
        let asked = self.now();
        let message = |text| NewSms {
            source: Some(source),
            phone: phone.to_owned(),
            text,
            asked,
            expires: asked.plus(lifetime),
            awaited,
        };
        self.catalog.enqueue_sms(&texts.into_iter().map(message).collect::<Vec<_>>()).await?;
        self.signals.publish(Signal::SmsWaits);
        Ok(())
    }
}

impl ShortMessage {
    /// When it was asked for, or came in; of those of one moment the answer is newer.
    fn time(&self) -> (Timestamp, bool, i64) {
        match self {
            Self::Out(sms) => (sms.asked, false, sms.id.0),
            Self::In(sms) => (sms.received, true, sms.id.0),
        }
    }
}
