//! What the journal asks of the disk, in order: an append is answered only after the sync that follows its write.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use domain::{Problem, Record, Timestamp};
use std::{
    io,
    ops::Range,
    path::Path,
    sync::{Arc, Mutex},
};
use store::{
    disk::{Disk, DiskFile, SimulatedDisk},
    journal::{EmbeddedJournal, Journal, JournalConfig},
};

#[derive(Clone, Debug, PartialEq)]
enum Event {
    Written { file: usize, bytes: Vec<u8> },
    Synced { file: usize },
    DirectorySynced,
    Answered { mark: [u8; 16] },
}

#[derive(Clone, Default)]
struct Trace(Arc<Mutex<Vec<Event>>>);

impl Trace {
    fn note(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

/// A disk that notes what it has done, after it has done it.
struct TracedDisk {
    disk: SimulatedDisk,
    trace: Trace,
}

struct TracedFile {
    file: Arc<dyn DiskFile>,
    number: usize,
    trace: Trace,
}

impl Disk for TracedDisk {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.disk.create_dir(dir)
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let (file, trace) = (self.disk.create(path)?, self.trace.clone());
        let number = path.file_stem().unwrap().to_str().unwrap().parse().unwrap();
        Ok(Arc::new(TracedFile { file, number, trace }))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.disk.open(path)
    }

    fn repair(&self, path: &Path, tail: Range<u64>) -> io::Result<()> {
        self.disk.repair(path, tail)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk.remove(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.disk.list(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.disk.sync_dir(dir)?;
        self.trace.note(Event::DirectorySynced);
        Ok(())
    }

    fn free_space(&self, dir: &Path) -> io::Result<u64> {
        self.disk.free_space(dir)
    }
}

impl DiskFile for TracedFile {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        self.file.append(bytes)?;
        self.trace.note(Event::Written { file: self.number, bytes: bytes.to_vec() });
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()?;
        self.trace.note(Event::Synced { file: self.number });
        Ok(())
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(into, offset)
    }

    fn length(&self) -> io::Result<u64> {
        self.file.length()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_follows_the_sync_of_its_records() {
    const APPENDERS: u64 = 20;
    const APPENDS: u64 = 50;
    let trace = Trace::default();
    let disk = TracedDisk { disk: SimulatedDisk::new(1), trace: trace.clone() };
    let config = JournalConfig { segment_bytes: 10_000, ..JournalConfig::default() };
    let journal = EmbeddedJournal::open_on(Arc::new(disk), Path::new("/data"), config).unwrap();
    let journal = Arc::new(journal);
    let tasks: Vec<_> = (0..APPENDERS)
        .map(|appender| {
            let (journal, trace) = (Arc::clone(&journal), trace.clone());
            tokio::spawn(async move {
                for number in 0..APPENDS {
                    let mark = (u128::from(appender) << 64 | u128::from(number)).to_be_bytes();
                    journal.append(vec![marked(mark)]).await.unwrap();
                    trace.note(Event::Answered { mark });
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }

    let trace = trace.0.lock().unwrap();
    let (mut answers, mut syncs) = (0, 0);
    for (at, event) in trace.iter().enumerate() {
        let Event::Answered { mark } = event else {
            syncs += usize::from(matches!(event, Event::Synced { .. }));
            continue;
        };
        let before = &trace[..at];
        let wrote = |event: &Event| match event {
            Event::Written { file, bytes } => {
                bytes.windows(mark.len()).any(|window| window == mark).then_some(*file)
            }
            _ => None,
        };
        let (written, file) = before
            .iter()
            .enumerate()
            .find_map(|(at, event)| wrote(event).map(|file| (at, file)))
            .expect("an append was answered before it was written");
        assert!(before[written..].contains(&Event::Synced { file }), "answered before it was synced");
        // The file's own name was durable before anything in it was answered.
        let begun =
            before.iter().position(|event| matches!(event, Event::Written { file: f, .. } if *f == file));
        assert!(
            before[begun.unwrap()..].contains(&Event::DirectorySynced),
            "answered before its file had a name"
        );
        answers += 1;
    }
    assert_eq!(answers, (APPENDERS * APPENDS) as usize);
    assert!(syncs < answers, "appends that wait share a sync");
}

fn marked(mark: [u8; 16]) -> Record {
    Record::Problem(Problem {
        source: None,
        received: Timestamp::from_millis(0),
        protocol: "".into(),
        error: "".into(),
        bytes: mark[..].into(),
    })
}
