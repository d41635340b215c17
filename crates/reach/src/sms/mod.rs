//! Short messages. `Outbox` sends what the catalog's outbox holds through the gateway that is configured; `Inbox` takes
//! what comes back. The catalog alone knows how each message stands, so a crash loses none.

pub mod gsm0338;
mod http;
mod inbox;
mod outbox;
pub mod position;
mod reader;
mod smpp;

pub use http::{HttpGateway, NotAGateway, Template};
pub use inbox::{Inbox, NotANotice, Notice};
pub use outbox::{Outbox, Pacing, Parts};
pub use reader::{Parts as ReaderParts, Reader};
pub use smpp::{SmppAccount, SmppGateway};

use domain::SmsId;
use std::{future::Future, pin::Pin};

/// What a gateway says about a message that it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// It is the gateway's now.
    Accepted { reference: Option<String> },
    /// It will never take it.
    Refused(String),
    /// It could not take it this time.
    Failed(String),
    /// It cannot be reached, or takes no more for the moment: that was no attempt.
    Later(String),
}

/// Takes messages out of this house.
pub trait Gateway: Send + Sync + 'static {
    fn send<'a>(
        &'a self,
        id: SmsId,
        phone: &'a str,
        text: &'a str,
    ) -> Pin<Box<dyn Future<Output = Said> + Send + 'a>>;
}
