//! How often and how long a command is tried: every way back to it is counted here.

use core::time::Duration;

use usb_spec::time::Instant;

use super::exec::Answer;
use super::sense::{Subject, Verdict, judge};
use super::{Error, Policy};
use crate::bot::Moved;

/// How many unit attentions a disk may have in store before one command gets through.
const ATTENTIONS_MAX: u8 = 8;

/// What to do after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weighed {
    Done(Moved),
    Again,
    Pause(Instant),
    NeedsStart(Error),
    Fail(Error),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    tries_left: u8,
    attentions_left: u8,
    /// Pauses are counted as well as timed: a clock that stands still must not make them endless.
    pauses_left: u32,
    deadline: Instant,
    pause: Duration,
}

impl Patience {
    pub(super) fn new(policy: &Policy, now: Instant) -> Self {
        let pause = policy.ready_pause.max(Duration::from_millis(1));
        let pauses = policy.ready_timeout.as_nanos().div_ceil(pause.as_nanos());
        Self {
            tries_left: policy.tries.saturating_sub(1),
            attentions_left: ATTENTIONS_MAX,
            pauses_left: u32::try_from(pauses).unwrap_or(u32::MAX),
            deadline: now + policy.ready_timeout,
            pause,
        }
    }

    /// A question was answered: the next one has its own tries. The time to become ready is not given twice.
    pub(super) fn refill(&mut self, policy: &Policy) {
        self.tries_left = policy.tries.saturating_sub(1);
        self.attentions_left = ATTENTIONS_MAX;
    }

    pub(super) fn weigh(&mut self, now: Instant, answer: Answer, subject: Subject) -> Weighed {
        let (sense, moved) = match answer {
            Answer::Good(moved) => return Weighed::Done(moved),
            Answer::MaxLun(_) => return Weighed::Done(Moved::NONE),
            Answer::Broken(cause) => return self.again(Error::Transport { cause }),
            Answer::Unusable(cause) => return Weighed::Fail(Error::Unusable { cause }),
            Answer::Gone => return Weighed::Fail(Error::Gone),
            Answer::Check { sense, moved } => (sense, moved),
        };
        match judge(sense, subject) {
            Verdict::Done => Weighed::Done(moved),
            Verdict::Attention(error) => count(&mut self.attentions_left, error),
            Verdict::Again(error) => self.again(error),
            Verdict::Later(error) => self.later(now, error),
            Verdict::NeedsStart(error) => Weighed::NeedsStart(error),
            Verdict::Fail(error) => Weighed::Fail(error),
        }
    }

    pub(super) fn again(&mut self, error: Error) -> Weighed {
        count(&mut self.tries_left, error)
    }

    pub(super) fn later(&mut self, now: Instant, error: Error) -> Weighed {
        let until = now + self.pause;
        match self.pauses_left.checked_sub(1) {
            Some(left) if until <= self.deadline => {
                self.pauses_left = left;
                Weighed::Pause(until)
            }
            _ => Weighed::Fail(error),
        }
    }
}

fn count(left: &mut u8, error: Error) -> Weighed {
    match left.checked_sub(1) {
        Some(rest) => {
            *left = rest;
            Weighed::Again
        }
        None => Weighed::Fail(error),
    }
}
