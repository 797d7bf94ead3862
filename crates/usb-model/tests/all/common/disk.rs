use std::ops::{Deref, DerefMut};

use usb_model::Status;
use usb_model::device::{Disk, DiskOptions};
use usb_spec::class::mass_storage::scsi::{Command, Sense};
use usb_spec::class::mass_storage::{Cbw, Csw, CswStatus};
use usb_spec::{Direction, EndpointAddress};

use super::{Bench, RamSlice};

pub(crate) const IN: EndpointAddress = EndpointAddress(0x81);
pub(crate) const OUT: EndpointAddress = EndpointAddress(0x02);

/// A disk and what a driver of it does.
#[derive(Debug)]
pub(crate) struct DiskBench {
    bench: Bench<Disk<RamSlice>>,
    tag: u32,
}

/// How a command went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) data: Vec<u8>,
    /// The data stage, or its first part, ended in a stall.
    pub(crate) stalled: bool,
    pub(crate) status: CswStatus,
    pub(crate) residue: u32,
}

impl DiskBench {
    pub(crate) const IN: EndpointAddress = IN;
    pub(crate) const OUT: EndpointAddress = OUT;

    /// Configured; the unit attention still waits.
    pub(crate) fn plugged(options: DiskOptions) -> Self {
        let size = options.blocks.min(256) * u64::from(options.block_size.bytes());
        let mut bench = Bench::new(Disk::new(options));
        bench.medium = (0..size)
            .map(|at| u8::try_from((at / 512 * 7 + at % 241) % 256).unwrap())
            .collect();
        let packet = usb_model::UsbDevice::speed(&bench.device)
            .largest_packet(usb_spec::TransferKind::Bulk)
            .unwrap();
        bench.packet_sizes.insert(IN.0, packet);
        bench.packet_sizes.insert(OUT.0, packet);
        bench.configure();
        Self { bench, tag: 0 }
    }

    /// Configured, and has told its unit attention.
    pub(crate) fn ready(options: DiskOptions) -> Self {
        let mut disk = Self::plugged(options);
        assert_eq!(disk.none(Command::TestUnitReady).status, CswStatus::FAILED);
        assert_eq!(disk.none(Command::TestUnitReady).status, CswStatus::PASSED);
        disk
    }

    pub(crate) fn cbw(&mut self, command: Command, length: u32, direction: Direction) -> Cbw {
        self.tag += 1;
        Cbw::new(self.tag, length, direction, 0, command.emit())
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> Option<(Status, usize)> {
        self.bench.ram.put(0, bytes);
        self.bench.transfer(OUT, bytes.len())
    }

    /// Command, data, status, with the clearing of halts that BOT §6.7 asks of a host.
    pub(crate) fn raw(&mut self, cbw: &Cbw, data: &[u8]) -> Outcome {
        assert_eq!(self.send(&cbw.to_bytes()), Some((Status::Ok, Cbw::LENGTH)));
        let (mut read, mut stalled) = (Vec::new(), false);
        if cbw.data_length > 0 {
            let endpoint = if cbw.direction.is_in() { IN } else { OUT };
            self.bench.ram.put(0, data);
            let (status, bytes) = self
                .bench
                .transfer(endpoint, cbw.data_length as usize)
                .expect("the data stage ends");
            stalled = status == Status::Stall;
            assert!(stalled || status == Status::Ok, "{status:?}");
            if cbw.direction.is_in() {
                read = self.bench.ram.get(0, bytes);
            }
            if stalled {
                self.bench.clear_halt(endpoint);
            }
        }
        let (csw, late) = self.status();
        assert_eq!(csw.tag, cbw.tag);
        Outcome {
            data: read,
            stalled: stalled || late,
            status: csw.status,
            residue: csw.residue,
        }
    }

    /// The CSW, after one stall at most. BOT §6.7.2 note, figure 2.
    pub(crate) fn status(&mut self) -> (Csw, bool) {
        let mut stalled = false;
        let (mut status, mut bytes) = self
            .bench
            .transfer(IN, Csw::LENGTH)
            .expect("there is a status");
        if status == Status::Stall {
            stalled = true;
            self.bench.clear_halt(IN);
            (status, bytes) = self
                .bench
                .transfer(IN, Csw::LENGTH)
                .expect("there is a status");
        }
        assert_eq!((status, bytes), (Status::Ok, Csw::LENGTH));
        (Csw::parse(&self.bench.ram.get(0, bytes)).unwrap(), stalled)
    }

    pub(crate) fn none(&mut self, command: Command) -> Outcome {
        let cbw = self.cbw(command, 0, Direction::Out);
        self.raw(&cbw, &[])
    }

    pub(crate) fn read(&mut self, command: Command, length: u32) -> Outcome {
        let cbw = self.cbw(command, length, Direction::In);
        self.raw(&cbw, &[])
    }

    pub(crate) fn write(&mut self, command: Command, data: &[u8]) -> Outcome {
        let cbw = self.cbw(command, u32::try_from(data.len()).unwrap(), Direction::Out);
        self.raw(&cbw, data)
    }

    pub(crate) fn sense(&mut self) -> Sense {
        let outcome = self.read(
            Command::RequestSense {
                descriptor_format: false,
                allocation_length: 18,
            },
            18,
        );
        assert_eq!(outcome.status, CswStatus::PASSED);
        Sense::parse(&outcome.data).unwrap()
    }
}

impl Deref for DiskBench {
    type Target = Bench<Disk<RamSlice>>;

    fn deref(&self) -> &Self::Target {
        &self.bench
    }
}

impl DerefMut for DiskBench {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.bench
    }
}
