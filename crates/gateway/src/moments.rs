//! What is worth a line in the log or a number in the metrics: one function per moment.

use crate::{Refusal, ending::Ended};
use domain::SourceId;
use protocols::Broken;
use std::{io, time::Duration};
use store::{catalog::CatalogError, journal::JournalError};

pub(crate) fn connected(protocol: &'static str) {
    metrics::counter!("gateway_connections_total", "protocol" => protocol).increment(1);
}

pub(crate) fn admitted(protocol: &'static str, source: SourceId) {
    tracing::info!(source.id = source.0, protocol, "device connected");
}

pub(crate) fn refused(reason: Refusal) {
    metrics::counter!("gateway_refused_total", "reason" => reason.as_str()).increment(1);
    tracing::debug!(reason = reason.as_str(), "turned away");
}

/// `records` go to the journal.
pub(crate) fn received(protocol: &'static str, records: usize) {
    metrics::counter!("gateway_records_total", "protocol" => protocol).increment(records as u64);
}

/// A record is acknowledged, but not kept.
pub(crate) fn dropped(reason: &'static str) {
    metrics::counter!("gateway_dropped_total", "reason" => reason).increment(1);
}

pub(crate) fn problem(protocol: &'static str, source: SourceId, error: &str) {
    metrics::counter!("gateway_problems_total", "protocol" => protocol).increment(1);
    tracing::debug!(source.id = source.0, protocol, error, "bytes not understood");
}

pub(crate) fn command_sent() {
    metrics::counter!("gateway_commands_sent_total").increment(1);
}

/// The catalog could not say or write down where a command stands.
pub(crate) fn queue_failed(error: &CatalogError) {
    metrics::counter!("gateway_command_queue_errors_total").increment(1);
    tracing::warn!(error = error as &dyn std::error::Error, "the queue of commands failed");
}

pub(crate) fn datagram(protocol: &'static str) {
    metrics::counter!("gateway_datagrams_total", "protocol" => protocol).increment(1);
}

pub(crate) fn not_received(error: &io::Error) {
    metrics::counter!("gateway_receive_errors_total").increment(1);
    tracing::warn!(%error, "a datagram could not be received");
}

pub(crate) fn not_sent(error: &io::Error) {
    metrics::counter!("gateway_send_errors_total").increment(1);
    tracing::debug!(%error, "a datagram could not be sent");
}

/// Nothing of it is acknowledged.
pub(crate) fn not_durable(error: &JournalError) {
    datagram_dropped("journal");
    tracing::debug!(error = error as &dyn std::error::Error, "not durable");
}

/// A datagram that is neither kept nor acknowledged.
pub(crate) fn datagram_dropped(reason: &'static str) {
    metrics::counter!("gateway_datagrams_dropped_total", "reason" => reason).increment(1);
    tracing::debug!(reason, "datagram dropped");
}

pub(crate) fn acknowledged(after: Duration) {
    metrics::histogram!("gateway_ack_seconds").record(after);
}

pub(crate) fn ended(ended: &Ended, protocol: &'static str, source: Option<SourceId>) {
    metrics::counter!("gateway_ended_total", "reason" => ended.label()).increment(1);
    let cause = std::error::Error::source(&ended).map(tracing::field::display);
    match ended {
        Ended::Broken(broken) => {
            let reason = match broken {
                Broken::Checksum { .. } => "checksum",
                Broken::TooLong { .. } => "too_long",
                Broken::NotAFrame(_) => "not_a_frame",
                Broken::OutOfOrder(_) => "out_of_order",
            };
            metrics::counter!("gateway_broken_total", "reason" => reason).increment(1);
        }
        Ended::Refused(reason) => refused(*reason),
        _ => {}
    }
    match source {
        Some(source) => tracing::info!(source.id = source.0, protocol, cause, "device disconnected: {ended}"),
        None => tracing::debug!(protocol, cause, "connection ended: {ended}"),
    }
}

/// One device of a connection that goes on with others.
pub(crate) fn let_go(why: &Ended, protocol: &'static str, source: SourceId) {
    metrics::counter!("gateway_let_go_total", "reason" => why.label()).increment(1);
    tracing::info!(source.id = source.0, protocol, "device disconnected: {why}");
}

pub(crate) fn panicked() {
    metrics::counter!("gateway_ended_total", "reason" => Ended::Panicked.label()).increment(1);
    tracing::error!("a session panicked and was closed");
}

pub(crate) fn not_accepted(error: &io::Error) {
    metrics::counter!("gateway_accept_errors_total").increment(1);
    tracing::warn!(%error, "a connection could not be accepted");
}
