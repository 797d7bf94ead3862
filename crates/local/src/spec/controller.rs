use std::str::FromStr;
use std::time::Duration;

use xhci_model::{FirmwareHandoff, Geometry, Options, PortGroup};
use xhci_spec::extended::Protocol;

use super::{Item, SpecError, items, number, value};

const OPTIONS: &str =
    "ports2, ports3, slots, interrupters, contexts, ac64, scratchpads, bios and seed";

/// How long firmware takes that is late: nearly the second that xHCI 1.2 §4.22.1 gives it.
const LATE: Duration = Duration::from_millis(700);

/// A controller, as the model takes it.
///
/// Written `model` or `model:OPTIONS`, with these options:
///
/// | option | is | default |
/// |---|---|---|
/// | `ports2=N`, `ports3=N` | USB2 and USB3 ports, 0 to 15 | 4, 4 |
/// | `slots=N` | device slots, 1 to 255 | 64 |
/// | `interrupters=N` | interrupters, 1 to 128 | 8 |
/// | `contexts=32\|64` | bytes of a context | 32 |
/// | `ac64=on\|off` | 64-bit addresses | on |
/// | `scratchpads=N` | scratchpad buffers, 0 to 1023 | 4 |
/// | `bios=owned\|late\|never\|none` | what firmware does that owns the controller at power-on | owned |
/// | `seed=N` | scatters the register blocks | not scattered |
#[derive(Clone, Debug, Default)]
pub struct ControllerSpec {
    /// What the model is made with.
    pub options: Options,
}

impl FromStr for ControllerSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let (kind, list) = text.split_once(':').unwrap_or((text, ""));
        if kind != "model" {
            return Err(SpecError::Unknown {
                what: "controller",
                given: kind.to_owned(),
                known: "model, with options as in model:ports3=2",
            });
        }
        let mut options = Options::default();
        let (mut ports2, mut ports3) = (4, 4);
        let mut seed = None;
        for item in items(list) {
            match item.name {
                "ports2" => ports2 = count("ports2", item)?,
                "ports3" => ports3 = count("ports3", item)?,
                "seed" => {
                    let text = value("seed", item)?;
                    seed = Some(number("seed", text, 0..=u64::MAX, "a number")?);
                }
                _ => apply(&mut options, item)?,
            }
        }
        if ports2 + ports3 == 0 {
            return Err(SpecError::BadValue {
                option: "ports3",
                value: "0".to_owned(),
                expected: "at least one port of either kind",
            });
        }
        options.ports = vec![PortGroup::usb2(ports2), PortGroup::usb3(ports3)];
        options.ports.retain(|group| group.count > 0);
        if let Some(seed) = seed {
            options.geometry = Geometry::scattered(seed, &options);
        }
        Ok(Self { options })
    }
}

impl ControllerSpec {
    /// How many ports of a protocol it has.
    #[must_use]
    pub fn ports(&self, protocol: Protocol) -> usize {
        self.options
            .port_protocols()
            .filter(|own| *own == protocol)
            .count()
    }
}

fn count(option: &'static str, item: Item<'_>) -> Result<u8, SpecError> {
    number(
        option,
        value(option, item)?,
        0..=15,
        "a number from 0 to 15",
    )
}

fn apply(options: &mut Options, item: Item<'_>) -> Result<(), SpecError> {
    match item.name {
        "slots" => {
            let text = value("slots", item)?;
            options.max_slots = number("slots", text, 1..=255, "a number from 1 to 255")?;
        }
        "interrupters" => {
            let text = value("interrupters", item)?;
            options.max_interrupters =
                number("interrupters", text, 1..=128, "a number from 1 to 128")?;
        }
        "scratchpads" => {
            let text = value("scratchpads", item)?;
            options.scratchpad_buffers =
                number("scratchpads", text, 0..=1023, "a number from 0 to 1023")?;
        }
        "contexts" => {
            options.contexts_64 = choose("contexts", item, "32 or 64", |text| match text {
                "32" => Some(false),
                "64" => Some(true),
                _ => None,
            })?;
        }
        "ac64" => {
            options.addressing_64 = choose("ac64", item, "on or off", |text| match text {
                "on" => Some(true),
                "off" => Some(false),
                _ => None,
            })?;
        }
        "bios" => {
            let expected = "owned, late, never or none";
            options.behaviour.firmware = choose("bios", item, expected, |text| match text {
                "owned" => Some(FirmwareHandoff::GivesUpAfter(Duration::from_millis(5))),
                "late" => Some(FirmwareHandoff::GivesUpAfter(LATE)),
                "never" => Some(FirmwareHandoff::Never),
                "none" => Some(FirmwareHandoff::Absent),
                _ => None,
            })?;
        }
        _ => {
            return Err(SpecError::Unknown {
                what: "option of the controller",
                given: item.name.to_owned(),
                known: OPTIONS,
            });
        }
    }
    Ok(())
}

fn choose<T>(
    option: &'static str,
    item: Item<'_>,
    expected: &'static str,
    find: impl FnOnce(&str) -> Option<T>,
) -> Result<T, SpecError> {
    let text = value(option, item)?;
    find(text).ok_or_else(|| SpecError::BadValue {
        option,
        value: text.to_owned(),
        expected,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(text: &str) -> Options {
        text.parse::<ControllerSpec>().unwrap().options
    }

    #[test]
    fn every_option_is_heard() {
        let options = options(
            "model:ports2=1,ports3=2,slots=7,interrupters=3,contexts=64,ac64=off,scratchpads=0,bios=never",
        );
        assert_eq!(options.ports, [PortGroup::usb2(1), PortGroup::usb3(2)]);
        assert_eq!((options.max_slots, options.max_interrupters), (7, 3));
        assert!(options.contexts_64 && !options.addressing_64);
        assert_eq!(options.scratchpad_buffers, 0);
        assert_eq!(options.behaviour.firmware, FirmwareHandoff::Never);
    }

    #[test]
    fn a_seed_scatters_the_registers_and_they_still_fit() {
        let options = options("model:seed=5");
        assert_ne!(options.geometry, Geometry::default());
        assert!(options.geometry.fits(&options));
    }

    #[test]
    fn what_makes_no_controller_says_what_there_is() {
        let error = |text: &str| text.parse::<ControllerSpec>().unwrap_err().to_string();
        assert!(error("vfio:0000:01:00.0").contains("there are model"));
        assert!(error("model:port3=2").contains("called `port3`; there are ports2, ports3"));
        assert!(error("model:ports3=99").contains("from 0 to 15"));
        assert!(error("model:ports2=0,ports3=0").contains("at least one port"));
        assert!(error("model:ac64").contains("`ac64` needs a value"));
        assert!(error("model:bios=maybe").contains("owned, late, never or none"));
    }
}
