//! Hubs: status and change bits, feature selectors. USB 2.0 §11.24.2, USB 3.2 §10.16.2.

use crate::Speed;
use crate::open::open_number;

open_number! {
    /// A feature selector of a hub itself. USB 2.0 table 11-17.
    pub struct HubFeature(u16) {
        C_HUB_LOCAL_POWER = 0 => "C_HUB_LOCAL_POWER",
        C_HUB_OVER_CURRENT = 1 => "C_HUB_OVER_CURRENT",
    }
}

open_number! {
    /// A feature selector of a port. USB 2.0 table 11-17, USB 3.2 table 10-17 (numbers of tables unchecked).
    pub struct PortFeature(u16) {
        PORT_CONNECTION = 0 => "PORT_CONNECTION",
        PORT_ENABLE = 1 => "PORT_ENABLE",
        PORT_SUSPEND = 2 => "PORT_SUSPEND",
        PORT_OVER_CURRENT = 3 => "PORT_OVER_CURRENT",
        PORT_RESET = 4 => "PORT_RESET",
        PORT_LINK_STATE = 5 => "PORT_LINK_STATE",
        PORT_POWER = 8 => "PORT_POWER",
        PORT_LOW_SPEED = 9 => "PORT_LOW_SPEED",
        C_PORT_CONNECTION = 16 => "C_PORT_CONNECTION",
        C_PORT_ENABLE = 17 => "C_PORT_ENABLE",
        C_PORT_SUSPEND = 18 => "C_PORT_SUSPEND",
        C_PORT_OVER_CURRENT = 19 => "C_PORT_OVER_CURRENT",
        C_PORT_RESET = 20 => "C_PORT_RESET",
        PORT_TEST = 21 => "PORT_TEST",
        PORT_INDICATOR = 22 => "PORT_INDICATOR",
        PORT_U1_TIMEOUT = 23 => "PORT_U1_TIMEOUT",
        PORT_U2_TIMEOUT = 24 => "PORT_U2_TIMEOUT",
        C_PORT_LINK_STATE = 25 => "C_PORT_LINK_STATE",
        C_PORT_CONFIG_ERROR = 26 => "C_PORT_CONFIG_ERROR",
        PORT_REMOTE_WAKE_MASK = 27 => "PORT_REMOTE_WAKE_MASK",
        BH_PORT_RESET = 28 => "BH_PORT_RESET",
        C_BH_PORT_RESET = 29 => "C_BH_PORT_RESET",
        FORCE_LINKPM_ACCEPT = 30 => "FORCE_LINKPM_ACCEPT",
    }
}

/// Declares the bits of a status word: a constant and a question for each.
macro_rules! status_bits {
    ($(#[$meta:meta])* $name:ident { $($(#[$note:meta])* $constant:ident $question:ident = $bit:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
        pub struct $name(pub u16);

        impl $name {
            $(
                #[doc = concat!("The mask of bit ", stringify!($bit), ".")]
                $(#[$note])*
                pub const $constant: u16 = 1 << $bit;
            )*
            $(
                #[doc = concat!("Whether bit ", stringify!($bit), " is set.")]
                $(#[$note])*
                #[must_use]
                pub const fn $question(self) -> bool {
                    self.0 & Self::$constant != 0
                }
            )*
        }
    };
}

status_bits! {
    /// `wHubStatus` and, with the same bits, `wHubChange`. USB 2.0 §11.24.2.6.
    HubStatus {
        /// Status: local power is lost. Change: it changed.
        LOCAL_POWER has_lost_local_power = 0,
        /// Status: too much current. Change: it changed.
        OVER_CURRENT has_over_current = 1,
    }
}

status_bits! {
    /// `wPortStatus` of a USB 2.0 hub. USB 2.0 §11.24.2.7.1.
    PortStatus {
        /// A device is there.
        CONNECTION is_connected = 0,
        /// The port passes traffic.
        ENABLE is_enabled = 1,
        /// The port is suspended.
        SUSPEND is_suspended = 2,
        /// Too much current.
        OVER_CURRENT has_over_current = 3,
        /// A reset is under way.
        RESET is_resetting = 4,
        /// The port is in L1 (LPM addendum).
        L1 is_in_l1 = 5,
        /// The port has power.
        POWER is_powered = 8,
        /// The device is low-speed.
        LOW_SPEED is_low_speed = 9,
        /// The device is high-speed.
        HIGH_SPEED is_high_speed = 10,
        /// The port is in a test mode.
        TEST is_testing = 11,
        /// Software controls the indicator.
        INDICATOR has_indicator_control = 12,
    }
}

impl PortStatus {
    /// The speed of the device on an enabled port.
    #[must_use]
    pub const fn speed(self) -> Speed {
        if self.is_low_speed() {
            Speed::Low
        } else if self.is_high_speed() {
            Speed::High
        } else {
            Speed::Full
        }
    }
}

status_bits! {
    /// `wPortChange` of a USB 2.0 hub. USB 2.0 §11.24.2.7.2.
    PortChange {
        /// A device came or went.
        CONNECTION has_connection = 0,
        /// The hub disabled the port because of an error.
        ENABLE has_enable = 1,
        /// Resume is complete.
        SUSPEND has_suspend = 2,
        /// Over-current came or went.
        OVER_CURRENT has_over_current = 3,
        /// The reset is complete.
        RESET has_reset = 4,
        /// The exit from L1 is complete (LPM addendum).
        L1 has_l1 = 5,
    }
}

status_bits! {
    /// `wPortStatus` of a SuperSpeed hub. USB 3.2 §10.16.2.6.1.
    SuperSpeedPortStatus {
        /// A device is there.
        CONNECTION is_connected = 0,
        /// The port passes traffic.
        ENABLE is_enabled = 1,
        /// Too much current.
        OVER_CURRENT has_over_current = 3,
        /// A reset is under way.
        RESET is_resetting = 4,
        /// The port has power.
        POWER is_powered = 9,
    }
}

impl SuperSpeedPortStatus {
    /// The state of the link, bits 8:5.
    #[must_use]
    pub const fn link_state(self) -> LinkState {
        LinkState(((self.0 >> 5) & 0xf) as u8)
    }

    /// The negotiated speed, bits 12:10; 0 is 5 Gbit/s (and what the extended status says of more).
    #[must_use]
    pub const fn speed_code(self) -> u8 {
        ((self.0 >> 10) & 7) as u8
    }
}

status_bits! {
    /// `wPortChange` of a SuperSpeed hub. USB 3.2 §10.16.2.6.2.
    SuperSpeedPortChange {
        /// A device came or went.
        CONNECTION has_connection = 0,
        /// Over-current came or went.
        OVER_CURRENT has_over_current = 3,
        /// The reset is complete.
        RESET has_reset = 4,
        /// A warm reset is complete.
        BH_RESET has_bh_reset = 5,
        /// The link changed its state.
        LINK_STATE has_link_state = 6,
        /// The link could not be configured.
        CONFIG_ERROR has_config_error = 7,
    }
}

open_number! {
    /// The state of a SuperSpeed link, numbered as in port status. USB 3.2 table 10-14 (unchecked).
    pub struct LinkState(u8) {
        U0 = 0 => "U0",
        U1 = 1 => "U1",
        U2 = 2 => "U2",
        U3 = 3 => "U3",
        DISABLED = 4 => "SS.Disabled",
        RX_DETECT = 5 => "Rx.Detect",
        INACTIVE = 6 => "SS.Inactive",
        POLLING = 7 => "Polling",
        RECOVERY = 8 => "Recovery",
        HOT_RESET = 9 => "Hot Reset",
        COMPLIANCE = 10 => "Compliance Mode",
        LOOPBACK = 11 => "Loopback",
    }
}

/// The four bytes that GET_STATUS of a hub or of a port answers: status, then change.
#[must_use]
pub const fn parse_status(bytes: [u8; 4]) -> (u16, u16) {
    (
        u16::from_le_bytes([bytes[0], bytes[1]]),
        u16::from_le_bytes([bytes[2], bytes[3]]),
    )
}

/// The bytes of status and change.
#[must_use]
pub const fn emit_status(status: u16, change: u16) -> [u8; 4] {
    let ([s0, s1], [c0, c1]) = (status.to_le_bytes(), change.to_le_bytes());
    [s0, s1, c0, c1]
}

/// The extended status of an Enhanced SuperSpeed port, `dwExtPortStatus`. USB 3.2 §10.16.2.6.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ExtendedPortStatus(pub u32);

impl ExtendedPortStatus {
    /// The id of the receiving sublink speed, bits 3:0.
    #[must_use]
    pub const fn rx_sublink_speed_id(self) -> u8 {
        (self.0 & 0xf) as u8
    }

    /// The id of the transmitting sublink speed, bits 7:4.
    #[must_use]
    pub const fn tx_sublink_speed_id(self) -> u8 {
        ((self.0 >> 4) & 0xf) as u8
    }

    /// Receiving lanes less one, bits 11:8.
    #[must_use]
    pub const fn rx_lanes_z(self) -> u8 {
        ((self.0 >> 8) & 0xf) as u8
    }

    /// Transmitting lanes less one, bits 15:12.
    #[must_use]
    pub const fn tx_lanes_z(self) -> u8 {
        ((self.0 >> 12) & 0xf) as u8
    }
}
