//! The arguments that verbs share.

use clap::{Args, Parser};
use local::{BlockSize, ControllerSpec, DeviceSpec, DiskSource, DiskSpec, KeyboardSpec};

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

disk:IMAGE[,ro]            a disk whose bytes are a file's
disk:size=64M              a disk of zeros, in memory
disk:size=64M,pattern      a disk whose bytes can be computed, of any size;
                           it keeps up to 64 MiB of what is written
keyboard[:text=TEXT]       a keyboard, which types the text
composite:…                a keyboard and a disk in one device, with the options of both
tablet                     a pointer that knows where it is
serial[:raw]               a serial port that sends back what it is sent
zero[:pattern=0|1|2]       gadget zero, as usbtest of Linux wants it
hub[:ports=N][,mtt](…)     a USB 3 hub, on a USB3 and a USB2 port
hub:speed=high|full|super  a hub of one of the two kinds

All take speed=full|high|super|super+ (keyboards and tablets low, too). What says no speed runs as fast as it usually does, or as its hub \
allows. Disks take blocks=512|4096 and two faults: bad=OFFSET makes a byte unreadable, unplug=OFFSET pulls the disk out when that byte is \
reached.

What is in a hub stands in brackets, with semicolons between, in the next port or in the one that is named; hubs may be in hubs, five \
in a row:

  --device 'hub(keyboard; disk:stick.img,ro; 4=hub:speed=high,mtt(tablet; serial))'

In brackets, a bracket or a semicolon of a path or a text is written with a backslash.";

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

    /// What is plugged in, as disk:IMAGE, keyboard or 'hub(keyboard; disk:IMAGE)'; may be given several times
    #[arg(long = "device", value_name = "SPEC", long_help = DEVICES)]
    devices: Vec<String>,

    /// Print one JSON object instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

impl Common {
    /// The controller, as the model takes it.
    pub(crate) fn controller(&self) -> Result<ControllerSpec, local::SpecError> {
        self.controller.parse()
    }

    /// What is to be plugged in: what was asked for, or a disk and a keyboard that types `text`.
    pub(crate) fn devices(&self, text: &str) -> Result<Vec<DeviceSpec>, local::SpecError> {
        if !self.devices.is_empty() {
            return self.devices.iter().map(|spec| spec.parse()).collect();
        }
        let disk = DeviceSpec::Disk(DiskSpec {
            source: DiskSource::Pattern {
                len: DEFAULT_DISK,
                read_only: false,
            },
            speed: None,
            block_size: BlockSize::Bytes512,
            bad_at: None,
            unplug_at: None,
        });
        let keyboard = DeviceSpec::Keyboard(KeyboardSpec {
            text: text.to_owned(),
            speed: None,
        });
        Ok(vec![disk, keyboard])
    }
}

/// Which device is meant.
#[derive(Clone, Debug, Args)]
pub(crate) struct Selection {
    /// Which device: its place (5; behind hubs 5.2.1), its class (disk, keyboard, hub), its ids (1209:0001) or a part of its name
    #[arg(value_name = "DEVICE")]
    pub(crate) device: Option<String>,
}

/// A place on a disk: a number of bytes with an optional K, M or G.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    local::parse_size(text).ok_or_else(|| "give a size such as 512, 4K or 64M".to_owned())
}
