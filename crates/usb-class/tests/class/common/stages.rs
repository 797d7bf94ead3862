//! The data and status stages of the played disk.

use usb_class::transport::Status;
use usb_spec::Direction;
use usb_spec::class::mass_storage::scsi::Opcode;
use usb_spec::class::mass_storage::{Csw, CswStatus};

use super::disk::FakeDisk;
use super::fault::{Answer, At, Inject};

impl FakeDisk {
    pub(super) fn wants_small_data(&self) -> bool {
        let exchange = self.exchange.as_ref().expect("bulk IN without a command");
        let is_in = exchange.cbw.direction == Direction::In && exchange.cbw.data_length > 0;
        is_in
            && exchange.moved == 0
            && self
                .log
                .last()
                .is_some_and(|last| *last == format!("{}", exchange.opcode))
    }

    pub(super) fn data_in(&mut self, offset: Option<u64>, length: u32) -> Answer {
        self.log.push(format!("data in {length}"));
        let exchange = self.exchange.as_mut().expect("data without a command");
        assert_eq!(
            length, exchange.cbw.data_length,
            "as much as the wrapper said"
        );
        let mut data = core::mem::take(&mut exchange.data);
        data.truncate(length as usize);
        let (opcode, failed) = (exchange.opcode, exchange.failed);
        let mut status = if failed { Status::Stall } else { Status::Ok };
        match self.strike(At::Data(opcode)) {
            Some(Inject::Fail(other)) => {
                status = other;
                data.clear();
            }
            Some(Inject::Short(bytes)) => data.truncate(bytes as usize),
            Some(Inject::StallAfter(bytes)) => {
                status = Status::Stall;
                data.truncate(bytes as usize);
            }
            Some(Inject::StatusForData) => {
                return Answer::data(self.take_status().to_bytes().to_vec());
            }
            Some(Inject::Bytes(bytes)) => data = bytes.to_vec(),
            Some(Inject::Boast(more)) => return Answer::moved(length + more),
            Some(other) => panic!("{other:?} does not fit data"),
            None => {}
        }
        self.halted_in = status == Status::Stall;
        let moved = u32::try_from(data.len()).unwrap();
        self.exchange.as_mut().unwrap().moved = moved;
        if let Some(offset) = offset {
            let start = usize::try_from(offset).unwrap();
            self.buffer[start..start + data.len()].copy_from_slice(&data);
            data.clear();
        }
        Answer {
            status,
            bytes: moved,
            data,
        }
    }

    pub(super) fn data_out(&mut self, offset: u64, length: u32) -> Answer {
        self.log.push(format!("data out {length}"));
        let exchange = self.exchange.as_ref().expect("data without a command");
        assert_eq!(
            length, exchange.cbw.data_length,
            "as much as the wrapper said"
        );
        let (opcode, write_at) = (exchange.opcode, exchange.write_at);
        let (mut status, mut moved) = if exchange.failed {
            (Status::Stall, 0)
        } else {
            (Status::Ok, length)
        };
        match self.strike(At::Data(opcode)) {
            Some(Inject::Fail(other)) => (status, moved) = (other, 0),
            Some(Inject::StallAfter(bytes)) => (status, moved) = (Status::Stall, bytes),
            Some(Inject::Short(bytes)) => moved = bytes,
            Some(other) => panic!("{other:?} does not fit data"),
            None => {}
        }
        if let Some(to) = write_at {
            let from = usize::try_from(offset).unwrap();
            let bytes = &self.buffer[from..from + moved as usize];
            self.medium[to..to + moved as usize].copy_from_slice(bytes);
        }
        self.halted_out = status == Status::Stall;
        self.exchange.as_mut().unwrap().moved = moved;
        Answer {
            status,
            bytes: moved,
            data: Vec::new(),
        }
    }

    pub(super) fn take_status(&mut self) -> Csw {
        let exchange = self.exchange.take().expect("a status without a command");
        if exchange.opcode == Opcode::READ_10 && !exchange.failed {
            self.later_failures.0 = self.later_failures.0.saturating_sub(1);
            if self.later_failures.0 == 0 {
                self.failures.extend(self.later_failures.1.drain(..));
            }
        }
        let residue =
            (exchange.cbw.data_length - exchange.moved).saturating_add(self.bogus_residue);
        let status = if exchange.failed {
            CswStatus::FAILED
        } else {
            CswStatus::PASSED
        };
        Csw {
            tag: exchange.cbw.tag,
            residue,
            status,
        }
    }

    pub(super) fn status(&mut self) -> Answer {
        self.log.push("status".into());
        let opcode = self
            .exchange
            .as_ref()
            .expect("a status without a command")
            .opcode;
        let keep = |disk: &mut Self, answer: Answer| {
            disk.halted_in = answer.status == Status::Stall;
            answer
        };
        match self.strike(At::Status(opcode)) {
            None => Answer::data(self.take_status().to_bytes().to_vec()),
            Some(Inject::Csw(change)) => {
                let mut csw = self.take_status();
                change(&mut csw);
                Answer::data(csw.to_bytes().to_vec())
            }
            Some(Inject::CutCsw(length)) => {
                let bytes = self.take_status().to_bytes();
                Answer::data(bytes[..length].to_vec())
            }
            // The status is still to come.
            Some(Inject::Fail(status)) => keep(self, Answer::failed(status)),
            Some(Inject::Bytes(bytes)) => Answer::data(bytes.to_vec()),
            Some(other) => panic!("{other:?} does not fit a status"),
        }
    }
}
