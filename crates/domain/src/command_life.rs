//! The life of a command: queued → taken → sent → acknowledged, or failed, expired, cancelled. Pure: time is an
//! argument, and whoever keeps commands writes down what came of a step.
//!
//! A command is never taken after it has expired. It is taken by one session at a time, which has it for a bounded time,
//! so that one whose holder died is taken again. Between sending a command and writing that down the holder may die: then
//! it is sent a second time. The other order would lose it.

use crate::{Outcome, Timestamp};
use std::time::Duration;

/// Where a command stands, and how it came there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandLife {
    pub state: CommandState,
    pub reliability: Reliability,
    /// How often it was taken to be sent.
    pub attempts: u32,
    /// From then on it is not sent.
    pub expires: Timestamp,
    /// The last time.
    pub sent: Option<Timestamp>,
    /// When it came to its end.
    pub over: Option<Timestamp>,
    /// The device's own words.
    pub reply: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CommandState {
    /// Waits for the device to be there.
    Queued,
    /// Somebody has it and is about to send it, until then.
    Taken {
        until: Timestamp,
    },
    /// Waits for the device's answer, until then.
    Sent {
        until: Timestamp,
    },
    /// The device has done it, or was told it where devices do not answer.
    Acknowledged,
    Failed(CommandFailure),
    /// Its time was over before it could be sent.
    Expired,
    Cancelled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CommandFailure {
    /// The device said no.
    Refused,
    /// The device did not answer.
    NoReply,
    /// The device's protocol has no such command.
    Unsupported,
    /// The protocol has no room for what it says.
    Unfit,
}

/// Whether a command is sent again when the device does not answer or its connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reliability {
    Once,
    Repeated,
}

/// What happens to a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandStep {
    /// Nothing but time.
    Pass,
    /// A session takes it to send it.
    Take,
    /// The session could not send it now.
    GiveBack,
    /// It can never be sent.
    Fail(CommandFailure),
    /// It is on its way; the device will answer.
    Send,
    /// It is on its way; the protocol knows no answer.
    SendUnanswered,
    /// The device answered.
    Answer {
        outcome: Outcome,
        reply: String,
    },
    /// The device has a new connection: nobody has the command any longer.
    Reconnect,
    Cancel,
}

/// Longer than a device may take to accept what is sent to it (`reply_timeout` of the gateway).
const TAKEN_FOR: Duration = Duration::from_secs(60);
/// A device that does not answer so often will not.
const ATTEMPTS: u32 = 5;

impl CommandLife {
    /// As long may a device take to answer.
    pub const REPLY_TIMEOUT: Duration = Duration::from_secs(60);

    pub fn new(reliability: Reliability, expires: Timestamp) -> Self {
        Self {
            state: CommandState::Queued,
            reliability,
            attempts: 0,
            expires,
            sent: None,
            over: None,
            reply: None,
        }
    }

    /// Goes on by `step` at `now`. `false`: it is not possible, and nothing has changed but what time alone does.
    pub fn step(&mut self, step: CommandStep, now: Timestamp) -> bool {
        self.pass(now);
        match (step, self.state) {
            (CommandStep::Pass, _) => {}
            (CommandStep::Take, CommandState::Queued) => {
                self.attempts += 1;
                self.state = CommandState::Taken { until: now.plus(TAKEN_FOR) };
            }
            (CommandStep::GiveBack, CommandState::Taken { .. }) => {
                self.attempts -= 1;
                self.queue(now);
            }
            (CommandStep::Fail(failure), CommandState::Taken { .. }) => {
                self.end(CommandState::Failed(failure), now);
            }
            (CommandStep::Send, CommandState::Taken { .. }) => {
                self.sent = Some(now);
                self.state = CommandState::Sent { until: now.plus(Self::REPLY_TIMEOUT) };
            }
            (CommandStep::SendUnanswered, CommandState::Taken { .. }) => {
                self.sent = Some(now);
                self.end(CommandState::Acknowledged, now);
            }
            (CommandStep::Answer { outcome, reply }, _) if self.may_be_answered() => {
                self.reply = Some(reply);
                let state = match outcome {
                    Outcome::Done => CommandState::Acknowledged,
                    Outcome::Refused => CommandState::Failed(CommandFailure::Refused),
                };
                self.end(state, now);
            }
            (CommandStep::Reconnect, CommandState::Taken { .. }) => self.queue(now),
            (CommandStep::Reconnect, CommandState::Sent { .. }) if self.may_be_repeated() => self.queue(now),
            (CommandStep::Cancel, _) if !self.state.is_over() => self.end(CommandState::Cancelled, now),
            _ => return false,
        }
        true
    }

    /// What time alone does. A reader who applies this first tells the truth even if nobody has written it down yet.
    pub fn pass(&mut self, now: Timestamp) {
        match self.state {
            CommandState::Taken { until } if until <= now => self.queue(now),
            CommandState::Sent { until } if until <= now && self.may_be_repeated() => self.queue(now),
            CommandState::Sent { until } if until <= now => {
                self.end(CommandState::Failed(CommandFailure::NoReply), until);
            }
            CommandState::Queued => self.queue(now),
            _ => {}
        }
    }

    fn queue(&mut self, now: Timestamp) {
        if self.expires <= now {
            self.end(CommandState::Expired, self.expires);
        } else {
            self.state = CommandState::Queued;
        }
    }

    fn end(&mut self, state: CommandState, at: Timestamp) {
        self.state = state;
        self.over = Some(at);
    }

    fn may_be_repeated(&self) -> bool {
        self.reliability == Reliability::Repeated && self.attempts < ATTEMPTS
    }

    /// An answer that comes late is an answer still.
    fn may_be_answered(&self) -> bool {
        let given_up =
            matches!(self.state, CommandState::Expired | CommandState::Failed(CommandFailure::NoReply));
        self.attempts > 0 && (given_up || !self.state.is_over())
    }
}

impl CommandState {
    /// Nothing but a late answer changes it any more.
    pub fn is_over(self) -> bool {
        match self {
            Self::Queued | Self::Taken { .. } | Self::Sent { .. } => false,
            Self::Acknowledged | Self::Failed(_) | Self::Expired | Self::Cancelled => true,
        }
    }

    /// Until when nothing else is sent to the device because of it; `None` when nothing keeps it from that.
    pub fn in_flight(self) -> Option<Timestamp> {
        match self {
            Self::Taken { until } | Self::Sent { until } => Some(until),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use CommandFailure::{NoReply, Refused, Unfit};
    use CommandState::{Acknowledged, Cancelled, Expired, Failed, Queued};
    use CommandStep::{Cancel, Fail, GiveBack, Pass, Reconnect, Send, SendUnanswered, Take};

    const EXPIRES: i64 = 1000;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_seconds(second)
    }

    fn answer(outcome: Outcome) -> CommandStep {
        CommandStep::Answer { outcome, reply: "said".to_owned() }
    }

    fn taken(until: i64) -> CommandState {
        CommandState::Taken { until: at(until) }
    }

    fn sent(until: i64) -> CommandState {
        CommandState::Sent { until: at(until) }
    }

    /// Steps at seconds, whether each is possible, and where the command stands at the end.
    fn check(reliability: Reliability, steps: &[(i64, CommandStep, bool)], end: CommandState, attempts: u32) {
        let mut life = CommandLife::new(reliability, at(EXPIRES));
        for (number, (second, step, possible)) in steps.iter().enumerate() {
            let before = life.clone();
            assert_eq!(life.step(step.clone(), at(*second)), *possible, "step {number} of {steps:?}");
            if !possible {
                let mut only_time = before;
                only_time.pass(at(*second));
                assert_eq!(life, only_time, "step {number} of {steps:?}");
            }
            assert_eq!(life.over.is_some(), life.state.is_over(), "step {number} of {steps:?}");
        }
        assert_eq!((life.state, life.attempts), (end, attempts), "{steps:?}");
    }

    #[test]
    fn a_command_goes_its_way() {
        let (done, refused) = (answer(Outcome::Done), answer(Outcome::Refused));
        for (steps, end, attempts) in [
            (vec![(1, Take, true)], taken(61), 1),
            (vec![(1, Take, true), (2, Take, false)], taken(61), 1),
            (vec![(1, Send, false), (1, GiveBack, false), (1, done.clone(), false)], Queued, 0),
            (vec![(1, Take, true), (2, Send, true)], sent(62), 1),
            (vec![(1, Take, true), (2, Send, true), (3, done.clone(), true)], Acknowledged, 1),
            (vec![(1, Take, true), (2, Send, true), (3, refused.clone(), true)], Failed(Refused), 1),
            (vec![(1, Take, true), (2, SendUnanswered, true), (3, done.clone(), false)], Acknowledged, 1),
            (vec![(1, Take, true), (2, GiveBack, true)], Queued, 0),
            (vec![(1, Take, true), (2, Fail(Unfit), true), (3, Cancel, false)], Failed(Unfit), 1),
            // The answer overtakes the note that it was sent.
            (vec![(1, Take, true), (2, done.clone(), true), (3, Send, false)], Acknowledged, 1),
            (vec![(1, Cancel, true), (2, Take, false)], Cancelled, 0),
            (vec![(1, Take, true), (2, Send, true), (3, Cancel, true), (4, done, false)], Cancelled, 1),
            (vec![(1, Take, true), (2, Reconnect, true)], Queued, 1),
        ] {
            for reliability in [Reliability::Once, Reliability::Repeated] {
                check(reliability, &steps, end, attempts);
            }
        }
    }

    #[test]
    fn nothing_is_taken_after_it_has_expired() {
        for (steps, end, attempts) in [
            (vec![(999, Take, true), (999, Send, true)], sent(1059), 1),
            (vec![(1000, Take, false)], Expired, 0),
            (vec![(2000, Take, false), (1, Take, false)], Expired, 0),
            (vec![(999, Take, true), (1000, GiveBack, true)], Expired, 0),
            (vec![(999, Take, true), (1000, Reconnect, true)], Expired, 1),
            // Who had it died, perhaps after sending it.
            (vec![(999, Take, true), (1059, Take, false)], Expired, 1),
            (vec![(999, Take, true), (1059, answer(Outcome::Done), true)], Acknowledged, 1),
        ] {
            check(Reliability::Repeated, &steps, end, attempts);
        }
    }

    #[test]
    fn only_what_is_repeated_is_sent_again() {
        let begin = [(1, Take, true), (1, Send, true)];
        let and = |more: &[(i64, CommandStep, bool)]| [&begin[..], more].concat();
        for (steps, once, repeated) in [
            (and(&[(60, Pass, true)]), sent(61), sent(61)),
            (and(&[(61, Pass, true)]), Failed(NoReply), Queued),
            (and(&[(900, answer(Outcome::Done), true)]), Acknowledged, Acknowledged),
        ] {
            check(Reliability::Once, &steps, once, 1);
            check(Reliability::Repeated, &steps, repeated, 1);
        }
        check(Reliability::Once, &and(&[(2, Reconnect, false)]), sent(61), 1);
        check(Reliability::Repeated, &and(&[(2, Reconnect, true)]), Queued, 1);
        check(Reliability::Repeated, &and(&[(1100, Pass, true)]), Expired, 1);
    }

    #[test]
    fn a_silent_device_is_asked_five_times() {
        let mut life = CommandLife::new(Reliability::Repeated, at(EXPIRES));
        let mut now = 0;
        while life.step(Take, at(now)) {
            assert!(life.step(Send, at(now)));
            now += 60;
        }
        assert_eq!((life.state, life.attempts, now), (Failed(NoReply), 5, 300));
        assert_eq!(life.over, Some(at(300)));
    }

    #[test]
    fn an_answer_is_kept() {
        let mut life = CommandLife::new(Reliability::Once, at(EXPIRES));
        assert!(
            life.step(Take, at(1)) && life.step(Send, at(2)) && life.step(answer(Outcome::Refused), at(3))
        );
        assert_eq!(life.reply.as_deref(), Some("said"));
        assert_eq!((life.sent, life.over), (Some(at(2)), Some(at(3))));
    }
}
