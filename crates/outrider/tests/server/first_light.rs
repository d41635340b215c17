//! A device's bytes become a durable position that the API shows.

use crate::support::Server;
use serde_json::json;

#[test]
fn a_registered_device_is_just_registered() {
    let server = Server::start();
    let anna = server.user("anna@example.com");
    let tracker = anna.register("Van 1", "356307042441013");
    let state = anna.state(tracker);
    assert_eq!(state["connection_status"], "just_registered");
    assert_eq!(state["gps"]["updated"], json!(null));
}
