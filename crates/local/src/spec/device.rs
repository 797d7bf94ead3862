use std::fmt;
use std::str::FromStr;

use usb_spec::Speed;
use xhci_spec::number::RouteString;

use super::wires::Wires;
use super::{
    CompositeSpec, DiskSource, DiskSpec, HubSpec, KeyboardSpec, SerialSpec, SpecError, TabletSpec,
    ZeroSpec, disk, hub, small,
};

const KNOWN: &str = "disk, keyboard, hub, composite, tablet, serial and zero";

/// A device to be plugged in.
///
/// | written | is |
/// |---|---|
/// | `disk:IMAGE[,ro]` | a disk whose bytes are a file's |
/// | `disk:size=64M` | a disk of zeros, kept in memory |
/// | `disk:size=64M,pattern` | a disk whose bytes can be computed, of any size |
/// | `keyboard[:text=TEXT]` | a keyboard, which types the text; a comma in it is written `\,`, a line break `\n` |
/// | `composite:…` | a keyboard and a disk in one device, with the options of both |
/// | `tablet` | a pointer that knows where it is |
/// | `serial[:raw]` | a serial port whose two wires are joined |
/// | `zero[:pattern=0\|1\|2]` | gadget zero, as Linux's `usbtest` wants it |
/// | `hub[:ports=N][,mtt]` | a USB 3 hub; with `speed=`, a hub of one half of the cable |
///
/// All take `speed=full`, `high`, `super` or `super+`; keyboards and tablets `low`, too. What says no speed runs as fast as it usually does,
/// or as the hub above it allows. Disks take `blocks=512` or `4096`, and two faults: `bad=OFFSET` makes a byte unreadable, `unplug=OFFSET`
/// pulls the disk out when it is reached.
///
/// What is in a hub stands in brackets behind it, with semicolons between: `hub(keyboard; 4=hub:speed=high(disk:a.img,ro; zero))`. Each takes
/// the port behind the one before it, or the one that it names. In brackets, `(`, `)` and `;` that belong to a path or a text have a
/// backslash before them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceSpec {
    /// A disk.
    Disk(DiskSpec),
    /// A keyboard.
    Keyboard(KeyboardSpec),
    /// A keyboard with a disk.
    Composite(CompositeSpec),
    /// A tablet.
    Tablet(TabletSpec),
    /// A serial port.
    Serial(SerialSpec),
    /// Gadget zero.
    Zero(ZeroSpec),
    /// A hub, with what is in it.
    Hub(HubSpec),
}

impl DeviceSpec {
    /// The speed that was asked for; of what says none, and of a USB 3 hub, it depends on where it is plugged in.
    #[must_use]
    pub fn speed(&self) -> Option<Speed> {
        match self {
            Self::Disk(disk) => disk.speed,
            Self::Keyboard(keyboard) => keyboard.speed,
            Self::Composite(composite) => composite.disk.speed,
            Self::Tablet(tablet) => tablet.speed,
            Self::Serial(serial) => serial.speed,
            Self::Zero(zero) => zero.speed,
            Self::Hub(hub) => hub.speed,
        }
    }

    /// Which wires it uses of those that there are, and at what speed; `None` if it does not run on them.
    pub(crate) fn halves(&self, wires: Wires) -> Option<Wires> {
        let usual = match self {
            Self::Hub(hub) => return hub.halves(wires),
            Self::Disk(_) | Self::Composite(_) => Speed::Super,
            Self::Zero(_) => Speed::High,
            Self::Serial(_) | Self::Tablet(_) => Speed::Full,
            Self::Keyboard(_) => Speed::Low,
        };
        wires.speed(self.speed(), usual).map(Wires::only)
    }

    /// Reads a device that `tier` hubs are above.
    pub(super) fn read(text: &str, tier: u8) -> Result<Self, SpecError> {
        let end = text.find([':', '(']).unwrap_or(text.len());
        let (kind, rest) = text.split_at(end);
        if kind == "hub" {
            return match tier {
                RouteString::TIERS.. => Err(SpecError::TooDeep),
                _ => hub::hub(rest, tier).map(Self::Hub),
            };
        }
        if kind.contains(')') {
            let text = text.to_owned();
            return Err(SpecError::Unbalanced { text });
        }
        let options = rest.strip_prefix(':').unwrap_or(rest);
        let options = if tier > 0 {
            unescape(options)
        } else {
            options.to_owned()
        };
        let device = match kind {
            "disk" => disk::disk(&options).map(Self::Disk),
            "keyboard" => small::keyboard(&options).map(Self::Keyboard),
            "composite" => small::composite(&options).map(Self::Composite),
            "tablet" => small::tablet(&options).map(Self::Tablet),
            "serial" => small::serial(&options).map(Self::Serial),
            "zero" => small::zero(&options).map(Self::Zero),
            _ => {
                return Err(SpecError::Unknown {
                    what: "device",
                    given: kind.to_owned(),
                    known: KNOWN,
                });
            }
        };
        if rest.starts_with('(') {
            let device = kind.to_owned();
            return Err(SpecError::NoHub { device });
        }
        device
    }

    /// Whether everything in it runs on the wires that it finds.
    fn check(&self, wires: Wires) -> Result<(), SpecError> {
        let Some(halves) = self.halves(wires) else {
            let device = self.to_string();
            let asked = self.speed().unwrap_or(Speed::Super);
            return Err(match wires.fastest() {
                Some(hub) if asked > hub => SpecError::TooFast { device, asked, hub },
                _ => SpecError::NoWires { device, asked },
            });
        };
        match self {
            Self::Hub(hub) => hub
                .children
                .iter()
                .try_for_each(|(_, child)| child.check(halves)),
            _ => Ok(()),
        }
    }
}

/// Takes the backslashes away that brackets ask for.
fn unescape(options: &str) -> String {
    options
        .replace("\\(", "(")
        .replace("\\)", ")")
        .replace("\\;", ";")
}

impl FromStr for DeviceSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let device = Self::read(text, 0)?;
        device.check(Wires::ROOT)?;
        Ok(device)
    }
}

impl fmt::Display for DeviceSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disk(disk) => match &disk.source {
                DiskSource::Image { path, .. } => write!(f, "disk:{}", path.display()),
                DiskSource::Pattern { len, .. } => write!(f, "disk:size={len},pattern"),
                DiskSource::Zeros { len, .. } => write!(f, "disk:size={len}"),
            },
            Self::Keyboard(_) => f.write_str("keyboard"),
            Self::Composite(_) => f.write_str("composite"),
            Self::Tablet(_) => f.write_str("tablet"),
            Self::Serial(_) => f.write_str("serial"),
            Self::Zero(_) => f.write_str("zero"),
            Self::Hub(_) => f.write_str("hub"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(text: &str) -> DeviceSpec {
        text.parse()
            .unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn hub(text: &str) -> HubSpec {
        match spec(text) {
            DeviceSpec::Hub(hub) => hub,
            other => panic!("{text}: {other:?}"),
        }
    }

    fn ports(hub: &HubSpec) -> Vec<(u8, String)> {
        let child = |(port, child): &(u8, DeviceSpec)| (*port, child.to_string());
        hub.children.iter().map(child).collect()
    }

    #[test]
    fn what_is_in_a_hub_takes_the_next_port_or_the_one_it_names() {
        let outer =
            hub("hub:ports=7(keyboard; disk:size=8M,pattern ;6=hub:mtt( zero;tablet ); serial)");
        let names = ports(&outer);
        let expected = ["keyboard", "disk:size=8388608,pattern", "hub", "serial"];
        assert_eq!(
            names,
            [1, 2, 6, 7]
                .map(u8::from)
                .into_iter()
                .zip(expected.map(String::from))
                .collect::<Vec<_>>()
        );
        let DeviceSpec::Hub(inner) = &outer.children[2].1 else {
            panic!("{outer:?}");
        };
        assert!(inner.multi_tt && ports(inner).len() == 2);
        assert_eq!(hub("hub").children, hub("hub()").children);
    }

    #[test]
    fn signs_of_a_path_or_a_text_have_a_backslash_in_brackets() {
        let hub = hub("hub(disk:a\\;b\\(1\\).img,ro; keyboard:text=\\)a\\;b\\,c)");
        assert_eq!(hub.children[0].1.to_string(), "disk:a;b(1).img");
        let DeviceSpec::Keyboard(keyboard) = &hub.children[1].1 else {
            panic!("{hub:?}");
        };
        assert_eq!(keyboard.text, ")a;b,c");
        assert_eq!(spec("disk:a;b(1).img").to_string(), "disk:a;b(1).img");
    }

    #[test]
    fn trees_that_cannot_be_say_why() {
        let cases = [
            (
                "mouse",
                "no device called `mouse`; there are disk, keyboard, hub",
            ),
            (
                "hub(keyboard",
                "the brackets of `hub(keyboard` do not match; ",
            ),
            ("hub(hub(zero)", "do not match"),
            ("hub(keyboard))", "do not match"),
            ("keyboard)", "do not match"),
            ("hub:ports=4)", "do not match"),
            ("hub(zero)tablet", "`tablet` stands behind the bracket"),
            ("keyboard(zero)", "only a hub has something in it"),
            ("hub(hub(hub(hub(hub(hub)))))", "behind five others"),
            (
                "hub(zero;zero;zero;zero;zero)",
                "port 5, and the hub has 4; give it more, as in `hub:ports=5`",
            ),
            ("hub(16=zero)", "no hub has more than 15"),
            ("hub(0=zero)", "port 0"),
            ("hub:ports=16", "a number from 1 to 15"),
            ("hub(2=zero;2=serial)", "port 2 of the hub is taken"),
            (
                "hub:speed=high(disk:size=1M,speed=super)",
                "super-speed is too fast for a hub of high-speed",
            ),
            (
                "hub:speed=full(hub:speed=high)",
                "too fast for a hub of full-speed",
            ),
            (
                "hub(disk:size=1M,speed=super+)",
                "too fast for a hub of super-speed",
            ),
            (
                "hub:speed=super(keyboard:speed=low)",
                "needs the USB 2 wires",
            ),
            ("hub:speed=super,mtt", "translators"),
            ("hub:speed=low", "give full, high"),
            ("hub(disk)", "an image or a size"),
        ];
        for (text, words) in cases {
            let error = text.parse::<DeviceSpec>().unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn what_says_no_speed_goes_with_its_hub() {
        for text in [
            "hub:speed=full(disk:size=1M; hub(zero; composite:size=1M))",
            "hub:speed=super(keyboard; tablet; serial; hub(zero))",
            "hub(hub(hub(hub(hub(disk:size=1M)))))",
        ] {
            spec(text);
        }
    }

    #[test]
    fn a_bracket_that_nobody_could_mean_ends_in_an_error() {
        let deep = "hub(".repeat(10_000);
        assert!(deep.parse::<DeviceSpec>().is_err());
        let deep = deep + &")".repeat(10_000);
        assert_eq!(deep.parse::<DeviceSpec>(), Err(SpecError::TooDeep));
    }
}
