use usb_spec::Speed;

/// What is wrong with a specification of a device or a controller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpecError {
    /// There is nothing of that name.
    #[error("there is no {what} called `{given}`; there are {known}")]
    Unknown {
        /// What was looked for.
        what: &'static str,
        /// What was written.
        given: String,
        /// What there is.
        known: &'static str,
    },
    /// The value makes no sense.
    #[error("`{option}={value}` makes no sense; give {expected}")]
    BadValue {
        /// Which option.
        option: &'static str,
        /// What was written.
        value: String,
        /// What is possible.
        expected: &'static str,
    },
    /// An option without its value.
    #[error("`{option}` needs a value, as in `{option}=…`")]
    NoValue {
        /// Which option.
        option: &'static str,
    },
    /// A disk without bytes.
    #[error("a disk needs an image or a size: `disk:IMAGE`, `disk:size=64M,pattern`")]
    NoMedium,
    /// A disk with two media.
    #[error("a disk has either an image or a size; leave one out")]
    TwoMedia,
    /// Sizes are whole blocks.
    #[error(
        "a disk of {len} bytes cannot be divided into blocks of {block_size}; round the size up"
    )]
    OddSize {
        /// How many bytes.
        len: u64,
        /// The block size.
        block_size: u32,
    },
    /// Too large for memory.
    #[error("a disk of {len} bytes is too large for memory; add `pattern`, or give an image file")]
    TooLarge {
        /// How many bytes.
        len: u64,
    },
    /// The US layout has no such key.
    #[error("no key of a US keyboard types `{character}`; leave it out")]
    NoKey {
        /// Which character.
        character: char,
    },
    /// Brackets that do not match.
    #[error(
        "the brackets of `{text}` do not match; write `hub(keyboard; disk:a.img)`, and a backslash before a bracket of a name"
    )]
    Unbalanced {
        /// What was written.
        text: String,
    },
    /// Something behind a hub's brackets.
    #[error("`{text}` stands behind the bracket that ends a hub; put it in, behind a semicolon")]
    Trailing {
        /// What was written.
        text: String,
    },
    /// Brackets behind something else than a hub.
    #[error("only a hub has something in it, and `{device}` is none; leave the brackets out")]
    NoHub {
        /// What was written.
        device: String,
    },
    /// More hubs in a row than USB allows.
    #[error("a hub cannot be behind five others; plug it in nearer to the controller")]
    TooDeep,
    /// The hub has fewer ports.
    #[error(
        "`{device}` wants port {port}, and the hub has {ports}; give it more, as in `hub:ports={wanted}`"
    )]
    NoHubPort {
        /// What should be in the hub.
        device: String,
        /// In which port.
        port: u8,
        /// How many ports the hub has.
        ports: u8,
        /// How many it should have.
        wanted: u8,
    },
    /// No hub has that many ports.
    #[error("there is no port for `{device}`, as no hub has more than 15; put a second hub in")]
    ManyPorts {
        /// What should be in the hub.
        device: String,
    },
    /// Two devices in one port.
    #[error("port {port} of the hub is taken, so `{device}` cannot be there; choose another one")]
    PortTaken {
        /// What should be in the hub.
        device: String,
        /// In which port.
        port: u8,
    },
    /// Faster than the hub above.
    #[error(
        "`{device}` at {asked} is too fast for a hub of {hub}; leave its speed out, or the hub's",
        asked = .asked.name(),
        hub = .hub.name()
    )]
    TooFast {
        /// What should be in the hub.
        device: String,
        /// Its speed.
        asked: Speed,
        /// The hub's.
        hub: Speed,
    },
    /// Slower than anything that the hub above can do.
    #[error(
        "`{device}` at {asked} needs the USB 2 wires, which a hub with speed=super does not have; leave the hub's speed out",
        asked = .asked.name()
    )]
    NoWires {
        /// What should be in the hub.
        device: String,
        /// Its speed.
        asked: Speed,
    },
    /// Translators where there are none.
    #[error("only hubs of high speed have translators; leave `mtt` out, or the speed")]
    NoTranslators,
}
