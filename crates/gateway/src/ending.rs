//! Why a connection ended, and what the journal is told about it.

use crate::{Refusal, RosterError};
use domain::ContactKind;
use protocols::Broken;
use std::io;
use store::journal::JournalError;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Ended {
    #[error("the device closed the connection")]
    ByDevice,
    #[error("the conversation is over")]
    Closed,
    #[error("the server stops")]
    Stopping,
    #[error("the device has called again")]
    TakenOver,
    #[error("the device may not speak any longer")]
    NoLongerWelcome,
    #[error("no known device in time")]
    LoginTimeout,
    #[error("nothing came for too long")]
    IdleTimeout,
    #[error("the device does not take its reply")]
    ReplyTimeout,
    #[error("too many bytes wait")]
    OverBudget,
    #[error("broken conversation")]
    Broken(#[from] Broken),
    #[error("turned away: {}", .0.as_str())]
    Refused(Refusal),
    #[error("not durable")]
    Journal(#[from] JournalError),
    #[error("cannot be admitted")]
    Roster(#[from] RosterError),
    #[error("no TLS connection")]
    Handshake(#[source] io::Error),
    #[error("the connection broke")]
    Socket(#[from] io::Error),
    #[error("a fault of the server")]
    Panicked,
}

impl Ended {
    /// The value of the label `reason` in metrics.
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::ByDevice => "by_device",
            Self::Closed => "closed",
            Self::Stopping => "stopping",
            Self::TakenOver => "taken_over",
            Self::NoLongerWelcome => "no_longer_welcome",
            Self::LoginTimeout => "login_timeout",
            Self::IdleTimeout => "idle_timeout",
            Self::ReplyTimeout => "reply_timeout",
            Self::OverBudget => "over_budget",
            Self::Broken(_) => "broken",
            Self::Refused(_) => "refused",
            Self::Journal(_) => "journal",
            Self::Roster(_) => "roster",
            Self::Handshake(_) => "handshake",
            Self::Socket(_) => "socket",
            Self::Panicked => "panicked",
        }
    }

    /// The last contact of each device of the connection. An error or a time-out loses the link.
    pub(crate) fn contact(&self) -> ContactKind {
        match self {
            Self::ByDevice
            | Self::Closed
            | Self::Stopping
            | Self::TakenOver
            | Self::NoLongerWelcome
            | Self::Refused(_) => ContactKind::Closed,
            Self::LoginTimeout
            | Self::IdleTimeout
            | Self::ReplyTimeout
            | Self::OverBudget
            | Self::Broken(_)
            | Self::Journal(_)
            | Self::Roster(_)
            | Self::Handshake(_)
            | Self::Socket(_)
            | Self::Panicked => ContactKind::Lost,
        }
    }
}
