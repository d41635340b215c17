//! A disk in memory that can be full, fail, and stop at any operation: when its power is cut, everything that was not
//! synced is lost, torn or garbled, as its seed decides.

use super::{Disk, DiskFile};
use rand::{RngExt, SeedableRng, rngs::SmallRng};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, ErrorKind},
    ops::Range,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A drive writes a sector as a whole or not at all, so that bytes beside those that are written never change.
const SECTOR: usize = 512;

/// Clones are the same disk.
#[derive(Clone)]
pub struct SimulatedDisk(Arc<Mutex<Machine>>);

struct Machine {
    random: SmallRng,
    is_on: bool,
    /// How often it started; files opened before are dead.
    boots: u32,
    /// Operations that change something, so far.
    operations: u64,
    stop_at: Option<u64>,
    syncs: u64,
    failing_sync: Option<u64>,
    capacity: Option<u64>,
    files: BTreeMap<u64, Contents>,
    /// Names as the running system sees them, and as they are on the disk.
    names: BTreeMap<PathBuf, u64>,
    durable_names: BTreeMap<PathBuf, u64>,
    dirs: BTreeSet<PathBuf>,
}

/// A file as the running system sees it, and as it is on the disk.
#[derive(Default)]
struct Contents {
    cached: Vec<u8>,
    durable: Vec<u8>,
    /// What the next sync has to write.
    dirty: Vec<Range<usize>>,
}

struct SimulatedFile {
    disk: SimulatedDisk,
    id: u64,
    boot: u32,
}

/// Whether an operation is the one at which everything stops.
#[derive(PartialEq, Eq)]
enum Power {
    Stays,
    Goes,
}

impl SimulatedDisk {
    /// The same seed and the same operations give the same disk.
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(Machine {
            random: SmallRng::seed_from_u64(seed),
            is_on: true,
            boots: 0,
            operations: 0,
            stop_at: None,
            syncs: 0,
            failing_sync: None,
            capacity: None,
            files: BTreeMap::new(),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            dirs: BTreeSet::new(),
        })))
    }

    /// Everything stops during the operation after the next `operations` that change something. What was lost is
    /// decided by how it goes on: `restart_power` or `restart_process`.
    pub fn stop_after(&self, operations: u64) {
        let mut machine = self.machine();
        machine.stop_at = Some(machine.operations + operations + 1);
    }

    /// The sync of a file after the next `syncs` fails, and what it should have written may be lost although the
    /// running system still shows it.
    pub fn fail_sync_after(&self, syncs: u64) {
        let mut machine = self.machine();
        machine.failing_sync = Some(machine.syncs + syncs + 1);
    }

    /// Bytes that fit on the disk; `None` is no limit.
    pub fn set_capacity(&self, capacity: Option<u64>) {
        self.machine().capacity = capacity;
    }

    /// Whether nothing has stopped it.
    pub fn is_on(&self) -> bool {
        self.machine().is_on
    }

    /// Operations that changed something, so far.
    pub fn operations(&self) -> u64 {
        self.machine().operations
    }

    /// Goes on as after the death of the process alone: the system has kept everything, synced or not.
    pub fn restart_process(&self) {
        self.machine().start();
    }

    /// Switches the power off, if it is on, and on again. The disk then works, with what it kept.
    pub fn restart_power(&self) {
        let mut machine = self.machine();
        let machine = &mut *machine;
        let paths: BTreeSet<_> = machine.names.keys().chain(machine.durable_names.keys()).cloned().collect();
        for path in paths {
            let (new, old) = (machine.names.get(&path).copied(), machine.durable_names.get(&path).copied());
            let kept = if machine.random.random() { new } else { old };
            match kept {
                Some(id) => _ = machine.durable_names.insert(path, id),
                None => _ = machine.durable_names.remove(&path),
            }
        }
        machine.names = machine.durable_names.clone();
        let named: BTreeSet<_> = machine.names.values().copied().collect();
        machine.files.retain(|id, _| named.contains(id));
        for contents in machine.files.values_mut() {
            contents.lose_power(&mut machine.random);
        }
        machine.start();
    }

    /// Changes durable bytes behind everybody's back, as an ageing disk does.
    ///
    /// # Panics
    /// When there is no such file or it is shorter.
    pub fn damage(&self, path: &Path, range: Range<usize>) {
        let mut machine = self.machine();
        let id = machine.names[path];
        let contents = machine.files.entry(id).or_default();
        for at in range {
            contents.cached[at] ^= 0xff;
            contents.durable[at] ^= 0xff;
        }
    }

    fn machine(&self) -> MutexGuard<'_, Machine> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn file(&self, id: u64, boot: u32) -> Arc<dyn DiskFile> {
        Arc::new(SimulatedFile { disk: self.clone(), id, boot })
    }
}

impl Machine {
    fn start(&mut self) {
        self.is_on = true;
        self.boots += 1;
        self.stop_at = None;
        self.failing_sync = None;
    }

    fn powered(&self) -> io::Result<()> {
        if self.is_on { Ok(()) } else { Err(io::Error::other("the machine has stopped")) }
    }

    /// Begins an operation that changes something.
    fn begin(&mut self) -> io::Result<Power> {
        self.powered()?;
        self.operations += 1;
        if self.stop_at == Some(self.operations) {
            self.is_on = false;
            return Ok(Power::Goes);
        }
        Ok(Power::Stays)
    }

    /// Whether an operation took effect, and how it answers.
    fn end(&mut self, power: &Power) -> (bool, io::Result<()>) {
        match power {
            Power::Stays => (true, Ok(())),
            Power::Goes => (self.random.random(), self.powered()),
        }
    }

    fn id(&self, path: &Path) -> io::Result<u64> {
        self.names.get(path).copied().ok_or_else(|| ErrorKind::NotFound.into())
    }

    fn free(&self) -> u64 {
        let used: usize = self.files.values().map(|contents| contents.cached.len()).sum();
        self.capacity.map_or(u64::MAX, |capacity| capacity.saturating_sub(used as u64))
    }

    fn sync(&mut self, id: u64) -> io::Result<()> {
        let power = self.begin()?;
        self.syncs += 1;
        let is_failing = self.failing_sync == Some(self.syncs);
        let contents = self.files.entry(id).or_default();
        if power == Power::Goes {
            return self.powered();
        }
        if is_failing {
            contents.write_some(&mut self.random);
            return Err(io::Error::other("simulated failure of the medium"));
        }
        contents.write_all();
        Ok(())
    }
}

impl Contents {
    fn append(&mut self, bytes: &[u8]) {
        let start = self.cached.len();
        self.cached.extend_from_slice(bytes);
        self.dirty.push(start..self.cached.len());
    }

    fn truncate(&mut self, length: usize) {
        self.cached.truncate(length);
        for range in &mut self.dirty {
            range.end = range.end.min(length);
        }
        self.dirty.retain(|range| range.start < range.end);
    }

    fn write_all(&mut self) {
        self.durable.resize(self.cached.len(), 0);
        for range in self.dirty.drain(..) {
            self.durable[range.clone()].copy_from_slice(&self.cached[range]);
        }
    }

    /// A sync that fails: some sectors are written, and the system takes all of them for written.
    fn write_some(&mut self, random: &mut SmallRng) {
        let length = random.random_range(self.shorter_length()..=self.longer_length());
        self.durable.resize(length, 0);
        for sector in self.dirty_sectors() {
            if random.random() {
                self.write(sector);
            }
        }
        self.dirty.clear();
    }

    fn lose_power(&mut self, random: &mut SmallRng) {
        let old_length = self.durable.len();
        let length = match random.random_range(0..4) {
            0 => old_length,
            1 => self.cached.len(),
            _ => random.random_range(self.shorter_length()..=self.longer_length()),
        };
        self.durable.resize(length, 0);
        let sectors = self.dirty_sectors();
        let is_in_order: bool = random.random();
        let written = random.random_range(0..=sectors.len());
        let garbled = random.random_range(0.0..0.5);
        for (number, sector) in sectors.into_iter().enumerate() {
            let is_written = if is_in_order { number < written } else { random.random() };
            if is_written {
                self.write(sector);
            } else if sector.start >= old_length && random.random_bool(garbled) {
                // Newly allocated, with whatever was there before.
                let end = sector.end.min(length);
                random.fill(&mut self.durable[sector.start.min(end)..end]);
            }
        }
        self.dirty.clear();
        self.cached.clone_from(&self.durable);
    }

    fn write(&mut self, range: Range<usize>) {
        let end = range.end.min(self.durable.len());
        let range = range.start.min(end)..end;
        self.durable[range.clone()].copy_from_slice(&self.cached[range]);
    }

    fn dirty_sectors(&self) -> Vec<Range<usize>> {
        let mut sectors = Vec::new();
        for range in &self.dirty {
            let mut start = range.start;
            while start < range.end {
                let end = ((start / SECTOR + 1) * SECTOR).min(range.end);
                sectors.push(start..end);
                start = end;
            }
        }
        sectors
    }

    fn shorter_length(&self) -> usize {
        self.cached.len().min(self.durable.len())
    }

    fn longer_length(&self) -> usize {
        self.cached.len().max(self.durable.len())
    }
}

impl Disk for SimulatedDisk {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        let mut machine = self.machine();
        machine.powered()?;
        machine.dirs.extend(dir.ancestors().map(Path::to_owned));
        Ok(())
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let mut machine = self.machine();
        let power = machine.begin()?;
        if machine.names.contains_key(path) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        if path.parent().is_none_or(|dir| !machine.dirs.contains(dir)) {
            return Err(ErrorKind::NotFound.into());
        }
        if machine.free() == 0 {
            return Err(ErrorKind::StorageFull.into());
        }
        let id = machine.operations;
        let (is_done, answer) = machine.end(&power);
        if is_done {
            machine.names.insert(path.to_owned(), id);
            machine.files.insert(id, Contents::default());
        }
        answer.map(|()| self.file(id, machine.boots))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let machine = self.machine();
        machine.powered()?;
        Ok(self.file(machine.id(path)?, machine.boots))
    }

    fn repair(&self, path: &Path, tail: Range<u64>) -> io::Result<()> {
        let tail = tail.start as usize..tail.end as usize;
        let mut machine = self.machine();
        let id = machine.id(path)?;
        let power = machine.begin()?;
        let (is_done, answer) = machine.end(&power);
        if is_done {
            machine.files.entry(id).or_default().truncate(tail.end);
        }
        answer?;
        let power = machine.begin()?;
        let (is_done, answer) = machine.end(&power);
        if is_done {
            machine.files.entry(id).or_default().dirty.push(tail);
        }
        answer?;
        machine.sync(id)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut machine = self.machine();
        machine.id(path)?;
        let power = machine.begin()?;
        let (is_done, answer) = machine.end(&power);
        if is_done {
            machine.names.remove(path);
        }
        answer
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let machine = self.machine();
        machine.powered()?;
        let here = machine.names.keys().filter(|path| path.parent() == Some(dir));
        Ok(here.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())).collect())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut machine = self.machine();
        if machine.begin()? == Power::Goes {
            return machine.powered();
        }
        let Machine { names, durable_names, .. } = &mut *machine;
        durable_names.retain(|path, _| path.parent() != Some(dir));
        let here = names.iter().filter(|(path, _)| path.parent() == Some(dir));
        durable_names.extend(here.map(|(path, id)| (path.clone(), *id)));
        Ok(())
    }

    fn free_space(&self, _dir: &Path) -> io::Result<u64> {
        let machine = self.machine();
        machine.powered()?;
        Ok(machine.free())
    }
}

impl SimulatedFile {
    /// The machine, if it still is the one on which the file was opened.
    fn machine(&self) -> io::Result<MutexGuard<'_, Machine>> {
        let machine = self.disk.machine();
        machine.powered()?;
        if machine.boots == self.boot {
            Ok(machine)
        } else {
            Err(io::Error::other("the machine has stopped since"))
        }
    }
}

impl DiskFile for SimulatedFile {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let mut machine = self.machine()?;
        let power = machine.begin()?;
        let fitting = usize::try_from(machine.free()).unwrap_or(usize::MAX).min(bytes.len());
        let (written, answer) = match power {
            Power::Goes => (machine.random.random_range(0..=fitting), machine.powered()),
            Power::Stays if fitting < bytes.len() => (fitting, Err(ErrorKind::StorageFull.into())),
            Power::Stays => (fitting, Ok(())),
        };
        machine.files.entry(self.id).or_default().append(&bytes[..written]);
        answer
    }

    fn sync_data(&self) -> io::Result<()> {
        self.machine()?.sync(self.id)
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        let machine = self.machine()?;
        let bytes = machine.files.get(&self.id).map_or(&[][..], |contents| &contents.cached);
        let rest = usize::try_from(offset).ok().and_then(|offset| bytes.get(offset..)).unwrap_or(&[]);
        let count = rest.len().min(into.len());
        into[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.machine()?.files.get(&self.id).map_or(0, |contents| contents.cached.len() as u64))
    }
}
