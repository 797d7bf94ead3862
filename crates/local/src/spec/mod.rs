//! What a user says of a controller and of devices, as strings.

mod controller;
mod device;
mod disk;
mod error;
mod hub;
mod small;
mod wires;

use usb_spec::Speed;

pub use controller::ControllerSpec;
pub use device::DeviceSpec;
pub use disk::{DiskSource, DiskSpec};
pub use error::SpecError;
pub use hub::HubSpec;
pub use small::{CompositeSpec, KeyboardSpec, SerialSpec, TabletSpec, ZeroSpec};
pub(crate) use wires::Wires;

/// One item of a list such as `size=64M,pattern`: a word, or a name and a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Item<'a> {
    name: &'a str,
    value: Option<&'a str>,
}

/// The items of a comma-separated list, empty ones left out.
fn items(list: &str) -> impl Iterator<Item = Item<'_>> {
    list.split(',')
        .filter(|item| !item.is_empty())
        .map(|item| match item.split_once('=') {
            Some((name, value)) => Item {
                name,
                value: Some(value),
            },
            None => Item {
                name: item,
                value: None,
            },
        })
}

/// A size in bytes: a number with an optional K, M, G or T (powers of 1024).
#[must_use]
pub fn parse_size(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text[digits.len()..].to_ascii_uppercase().as_str() {
        "" | "B" => 1,
        "K" | "KIB" => 1 << 10,
        "M" | "MIB" => 1 << 20,
        "G" | "GIB" => 1 << 30,
        "T" | "TIB" => 1u64 << 40,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

/// The size that an option has.
///
/// # Errors
/// [`SpecError::BadValue`].
fn size(option: &'static str, text: &str) -> Result<u64, SpecError> {
    let expected = "a size such as 512K, 64M or 2G";
    parse_size(text).ok_or_else(|| SpecError::BadValue {
        option,
        value: text.to_owned(),
        expected,
    })
}

/// A number within bounds.
///
/// # Errors
/// [`SpecError::BadValue`].
fn number<T: std::str::FromStr + PartialOrd>(
    option: &'static str,
    text: &str,
    range: std::ops::RangeInclusive<T>,
    expected: &'static str,
) -> Result<T, SpecError> {
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| SpecError::BadValue {
        option,
        value: text.to_owned(),
        expected,
    })
}

/// The value of an item that must have one.
///
/// # Errors
/// [`SpecError::NoValue`].
fn value<'a>(option: &'static str, item: Item<'a>) -> Result<&'a str, SpecError> {
    item.value.ok_or(SpecError::NoValue { option })
}

/// A speed.
///
/// # Errors
/// [`SpecError::NoValue`], [`SpecError::BadValue`].
fn speed(item: Item<'_>) -> Result<Speed, SpecError> {
    let text = value("speed", item)?;
    speed_from(text).ok_or_else(|| bad_speed(text, "low, full, high, super or super+"))
}

/// A speed of what has to be faster than low speed.
///
/// # Errors
/// [`SpecError::NoValue`], [`SpecError::BadValue`].
fn fast_speed(item: Item<'_>) -> Result<Speed, SpecError> {
    let text = value("speed", item)?;
    let speed = speed_from(text).filter(|speed| *speed > Speed::Low);
    speed.ok_or_else(|| bad_speed(text, "full, high, super or super+"))
}

fn speed_from(text: &str) -> Option<Speed> {
    Some(match text {
        "low" => Speed::Low,
        "full" => Speed::Full,
        "high" => Speed::High,
        "super" => Speed::Super,
        "super+" | "superplus" => Speed::SuperPlus,
        _ => return None,
    })
}

fn bad_speed(value: &str, expected: &'static str) -> SpecError {
    SpecError::BadValue {
        option: "speed",
        value: value.to_owned(),
        expected,
    }
}

/// What is said of an option that there is not.
fn unknown(item: Item<'_>, what: &'static str, known: &'static str) -> SpecError {
    SpecError::Unknown {
        what,
        given: item.name.to_owned(),
        known,
    }
}
