//! Mobile cells and wireless networks (GT06 protocol 1.8.1, 5.2.1.10 to 5.2.1.13; AM01 protocol 1.10.0, LBS and WiFi).

use super::draft::Draft;
use crate::{
    cells::Cell,
    reader::{ReadError, Reader},
};

/// How wide area and cell are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    /// Two and three bytes: 2G.
    Narrow,
    /// Two and four bytes.
    Middle,
    /// Four and eight bytes: 4G.
    Wide,
}

/// Country and operator, which all cells of a message share.
#[derive(Clone, Copy)]
pub(super) struct Network {
    mcc: u16,
    mnc: u16,
}

impl Network {
    /// Bit 15 of the country says that the operator has two bytes instead of one.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, ReadError> {
        let mcc = reader.u16_be()?;
        let mnc = if mcc & 0x8000 == 0 { reader.u8()?.into() } else { reader.u16_be()? };
        Ok(Self { mcc: mcc & 0x7FFF, mnc })
    }

    fn cell(self, area: u32, id: u64) -> Cell {
        Cell { mcc: self.mcc, mnc: self.mnc, area, id, dbm: None }
    }
}

/// One cell with its network.
pub(super) fn cell(reader: &mut Reader<'_>, width: Width, draft: &mut Draft) -> Result<(), ReadError> {
    let network = Network::read(reader)?;
    add(reader, network, width, draft)
}

/// One cell with its network that takes all of `bytes`; the area has as many as the width says, the cell the rest.
pub(super) fn cell_of(bytes: &[u8], width: Width, draft: &mut Draft) -> Result<(), ReadError> {
    let mut reader = Reader::new(bytes);
    let network = Network::read(&mut reader)?;
    let area = reader.uint_be(width.area())? as u32;
    let left = reader.left().min(8);
    draft.cells.cell(network.cell(area, reader.uint_be(left)?));
    Ok(())
}

/// One cell of four bytes whose operator has two, without saying so.
pub(super) fn cell_of_long_operator(reader: &mut Reader<'_>, draft: &mut Draft) -> Result<(), ReadError> {
    let network = Network { mcc: reader.u16_be()?, mnc: reader.u16_be()? };
    add(reader, network, Width::Middle, draft)
}

/// Cells with one byte of strength each, as long as `end` bytes are left behind them. What the strength means differs
/// from device to device, so it is not said.
pub(super) fn neighbours(
    reader: &mut Reader<'_>,
    network: Network,
    width: Width,
    end: usize,
    draft: &mut Draft,
) -> Result<(), ReadError> {
    while reader.left() > end + width.area() + width.id() {
        add(reader, network, width, draft)?;
        reader.u8()?;
    }
    Ok(())
}

/// Access points: hardware address and strength.
pub(super) fn access_points(reader: &mut Reader<'_>, draft: &mut Draft) -> Result<(), ReadError> {
    while reader.left() >= 7 {
        let mac = reader.array()?;
        let strength = reader.u8()?;
        // Some write the strength with its sign, others without.
        let dbm = i16::from(strength.cast_signed());
        draft.cells.access_point(mac, (dbm != 0).then_some(-dbm.abs()));
    }
    Ok(())
}

impl Width {
    pub(super) fn area(self) -> usize {
        match self {
            Self::Narrow | Self::Middle => 2,
            Self::Wide => 4,
        }
    }

    pub(super) fn id(self) -> usize {
        match self {
            Self::Narrow => 3,
            Self::Middle => 4,
            Self::Wide => 8,
        }
    }
}

fn add(reader: &mut Reader<'_>, network: Network, width: Width, draft: &mut Draft) -> Result<(), ReadError> {
    let area = reader.uint_be(width.area())? as u32;
    let id = reader.uint_be(width.id())?;
    draft.cells.cell(network.cell(area, id));
    Ok(())
}
