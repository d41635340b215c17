//! What the gateway binds, and when it does not start.

use crate::site::{Site, TestClock, TestJournal, TestRoster, config};
use gateway::{Gateway, GatewayConfig, StartError};
use std::{error::Error, sync::Arc};
use store::signals::Signals;

fn start(config: GatewayConfig) -> Result<Gateway, StartError> {
    let (journal, roster) = (Arc::new(TestJournal::default()), Arc::new(TestRoster::default()));
    Gateway::start(
        config,
        journal,
        roster.clone(),
        roster,
        &Signals::default(),
        Arc::new(TestClock::default()),
    )
}

#[tokio::test]
async fn every_port_can_be_chosen_or_closed() {
    let gateway = start(GatewayConfig { any: None, ..config() }).unwrap();
    assert_eq!(gateway.bound().any, None);
    assert_eq!(gateway.bound().tcp.keys().collect::<Vec<_>>(), [&"other", &"toy", &"web"]);
    assert_eq!(gateway.bound().udp["toy"], gateway.bound().tcp["toy"], "one number for both");

    let gateway = start(GatewayConfig { ports: [("toy".to_owned(), None)].into(), ..config() }).unwrap();
    assert!(gateway.bound().any.is_some_and(|any| any.port() > 0));
    assert_eq!(gateway.bound().tcp.keys().collect::<Vec<_>>(), [&"other", &"web"]);
    assert_eq!(gateway.bound().udp.keys().next(), None);
}

#[tokio::test]
async fn what_cannot_be_bound_is_named() {
    let occupant = Site::new();
    let taken = occupant.gateway.bound().tcp["toy"];
    let ports = [("toy".to_owned(), Some(taken.port()))].into();
    let error = start(GatewayConfig { ports, ..config() }).err().unwrap();
    assert_eq!(error.to_string(), format!("cannot listen on {taken} for toy"));
    assert!(error.source().is_some());

    let ports = [("tpy".to_owned(), Some(0))].into();
    let error = start(GatewayConfig { ports, ..config() }).err().unwrap();
    assert_eq!(error.to_string(), "[devices.ports] tpy: there is no such protocol");
}
