//! Mobile cells and wireless networks that a device heard, and how strongly, as inputs of one form for every protocol.

use domain::Inputs;
use std::fmt::Write;

/// A cell of a mobile network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    pub mcc: u16,
    pub mnc: u16,
    /// Location area or tracking area.
    pub area: u32,
    pub id: u64,
    /// Received strength, dBm.
    pub dbm: Option<i16>,
}

/// No more cells or access points of a message are kept: no device hears more that help.
const MAX: usize = 16;

/// Collects what a device heard; the serving cell comes first.
#[derive(Clone, Debug, Default)]
pub struct Cells {
    serving: Option<Cell>,
    count: usize,
    cells: String,
    access_points: String,
    access_point_count: usize,
}

impl Cells {
    pub fn new() -> Self {
        Self::default()
    }

    /// Cells without a number or a country, with which devices fill unused places, are left out.
    pub fn cell(&mut self, cell: Cell) -> &mut Self {
        let unused =
            matches!(cell.id, 0 | 0xFFFF | 0x0FFF_FFFF | 0xFFFF_FFFF) || matches!(cell.mcc, 0 | 0xFFFF);
        if unused || self.count == MAX {
            return self;
        }
        self.count += 1;
        match self.serving {
            None => self.serving = Some(cell),
            Some(serving) => {
                // A single cell needs no list.
                if self.cells.is_empty() {
                    write_cell(&mut self.cells, &serving);
                }
                self.cells.push(';');
                write_cell(&mut self.cells, &cell);
            }
        }
        self
    }

    pub fn access_point(&mut self, mac: [u8; 6], dbm: Option<i16>) -> &mut Self {
        if mac == [0; 6] || mac == [0xFF; 6] || self.access_point_count == MAX {
            return self;
        }
        self.access_point_count += 1;
        let text = &mut self.access_points;
        if !text.is_empty() {
            text.push(';');
        }
        text.push_str(&crate::hex::upper(&mac));
        if let Some(dbm) = dbm {
            // Writing to a text does not fail.
            let _ = write!(text, ",{dbm}");
        }
        self
    }

    pub fn write(&self, inputs: &mut Inputs) {
        if let Some(cell) = self.serving {
            inputs.push(input!("gsm_mcc"), i64::from(cell.mcc));
            inputs.push(input!("gsm_mnc"), i64::from(cell.mnc));
            inputs.push(input!("gsm_area_code"), i64::from(cell.area));
            inputs.push(input!("gsm_cell_id"), i64::try_from(cell.id).unwrap_or(i64::MAX));
            if let Some(dbm) = cell.dbm {
                inputs.push(input!("gsm_signal_dbm"), i64::from(dbm));
            }
        }
        if !self.cells.is_empty() {
            inputs.push(input!("network_cells"), &*self.cells);
        }
        if !self.access_points.is_empty() {
            inputs.push(input!("wifi_access_points"), &*self.access_points);
        }
    }
}

/// The quality that modems report by AT+CSQ (3GPP TS 27.007, 8.5), 0 to 31, in percent; 99 is unknown.
pub fn percent_of_csq(csq: i64) -> Option<i64> {
    (0..=31).contains(&csq).then(|| (csq * 100 + 15) / 31)
}

/// Received strength in percent of the range of `percent_of_csq`, which is −113 to −51 dBm.
pub fn percent_of_dbm(dbm: i64) -> Option<i64> {
    (-150..0).contains(&dbm).then(|| ((dbm.clamp(-113, -51) + 113) * 100 + 31) / 62)
}

fn write_cell(text: &mut String, cell: &Cell) {
    let Cell { mcc, mnc, area, id, dbm } = cell;
    let _ = write!(text, "{mcc},{mnc},{area},{id}");
    if let Some(dbm) = dbm {
        let _ = write!(text, ",{dbm}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(cells: &Cells) -> Vec<String> {
        let mut inputs = Inputs::default();
        cells.write(&mut inputs);
        inputs.iter().map(|(name, value)| format!("{name}={value}")).collect()
    }

    fn cell(id: u64, dbm: Option<i16>) -> Cell {
        Cell { mcc: 257, mnc: 2, area: 16, id, dbm }
    }

    #[test]
    fn one_cell_is_single_inputs_and_more_are_a_list_too() {
        let mut cells = Cells::new();
        assert_eq!(written(&cells), Vec::<String>::new());
        cells.cell(cell(0, None)).cell(Cell { mcc: 0, ..cell(7, None) }).cell(cell(2224, Some(-70)));
        let single =
            ["gsm_mcc=257", "gsm_mnc=2", "gsm_area_code=16", "gsm_cell_id=2224", "gsm_signal_dbm=-70"];
        assert_eq!(written(&cells), single);
        cells.cell(cell(2223, None));
        assert_eq!(written(&cells)[5..], ["network_cells=257,2,16,2224,-70;257,2,16,2223"]);
    }

    #[test]
    fn access_points_are_kept_up_to_a_bound() {
        let mut cells = Cells::new();
        cells.access_point([0; 6], None).access_point([0, 0x14, 0x22, 1, 0x23, 0x45], Some(-80));
        cells.access_point([0, 0x1C, 0xB3, 9, 0x85, 0x15], None);
        assert_eq!(written(&cells), ["wifi_access_points=001422012345,-80;001CB3098515"]);
        for number in 0..200 {
            cells.access_point([1, 2, 3, 4, 5, number], None).cell(cell(1 + u64::from(number), None));
        }
        for text in &written(&cells)[4..] {
            assert_eq!(text.split(';').count(), MAX, "{text}");
        }
    }

    #[test]
    fn strength_is_percent() {
        assert_eq!([0, 16, 31, 99, -1].map(percent_of_csq), [Some(0), Some(52), Some(100), None, None]);
        assert_eq!([-113, -51, -82, 0, -200].map(percent_of_dbm), [Some(0), Some(100), Some(50), None, None]);
        assert_eq!(percent_of_dbm(-120), Some(0));
    }
}
