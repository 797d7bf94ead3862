//! Numbers as people read them.

use std::time::Duration;

use host::Place;
use local::Location;

/// A count of bytes: exact where it is short, otherwise with a binary unit.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [(u64, &str); 4] = [
        (1 << 40, "TiB"),
        (1 << 30, "GiB"),
        (1 << 20, "MiB"),
        (1 << 10, "KiB"),
    ];
    for (unit, name) in UNITS {
        if count >= unit {
            return if count.is_multiple_of(unit) {
                format!("{} {name}", count / unit)
            } else {
                format!("{:.1} {name}", count as f64 / unit as f64)
            };
        }
    }
    format!("{count} bytes")
}

/// A time in milliseconds.
pub(crate) fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

/// Bytes per second.
pub(crate) fn rate(count: u64, time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds <= 0.0 {
        return "no time at all".to_owned();
    }
    format!(
        "{:.0} MiB/s",
        count as f64 / seconds / f64::from(1u32 << 20)
    )
}

/// HCIVERSION, bcdUSB and their like: `0x0110` is 1.1.
pub(crate) fn version(bcd: u16) -> String {
    let (major, minor, patch) = (bcd >> 8, bcd >> 4 & 0xf, bcd & 0xf);
    if patch == 0 {
        format!("{major:x}.{minor}")
    } else {
        format!("{major:x}.{minor}.{patch}")
    }
}

/// Where a device is plugged in: the root port, then the port of each hub on the way, as `5.2.1`.
pub(crate) fn location(place: &Place) -> String {
    Location::from(place).to_string()
}

/// The ports of the hubs on the way to a device.
pub(crate) fn levels(place: &Place) -> Vec<u8> {
    Location::from(place).hub_ports()
}

/// A name that a device gave itself, without what a terminal would take for an order.
pub(crate) fn clean(name: &str) -> String {
    let harmless = |c: char| if c.is_control() { '?' } else { c };
    name.trim().chars().map(harmless).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_units_have_no_decimals() {
        assert_eq!(bytes(64 << 20), "64 MiB");
        assert_eq!(bytes((1 << 20) + (1 << 19)), "1.5 MiB");
        assert_eq!(bytes(512), "512 bytes");
    }

    #[test]
    fn a_device_cannot_give_orders_to_the_terminal() {
        assert_eq!(clean(" \u{1b}[2JStick\u{7} "), "?[2JStick?");
    }

    #[test]
    fn versions_are_read_as_bcd() {
        assert_eq!(version(0x0110), "1.1");
        assert_eq!(version(0x0320), "3.2");
        assert_eq!(version(0x0201), "2.0.1");
    }

    #[test]
    fn a_rate_without_time_is_no_number() {
        assert_eq!(rate(1, Duration::ZERO), "no time at all");
        assert_eq!(rate(10 << 20, Duration::from_secs(2)), "5 MiB/s");
    }
}
