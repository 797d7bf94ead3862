//! The arguments that verbs share.

use clap::{Args, Parser};
use host::Speed;
use local::{BlockSize, ControllerSpec, DeviceSpec, DiskSource, DiskSpec, KeyboardSpec};
use xhci_spec::extended::Protocol;

/// The size of the disk that is there when none was asked for.
const DEFAULT_DISK: u64 = 64 << 20;

use crate::command::Verb;

const EXIT_CODES: &str = "\
Exit codes:
  0    everything went well
  1    something on this computer failed, such as writing a file
  2    the arguments make no sense
  3    a device or its medium failed, or cannot be used
  4    the controller failed, or did not come up
  130  interrupted with Ctrl-C";

/// The help of a device specification.
const DEVICES: &str = "\
What is plugged in; may be given several times. Without it: disk:size=64M,pattern and keyboard

disk:IMAGE[,ro]        a disk whose bytes are a file's
disk:size=64M          a disk of zeros, in memory
disk:size=64M,pattern  a disk whose bytes can be computed, of any size
keyboard[:text=TEXT]   a keyboard, which types the text

Disks and keyboards take speed=full|high|super|super+ (keyboards low, too), disks blocks=512|4096 and two faults: bad=OFFSET makes a \
byte unreadable, unplug=OFFSET pulls the disk out when that byte is reached.";

const CONTROLLER: &str = "\
The controller: model, or model:OPTIONS

ports2=N, ports3=N            USB2 and USB3 ports (4 and 4)
slots=N, interrupters=N       how many (64 and 8)
contexts=32|64                bytes of a context (32)
ac64=on|off                   64-bit addresses (on)
scratchpads=N                 scratchpad buffers (4)
bios=owned|late|never|none    what the firmware does that owns it at power-on (owned)
seed=N                        scatters the register blocks";

/// A USB 3 host controller and its driver, without root and without hardware.
#[derive(Debug, Parser)]
#[command(name = "doorbell", version, after_help = EXIT_CODES, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

impl Arguments {
    pub(crate) fn wants_json(&self) -> bool {
        self.verb.common().json
    }
}

/// What every verb takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct Common {
    /// The controller: model, or model:OPTIONS
    #[arg(long, value_name = "CONTROLLER", default_value = "model", long_help = CONTROLLER)]
    controller: String,

    /// What is plugged in, as disk:IMAGE or keyboard; may be given several times
    #[arg(long = "device", value_name = "SPEC", long_help = DEVICES)]
    devices: Vec<DeviceSpec>,

    /// Print one JSON object instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

impl Common {
    /// The controller, as the model takes it.
    pub(crate) fn controller(&self) -> Result<ControllerSpec, local::SpecError> {
        self.controller.parse()
    }

    /// What is to be plugged in: what was asked for, or a disk and a keyboard that types `text`, at speeds for which there are ports.
    pub(crate) fn devices(&self, controller: &ControllerSpec, text: &str) -> Vec<DeviceSpec> {
        if !self.devices.is_empty() {
            return self.devices.clone();
        }
        let has = |protocol| controller.ports(protocol) > 0;
        let disk = DeviceSpec::Disk(DiskSpec {
            source: DiskSource::Pattern {
                len: DEFAULT_DISK,
                read_only: false,
            },
            speed: if has(Protocol::Usb3) {
                Speed::Super
            } else {
                Speed::High
            },
            block_size: BlockSize::Bytes512,
            bad_at: None,
            unplug_at: None,
        });
        let keyboard = DeviceSpec::Keyboard(KeyboardSpec {
            text: text.to_owned(),
            speed: if has(Protocol::Usb2) {
                Speed::Low
            } else {
                Speed::Super
            },
        });
        vec![disk, keyboard]
    }
}

/// Which device is meant.
#[derive(Clone, Debug, Args)]
pub(crate) struct Selection {
    /// Which device: its port (5), its class (disk, keyboard), its ids (1209:0001) or a part of its name
    #[arg(value_name = "DEVICE")]
    pub(crate) device: Option<String>,
}

/// A place on a disk: a number of bytes with an optional K, M or G.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    local::parse_size(text).ok_or_else(|| "give a size such as 512, 4K or 64M".to_owned())
}
