use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use usb_model::device::BlockSize;
use usb_spec::Speed;
use usb_spec::class::hid::Keystroke;

use super::{Item, SpecError, items, size, value};

/// The most bytes of a disk that lies in memory.
const MEMORY_MAX: u64 = 1 << 30;

const DISK_OPTIONS: &str = "size, pattern, ro, speed, blocks, bad and unplug";
const KEYBOARD_OPTIONS: &str = "text and speed";

/// A device to be plugged in.
///
/// | written | is |
/// |---|---|
/// | `disk:IMAGE[,ro]` | a disk whose bytes are a file's |
/// | `disk:size=64M` | a disk of zeros, kept in memory |
/// | `disk:size=64M,pattern` | a disk whose bytes can be computed, of any size |
/// | `keyboard[:text=TEXT]` | a keyboard, which types the text; a comma in it is written `\,`, a line break `\n` |
///
/// Both take `speed=low`, `full`, `high`, `super` or `super+`; a disk has at least full speed. Disks take `blocks=512` or `4096`, and two
/// faults: `bad=OFFSET` makes a byte unreadable, `unplug=OFFSET` pulls the disk out when it is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceSpec {
    /// A disk.
    Disk(DiskSpec),
    /// A keyboard.
    Keyboard(KeyboardSpec),
}

/// A disk to be plugged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskSpec {
    /// Where its bytes come from.
    pub source: DiskSource,
    /// Its speed.
    pub speed: Speed,
    /// The size of its blocks.
    pub block_size: BlockSize,
    /// A byte that can be neither read nor written.
    pub bad_at: Option<u64>,
    /// A byte at which it is pulled out.
    pub unplug_at: Option<u64>,
}

/// Where a disk's bytes come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiskSource {
    /// A file or block device.
    Image {
        /// Where it is.
        path: PathBuf,
        /// Whether it is only read.
        read_only: bool,
    },
    /// The pattern of [`block::pattern`]; what is written is remembered.
    Pattern {
        /// How many bytes.
        len: u64,
        /// Whether it is only read.
        read_only: bool,
    },
    /// Zeros in memory.
    Zeros {
        /// How many bytes.
        len: u64,
        /// Whether it is only read.
        read_only: bool,
    },
}

/// A keyboard to be plugged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyboardSpec {
    /// What it types as soon as somebody listens.
    pub text: String,
    /// Its speed.
    pub speed: Speed,
}

impl DeviceSpec {
    /// The speed that it will have.
    #[must_use]
    pub fn speed(&self) -> Speed {
        match self {
            Self::Disk(disk) => disk.speed,
            Self::Keyboard(keyboard) => keyboard.speed,
        }
    }

    /// Whether it is a disk.
    #[must_use]
    pub fn is_disk(&self) -> bool {
        matches!(self, Self::Disk(_))
    }
}

impl FromStr for DeviceSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let (kind, options) = text.split_once(':').unwrap_or((text, ""));
        match kind {
            "disk" => disk(options).map(Self::Disk),
            "keyboard" => keyboard(options).map(Self::Keyboard),
            _ => Err(SpecError::Unknown {
                what: "device",
                given: kind.to_owned(),
                known: "disk and keyboard",
            }),
        }
    }
}

fn disk(options: &str) -> Result<DiskSpec, SpecError> {
    let mut path = None;
    let mut len = None;
    let (mut pattern, mut read_only) = (false, false);
    let mut speed = Speed::Super;
    let mut block_size = BlockSize::Bytes512;
    let (mut bad_at, mut unplug_at) = (None, None);
    for (index, item) in items(options).enumerate() {
        match item.name {
            "size" => len = Some(size("size", value("size", item)?)?),
            "pattern" if item.value.is_none() => pattern = true,
            "ro" if item.value.is_none() => read_only = true,
            "speed" => speed = disk_speed(item)?,
            "blocks" => block_size = blocks(item)?,
            "bad" => bad_at = Some(size("bad", value("bad", item)?)?),
            "unplug" => unplug_at = Some(size("unplug", value("unplug", item)?)?),
            _ if index == 0 => path = Some(first(options)),
            _ => return Err(unknown(item, "option of a disk", DISK_OPTIONS)),
        }
    }
    let source = match (path, len) {
        (Some(_), Some(_)) => return Err(SpecError::TwoMedia),
        (None, None) => return Err(SpecError::NoMedium),
        (Some(path), None) if pattern => {
            drop(path);
            return Err(SpecError::TwoMedia);
        }
        (Some(path), None) => DiskSource::Image { path, read_only },
        (None, Some(len)) => {
            let block_size = block_size.bytes();
            if len == 0 || len % u64::from(block_size) != 0 {
                return Err(SpecError::OddSize { len, block_size });
            }
            match pattern {
                true => DiskSource::Pattern { len, read_only },
                false if len > MEMORY_MAX => return Err(SpecError::TooLarge { len }),
                false => DiskSource::Zeros { len, read_only },
            }
        }
    };
    Ok(DiskSpec {
        source,
        speed,
        block_size,
        bad_at,
        unplug_at,
    })
}

/// The first item as it was written: a path may have a `=`.
fn first(options: &str) -> PathBuf {
    options
        .split(',')
        .find(|item| !item.is_empty())
        .unwrap_or_default()
        .into()
}

fn keyboard(options: &str) -> Result<KeyboardSpec, SpecError> {
    let mut spec = KeyboardSpec {
        text: String::new(),
        speed: Speed::Low,
    };
    // A comma behind a backslash belongs to the text.
    let options = options.replace("\\,", "\u{1}");
    for item in items(&options) {
        match item.name {
            "text" => spec.text = text(value("text", item)?)?,
            "speed" => spec.speed = speed(item)?,
            _ => return Err(unknown(item, "option of a keyboard", KEYBOARD_OPTIONS)),
        }
    }
    Ok(spec)
}

fn text(written: &str) -> Result<String, SpecError> {
    let text = written
        .replace('\u{1}', ",")
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

fn speed(item: Item<'_>) -> Result<Speed, SpecError> {
    Ok(match value("speed", item)? {
        "low" => Speed::Low,
        "full" => Speed::Full,
        "high" => Speed::High,
        "super" => Speed::Super,
        "super+" | "superplus" => Speed::SuperPlus,
        other => return Err(bad_speed(other, "low, full, high, super or super+")),
    })
}

fn disk_speed(item: Item<'_>) -> Result<Speed, SpecError> {
    match speed(item)? {
        Speed::Low => Err(bad_speed("low", "full, high, super or super+ for a disk")),
        speed => Ok(speed),
    }
}

fn bad_speed(value: &str, expected: &'static str) -> SpecError {
    SpecError::BadValue {
        option: "speed",
        value: value.to_owned(),
        expected,
    }
}

fn blocks(item: Item<'_>) -> Result<BlockSize, SpecError> {
    match value("blocks", item)? {
        "512" => Ok(BlockSize::Bytes512),
        "4096" => Ok(BlockSize::Bytes4096),
        other => Err(SpecError::BadValue {
            option: "blocks",
            value: other.to_owned(),
            expected: "512 or 4096",
        }),
    }
}

fn unknown(item: Item<'_>, what: &'static str, known: &'static str) -> SpecError {
    SpecError::Unknown {
        what,
        given: item.name.to_owned(),
        known,
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
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(text: &str) -> DiskSpec {
        match text.parse() {
            Ok(DeviceSpec::Disk(disk)) => disk,
            other => panic!("{text}: {other:?}"),
        }
    }

    fn error(text: &str) -> SpecError {
        text.parse::<DeviceSpec>().unwrap_err()
    }

    #[test]
    fn a_disk_is_an_image_a_pattern_or_zeros() {
        let image = DiskSource::Image {
            path: "a=b.img".into(),
            read_only: true,
        };
        assert_eq!(disk("disk:a=b.img,ro").source, image);
        let pattern = DiskSource::Pattern {
            len: 64 << 20,
            read_only: false,
        };
        assert_eq!(disk("disk:size=64M,pattern").source, pattern);
        let zeros = disk("disk:size=4K,blocks=4096,speed=high");
        assert_eq!(
            zeros.source,
            DiskSource::Zeros {
                len: 4096,
                read_only: false
            }
        );
        assert_eq!(
            (zeros.speed, zeros.block_size),
            (Speed::High, BlockSize::Bytes4096)
        );
    }

    #[test]
    fn faults_have_places() {
        let disk = disk("disk:size=1M,pattern,bad=4K,unplug=512K");
        assert_eq!((disk.bad_at, disk.unplug_at), (Some(4096), Some(512 << 10)));
    }

    #[test]
    fn what_makes_no_disk_says_why() {
        assert_eq!(error("disk"), SpecError::NoMedium);
        assert_eq!(error("disk:a.img,size=1M"), SpecError::TwoMedia);
        assert_eq!(
            error("disk:size=1000"),
            SpecError::OddSize {
                len: 1000,
                block_size: 512
            }
        );
        assert_eq!(error("disk:size=2G"), SpecError::TooLarge { len: 2 << 30 });
        assert!(
            error("disk:size=lots")
                .to_string()
                .contains("a size such as")
        );
        assert!(
            error("disk:size=1M,sped=high")
                .to_string()
                .contains("called `sped`; there are size")
        );
        assert!(
            error("disk:size=1M,speed=low")
                .to_string()
                .contains("for a disk")
        );
        assert!(error("mouse").to_string().contains("disk and keyboard"));
    }

    #[test]
    fn a_keyboard_types_commas_and_line_breaks() {
        let spec: DeviceSpec = "keyboard:text=a\\,b\\n,speed=full".parse().unwrap();
        let expected = KeyboardSpec {
            text: "a,b\n".into(),
            speed: Speed::Full,
        };
        assert_eq!(spec, DeviceSpec::Keyboard(expected));
        assert_eq!(
            error("keyboard:text=ä"),
            SpecError::NoKey { character: 'ä' }
        );
    }
}
