//! The checksums that device protocols use, under their names in the catalogue of parametrised CRC algorithms.

use crc::{Algorithm, Crc, Table};

/// Named "CRC-16/IBM" by vendors: Teltonika.
pub fn crc16_arc(bytes: &[u8]) -> u16 {
    static CRC: Crc<u16, Table<16>> = wide(&crc::CRC_16_ARC);
    CRC.checksum(bytes)
}

/// Named "CRC-ITU" by vendors of the GT06 family.
pub fn crc16_x25(bytes: &[u8]) -> u16 {
    static CRC: Crc<u16> = Crc::<u16>::new(&crc::CRC_16_IBM_SDLC);
    CRC.checksum(bytes)
}

pub fn crc16_modbus(bytes: &[u8]) -> u16 {
    static CRC: Crc<u16> = Crc::<u16>::new(&crc::CRC_16_MODBUS);
    CRC.checksum(bytes)
}

pub fn crc16_kermit(bytes: &[u8]) -> u16 {
    static CRC: Crc<u16> = Crc::<u16>::new(&crc::CRC_16_KERMIT);
    CRC.checksum(bytes)
}

/// Polynomial 0x1021 from 0xFFFF, often called "CCITT".
pub fn crc16_ccitt_false(bytes: &[u8]) -> u16 {
    static CRC: Crc<u16> = Crc::<u16>::new(&crc::CRC_16_IBM_3740);
    CRC.checksum(bytes)
}

/// Polynomial 0x1021 from 0.
pub fn crc16_xmodem(bytes: &[u8]) -> u16 {
    static CRC: Crc<u16> = Crc::<u16>::new(&crc::CRC_16_XMODEM);
    CRC.checksum(bytes)
}

pub fn xor(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum ^ byte)
}

/// The sum modulo 256.
pub fn sum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum.wrapping_add(*byte))
}

/// What must be added to the sum to give 0 modulo 256.
pub fn two_complement(bytes: &[u8]) -> u8 {
    sum(bytes).wrapping_neg()
}

/// Tables for 16 bytes at a time: this one runs over every byte that a big fleet sends.
const fn wide(algorithm: &'static Algorithm<u16>) -> Crc<u16, Table<16>> {
    Crc::<u16, Table<16>>::new(algorithm)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The catalogue's check value of an algorithm is its checksum of these digits.
    const CHECK: &[u8] = b"123456789";

    #[test]
    fn each_algorithm_gives_its_check_value() {
        for (name, computed, expected) in [
            ("arc", crc16_arc(CHECK), 0xBB3D),
            ("x25", crc16_x25(CHECK), 0x906E),
            ("modbus", crc16_modbus(CHECK), 0x4B37),
            ("kermit", crc16_kermit(CHECK), 0x2189),
            ("ccitt-false", crc16_ccitt_false(CHECK), 0x29B1),
            ("xmodem", crc16_xmodem(CHECK), 0x31C3),
            ("xor", u16::from(xor(CHECK)), 0x31),
            ("sum", u16::from(sum(CHECK)), 0xDD),
            ("two's complement", u16::from(two_complement(CHECK)), 0x23),
        ] {
            assert_eq!(computed, expected, "{name}");
        }
    }
}
