//! What the chip says of itself in configuration space: header and capabilities, as cards show them.

use renesas_spec::{POWER_MANAGEMENT, UPD720201, UPD720202, VENDOR, vscd};

use super::options::Model;
use crate::Space;
use crate::capability::{Chain, Express, Msi, MsiX, PowerManagement, extended};

/// Where the power management capability stands.
const POWER: u8 = POWER_MANAGEMENT.to_le_bytes()[0];
/// PMC with firmware: aux current 375 mA, PME from D0, D3hot and D3cold. Without firmware it cannot wake from D3cold.
const POWER_CAPABILITIES: u16 = 0xc9c3;
/// PMCSR after reset: it keeps its state over D3hot.
const POWER_CONTROL: u16 = 0x0008;
/// No subsystem ids until a VSCD brings some.
const NO_SUBSYSTEM: u32 = 0xffff_ffff;
/// Bytes of BAR 0.
const BAR_BYTES: u32 = 0x2000;

/// Everything after power-on that no engine answers for.
pub(super) fn space(model: Model) -> Space {
    let mut space = Space::new();
    let (device, revision) = match model {
        Model::Upd720201 => (UPD720201, 3),
        Model::Upd720202 => (UPD720202, 2),
    };
    space.put32(0x00, u32::from(VENDOR) | u32::from(device) << 16);
    // Command: I/O no, memory, bus master, parity, SERR, INTx disable. Status: the errors that 1 clears.
    space.let_write(0x04, 0x0000_0546);
    space.let_clear(0x04, 0xf900_0000);
    // USB, xHCI.
    space.put32(0x08, 0x0c03_3000 | revision);
    space.put(0x0c, &[0x10]);
    space.let_write(0x0c, 0xff);
    // 64 bits, not prefetchable.
    space.put32(0x10, 0x4);
    space.let_write(0x10, !(BAR_BYTES - 1));
    space.let_write(0x14, u32::MAX);
    space.put32(vscd::SUBSYSTEM, NO_SUBSYSTEM);
    // INTA, and a line that software remembers.
    space.put(0x3c, &[0xff, 0x01]);
    space.let_write(0x3c, 0xff);
    // USB 3.0, frame length.
    space.put(0x60, &[0x30, 0x20]);
    space.let_write(0x60, 0x3f00);
    capabilities(&mut space);
    // PHY 0 to 2 and HCConfiguration.
    space.put32(0xe4, 0x0003_0000);
    space.put32(0xe8, 0x0501_0000);
    for at in [0xdc, 0xe0, 0xe4, 0xe8] {
        space.let_write(at, u32::MAX);
    }
    space
}

fn capabilities(space: &mut Space) {
    let power = PowerManagement {
        capabilities: POWER_CAPABILITIES,
        control: POWER_CONTROL,
    };
    let express = Express {
        version: 2,
        // MPS 128, no function level reset.
        device: 0x0000_8fc0,
        // 5 GT/s x1, ASPM L0s and L1.
        link: 0x0007_ec12,
        link_status: 0x1012,
        // Completion timeout can be disabled, LTR.
        device_2: 0x0000_0810,
    };
    let msi_x = MsiX {
        last_vector: 7,
        table: 0x1000,
        pending: 0x1080,
    };
    let _ = Chain::new(space)
        .then(POWER, &power)
        .then(0x70, &Msi { vectors_log2: 3 })
        .then(0x90, &msi_x)
        .then(0xa0, &express);
    // Advanced error reporting, latency tolerance.
    extended(space, &[(0x100, 0x0001, 1), (0x150, 0x0018, 1)]);
}
