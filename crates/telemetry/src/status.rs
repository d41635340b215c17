//! Connection status: a function of what was heard of a device and of the time that has passed since.

use domain::{Connection, ConnectionStatus, ConnectionTimeouts, State, Timestamp};

/// The connection status at `now`.
///
/// - No packet ever: just registered. No packet for `offline`: offline, whether or not its connection stays open.
/// - The connection of an activated device broke and it has not called since: signal lost.
/// - The last message brought a current fix, less than `idle` ago: active. Logins and heartbeats keep a device from
///   going offline, but say nothing about its fix, so they neither make it active nor idle.
/// - Else idle.
pub fn connection_status(state: &State, now: Timestamp, timeouts: &ConnectionTimeouts) -> ConnectionStatus {
    let connection = &state.connection;
    let Some(last_packet) = connection.last_packet else { return ConnectionStatus::JustRegistered };
    if now >= last_packet.plus(timeouts.offline) {
        ConnectionStatus::Offline
    } else if connection.link_lost.is_some() && connection.activated.is_some() {
        ConnectionStatus::SignalLost
    } else if current_until(connection, timeouts).is_some_and(|end| now < end) {
        ConnectionStatus::Active
    } else {
        ConnectionStatus::Idle
    }
}

/// When the status will change if nothing more is heard; `None` when it will not.
pub fn next_change(state: &State, now: Timestamp, timeouts: &ConnectionTimeouts) -> Option<Timestamp> {
    let offline = state.connection.last_packet?.plus(timeouts.offline);
    match connection_status(state, now, timeouts) {
        ConnectionStatus::Active => {
            current_until(&state.connection, timeouts).map(|idle| idle.min(offline)).or(Some(offline))
        }
        ConnectionStatus::SignalLost | ConnectionStatus::Idle => Some(offline),
        ConnectionStatus::Offline | ConnectionStatus::JustRegistered => None,
    }
}

/// Until when the last message counts as current; `None` when it never was.
fn current_until(connection: &Connection, timeouts: &ConnectionTimeouts) -> Option<Timestamp> {
    connection.last_current.filter(|_| connection.is_current()).map(|time| time.plus(timeouts.idle))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ConnectionStatus::{Active, Idle, JustRegistered, Offline, SignalLost};
    use proptest::prelude::*;
    use std::time::Duration;

    fn seconds(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn state(connection: Connection) -> State {
        let mut state = State::default();
        state.connection = connection;
        state
    }

    /// A device that sent a current fix at 0.
    fn heard() -> Connection {
        Connection {
            last_packet: Some(seconds(0)),
            last_message: Some(seconds(0)),
            last_current: Some(seconds(0)),
            activated: Some(seconds(-100)),
            link_lost: None,
        }
    }

    #[test]
    fn by_what_was_heard_and_when() {
        let never = Connection::default();
        let login_only = Connection { last_packet: Some(seconds(0)), ..never };
        let no_fix_at_60 =
            Connection { last_packet: Some(seconds(60)), last_message: Some(seconds(60)), ..heard() };
        let heartbeat_at_240 = Connection { last_packet: Some(seconds(240)), ..heard() };
        let broken = Connection { link_lost: Some(seconds(10)), ..heard() };
        let broken_before_activation = Connection { link_lost: Some(seconds(10)), ..login_only };
        let table: &[(Connection, i64, ConnectionStatus, Option<i64>)] = &[
            (never, 0, JustRegistered, None),
            (never, 1_000_000, JustRegistered, None),
            (login_only, 0, Idle, Some(600)),
            (login_only, 599, Idle, Some(600)),
            (login_only, 600, Offline, None),
            (heard(), 0, Active, Some(300)),
            (heard(), -5, Active, Some(300)),
            (heard(), 299, Active, Some(300)),
            (heard(), 300, Idle, Some(600)),
            (heard(), 599, Idle, Some(600)),
            (heard(), 600, Offline, None),
            (no_fix_at_60, 60, Idle, Some(660)),
            (no_fix_at_60, 660, Offline, None),
            (heartbeat_at_240, 299, Active, Some(300)),
            (heartbeat_at_240, 300, Idle, Some(840)),
            (heartbeat_at_240, 840, Offline, None),
            (broken, 10, SignalLost, Some(600)),
            (broken, 599, SignalLost, Some(600)),
            (broken, 600, Offline, None),
            (broken_before_activation, 10, Idle, Some(600)),
        ];
        let timeouts = ConnectionTimeouts::default();
        for (connection, now, status, next) in table {
            let state = state(*connection);
            assert_eq!(
                connection_status(&state, seconds(*now), &timeouts),
                *status,
                "{connection:?} at {now}"
            );
            assert_eq!(
                next_change(&state, seconds(*now), &timeouts),
                next.map(seconds),
                "{connection:?} at {now}"
            );
        }
    }

    #[test]
    fn an_offline_time_out_shorter_than_the_idle_one_goes_first() {
        let timeouts =
            ConnectionTimeouts { offline: Duration::from_secs(60), ..ConnectionTimeouts::default() };
        assert_eq!(next_change(&state(heard()), seconds(0), &timeouts), Some(seconds(60)));
        assert_eq!(connection_status(&state(heard()), seconds(60), &timeouts), Offline);
    }

    fn any_connection() -> impl Strategy<Value = Connection> {
        let time = || proptest::option::of((0_i64..1000).prop_map(seconds));
        (time(), time(), time(), time()).prop_map(|(packet, current, activated, link_lost)| Connection {
            last_packet: packet,
            last_message: packet,
            last_current: current.min(packet),
            activated,
            link_lost,
        })
    }

    proptest! {
        /// In silence a device only goes down: active, idle, offline. `next_change` names exactly the steps.
        #[test]
        fn in_silence_the_status_only_goes_down(connection in any_connection(), idle in 1..900_u64, offline in 1..900_u64) {
            let state = state(connection);
            let timeouts =
                ConnectionTimeouts { idle: Duration::from_secs(idle), offline: Duration::from_secs(offline) };
            let rank = |status| match status {
                JustRegistered | Active | SignalLost => 0,
                Idle => 1,
                Offline => 2,
            };
            let mut before = connection_status(&state, seconds(0), &timeouts);
            let mut due = next_change(&state, seconds(0), &timeouts);
            for second in 1..2500 {
                let now = connection_status(&state, seconds(second), &timeouts);
                prop_assert!(rank(now) >= rank(before));
                prop_assert_eq!(now != before, due == Some(seconds(second)), "{} {:?} {:?}", second, before, now);
                before = now;
                due = next_change(&state, seconds(second), &timeouts);
                prop_assert!(due.is_none_or(|due| due > seconds(second)));
            }
        }
    }
}
