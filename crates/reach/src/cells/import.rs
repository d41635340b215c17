//! Makes the file of cells of a list in the form of OpenCelliD: `radio,mcc,net,area,cell,unit,lon,lat,range,samples,…`.
//! The list is read once, line by line; what does not fit into memory is sorted in runs beside the file.

use super::{
    FOLDER,
    heard::CellName,
    table::{Located, NAME, Writer},
};
use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    fs::{self, File},
    io::{self, BufRead, BufReader, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

/// So many cells are sorted in memory, some 96 MB.
const IN_MEMORY: usize = 2_000_000;
/// So many bad lines are named.
const NAMED: usize = 10;
/// A longer line is no line of such a list.
const LONGEST_LINE: u64 = 4096;

#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("cannot read the list of cells")]
    Read(#[source] io::Error),
    #[error("cannot write {}", .path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("the list has no cell that can be used{}", bad_lines(.0))]
    Nothing(Imported),
}

/// What became of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Cells in the file.
    pub cells: u64,
    /// Lines that name a cell which another names too: the one with more samples counts.
    pub repeated: u64,
    /// Lines that are no cell.
    pub bad: u64,
    /// The first of them: number and what is wrong.
    pub named: Vec<(u64, &'static str)>,
}

fn bad_lines(imported: &Imported) -> String {
    imported.named.first().map(|(line, wrong)| format!(": line {line}: {wrong}")).unwrap_or_default()
}

/// Reads the list and puts the file in the place of that of `data_dir`, when it is whole and durable.
///
/// # Errors
/// When it cannot be read or written, or has no cell; then everything is as before.
pub fn import(list: impl BufRead, data_dir: &Path) -> Result<Imported, ImportError> {
    import_by(list, data_dir, IN_MEMORY)
}

fn import_by(list: impl BufRead, data_dir: &Path, in_memory: usize) -> Result<Imported, ImportError> {
    let folder = data_dir.join(FOLDER);
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| ImportError::Write { path, source }
    };
    fs::create_dir_all(&folder).map_err(failed(&folder))?;
    // A process number keeps two imports apart.
    let unfinished = folder.join(format!("{NAME}.{}.unfinished", std::process::id()));
    let mut runs = Runs { at: folder.join(format!("{NAME}.{}.run", std::process::id())), count: 0 };
    let outcome = sort(list, in_memory, &mut runs)
        .and_then(|(last, imported)| merge(last, &runs, &unfinished, imported));
    runs.remove();
    let put = outcome.and_then(|imported| {
        let path = folder.join(NAME);
        fs::rename(&unfinished, &path).map_err(failed(&path))?;
        File::open(&folder).and_then(|folder| folder.sync_all()).map_err(failed(&folder))?;
        Ok(imported)
    });
    if put.is_err() {
        // It may not have come to be.
        _ = fs::remove_file(&unfinished);
    }
    put
}

/// A cell of the list, in the order of the file; of equal ones the better known comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Listed {
    name: CellName,
    samples: Reverse<u32>,
    lat: i32,
    lng: i32,
    range: u32,
}

/// Sorted parts of the list, in files.
struct Runs {
    at: PathBuf,
    count: usize,
}

impl Runs {
    fn path(&self, number: usize) -> PathBuf {
        self.at.with_extension(format!("run{number}"))
    }

    fn spill(&mut self, cells: &mut Vec<Listed>) -> Result<(), ImportError> {
        cells.sort_unstable();
        let path = self.path(self.count);
        self.count += 1;
        let write = || {
            let mut out = BufWriter::new(File::create(&path)?);
            cells.iter().try_for_each(|cell| out.write_all(&cell.to_bytes()))?;
            out.flush()
        };
        write().map_err(|source| ImportError::Write { path: path.clone(), source })?;
        cells.clear();
        Ok(())
    }

    fn remove(&self) {
        for number in 0..self.count {
            // One that stays takes space only.
            _ = fs::remove_file(self.path(number));
        }
    }
}

const RUN_RECORD: usize = 32;

impl Listed {
    fn to_bytes(self) -> [u8; RUN_RECORD] {
        let CellName { mcc, mnc, area, id } = self.name;
        let mut bytes = [0; RUN_RECORD];
        bytes[..2].copy_from_slice(&mcc.to_le_bytes());
        bytes[2..4].copy_from_slice(&mnc.to_le_bytes());
        bytes[4..8].copy_from_slice(&area.to_le_bytes());
        bytes[8..16].copy_from_slice(&id.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.samples.0.to_le_bytes());
        bytes[20..24].copy_from_slice(&self.lat.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.lng.to_le_bytes());
        bytes[28..].copy_from_slice(&self.range.to_le_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8; RUN_RECORD]) -> Self {
        let u16_at = |at: usize| bytes[at..].first_chunk().map_or(0, |bytes| u16::from_le_bytes(*bytes));
        let u32_at = |at: usize| bytes[at..].first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
        let id = bytes[8..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        Self {
            name: CellName { mcc: u16_at(0), mnc: u16_at(2), area: u32_at(4), id },
            samples: Reverse(u32_at(16)),
            lat: u32_at(20).cast_signed(),
            lng: u32_at(24).cast_signed(),
            range: u32_at(28),
        }
    }
}

/// Answers with what is left in memory, sorted.
fn sort(
    mut list: impl BufRead,
    in_memory: usize,
    runs: &mut Runs,
) -> Result<(Vec<Listed>, Imported), ImportError> {
    let mut cells = Vec::new();
    let mut imported = Imported::default();
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let length =
            list.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line).map_err(ImportError::Read)?;
        if length == 0 {
            break;
        }
        if length as u64 == LONGEST_LINE && line.last() != Some(&b'\n') {
            skip_line(&mut list).map_err(ImportError::Read)?;
        }
        let text = line.trim_ascii();
        if text.is_empty() || (number == 1 && text.starts_with(b"radio,")) {
            continue;
        }
        match listed(text) {
            Ok(cell) => {
                cells.push(cell);
                if cells.len() >= in_memory {
                    runs.spill(&mut cells)?;
                }
            }
            Err(wrong) => {
                imported.bad += 1;
                if imported.named.len() < NAMED {
                    imported.named.push((number, wrong));
                }
            }
        }
    }
    cells.sort_unstable();
    Ok((cells, imported))
}

fn skip_line(list: &mut impl BufRead) -> io::Result<()> {
    loop {
        let buffer = list.fill_buf()?;
        let Some(end) = buffer.iter().position(|byte| *byte == b'\n') else {
            let length = buffer.len();
            if length == 0 {
                return Ok(());
            }
            list.consume(length);
            continue;
        };
        list.consume(end + 1);
        return Ok(());
    }
}

/// Answers what is wrong with a line that is no cell.
fn listed(line: &[u8]) -> Result<Listed, &'static str> {
    let line = std::str::from_utf8(line).map_err(|_| "not text")?;
    let mut fields = line.split(',').map(str::trim);
    let mut next = || fields.next().ok_or("fewer than 10 fields");
    let _radio = next()?;
    let mcc = next()?.parse().ok().filter(|mcc| (1..=999).contains(mcc)).ok_or("mcc is not 1 to 999")?;
    let mnc = next()?.parse().ok().filter(|mnc| *mnc <= 999).ok_or("net is not 0 to 999")?;
    let area = next()?.parse().map_err(|_| "area is no number")?;
    let id = next()?.parse().ok().filter(|id| *id > 0).ok_or("cell is no number above 0")?;
    let _unit = next()?;
    let degrees = |text: &str, most: f64| {
        text.parse::<f64>()
            .ok()
            .filter(|degrees| degrees.abs() <= most)
            .map(|degrees| (degrees * 1e7).round() as i32)
    };
    let lng = degrees(next()?, 180.0).ok_or("lon is not -180 to 180")?;
    let lat = degrees(next()?, 90.0).ok_or("lat is not -90 to 90")?;
    if (lat, lng) == (0, 0) {
        return Err("lon and lat are 0");
    }
    let range = next()?.parse().map_err(|_| "range is no number")?;
    let samples = next()?.parse().map_err(|_| "samples is no number")?;
    Ok(Listed { name: CellName { mcc, mnc, area, id }, samples: Reverse(samples), lat, lng, range })
}

/// Writes all runs, and what is in memory, as one.
fn merge(
    last: Vec<Listed>,
    runs: &Runs,
    target: &Path,
    mut imported: Imported,
) -> Result<Imported, ImportError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| ImportError::Write { path, source }
    };
    let mut sources: Vec<Box<dyn Iterator<Item = io::Result<Listed>>>> =
        vec![Box::new(last.into_iter().map(Ok))];
    for number in 0..runs.count {
        let path = runs.path(number);
        sources.push(Box::new(Run(BufReader::new(File::open(&path).map_err(failed(&path))?))));
    }
    let mut heap = BinaryHeap::new();
    for (number, source) in sources.iter_mut().enumerate() {
        if let Some(first) = source.next() {
            heap.push(Reverse((first.map_err(failed(&runs.at))?, number)));
        }
    }
    let file = File::create(target).map_err(failed(target))?;
    let mut out = Writer::new(BufWriter::new(file)).map_err(failed(target))?;
    let mut before = None;
    while let Some(Reverse((cell, number))) = heap.pop() {
        if let Some(next) = sources[number].next() {
            heap.push(Reverse((next.map_err(failed(&runs.at))?, number)));
        }
        if before.replace(cell.name) == Some(cell.name) {
            imported.repeated += 1;
            continue;
        }
        let degrees = |scaled: i32| f64::from(scaled) / 1e7;
        let at = Located { lat: degrees(cell.lat), lng: degrees(cell.lng), range: cell.range };
        out.push(cell.name, at).map_err(failed(target))?;
        imported.cells += 1;
    }
    if imported.cells == 0 {
        return Err(ImportError::Nothing(imported));
    }
    let file = out.finish().and_then(|out| out.into_inner().map_err(io::IntoInnerError::into_error));
    file.and_then(|file| file.sync_all()).map_err(failed(target))?;
    Ok(imported)
}

struct Run<R>(R);

impl<R: Read> Iterator for Run<R> {
    type Item = io::Result<Listed>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut bytes = [0; RUN_RECORD];
        match self.0.read_exact(&mut bytes) {
            Ok(()) => Some(Ok(Listed::from_bytes(&bytes))),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => None,
            Err(error) => Some(Err(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::table::Table, *};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn open(data_dir: &Path) -> Table {
        Table::open(&data_dir.join(FOLDER).join(NAME)).unwrap()
    }

    fn name(area: u32, id: u64) -> CellName {
        CellName { mcc: 262, mnc: 2, area, id }
    }

    #[test]
    fn lines_of_a_list() {
        let good = "LTE,262,2,801,86355,0,13.285512,52.522202,1000,7,1,1282569574,1300175362,0";
        for (line, expected) in [
            (good, Ok((name(801, 86355), 525_222_020, 132_855_120, 1000))),
            (
                "GSM,262,2,801,86355,,13.285512,52.522202,1000,7",
                Ok((name(801, 86355), 525_222_020, 132_855_120, 1000)),
            ),
            ("GSM,262,2,801", Err("fewer than 10 fields")),
            ("GSM,0,2,801,1,,1,1,1,1", Err("mcc is not 1 to 999")),
            ("GSM,262,1000,801,1,,1,1,1,1", Err("net is not 0 to 999")),
            ("GSM,262,2,x,1,,1,1,1,1", Err("area is no number")),
            ("GSM,262,2,801,0,,1,1,1,1", Err("cell is no number above 0")),
            ("GSM,262,2,801,1,,181,1,1,1", Err("lon is not -180 to 180")),
            ("GSM,262,2,801,1,,1,NaN,1,1", Err("lat is not -90 to 90")),
            ("GSM,262,2,801,1,,0,0.0,1,1", Err("lon and lat are 0")),
            ("GSM,262,2,801,1,,1,1,-1,1", Err("range is no number")),
            ("GSM,262,2,801,1,,1,1,1,many", Err("samples is no number")),
        ] {
            let read = listed(line.as_bytes()).map(|cell| (cell.name, cell.lat, cell.lng, cell.range));
            assert_eq!(read, expected, "{line}");
        }
    }

    #[test]
    fn bad_lines_are_counted_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let long = "x".repeat(10_000);
        let list = format!(
            "radio,mcc,net,area,cell,unit,lon,lat,range,samples,changeable,created,updated,averageSignal\n\
             GSM,262,2,801,1,,13.5,52.5,1000,7,1,1,1,0\r\n\n{long}\nGSM,262,2,801\n\
             GSM,262,2,801,1,,14.5,53.5,900,8,1,1,1,0\nLTE,262,2,801,2,,13.5,52.5,1000,7"
        );
        let mut bytes = list.into_bytes();
        bytes.extend(b"\n\xff\xfe\n");
        let imported = import(&*bytes, folder.path()).unwrap();
        let named = vec![(4, "fewer than 10 fields"), (5, "fewer than 10 fields"), (8, "not text")];
        assert_eq!(imported, Imported { cells: 2, repeated: 1, bad: 3, named });
        let found = open(folder.path()).find(name(801, 1)).unwrap().unwrap();
        assert_eq!((found.lat, found.lng, found.range), (53.5, 14.5, 900));
        let files: Vec<_> =
            fs::read_dir(folder.path().join(FOLDER)).unwrap().map(|file| file.unwrap().file_name()).collect();
        assert_eq!(files, [NAME]);

        let nothing = import(&b"GSM,262\n"[..], folder.path()).unwrap_err();
        assert_eq!(
            nothing.to_string(),
            "the list has no cell that can be used: line 1: fewer than 10 fields"
        );
        assert_eq!(open(folder.path()).len(), 2, "what was there is kept");
    }

    #[test]
    fn damage_is_found_and_a_newer_format_refused() {
        let folder = tempfile::tempdir().unwrap();
        import(&b"GSM,262,2,801,1,,13.5,52.5,1000,7\nGSM,262,2,801,3,,13.5,52.5,1000,7\n"[..], folder.path())
            .unwrap();
        let path = folder.path().join(FOLDER).join(NAME);
        let good = fs::read(&path).unwrap();
        for at in 0..good.len() {
            let mut damaged = good.clone();
            damaged[at] ^= 0x10;
            fs::write(&path, &damaged).unwrap();
            let found = Table::open(&path).and_then(|table| table.find(name(801, 3)));
            assert!(matches!(found, Err(super::super::table::NotATable::Damaged { .. })), "at {at}");
            fs::write(&path, &good[..at]).unwrap();
            assert!(Table::open(&path).is_err(), "up to {at}");
        }
        let mut newer = good;
        newer[8] = 2;
        let checksum = crc32fast::hash(&newer[..24]);
        newer[24..28].copy_from_slice(&checksum.to_le_bytes());
        fs::write(&path, &newer).unwrap();
        let refused = Table::open(&path).err().unwrap().to_string();
        assert_eq!(refused, format!("{} has format version 2, this program reads up to 1", path.display()));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// Whatever is listed, in whatever order, and however much of it fits into memory.
        #[test]
        fn looking_up_finds_what_a_search_line_by_line_would(
            cells in prop::collection::vec((0..3u32, 1..1500u64, -900..900i32, 0..9u32), 1..4000),
            in_memory in 1..2000usize,
        ) {
            let in_memory = in_memory.max(cells.len() / 50);
            let folder = tempfile::tempdir().unwrap();
            let mut list = String::new();
            let mut best: BTreeMap<CellName, Listed> = BTreeMap::new();
            for (area, id, tenths, samples) in &cells {
                let degrees = f64::from(*tenths) / 10.0 + 0.05;
                list += &format!("GSM,262,2,{area},{id},,{degrees},{degrees},{id},{samples}\n");
                let cell = listed(list.lines().last().unwrap().as_bytes()).unwrap();
                let known = best.entry(cell.name).or_insert(cell);
                *known = cell.min(*known);
            }
            let imported = import_by(list.as_bytes(), folder.path(), in_memory).unwrap();
            prop_assert_eq!(imported.cells, best.len() as u64);
            prop_assert_eq!(imported.repeated, (cells.len() - best.len()) as u64);
            let table = open(folder.path());
            for area in 0..4 {
                for id in (0..1502).step_by(7) {
                    let expected = best.get(&name(area, id)).map(|cell| (cell.lat, cell.lng, cell.range));
                    let found = table.find(name(area, id)).unwrap();
                    let found = found.map(|at| ((at.lat * 1e7).round() as i32, (at.lng * 1e7).round() as i32, at.range));
                    prop_assert_eq!(found, expected);
                }
            }
        }
    }
}
