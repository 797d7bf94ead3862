use std::path::PathBuf;

use usb_model::device::BlockSize;
use usb_spec::Speed;

use super::{Item, SpecError, fast_speed, items, size, unknown, value};

/// The most bytes of a disk that lies in memory.
const MEMORY_MAX: u64 = 1 << 30;

const OPTIONS: &str = "size, pattern, ro, speed, blocks, bad and unplug";

/// A disk to be plugged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskSpec {
    /// Where its bytes come from.
    pub source: DiskSource,
    /// Its speed; as fast as it can up to super speed if nothing is said.
    pub speed: Option<Speed>,
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

pub(super) fn disk(options: &str) -> Result<DiskSpec, SpecError> {
    let mut draft = Draft::default();
    for (index, item) in items(options).enumerate() {
        if !draft.hears(item)? {
            if index > 0 {
                return Err(unknown(item, "option of a disk", OPTIONS));
            }
            draft.path = Some(first(options));
        }
    }
    draft.finish()
}

/// The first item as it was written: a path may have a `=`.
pub(super) fn first(options: &str) -> PathBuf {
    options
        .split(',')
        .find(|item| !item.is_empty())
        .unwrap_or_default()
        .into()
}

/// A disk of which not everything has been said yet.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) path: Option<PathBuf>,
    len: Option<u64>,
    pattern: bool,
    read_only: bool,
    speed: Option<Speed>,
    block_size: BlockSize,
    bad_at: Option<u64>,
    unplug_at: Option<u64>,
}

impl Draft {
    /// Takes an option; `false` if it is none of a disk.
    pub(super) fn hears(&mut self, item: Item<'_>) -> Result<bool, SpecError> {
        match item.name {
            "size" => self.len = Some(size("size", value("size", item)?)?),
            "pattern" if item.value.is_none() => self.pattern = true,
            "ro" if item.value.is_none() => self.read_only = true,
            "speed" => self.speed = Some(fast_speed(item)?),
            "blocks" => self.block_size = blocks(item)?,
            "bad" => self.bad_at = Some(size("bad", value("bad", item)?)?),
            "unplug" => self.unplug_at = Some(size("unplug", value("unplug", item)?)?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    pub(super) fn finish(self) -> Result<DiskSpec, SpecError> {
        Ok(DiskSpec {
            speed: self.speed,
            block_size: self.block_size,
            bad_at: self.bad_at,
            unplug_at: self.unplug_at,
            source: self.source()?,
        })
    }

    fn source(self) -> Result<DiskSource, SpecError> {
        let read_only = self.read_only;
        let len = match (self.path, self.len) {
            (Some(_), Some(_)) => return Err(SpecError::TwoMedia),
            (None, None) => return Err(SpecError::NoMedium),
            (Some(_), None) if self.pattern => return Err(SpecError::TwoMedia),
            (Some(path), None) => return Ok(DiskSource::Image { path, read_only }),
            (None, Some(len)) => len,
        };
        let block_size = self.block_size.bytes();
        if len == 0 || len % u64::from(block_size) != 0 {
            return Err(SpecError::OddSize { len, block_size });
        }
        match self.pattern {
            true => Ok(DiskSource::Pattern { len, read_only }),
            false if len > MEMORY_MAX => Err(SpecError::TooLarge { len }),
            false => Ok(DiskSource::Zeros { len, read_only }),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn error(options: &str) -> SpecError {
        disk(options).unwrap_err()
    }

    #[test]
    fn a_disk_is_an_image_a_pattern_or_zeros() {
        let image = DiskSource::Image {
            path: "a=b.img".into(),
            read_only: true,
        };
        assert_eq!(disk("a=b.img,ro").unwrap().source, image);
        let pattern = DiskSource::Pattern {
            len: 64 << 20,
            read_only: false,
        };
        assert_eq!(disk("size=64M,pattern").unwrap().source, pattern);
        let zeros = disk("size=4K,blocks=4096,speed=high").unwrap();
        let source = DiskSource::Zeros {
            len: 4096,
            read_only: false,
        };
        assert_eq!(zeros.source, source);
        assert_eq!(
            (zeros.speed, zeros.block_size),
            (Some(Speed::High), BlockSize::Bytes4096)
        );
    }

    #[test]
    fn faults_have_places() {
        let disk = disk("size=1M,pattern,bad=4K,unplug=512K").unwrap();
        assert_eq!((disk.bad_at, disk.unplug_at), (Some(4096), Some(512 << 10)));
    }

    #[test]
    fn what_makes_no_disk_says_why() {
        assert_eq!(error(""), SpecError::NoMedium);
        assert_eq!(error("a.img,size=1M"), SpecError::TwoMedia);
        let odd = SpecError::OddSize {
            len: 1000,
            block_size: 512,
        };
        assert_eq!(error("size=1000"), odd);
        assert_eq!(error("size=2G"), SpecError::TooLarge { len: 2 << 30 });
        for (options, words) in [
            ("size=lots", "a size such as"),
            ("size=1M,sped=high", "called `sped`; there are size"),
            ("size=1M,speed=low", "give full, high, super or super+"),
            ("size=1M,blocks=1024", "512 or 4096"),
        ] {
            let message = error(options).to_string();
            assert!(message.contains(words), "{options}: {message}");
        }
    }
}
