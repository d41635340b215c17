//! What happens to trackers and stands in their history of events.

use crate::{Command, CommandLife, CommandState, LockAction, command_life::CommandFailure};

/// A type of event that the API knows: its name there, and what it is called. Not all of them happen yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventType {
    pub name: &'static str,
    pub description: &'static str,
}

/// All types of events, by name.
pub fn event_types() -> impl Iterator<Item = EventType> {
    let lines = include_str!("../data/events.tsv").lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once('\t')).map(|(name, description)| EventType { name, description })
}

/// The types that happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// What the device did without a type of its own, and what became of everything else that it was told.
    Info,
    LocationResponse,
    LockClosed,
    LockOpened,
    OutputChange,
}

impl EventKind {
    pub const ALL: [Self; 5] =
        [Self::Info, Self::LocationResponse, Self::LockClosed, Self::LockOpened, Self::OutputChange];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::LocationResponse => "location_response",
            Self::LockClosed => "lock_closed",
            Self::LockOpened => "lock_opened",
            Self::OutputChange => "output_change",
        }
    }
}

/// What is told of a source whose place somebody had asked for.
pub const LOCATION_RECEIVED: &str = "Location received";

/// What there is to tell of a command that has come to its end; `None` before that. What the user typed and what the
/// device answered is not told: whoever sees a tracker sees its events, and passwords stand in such texts.
pub fn command_event(command: &Command, life: &CommandLife) -> Option<(EventKind, String)> {
    let end = match life.state {
        CommandState::Queued | CommandState::Taken { .. } | CommandState::Sent { .. } => return None,
        CommandState::Acknowledged if life.reply.is_some() => return Some(done(command)),
        // The protocol has no answers: nobody knows whether it was done.
        CommandState::Acknowledged => "sent",
        CommandState::Failed(CommandFailure::Refused) => "refused by the device",
        CommandState::Failed(CommandFailure::NoReply) => "not answered by the device",
        CommandState::Failed(CommandFailure::Unsupported) => "not known to the device's protocol",
        CommandState::Failed(CommandFailure::Unfit) => "too much for the device's protocol",
        CommandState::Expired => "expired before the device was there",
        CommandState::Cancelled => "cancelled",
    };
    Some((EventKind::Info, format!("{}: {end}", asked(command))))
}

fn done(command: &Command) -> (EventKind, String) {
    let (kind, message) = match command {
        Command::Output { .. } | Command::Outputs(_) => (EventKind::OutputChange, asked(command)),
        Command::Locate => (EventKind::LocationResponse, LOCATION_RECEIVED.to_owned()),
        Command::Lock { action: LockAction::Seal, .. } => (EventKind::LockClosed, "Lock closed".to_owned()),
        Command::Lock { action: LockAction::Unseal, .. } => (EventKind::LockOpened, "Lock opened".to_owned()),
        Command::Text(_) | Command::Bytes(_) | Command::Immobilize(_) => {
            (EventKind::Info, format!("{}: done", asked(command)))
        }
    };
    (kind, message)
}

fn asked(command: &Command) -> String {
    let switched = |on: bool| if on { "on" } else { "off" };
    match command {
        Command::Text(_) | Command::Bytes(_) => "Command".to_owned(),
        Command::Output { number, on } => format!("Output {number} {}", switched(*on)),
        Command::Outputs(states) => {
            let states: Vec<_> = states.iter().map(|on| switched(*on)).collect();
            format!("Outputs {}", states.join(", "))
        }
        Command::Immobilize(on) => format!("Engine block {}", switched(*on)),
        Command::Locate => "Location request".to_owned(),
        Command::Lock { action: LockAction::Seal, .. } => "Closing the lock".to_owned(),
        Command::Lock { action: LockAction::Unseal, .. } => "Opening the lock".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CommandStep, Outcome, Reliability, Timestamp};

    #[test]
    fn what_happens_is_a_type_that_is_listed_once() {
        let names: Vec<_> = event_types().map(|listed| listed.name).collect();
        assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
        for kind in EventKind::ALL {
            assert!(names.contains(&kind.as_str()), "{kind:?}");
        }
        assert!(event_types().all(|listed| !listed.description.is_empty()));
    }

    #[test]
    fn an_event_tells_the_end_of_a_command_and_no_typed_word() {
        let answer = |outcome| CommandStep::Answer { outcome, reply: "hunter2".into() };
        let (take, send) = (CommandStep::Take, CommandStep::Send);
        let done = [take.clone(), send.clone(), answer(Outcome::Done)];
        let refused = [take.clone(), send, answer(Outcome::Refused)];
        let unanswered = [take.clone(), CommandStep::SendUnanswered];
        let unfit = [take, CommandStep::Fail(CommandFailure::Unfit)];
        let output = Command::Output { number: 2, on: true };
        let lock = |action| Command::Lock { action, password: "hunter2".into() };
        let typed = Command::Text("setparam 1:hunter2".into());
        for (command, steps, kind, message) in [
            (&typed, &done[..], EventKind::Info, "Command: done"),
            (&typed, &refused, EventKind::Info, "Command: refused by the device"),
            (&typed, &[CommandStep::Cancel], EventKind::Info, "Command: cancelled"),
            (&Command::Bytes(b"hunter2".to_vec()), &unanswered, EventKind::Info, "Command: sent"),
            (&output, &done, EventKind::OutputChange, "Output 2 on"),
            (&output, &unanswered, EventKind::Info, "Output 2 on: sent"),
            (&Command::Outputs(vec![true, false]), &done, EventKind::OutputChange, "Outputs on, off"),
            (&Command::Immobilize(true), &done, EventKind::Info, "Engine block on: done"),
            (&Command::Locate, &done, EventKind::LocationResponse, "Location received"),
            (
                &Command::Locate,
                &unfit,
                EventKind::Info,
                "Location request: too much for the device's protocol",
            ),
            (&lock(LockAction::Seal), &done, EventKind::LockClosed, "Lock closed"),
            (&lock(LockAction::Unseal), &done, EventKind::LockOpened, "Lock opened"),
            (&lock(LockAction::Unseal), &refused, EventKind::Info, "Opening the lock: refused by the device"),
        ] {
            let mut life = CommandLife::new(Reliability::Once, Timestamp::from_seconds(1000));
            for step in steps {
                assert_eq!(command_event(command, &life), None, "{command:?} before {step:?}");
                assert!(life.step(step.clone(), Timestamp::from_seconds(1)));
            }
            assert_eq!(command_event(command, &life), Some((kind, message.to_owned())));
        }
        let mut life = CommandLife::new(Reliability::Once, Timestamp::from_seconds(1000));
        life.pass(Timestamp::from_seconds(1000));
        let expired = "Output 2 on: expired before the device was there".to_owned();
        assert_eq!(command_event(&output, &life), Some((EventKind::Info, expired)));
    }
}
