//! Port register sets: status, power management, link. xHCI 1.2 §5.4.8 to §5.4.11.

use core::fmt;

use super::field::{Access, Show};
use super::register::{Register, register};
use super::value::FieldValue;
use crate::number::SpeedId;

/// Link state of a port; values that nobody named survive. xHCI 1.2 §5.4.8, PLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortLinkState(pub u8);

impl PortLinkState {
    /// The link works.
    pub const U0: Self = Self(0);
    /// Light sleep.
    pub const U1: Self = Self(1);
    /// Deeper sleep; on USB2 ports this is L1.
    pub const U2: Self = Self(2);
    /// Suspended; on USB2 ports this is L2.
    pub const U3: Self = Self(3);
    /// The port is disabled.
    pub const DISABLED: Self = Self(4);
    /// Looking for a partner.
    pub const RX_DETECT: Self = Self(5);
    /// The link failed; only a warm reset helps.
    pub const INACTIVE: Self = Self(6);
    /// Training; on USB2 ports a connected, not yet reset device.
    pub const POLLING: Self = Self(7);
    /// Retraining.
    pub const RECOVERY: Self = Self(8);
    /// Hot reset.
    pub const HOT_RESET: Self = Self(9);
    /// Compliance mode.
    pub const COMPLIANCE_MODE: Self = Self(10);
    /// Test mode of a USB2 port.
    pub const TEST_MODE: Self = Self(11);
    /// A device, or on a USB2 port also software, resumes the link.
    pub const RESUME: Self = Self(15);

    /// The state's name, if it has one.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0 => "U0",
            1 => "U1",
            2 => "U2",
            3 => "U3",
            4 => "Disabled",
            5 => "RxDetect",
            6 => "Inactive",
            7 => "Polling",
            8 => "Recovery",
            9 => "HotReset",
            10 => "ComplianceMode",
            11 => "TestMode",
            15 => "Resume",
            _ => return None,
        })
    }
}

impl fmt::Display for PortLinkState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "PLS {}", self.0),
        }
    }
}

impl FieldValue for PortLinkState {
    const SHOW: Show = Show::Named(|raw| Self::from_raw(raw).name());
    fn from_raw(raw: u64) -> Self {
        Self(u8::from_raw(raw))
    }
    fn to_raw(self) -> u64 {
        self.0.to_raw()
    }
}

impl FieldValue for SpeedId {
    const SHOW: Show = Show::Number;
    fn from_raw(raw: u64) -> Self {
        Self(u8::from_raw(raw))
    }
    fn to_raw(self) -> u64 {
        self.0.to_raw()
    }
}

register! {
    /// Port status and control.
    ///
    /// Never write back what was read: start from [`Register::to_neutral`].
    PortSc(u32): "PORTSC", "Port Status and Control", Port + 0x00, "5.4.8";
    /// A device is connected.
    current_connect_status / with_current_connect_status: bool = [0; 1], Access::Ros, "CCS";
    /// The port is enabled; writing 1 disables it.
    port_enabled / with_port_enabled: bool = [1; 1], Access::Rw1cs, "PED";
    /// Over-current is present.
    over_current_active / with_over_current_active: bool = [3; 1], Access::Ro, "OCA";
    /// Resets the port (USB3: hot reset); reads 1 until done.
    port_reset / with_port_reset: bool = [4; 1], Access::Rw1s, "PR";
    /// State of the link; written only together with LWS.
    port_link_state / with_port_link_state: PortLinkState = [5; 4], Access::RwsWith(16), "PLS";
    /// The port has power.
    port_power / with_port_power: bool = [9; 1], Access::Rws, "PP";
    /// Protocol speed id of the connected device.
    port_speed / with_port_speed: SpeedId = [10; 4], Access::Ros, "Speed";
    /// Indicator: 0 off, 1 amber, 2 green.
    port_indicator_control / with_port_indicator_control: u8 = [14; 2], Access::Rws, "PIC";
    /// This write sets PLS; reads 0.
    port_link_state_write_strobe / with_port_link_state_write_strobe: bool = [16; 1], Access::WriteOnly, "LWS";
    /// CCS or CAS changed.
    connect_status_change / with_connect_status_change: bool = [17; 1], Access::Rw1cs, "CSC";
    /// PED went from 1 to 0 by itself.
    port_enabled_change / with_port_enabled_change: bool = [18; 1], Access::Rw1cs, "PEC";
    /// A warm reset is done; USB3 ports only.
    warm_port_reset_change / with_warm_port_reset_change: bool = [19; 1], Access::Rw1cs, "WRC";
    /// OCA changed.
    over_current_change / with_over_current_change: bool = [20; 1], Access::Rw1cs, "OCC";
    /// A reset is done.
    port_reset_change / with_port_reset_change: bool = [21; 1], Access::Rw1cs, "PRC";
    /// PLS made one of the transitions that software wants to know of.
    port_link_state_change / with_port_link_state_change: bool = [22; 1], Access::Rw1cs, "PLC";
    /// Link configuration failed; USB3 ports only.
    port_config_error_change / with_port_config_error_change: bool = [23; 1], Access::Rw1cs, "CEC";
    /// A device was attached while the port could not train; a warm reset helps.
    cold_attach_status / with_cold_attach_status: bool = [24; 1], Access::Ro, "CAS";
    /// Wake on connect.
    wake_on_connect_enable / with_wake_on_connect_enable: bool = [25; 1], Access::Rws, "WCE";
    /// Wake on disconnect.
    wake_on_disconnect_enable / with_wake_on_disconnect_enable: bool = [26; 1], Access::Rws, "WDE";
    /// Wake on over-current.
    wake_on_over_current_enable / with_wake_on_over_current_enable: bool = [27; 1], Access::Rws, "WOE";
    /// The device cannot be removed.
    device_removable / with_device_removable: bool = [30; 1], Access::Ro, "DR";
    /// Warm resets the port; USB3 ports only. Reads 0.
    warm_port_reset / with_warm_port_reset: bool = [31; 1], Access::Rw1s, "WPR";
    .. reserved [2; 1] RsvdZ [28; 2] RsvdZ;
}

impl PortSc {
    /// The change bits: write-1-to-clear, and not PED, which a write of 1 disables. xHCI 1.2 §4.19.2.
    #[must_use]
    pub fn change_mask() -> u32 {
        let enabled = Self::default().with_port_enabled(true).bits();
        u32::from_raw(Self::mask_of(Access::is_write_one_to_clear)) & !enabled
    }

    /// The change bits that are set.
    #[must_use]
    pub fn changes(self) -> u32 {
        self.bits() & Self::change_mask()
    }

    /// The value to write that acknowledges exactly the change bits seen here.
    #[must_use]
    pub fn acknowledge(self) -> Self {
        Self::from_bits(self.to_neutral().bits() | self.changes())
    }

    /// The value to write that asks for a link state. xHCI 1.2 §4.15.1.
    #[must_use]
    pub fn request_link_state(self, state: PortLinkState) -> Self {
        self.to_neutral()
            .with_port_link_state(state)
            .with_port_link_state_write_strobe(true)
    }
}

register! {
    /// Port power management of a USB3 port.
    PortPmscUsb3(u32): "PORTPMSC", "Port Power Management Status and Control (USB3)", Port + 0x04, "5.4.9.1";
    /// Inactivity before U1, in microseconds; 0xFF: never.
    u1_timeout_us / with_u1_timeout_us: u8 = [0; 8], Access::Rws, "U1Timeout";
    /// Inactivity before U2, in steps of 256 microseconds; 0xFF: never.
    u2_timeout / with_u2_timeout: u8 = [8; 8], Access::Rws, "U2Timeout";
    /// Forces the link partner to accept low-power states.
    force_link_pm_accept / with_force_link_pm_accept: bool = [16; 1], Access::Rw, "FLA";
    .. reserved [17; 15] RsvdP;
}

register! {
    /// Port power management of a USB2 port.
    PortPmscUsb2(u32): "PORTPMSC", "Port Power Management Status and Control (USB2)", Port + 0x04, "5.4.9.2";
    /// How the last L1 request ended: 1 success, 2 not yet, 3 not supported, 4 timeout or error.
    l1_status / with_l1_status: u8 = [0; 3], Access::Ro, "L1S";
    /// The device may wake the host from L1.
    remote_wake_enable / with_remote_wake_enable: bool = [3; 1], Access::Rw, "RWE";
    /// Best effort service latency, or host initiated resume duration.
    best_effort_service_latency / with_best_effort_service_latency: u8 = [4; 4], Access::Rw, "BESL";
    /// Slot of the device for L1 requests.
    l1_device_slot / with_l1_device_slot: u8 = [8; 8], Access::Rw, "L1DS";
    /// Hardware enters L1 on its own.
    hardware_lpm_enable / with_hardware_lpm_enable: bool = [16; 1], Access::Rw, "HLE";
    /// Test mode: 0 none, 1 J, 2 K, 3 SE0 NAK, 4 packet, 5 force enable, 15 error.
    port_test_control / with_port_test_control: u8 = [28; 4], Access::Rw, "TestMode";
    .. reserved [17; 11] RsvdP;
}

register! {
    /// Link information of a USB3 port.
    PortLiUsb3(u32): "PORTLI", "Port Link Info (USB3)", Port + 0x08, "5.4.10.1";
    /// Link errors since the last reset.
    link_error_count / with_link_error_count: u16 = [0; 16], Access::Rw, "LinkErrorCount";
    /// Receive lanes, less one.
    rx_lane_count_z / with_rx_lane_count_z: u8 = [16; 4], Access::Ro, "RLC";
    /// Transmit lanes, less one.
    tx_lane_count_z / with_tx_lane_count_z: u8 = [20; 4], Access::Ro, "TLC";
    .. reserved [24; 8] RsvdP;
}

register! {
    /// Link information of a USB2 port: reserved.
    PortLiUsb2(u32): "PORTLI", "Port Link Info (USB2)", Port + 0x08, "5.4.10.2";
    .. reserved [0; 32] RsvdP;
}

register! {
    /// Hardware LPM control of a USB3 port: only a count of errors, if its Supported Protocol says LSECC.
    PortHlpmcUsb3(u32): "PORTHLPMC", "Port Hardware LPM Control (USB3)", Port + 0x0c, "5.4.11.1";
    /// Link errors that the link itself repaired.
    link_soft_error_count / with_link_soft_error_count: u16 = [0; 16], Access::Rw, "LSEC";
    .. reserved [16; 16] RsvdP;
}

register! {
    /// Hardware LPM control of a USB2 port.
    PortHlpmcUsb2(u32): "PORTHLPMC", "Port Hardware LPM Control (USB2)", Port + 0x0c, "5.4.11.2";
    /// How HIRD or BESL is chosen: 0 BESL alone, 1 BESL or BESLD.
    host_initiated_resume_duration_mode / with_host_initiated_resume_duration_mode: u8 = [0; 2], Access::Rws, "HIRDM";
    /// Inactivity before L1, in steps of 128 microseconds.
    l1_timeout / with_l1_timeout: u8 = [2; 8], Access::Rws, "L1Timeout";
    /// Deep best effort service latency.
    best_effort_service_latency_deep / with_best_effort_service_latency_deep: u8 = [10; 4], Access::Rws, "BESLD";
    .. reserved [14; 18] RsvdP;
}
