//! From an access to configuration space to the words that it means.

use core::fmt;

use xhci_spec::registers::{Describe, Field, Register};

use super::{
    Data0, Data1, DownloadControl, FwVersion, HcConfiguration, PhyControl0, PhyControl1,
    PhyControl2, RomConfiguration, RomControl, RomInformation,
};

/// What is known of a register without its type.
#[derive(Clone, Copy, Debug)]
pub struct RegisterInfo {
    /// Its offset in configuration space.
    pub offset: u16,
    /// Its size in bytes.
    pub bytes: u16,
    /// Full words.
    pub name: &'static str,
    /// Short name.
    pub mnemonic: &'static str,
    /// Its fields.
    pub fields: &'static [Field],
    describe: fn(u64) -> Describe,
}

const fn info<R: Register>() -> RegisterInfo {
    RegisterInfo {
        offset: low_word(R::OFFSET),
        bytes: R::WIDTH as u16 / 8,
        name: R::NAME,
        mnemonic: R::MNEMONIC,
        fields: R::FIELDS,
        describe: |bits| R::from_raw(bits).describe(),
    }
}

/// Configuration space has 12 bits of offset.
const fn low_word(offset: u32) -> u16 {
    let [a, b, ..] = offset.to_le_bytes();
    u16::from_le_bytes([a, b])
}

/// All registers, in the order of their offsets.
pub const REGISTERS: [RegisterInfo; 11] = [
    info::<FwVersion>(),
    info::<PhyControl0>(),
    info::<PhyControl1>(),
    info::<PhyControl2>(),
    info::<HcConfiguration>(),
    info::<RomInformation>(),
    info::<RomConfiguration>(),
    info::<DownloadControl>(),
    info::<RomControl>(),
    info::<Data0>(),
    info::<Data1>(),
];

/// What an access of `bytes` bytes at `at` means; its text is empty when no register of ours lies there.
///
/// ```
/// let text = renesas_spec::registers::decode(0xf6, 1, 0x01).to_string();
/// assert_eq!(text, "EXTROM[7:0] ACC RESULT=none");
/// ```
#[must_use]
pub const fn decode(at: u16, bytes: u16, value: u32) -> Decoded {
    Decoded { at, bytes, value }
}

/// Writes an access for people; see [`decode`].
#[derive(Clone, Copy, Debug)]
pub struct Decoded {
    at: u16,
    bytes: u16,
    value: u32,
}

impl fmt::Display for Decoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (start, end) = (
            u32::from(self.at),
            u32::from(self.at) + u32::from(self.bytes.min(4)),
        );
        let mut between = "";
        for register in &REGISTERS {
            let (low, high) = (
                u32::from(register.offset),
                u32::from(register.offset + register.bytes),
            );
            if end <= low || start >= high {
                continue;
            }
            let (from, to) = (start.max(low), end.min(high));
            let value = u64::from(self.value) >> ((from - start) * 8);
            let bits = (value & ((1 << ((to - from) * 8)) - 1)) << ((from - low) * 8);
            f.write_str(between)?;
            between = "; ";
            self.part(f, register, bits, (from - low, to - low))?;
        }
        Ok(())
    }
}

impl Decoded {
    /// One register's share: its bytes `from..to`, and the fields that lie in them.
    fn part(
        &self,
        f: &mut fmt::Formatter<'_>,
        register: &RegisterInfo,
        bits: u64,
        (from, to): (u32, u32),
    ) -> fmt::Result {
        if to - from == u32::from(register.bytes) {
            return write!(f, "{}", (register.describe)(bits));
        }
        let (low, high) = (from * 8, to * 8);
        write!(f, "{}[{}:{low}]", register.mnemonic, high - 1)?;
        let inside = |field: &&Field| (low..high).contains(&u32::from(field.low));
        for field in register.fields.iter().filter(inside) {
            let (mnemonic, value) = (field.mnemonic, field.get(bits));
            match field.show {
                xhci_spec::registers::Show::Named(name) => match name(value) {
                    Some(name) => write!(f, " {mnemonic}={name}")?,
                    None => write!(f, " {mnemonic}={value}")?,
                },
                _ if value == 0 => {}
                xhci_spec::registers::Show::Flag => write!(f, " {mnemonic}")?,
                _ => write!(f, " {mnemonic}={value:#x}")?,
            }
        }
        Ok(())
    }
}
