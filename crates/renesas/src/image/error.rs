/// What is wrong with a firmware image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// Not even a header.
    #[error("{bytes} bytes are no firmware image; the header alone has 20")]
    Short {
        /// How many there are.
        bytes: usize,
    },
    /// It does not begin as one.
    #[error("a firmware image begins with 55AAh, this file with {found:04X}h{}", if *.vscd { "; it is ROM content (a VSCD, then an image): cut the image out" } else { "" })]
    Magic {
        /// What it begins with.
        found: u16,
        /// Whether it begins with a VSCD.
        vscd: bool,
    },
    /// The header is damaged.
    #[error(
        "the header's check sum is {stored:04X}h and should be {computed:04X}h: the file is damaged"
    )]
    HeaderCrc {
        /// What the file says.
        stored: u16,
        /// What it should say.
        computed: u16,
    },
    /// A section lies outside of the file, or over another one.
    #[error(
        "section {number} is said to be at {start:#x}..{end:#x}, in a file of {bytes} bytes: it is cut off, or damaged"
    )]
    Section {
        /// Which.
        number: usize,
        /// Where it begins.
        start: usize,
        /// Where it ends.
        end: usize,
        /// The file.
        bytes: usize,
    },
    /// A section is damaged.
    #[error(
        "the check sum of section {number} is {stored:04X}h and should be {computed:04X}h: the file is damaged"
    )]
    SectionCrc {
        /// Which.
        number: usize,
        /// What the file says.
        stored: u16,
        /// What it should say.
        computed: u16,
    },
    /// Section 0 has no room for the version.
    #[error("section 0 holds no version")]
    NoVersion,
    /// Longer than pointers reach.
    #[error("an image of {bytes} bytes is longer than 64 KiB")]
    Long {
        /// How long.
        bytes: usize,
    },
    /// A synthetic image cannot have this size.
    #[error("a synthetic image has {least} to {most} words, not {words}")]
    Words {
        /// What was asked for.
        words: usize,
        /// The smallest.
        least: usize,
        /// The largest.
        most: usize,
    },
}
