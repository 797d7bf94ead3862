//! Setup packets, hub status words and keyboard reports: eight bytes or fewer that mean something, whatever they are.

use usb_spec::Setup;
use usb_spec::class::cdc::LineCoding;
use usb_spec::class::hid::{BootKeyboardReport, Keystroke};
use usb_spec::class::hub::{
    ExtendedPortStatus, HubStatus, PortStatus, SuperSpeedPortStatus, emit_status, parse_status,
};
use usb_spec::class::uas::{CommandUnit, emit_pipe_usage, parse_pipe_usage};

use super::Target;
use crate::input::Input;

pub(super) const TARGET: Target = Target {
    name: "requests",
    about: "setup packets, hub status words, keyboard reports, UAS and CDC units",
    longest: 64,
    run,
};

fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    match input.u8() % 4 {
        0 => setup(input.u64().to_le_bytes()),
        1 => hub(input.u32()),
        2 => keyboard(input.bytes(12), input.bytes(12)),
        _ => units(input.rest()),
    }
}

fn setup(bytes: [u8; 8]) {
    let setup = Setup::from_bytes(bytes);
    assert_eq!(setup.to_bytes(), bytes);
    assert_eq!(setup.has_data(), setup.length > 0);
    let _ = (
        setup.standard_name(),
        setup.request.name(),
        setup.direction().name(),
    );
    let halves = [
        setup.value_low(),
        setup.value_high(),
        setup.index_low(),
        setup.index_high(),
    ];
    assert_eq!(halves, [bytes[2], bytes[3], bytes[4], bytes[5]]);
    let _ = format!("{setup:?}");
}

fn hub(bits: u32) {
    let (status, change) = parse_status(bits.to_le_bytes());
    assert_eq!(emit_status(status, change), bits.to_le_bytes());
    let port = PortStatus(status);
    let _ = (
        port.speed(),
        port.is_connected(),
        HubStatus(change).has_over_current(),
    );
    let port = SuperSpeedPortStatus(status);
    let _ = (port.link_state().name(), port.speed_code());
    let port = ExtendedPortStatus(bits);
    let _ = (port.rx_sublink_speed_id(), port.tx_sublink_speed_id());
    assert!(port.rx_lanes_z() < 16 && port.tx_lanes_z() < 16);
}

fn keyboard(before: &[u8], now: &[u8]) {
    let Some((before, now)) = BootKeyboardReport::parse(before).zip(BootKeyboardReport::parse(now))
    else {
        return;
    };
    assert_eq!(BootKeyboardReport::parse(&now.emit()), Some(now));
    for usage in now.pressed_since(&before) {
        assert!(now.pressed().any(|held| held == usage));
        assert!(before.pressed().all(|held| held != usage));
        let shift = now.modifiers.has_shift();
        if let Some(letter) = usage.to_char(shift) {
            let stroke = Keystroke::from_char(letter).expect("what a key types can be typed");
            assert_eq!(stroke.to_char(), Some(letter));
        }
    }
    let _ = now.is_rolled_over();
}

fn units(bytes: &[u8]) {
    if let Some(coding) = LineCoding::parse(bytes) {
        assert_eq!(LineCoding::parse(&coding.emit()), Some(coding));
    }
    if let Some(unit) = CommandUnit::parse(bytes) {
        assert_eq!(CommandUnit::parse(&unit.emit()), Some(unit));
    }
    if let Some(pipe) = parse_pipe_usage(bytes) {
        assert_eq!(parse_pipe_usage(&emit_pipe_usage(pipe)), Some(pipe));
    }
}
