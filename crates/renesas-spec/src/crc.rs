/// The check sum of images and VSCD: CRC-16/X-25 (polynomial 1021h reflected, initial value and final XOR FFFFh).
///
/// ```
/// assert_eq!(renesas_spec::crc16(b"123456789"), 0x906e);
/// ```
#[must_use]
pub const fn crc16(bytes: &[u8]) -> u16 {
    const POLYNOMIAL: u16 = 0x8408;
    let mut crc = 0xffff_u16;
    let mut rest = bytes;
    while let [byte, tail @ ..] = rest {
        crc ^= *byte as u16;
        let mut bit = 0;
        while bit < 8 {
            let carry = crc & 1 == 1;
            crc >>= 1;
            if carry {
                crc ^= POLYNOMIAL;
            }
            bit += 1;
        }
        rest = tail;
    }
    !crc
}
