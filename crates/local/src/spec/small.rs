//! Devices of which there is little to say.

use usb_model::device::Pattern;
use usb_spec::Speed;
use usb_spec::class::hid::Keystroke;

use super::disk::{Draft, first};
use super::{DiskSpec, SpecError, fast_speed, items, speed, unknown, value};

const COMPOSITE_OPTIONS: &str = "those of a disk, and text";

/// Stands for a comma that belongs to a text, while commas separate options.
const COMMA: &str = "\u{1}";

/// A keyboard to be plugged in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyboardSpec {
    /// What it types as soon as somebody listens.
    pub text: String,
    /// Its speed; low speed if nothing is said.
    pub speed: Option<Speed>,
}

/// A keyboard and a disk in one device, to be plugged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompositeSpec {
    /// The disk, and the speed of both.
    pub disk: DiskSpec,
    /// What the keyboard types as soon as somebody listens.
    pub text: String,
}

/// Gadget zero, to be plugged in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ZeroSpec {
    /// Its speed; high speed if nothing is said.
    pub speed: Option<Speed>,
    /// What its source sends and its sink wants.
    pub pattern: Pattern,
}

/// A serial port to be plugged in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SerialSpec {
    /// Its speed; full speed if nothing is said.
    pub speed: Option<Speed>,
    /// Whether its bytes come without the two bytes of status before each packet.
    pub raw: bool,
}

/// A tablet to be plugged in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TabletSpec {
    /// Its speed; full speed if nothing is said.
    pub speed: Option<Speed>,
}

pub(super) fn keyboard(options: &str) -> Result<KeyboardSpec, SpecError> {
    let mut spec = KeyboardSpec::default();
    let options = hide_commas(options);
    for item in items(&options) {
        match item.name {
            "text" => spec.text = text(value("text", item)?)?,
            "speed" => spec.speed = Some(speed(item)?),
            _ => return Err(unknown(item, "option of a keyboard", "text and speed")),
        }
    }
    Ok(spec)
}

pub(super) fn composite(options: &str) -> Result<CompositeSpec, SpecError> {
    let mut draft = Draft::default();
    let mut typed = String::new();
    let options = hide_commas(options);
    for (index, item) in items(&options).enumerate() {
        if item.name == "text" {
            typed = text(value("text", item)?)?;
        } else if !draft.hears(item)? {
            if index > 0 {
                let what = "option of a composite device";
                return Err(unknown(item, what, COMPOSITE_OPTIONS));
            }
            draft.path = Some(first(&options));
        }
    }
    Ok(CompositeSpec {
        disk: draft.finish()?,
        text: typed,
    })
}

pub(super) fn zero(options: &str) -> Result<ZeroSpec, SpecError> {
    let mut spec = ZeroSpec::default();
    for item in items(options) {
        match item.name {
            "speed" => spec.speed = Some(fast_speed(item)?),
            "pattern" => {
                spec.pattern = match value("pattern", item)? {
                    "0" => Pattern::Zeroes,
                    "1" => Pattern::Mod63,
                    "2" => Pattern::Any,
                    other => {
                        return Err(SpecError::BadValue {
                            option: "pattern",
                            value: other.to_owned(),
                            expected: "0 (zeroes), 1 (modulo 63) or 2 (anything)",
                        });
                    }
                }
            }
            _ => return Err(unknown(item, "option of zero", "speed and pattern")),
        }
    }
    Ok(spec)
}

pub(super) fn serial(options: &str) -> Result<SerialSpec, SpecError> {
    let mut spec = SerialSpec::default();
    for item in items(options) {
        match item.name {
            "speed" => spec.speed = Some(fast_speed(item)?),
            "raw" if item.value.is_none() => spec.raw = true,
            _ => return Err(unknown(item, "option of a serial port", "speed and raw")),
        }
    }
    Ok(spec)
}

pub(super) fn tablet(options: &str) -> Result<TabletSpec, SpecError> {
    let mut spec = TabletSpec::default();
    for item in items(options) {
        match item.name {
            "speed" => spec.speed = Some(speed(item)?),
            _ => return Err(unknown(item, "option of a tablet", "speed")),
        }
    }
    Ok(spec)
}

/// A comma behind a backslash belongs to the text.
fn hide_commas(options: &str) -> String {
    options.replace("\\,", COMMA)
}

fn text(written: &str) -> Result<String, SpecError> {
    let text = written
        .replace(COMMA, ",")
        .replace("\\n", "\n")
        .replace("\\t", "\t");
    match text
        .chars()
        .find(|&character| Keystroke::from_char(character).is_none())
    {
        Some(character) => Err(SpecError::NoKey { character }),
        None => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyboard_types_commas_and_line_breaks() {
        let expected = KeyboardSpec {
            text: "a,b\n".into(),
            speed: Some(Speed::Full),
        };
        assert_eq!(keyboard("text=a\\,b\\n,speed=full"), Ok(expected));
        let unknown = SpecError::NoKey { character: 'ä' };
        assert_eq!(keyboard("text=ä"), Err(unknown));
    }

    #[test]
    fn a_composite_device_takes_the_options_of_both() {
        let spec = composite("size=1M,pattern,text=a\\,b,speed=high").unwrap();
        assert_eq!(
            (spec.text.as_str(), spec.disk.speed),
            ("a,b", Some(Speed::High))
        );
        assert_eq!(composite("text=a"), Err(SpecError::NoMedium));
        let error = composite("size=1M,txt=a").unwrap_err().to_string();
        assert!(
            error.contains("called `txt`; there are those of a disk"),
            "{error}"
        );
    }

    #[test]
    fn gadget_zero_counts_its_patterns_as_the_module_does() {
        assert_eq!(zero("pattern=1").unwrap().pattern, Pattern::Mod63);
        let error = zero("pattern=3").unwrap_err().to_string();
        assert!(error.contains("modulo 63"), "{error}");
    }

    #[test]
    fn what_has_bulk_endpoints_has_full_speed_at_least() {
        for error in [
            zero("speed=low").unwrap_err(),
            serial("speed=low").unwrap_err(),
        ] {
            assert!(error.to_string().contains("give full, high"), "{error}");
        }
        assert_eq!(tablet("speed=low").unwrap().speed, Some(Speed::Low));
    }
}
