//! How a transfer becomes TRBs.

use alloc::vec::Vec;

use usb_spec::endpoint::Direction;
use usb_spec::setup::Setup;
use xhci_spec::number::{InterrupterId, Iova};
use xhci_spec::trb::{Data, Transfer, TransferFlags, Trb, Trt};

/// A TRB's data may not cross a multiple of this. xHCI 1.2 §6.4.1.1? (unchecked), Table 6-1.
const BORDER: u64 = 64 * 1024;

/// The largest value of the TD Size field. xHCI 1.2 §4.11.2.4.
const TD_SIZE_MAX: u64 = 31;

/// Where a transfer's data is cut, and where the ring's Links fall between the pieces.
///
/// Cuts fall on every multiple of 64 KiB. A Link inside a TD ends a TD Fragment, which must hold a whole number of bursts (xHCI 1.2
/// §4.11.7.1): the piece before a Link is therefore shortened to one. A plan is a small value, so that an event that names a TRB in
/// the middle can be turned back into a count of bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Where the data begins.
    pub(crate) at: Iova,
    /// How many bytes it has.
    pub(crate) length: usize,
    /// The largest packet.
    pub(crate) max_packet: u16,
    /// Packets in a burst, less one.
    pub(crate) burst_z: u8,
    /// How many TRBs of the data fit before the next Link, at least one.
    pub(crate) before_link: u32,
    /// How many fit between one Link and the next.
    pub(crate) per_segment: u32,
}

/// One TRB's worth of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Bytes before it.
    pub(crate) offset: usize,
    /// Bytes in it.
    pub(crate) length: usize,
}

impl Plan {
    /// Whether the data can be laid out from this place in the ring. It cannot when a single TRB with less than one burst would stand alone
    /// before a Link; then the place is passed over with a No Op.
    pub(crate) fn fits_here(&self) -> bool {
        self.before_link > 1
            || self.first_border() >= self.burst_payload()
            || self.first_border() >= self.length as u64
    }

    /// The pieces in order; one empty piece for a transfer without data.
    pub(crate) fn pieces(self) -> Pieces {
        Pieces {
            plan: self,
            offset: 0,
            left_in_segment: self.before_link.max(1),
            ended: false,
        }
    }

    /// How many bytes come before piece `index`.
    pub(crate) fn offset_of(self, index: usize) -> usize {
        self.pieces()
            .nth(index)
            .map_or(self.length, |piece| piece.offset)
    }

    /// Bytes from the start of the data to the first 64 KiB border.
    fn first_border(&self) -> u64 {
        BORDER - self.at.0 % BORDER
    }

    fn burst_payload(&self) -> u64 {
        u64::from(self.max_packet.max(1)) * (u64::from(self.burst_z) + 1)
    }

    /// Packets still to come after `done` bytes, as the TD Size field wants it: 0 in the last TRB. xHCI 1.2 §4.11.2.4.
    fn td_size(&self, done: usize) -> u8 {
        if done >= self.length {
            return 0;
        }
        let packet = u64::from(self.max_packet.max(1));
        let left = (self.length as u64).div_ceil(packet) - done as u64 / packet;
        u8::try_from(left.min(TD_SIZE_MAX)).unwrap_or(0)
    }
}

/// Iterator over the [`Piece`]s of a [`Plan`].
#[derive(Clone, Debug)]
pub(crate) struct Pieces {
    plan: Plan,
    offset: usize,
    left_in_segment: u32,
    ended: bool,
}

impl Iterator for Pieces {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        if self.ended {
            return None;
        }
        let left = (self.plan.length - self.offset) as u64;
        let border = BORDER - self.plan.at.0.wrapping_add(self.offset as u64) % BORDER;
        let mut length = left.min(border);
        if self.left_in_segment == 1 && length < left {
            // A Link follows and the TD goes on behind it: end on a whole burst.
            let end = self.offset as u64 + length;
            let trimmed = end - end % self.plan.burst_payload();
            length = trimmed
                .checked_sub(self.offset as u64)
                .filter(|&kept| kept > 0)
                .unwrap_or(length);
        }
        let piece = Piece {
            offset: self.offset,
            length: usize::try_from(length).unwrap_or(0),
        };
        self.offset += piece.length;
        self.left_in_segment = match self.left_in_segment {
            0 | 1 => self.plan.per_segment.max(1),
            more => more - 1,
        };
        self.ended = self.offset >= self.plan.length;
        Some(piece)
    }
}

/// Lays out a bulk or interrupt transfer as one TD: chained Normal TRBs, the last with IOC.
pub(crate) fn bulk(
    trbs: &mut Vec<Trb>,
    plan: Plan,
    direction: Direction,
    interrupter: InterrupterId,
) {
    trbs.clear();
    for piece in plan.pieces() {
        let last = piece.offset + piece.length >= plan.length;
        let normal = Transfer::Normal {
            data: Data::Pointer(plan.at.offset(piece.offset as u64)),
            length: trb_length(piece),
            td_size: plan.td_size(piece.offset + piece.length),
            interrupter,
            flags: TransferFlags {
                interrupt_on_completion: last,
                interrupt_on_short_packet: direction == Direction::In,
                chain: !last,
                ..TransferFlags::default()
            },
        };
        trbs.push(normal.emit());
    }
}

/// Lays out a control transfer: Setup Stage, the Data Stage with what is chained to it, Status Stage with IOC. xHCI 1.2 §4.11.2.2.
///
/// The data TRBs of an IN stage interrupt on a short packet, since only that event tells how many bytes came.
pub(crate) fn control(
    trbs: &mut Vec<Trb>,
    setup: &Setup,
    plan: Option<Plan>,
    interrupter: InterrupterId,
) {
    trbs.clear();
    let direction_in = setup.request_type.direction == Direction::In;
    let transfer_type = match (plan.is_some(), direction_in) {
        (false, _) => Trt::NO_DATA,
        (true, true) => Trt::IN,
        (true, false) => Trt::OUT,
    };
    trbs.push(
        Transfer::SetupStage {
            setup: setup.to_bytes(),
            transfer_type,
            ioc: false,
            interrupter,
        }
        .emit(),
    );
    if let Some(plan) = plan {
        for piece in plan.pieces() {
            let last = piece.offset + piece.length >= plan.length;
            let data = Data::Pointer(plan.at.offset(piece.offset as u64));
            let flags = TransferFlags {
                interrupt_on_short_packet: direction_in,
                chain: !last,
                ..TransferFlags::default()
            };
            let (length, td_size) = (trb_length(piece), plan.td_size(piece.offset + piece.length));
            let stage = if piece.offset == 0 {
                Transfer::DataStage {
                    data,
                    length,
                    td_size,
                    interrupter,
                    flags,
                    direction_in,
                }
            } else {
                Transfer::Normal {
                    data,
                    length,
                    td_size,
                    interrupter,
                    flags,
                }
            };
            trbs.push(stage.emit());
        }
    }
    // Without data the status goes IN; with data it goes against the data. USB 2.0 §8.5.3.1.
    let status_in = plan.is_none() || !direction_in;
    let status = Transfer::StatusStage {
        direction_in: status_in,
        ioc: true,
        chain: false,
        evaluate_next: false,
        interrupter,
    };
    trbs.push(status.emit());
}

fn trb_length(piece: Piece) -> u32 {
    u32::try_from(piece.length).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plan(at: u64, length: usize, before_link: u32) -> Plan {
        Plan {
            at: Iova(at),
            length,
            max_packet: 1024,
            burst_z: 15,
            before_link,
            per_segment: 255,
        }
    }

    #[test]
    fn data_is_cut_at_every_64_kib_border() {
        let pieces: Vec<_> = plan(0x1_f000, 0x2_2000, 100)
            .pieces()
            .map(|p| p.length)
            .collect();
        assert_eq!(pieces, [0x1000, 0x1_0000, 0x1_0000, 0x1000]);
    }

    #[test]
    fn a_transfer_without_data_has_one_empty_piece() {
        let pieces: Vec<_> = plan(0x1000, 0, 5).pieces().collect();
        assert_eq!(
            pieces,
            [Piece {
                offset: 0,
                length: 0
            }]
        );
    }

    #[test]
    fn a_lonely_short_piece_before_a_link_does_not_fit() {
        assert!(!plan(0x1_ff00, 0x2_0000, 1).fits_here());
        assert!(plan(0x1_ff00, 0x2_0000, 2).fits_here());
        assert!(plan(0x1_0000, 0x2_0000, 1).fits_here());
        assert!(
            plan(0x1_ff00, 0x100, 1).fits_here(),
            "the TD ends before the Link"
        );
    }

    #[test]
    fn td_size_counts_packets_down_to_zero() {
        let mut trbs = Vec::new();
        bulk(
            &mut trbs,
            plan(0x1_8000, 0x1_8000, 9),
            Direction::In,
            InterrupterId(0),
        );
        let sizes: Vec<_> = trbs.iter().map(|trb| trb.status() >> 17 & 31).collect();
        assert_eq!(
            sizes,
            [31, 0],
            "64 packets are left after the first TRB, which the field says as 31"
        );
    }

    proptest! {
        #[test]
        fn pieces_cover_the_data_and_keep_the_rules(
            at in 0u64..0x10_0000, length in 0usize..0x30_0000, before_link in 1u32..6,
            per_segment in 2u32..6, burst_z in 0u8..16,
        ) {
            let plan = Plan { at: Iova(at), length, max_packet: 1024, burst_z, before_link, per_segment };
            prop_assume!(plan.fits_here());
            let mut end = 0;
            let mut left = before_link;
            for piece in plan.pieces() {
                prop_assert_eq!(piece.offset, end);
                prop_assert!(piece.length > 0 || length == 0);
                prop_assert!(!Iova(at + piece.offset as u64).crosses(piece.length as u64, BORDER));
                end += piece.length;
                left -= 1;
                if left == 0 {
                    prop_assert!(end == length || (end as u64).is_multiple_of(plan.burst_payload()), "a fragment holds whole bursts");
                    left = per_segment;
                }
            }
            prop_assert_eq!(end, length);
        }

        #[test]
        fn an_index_turns_back_into_an_offset(at in 0u64..0x10_0000, length in 1usize..0x30_0000) {
            let plan = plan(at, length, 3);
            for (index, piece) in plan.pieces().enumerate() {
                prop_assert_eq!(plan.offset_of(index), piece.offset);
            }
        }
    }
}
