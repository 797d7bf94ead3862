//! The boot keyboard: reports in, keys and text out. HID 1.11 appendix B, C and F.
//!
//! Not here: repetition of a held key (a matter of the screen, not of the cable), layouts other than US, mice, report descriptors.

use core::time::Duration;

use usb_spec::class::hid::{BootKeyboardReport, Leds, Modifiers, Protocol, ReportKind, Usage};
use usb_spec::{EndpointAddress, Setup};

use crate::transport::{Action, ActionId, ActionIds, CONTROL_OUT_MAX, Poll, Reply, Status, Step};

/// How many transfers may fail one after another before the keyboard counts as broken.
pub const FAULTS_MAX: u8 = 5;

const CONTROL_TIMEOUT: Duration = Duration::from_secs(5);
const REPORT_LENGTH: u8 = 8;
const _: () = assert!(
    REPORT_LENGTH as usize == BootKeyboardReport::LENGTH,
    "one report, one length"
);
const FIRST_MODIFIER: u8 = Usage::LEFT_CONTROL.0;

/// Where a keyboard's function is found in its device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyboardFunction {
    /// `bInterfaceNumber`.
    pub interface: u8,
    /// The interrupt IN endpoint.
    pub endpoint: EndpointAddress,
    /// Its largest packet: so much is asked for, so that a device with longer reports does not babble.
    pub max_packet: u16,
}

/// What a keyboard has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyboardEvent {
    /// A key went down or up.
    Key(Key),
    /// The last event there will be; all keys have been released before.
    Ended(KeyboardError),
}

/// A key that went down or up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Which key.
    pub usage: Usage,
    /// Down (`true`) or up.
    pub pressed: bool,
    /// The modifiers held at that time, this one included if it went down.
    pub modifiers: Modifiers,
    /// What it types on a US keyboard; nothing when it goes up, or while control, alt or a logo key is held.
    pub text: Option<char>,
}

/// Why a keyboard says no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyboardError {
    /// It was unplugged.
    #[error("the keyboard is not there any more: plug it in again")]
    Gone,
    /// Transfer after transfer failed.
    #[error("the keyboard's transfers keep failing, the last with {0}: try another port or cable")]
    Failing(Status),
}

/// The driver of one boot keyboard.
///
/// It asks for one report after the other, and only when the events of the last one were taken by [`Keyboard::poll_action`].
#[derive(Debug)]
pub struct Keyboard {
    function: KeyboardFunction,
    ids: ActionIds,
    state: State,
    pending: Option<ActionId>,
    faults: u8,
    /// What the events so far add up to.
    told: KeySet,
    /// What the device says is held.
    held: KeySet,
    leds: Leds,
    leds_due: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    SetProtocol,
    SetIdle,
    Listen,
    ClearHalt,
    /// A report may be lost, a release among them: what is held now is asked for. HID 1.11 §7.2.1.
    AskWhatIsHeld,
    Ending(KeyboardError),
    Ended,
}

impl Keyboard {
    /// The driver of a configured keyboard function that has not been spoken to.
    #[must_use]
    pub fn new(function: KeyboardFunction) -> Self {
        Self {
            function,
            ids: ActionIds::default(),
            state: State::SetProtocol,
            pending: None,
            faults: 0,
            told: KeySet::default(),
            held: KeySet::default(),
            leds: Leds(0),
            leds_due: false,
        }
    }

    /// What the keyboard wants next, or what was typed.
    pub fn poll_action(&mut self) -> Poll<KeyboardEvent> {
        if let Some(key) = self.next_key() {
            return Poll::Ready(KeyboardEvent::Key(key));
        }
        if let State::Ending(error) = self.state {
            self.state = State::Ended;
            return Poll::Ready(KeyboardEvent::Ended(error));
        }
        if self.pending.is_some() || self.state == State::Ended {
            return Poll::Waiting;
        }
        let step = self.next_step();
        self.pending = Some(step.id);
        Poll::Act(step)
    }

    /// Tells what became of an action. A reply that nobody waits for changes nothing.
    pub fn reply(&mut self, id: ActionId, reply: Reply<'_>) {
        if self.pending != Some(id) {
            return;
        }
        self.pending = None;
        if reply.status == Status::Gone {
            return self.end(KeyboardError::Gone);
        }
        if core::mem::take(&mut self.leds_due) {
            // The lamps are a courtesy; what went wrong with them changes nothing else.
            return;
        }
        let ok = reply.status == Status::Ok;
        match self.state {
            State::SetProtocol => match reply.status {
                // A device that has only one protocol may refuse to choose.
                Status::Ok | Status::Stall => self.state = State::SetIdle,
                status => self.count_fault(status),
            },
            // HID 1.11 §7.2.4 lets a device stall it; then it repeats reports that say the same, which costs nothing here.
            State::SetIdle => self.state = State::Listen,
            State::Listen if ok => {
                self.faults = 0;
                self.take_report(reply.data);
            }
            State::Listen => match reply.status {
                Status::Stall | Status::Error | Status::Babble => {
                    self.state = State::ClearHalt;
                    self.count_fault(reply.status);
                }
                // Taken back: nothing was typed.
                Status::Timeout | Status::Cancelled | Status::Gone | Status::Ok => {}
            },
            State::ClearHalt if ok => self.state = State::AskWhatIsHeld,
            State::ClearHalt => self.count_fault(reply.status),
            State::AskWhatIsHeld => {
                self.state = State::Listen;
                if ok && reply.data.len() >= BootKeyboardReport::LENGTH {
                    self.take_report(reply.data);
                } else {
                    // A key that sticks does more harm than one that has to be pressed again.
                    self.held = KeySet::default();
                }
            }
            State::Ending(_) | State::Ended => {}
        }
    }

    fn next_step(&mut self) -> Step {
        let KeyboardFunction {
            interface,
            endpoint,
            max_packet,
        } = self.function;
        let mut out = [0; CONTROL_OUT_MAX];
        let setup = match self.state {
            _ if self.leds_due => {
                out[0] = self.leds.0;
                Setup::set_report(ReportKind::OUTPUT, 0, interface, 1)
            }
            State::SetProtocol => Setup::set_protocol(Protocol::BOOT, interface),
            State::SetIdle => Setup::set_idle(0, 0, interface),
            State::AskWhatIsHeld => {
                Setup::get_report(ReportKind::INPUT, 0, interface, REPORT_LENGTH.into())
            }
            State::ClearHalt => {
                return self
                    .ids
                    .step(Action::ClearHalt { endpoint }, Some(CONTROL_TIMEOUT));
            }
            State::Listen | State::Ending(_) | State::Ended => {
                let length = u32::from(max_packet).max(REPORT_LENGTH.into());
                return self
                    .ids
                    .step(Action::InterruptIn { endpoint, length }, None);
            }
        };
        self.ids
            .step(Action::Control { setup, out }, Some(CONTROL_TIMEOUT))
    }

    /// Takes a report over. One that is too short says nothing; one that says "too many keys" leaves the keys as they are, but its modifiers count.
    /// HID 1.11 appendix C.
    fn take_report(&mut self, data: &[u8]) {
        let Some(report) = BootKeyboardReport::parse(data) else {
            return;
        };
        let is_error = |usage: &Usage| {
            (Usage::ERROR_ROLL_OVER.0..=Usage::ERROR_UNDEFINED.0).contains(&usage.0)
        };
        let mut held = if report.keys.iter().any(is_error) {
            self.held
        } else {
            KeySet::default()
        };
        held.set_modifiers(report.modifiers);
        for usage in report.pressed().filter(|usage| usage.0 < FIRST_MODIFIER) {
            held.set(usage, true);
        }
        self.held = held;
    }

    /// The next difference between what was told and what is held: releases first, then modifiers, then the other keys.
    fn next_key(&mut self) -> Option<Key> {
        let (usage, pressed) = match self.told.first_without(&self.held) {
            Some(released) => (released, false),
            None => (self.held.first_without(&self.told)?, true),
        };
        self.told.set(usage, pressed);
        if pressed && usage == Usage::CAPS_LOCK {
            self.leds = Leds(self.leds.0 ^ Leds::CAPS_LOCK);
            self.leds_due = true;
        }
        let modifiers = self.told.modifiers();
        let text = if pressed {
            self.text(usage, modifiers)
        } else {
            None
        };
        Some(Key {
            usage,
            pressed,
            modifiers,
            text,
        })
    }

    fn text(&self, usage: Usage, modifiers: Modifiers) -> Option<char> {
        if modifiers.has_control() || modifiers.has_alt() || modifiers.has_gui() {
            return None;
        }
        let caps = self.leds.0 & Leds::CAPS_LOCK != 0;
        let is_letter = (Usage::A.0..=Usage::Z.0).contains(&usage.0);
        usage.to_char(modifiers.has_shift() != (caps && is_letter))
    }

    fn count_fault(&mut self, status: Status) {
        self.faults += 1;
        if self.faults >= FAULTS_MAX {
            self.end(KeyboardError::Failing(status));
        }
    }

    fn end(&mut self, error: KeyboardError) {
        self.held = KeySet::default();
        self.state = State::Ending(error);
    }
}

/// A set of usages of the keyboard page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct KeySet {
    low: u128,
    high: u128,
}

impl KeySet {
    fn set(&mut self, usage: Usage, held: bool) {
        let word = if usage.0 < 128 {
            &mut self.low
        } else {
            &mut self.high
        };
        let bit = 1u128 << (usage.0 & 127);
        *word = if held { *word | bit } else { *word & !bit };
    }

    fn modifiers(&self) -> Modifiers {
        Modifiers((self.high >> (FIRST_MODIFIER & 127)).to_le_bytes()[0])
    }

    fn set_modifiers(&mut self, modifiers: Modifiers) {
        let at = FIRST_MODIFIER & 127;
        self.high = self.high & !(0xff << at) | u128::from(modifiers.0) << at;
    }

    /// The first usage in here that `other` lacks: modifiers and what is near them before the rest.
    fn first_without(&self, other: &Self) -> Option<Usage> {
        let high = (self.high & !other.high).trailing_zeros();
        let low = (self.low & !other.low).trailing_zeros();
        let number = if high < 128 { high + 128 } else { low };
        u8::try_from(number)
            .ok()
            .filter(|_| high < 128 || low < 128)
            .map(Usage)
    }
}
