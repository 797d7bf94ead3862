//! What a driver finds before it touches anything: capability registers and extended capabilities. xHCI 1.2 §5.3, §7.

use crate::common::{Bench, ms, options};
use xhci_model::{Behaviour, FirmwareHandoff, Geometry, Options, PortGroup};
use xhci_spec::extended::{
    CapabilityId, Protocol, SupportedProtocol, UsbLegCtlSts, UsbLegSup, walk,
};
use xhci_spec::number::SpeedId;
use xhci_spec::registers::{
    CapLength, DbOff, HccParams1, HcsParams1, HcsParams2, Layout, Register, RtsOff,
};

/// The layout as a driver finds it.
fn discover(bench: &mut Bench) -> Layout {
    Layout::from_capabilities(
        CapLength::from_bits(bench.read(CapLength::OFFSET)),
        HcsParams1::from_bits(bench.read(HcsParams1::OFFSET)),
        HccParams1::from_bits(bench.read(HccParams1::OFFSET)),
        DbOff::from_bits(bench.read(DbOff::OFFSET)),
        RtsOff::from_bits(bench.read(RtsOff::OFFSET)),
    )
}

/// The extended capabilities by walking: id and offset.
fn capabilities(bench: &mut Bench) -> Vec<(CapabilityId, u32)> {
    let first = discover(bench).extended_capabilities;
    let limit = bench.controller.bar_bytes();
    let list: Result<Vec<_>, _> = walk(first, limit, |at| bench.read(at)).collect();
    let list = list.expect("the list should be sound");
    list.into_iter().map(|one| (one.id(), one.offset)).collect()
}

fn legacy(bench: &mut Bench) -> u32 {
    let list = capabilities(bench);
    let found = list
        .iter()
        .find(|(id, _)| *id == CapabilityId::LEGACY_SUPPORT);
    found.expect("there should be a legacy capability").1
}

#[test]
fn the_capability_registers_say_what_the_options_say() {
    let mut bench = Bench::new(Options {
        max_slots: 7,
        max_interrupters: 3,
        scratchpad_buffers: 777,
        event_ring_segments_exponent: 4,
        contexts_64: true,
        addressing_64: false,
        ..options()
    });
    let length = CapLength::from_bits(bench.read(0));
    assert_eq!(length.interface_version(), 0x0110);
    let one = HcsParams1::from_bits(bench.read(HcsParams1::OFFSET));
    let counts = (one.max_slots(), one.max_interrupters(), one.max_ports());
    assert_eq!(counts, (7, 3, 8));
    let two = HcsParams2::from_bits(bench.read(HcsParams2::OFFSET));
    assert_eq!(two.max_scratchpad_buffers(), 777);
    assert_eq!(two.max_event_ring_segments(), 16);
    let parameters = HccParams1::from_bits(bench.read(HccParams1::OFFSET));
    assert!(parameters.context_size_64() && !parameters.addressing_64());
}

#[test]
fn wherever_the_blocks_lie_a_driver_that_reads_finds_them() {
    for seed in 0..64 {
        let mut options = options();
        options.geometry = Geometry::scattered(seed, &options);
        let mut bench = Bench::running(options, 2);
        let layout = discover(&mut bench);
        assert_eq!(layout.max_ports, 8);
        assert!(layout.runtime_offset < bench.controller.bar_bytes());
        let ids: Vec<_> = capabilities(&mut bench).iter().map(|one| one.0).collect();
        assert!(ids.contains(&CapabilityId::LEGACY_SUPPORT), "seed {seed}");
    }
}

#[test]
fn supported_protocols_cover_each_port_once_and_a_vendor_capability_stands_before_them() {
    let mut bench = Bench::new(Options {
        ports: vec![PortGroup::usb3(2), PortGroup::usb2(5), PortGroup::usb3(1)],
        ..options()
    });
    let list = capabilities(&mut bench);
    assert!(list[0].0.is_vendor_defined());
    let mut ports = Vec::new();
    for (_, at) in list
        .iter()
        .filter(|one| one.0 == CapabilityId::SUPPORTED_PROTOCOL)
    {
        let protocol = SupportedProtocol::read(*at, |at| bench.read(at)).unwrap();
        let kind = protocol.protocol().unwrap();
        let (speed, rate) = match kind {
            Protocol::Usb2 => (SpeedId::HIGH, 480_000_000),
            Protocol::Usb3 => (SpeedId::SUPER, 5_000_000_000),
        };
        assert!(!protocol.speeds().is_empty());
        assert_eq!(protocol.bits_per_second(speed), Some(rate));
        ports.extend(protocol.port_numbers().unwrap().map(|port| (port, kind)));
    }
    let numbers: Vec<_> = ports.iter().map(|port| port.0).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(ports[2].1, Protocol::Usb2);
    assert_eq!(ports[7].1, Protocol::Usb3);
}

#[test]
fn speed_ids_can_be_left_out() {
    let mut bench = Bench::new(Options {
        speed_ids: false,
        ..options()
    });
    let list = capabilities(&mut bench);
    let (_, at) = list
        .iter()
        .find(|one| one.0 == CapabilityId::SUPPORTED_PROTOCOL)
        .unwrap();
    let protocol = SupportedProtocol::read(*at, |at| bench.read(at)).unwrap();
    assert!(protocol.speeds().is_empty());
}

#[test]
fn the_firmware_owns_the_controller_and_gives_it_up_after_a_while() {
    let behaviour = Behaviour {
        firmware: FirmwareHandoff::GivesUpAfter(ms(700)),
        ..Behaviour::default()
    };
    let mut bench = Bench::new(Options {
        behaviour,
        ..options()
    });
    let at = legacy(&mut bench);
    let before = UsbLegSup::from_bits(bench.read(at));
    assert!(before.firmware_owned() && !before.os_owned());
    bench.pass(ms(10_000));
    assert!(
        UsbLegSup::from_bits(bench.read(at)).firmware_owned(),
        "it is not asked"
    );
    bench.write(at, before.with_os_owned(true).bits());
    bench.pass(ms(699));
    assert!(UsbLegSup::from_bits(bench.read(at)).firmware_owned());
    bench.pass(ms(1));
    let after = UsbLegSup::from_bits(bench.read(at));
    assert!(!after.firmware_owned() && after.os_owned());
    assert_eq!(after.next(), before.next(), "the header is read only");
}

#[test]
fn a_firmware_that_never_answers_can_be_overruled() {
    let behaviour = Behaviour {
        firmware: FirmwareHandoff::Never,
        ..Behaviour::default()
    };
    let mut bench = Bench::new(Options {
        behaviour,
        ..options()
    });
    let at = legacy(&mut bench);
    let asked = UsbLegSup::from_bits(bench.read(at)).with_os_owned(true);
    bench.write(at, asked.bits());
    bench.pass(ms(60_000));
    assert!(UsbLegSup::from_bits(bench.read(at)).firmware_owned());
    bench.write(at, asked.with_firmware_owned(false).bits());
    assert!(!UsbLegSup::from_bits(bench.read(at)).firmware_owned());
}

#[test]
fn a_firmware_may_own_nothing_or_be_absent() {
    let with = |firmware| {
        let behaviour = Behaviour {
            firmware,
            ..Behaviour::default()
        };
        Bench::new(Options {
            behaviour,
            ..options()
        })
    };
    let mut bench = with(FirmwareHandoff::NotOwner);
    let at = legacy(&mut bench);
    assert!(!UsbLegSup::from_bits(bench.read(at)).firmware_owned());
    let mut bench = with(FirmwareHandoff::Absent);
    let list = capabilities(&mut bench);
    assert!(list.iter().all(|one| one.0 != CapabilityId::LEGACY_SUPPORT));
}

#[test]
fn smi_enables_can_be_cleared_and_smi_status_is_acknowledged_by_ones() {
    let mut bench = Bench::new(options());
    let at = legacy(&mut bench);
    let control = UsbLegCtlSts::from_bits(bench.read(at + 4));
    assert!(
        control.smi_enable(),
        "firmware that owns wants to hear of events"
    );
    let asked = UsbLegSup::from_bits(bench.read(at)).with_os_owned(true);
    bench.write(at, asked.bits());
    let control = UsbLegCtlSts::from_bits(bench.read(at + 4));
    assert!(control.smi_on_os_ownership_change());
    bench.write(at + 4, control.silence().bits());
    assert_eq!(bench.read(at + 4), 0);
}

#[test]
fn the_handoff_survives_hcrst() {
    use xhci_spec::registers::UsbCmd;
    let mut bench = Bench::new(options());
    bench.settle();
    let at = legacy(&mut bench);
    let asked = UsbLegSup::from_bits(bench.read(at)).with_os_owned(true);
    bench.write(at, asked.bits());
    bench.pass(ms(10));
    bench.write_op::<UsbCmd>(2);
    bench.pass(ms(10));
    let after = UsbLegSup::from_bits(bench.read(at));
    assert!(after.os_owned() && !after.firmware_owned());
}

#[test]
fn options_that_cannot_be_are_mended() {
    let mut options = options();
    options.ports = Vec::new();
    options.max_slots = 0;
    options.max_interrupters = 5000;
    options.geometry.doorbell_offset = 0x40;
    let mut bench = Bench::new(options);
    let layout = discover(&mut bench);
    assert_eq!(
        (layout.max_ports, layout.max_slots, layout.max_interrupters),
        (1, 1, 1024)
    );
    assert!(
        bench
            .controller
            .options()
            .geometry
            .fits(bench.controller.options())
    );
}
