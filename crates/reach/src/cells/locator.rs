//! The task that finds positions: follows the journal, asks the provider, writes what it learns. It never holds up a
//! message: that is in the journal, and acknowledged, before it is seen here.

use super::{
    HeardCell, PlaceError, Provider, Unanswered, Whereabouts, heard,
    place::Place,
    waiting::{Bounds, Key, Named, Waiting},
};
use crate::{LocationResponses, location_response::location_response};
use domain::{
    Clock, Derived, Fix, Metres, PositionSource, Record, SourceId, Telemetry, TimeOrigin, Timestamp,
};
use std::{
    collections::HashMap,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use store::journal::{Committed, Follower, Journal, JournalError, Position};
use tokio::{
    sync::mpsc,
    task::{JoinHandle, JoinSet},
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};
use tokio_util::sync::CancellationToken;

/// Messages that wait, in all and of one source: some 10 MB.
const BOUNDS: Bounds = Bounds { all: 20_000, of_source: 500 };
/// What has waited so long is not asked about any more: it would hold back the journal's removal.
const OLDEST: Duration = Duration::from_secs(6 * 3600);
/// Questions that are with the provider at once.
const IN_FLIGHT: usize = 4;
/// Users' questions that wait to be taken.
const ASKED: usize = 64;
/// Answers that are remembered: twice this many at most.
const REMEMBERED: usize = 10_000;
/// The pause after a failure; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LAST_PAUSE: Duration = Duration::from_secs(60);
/// How often the place in the journal is written down.
const UPKEEP: Duration = Duration::from_secs(5);
/// No tracker uses a position that may be further off (`tracker/settings/lbs`).
const LARGEST_RADIUS: Metres = Metres(10_000.0);

pub struct Parts {
    pub journal: Arc<dyn Journal>,
    pub clock: Arc<dyn Clock>,
    pub provider: Arc<dyn Provider>,
    pub responses: LocationResponses,
}

/// Works until it is stopped, or the journal has closed.
pub struct Locator {
    asks: mpsc::Sender<Question>,
    kept_from: Arc<AtomicU64>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// So many questions of users wait already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many questions wait for the provider of positions")]
pub struct Busy;

/// Of a user: where is it now?
struct Question {
    source: SourceId,
    time: Timestamp,
    cells: Vec<HeardCell>,
}

impl Locator {
    /// Goes on where the last one of the data directory was.
    ///
    /// # Errors
    /// When that cannot be told or written down.
    pub fn start(parts: Parts, data_dir: &Path) -> Result<Self, PlaceError> {
        let place = Place::of(data_dir)?;
        let end = parts.journal.end();
        let from = place.read(end)?;
        // A first place is written before the first message comes, so that none is passed over after a crash.
        place.write(from)?;
        let (asks, asked) = mpsc::channel(ASKED);
        let (kept_from, stop) = (Arc::new(AtomicU64::new(from.0)), CancellationToken::new());
        let work = Work {
            parts,
            place,
            written: from,
            followed: from,
            caught_up: end,
            waiting: Waiting::default(),
            answers: Answers::default(),
            in_flight: JoinSet::new(),
            failures: 0,
            paused_until: None,
            follow_again: None,
            kept_from: Arc::clone(&kept_from),
            questions: 0,
        };
        let task = tokio::spawn(work.run(asked, stop.clone()));
        Ok(Self { asks, kept_from, stop, task })
    }

    /// From here on the journal is needed.
    pub fn keep_from(&self) -> Keeper {
        Keeper(Arc::clone(&self.kept_from))
    }

    /// Finds out where a source was that heard these cells; what is learned comes as a record.
    pub fn asker(&self) -> Asker {
        Asker(self.asks.clone())
    }

    /// What waits is asked after the next start.
    pub async fn stop(self) {
        self.stop.cancel();
        _ = self.task.await;
    }
}

/// Tells from where on the journal is needed.
#[derive(Clone)]
pub struct Keeper(Arc<AtomicU64>);

impl Keeper {
    pub fn position(&self) -> Position {
        Position(self.0.load(Ordering::Acquire))
    }
}

/// Takes users' questions.
#[derive(Clone)]
pub struct Asker(mpsc::Sender<Question>);

impl Asker {
    /// # Errors
    /// `Busy`.
    pub fn ask(&self, source: SourceId, time: Timestamp, cells: Vec<HeardCell>) -> Result<(), Busy> {
        self.0.try_send(Question { source, time, cells }).map_err(|_| Busy)
    }
}

struct Work {
    parts: Parts,
    place: Place,
    /// What the place's file says.
    written: Position,
    /// The next record.
    followed: Position,
    /// Nothing is asked before this is followed: what was learned already is behind what it completes.
    caught_up: Position,
    waiting: Waiting,
    answers: Answers,
    in_flight: JoinSet<(Key, Result<Option<Whereabouts>, Unanswered>)>,
    /// In a row.
    failures: u32,
    paused_until: Option<Instant>,
    follow_again: Option<Instant>,
    kept_from: Arc<AtomicU64>,
    /// Users' questions so far; they wait behind all positions.
    questions: u64,
}

impl Work {
    async fn run(mut self, mut asked: mpsc::Receiver<Question>, stop: CancellationToken) {
        let mut follower = self.parts.journal.follow(self.followed);
        let mut upkeep = interval(UPKEEP);
        upkeep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.ask();
            tokio::select! {
                () = stop.cancelled() => break,
                next = next(&mut *follower, self.follow_again) => match next {
                    Ok(batch) => {
                        self.follow_again = None;
                        self.absorb(&batch);
                    }
                    Err(JournalError::Closed) => break,
                    Err(error) => {
                        tracing::error!(%error, "cannot follow the journal for positions from cells, will try again");
                        self.follow_again = Some(Instant::now() + LAST_PAUSE);
                    }
                },
                Some(question) = asked.recv() => self.take(question),
                Some(answer) = self.in_flight.join_next(), if !self.in_flight.is_empty() => match answer {
                    Ok((key, outcome)) => self.answered(key, outcome).await,
                    Err(error) => {
                        // Which question it was is lost with it; the place keeps what waits for the next start.
                        tracing::error!(%error, "asking for a position failed");
                    }
                },
                () = until(self.paused_until), if self.paused_until.is_some() => self.paused_until = None,
                _ = upkeep.tick() => self.keep_order().await,
            }
        }
        self.keep_order().await;
    }

    fn absorb(&mut self, batch: &Committed) {
        let now = self.parts.clock.now();
        for (position, record) in (batch.first.0..).zip(&batch.records) {
            match record {
                Record::Telemetry(telemetry) => self.see(position, telemetry, now),
                Record::Derived(Derived { source, time, completes, .. }) if completes.is_some() => {
                    self.waiting.complete(&Named { source: *source, time: *time, hash: *completes });
                }
                _ => {}
            }
        }
        self.followed = Position(batch.first.0 + batch.records.len() as u64);
    }

    fn see(&mut self, position: u64, telemetry: &Telemetry, now: Timestamp) {
        let Telemetry { source, received, time, time_origin, hash, message } = telemetry;
        // What is of a suspect time must not be live, and where it stood in the past nobody knows.
        let is_out = message.fix.is_some_and(|fix| fix.is_usable())
            || *time_origin == TimeOrigin::Suspect
            || now.since(*received) > OLDEST;
        if is_out || message.inputs.is_empty() {
            return;
        }
        let cells = heard(|name| message.inputs.get(name));
        if !cells.is_empty() {
            let named = Named { source: *source, time: *time, hash: Some(*hash) };
            let dropped = self.waiting.add(position, named, *received, cells, BOUNDS);
            count("dropped", dropped);
        }
    }

    fn take(&mut self, Question { source, time, cells }: Question) {
        let position = u64::MAX / 2 + self.questions;
        self.questions += 1;
        let named = Named { source, time, hash: None };
        let dropped = self.waiting.add(position, named, self.parts.clock.now(), cells, BOUNDS);
        count("dropped", dropped);
    }

    /// Asks as many questions as may be asked now, the newest first.
    fn ask(&mut self) {
        let may_ask = self.followed >= self.caught_up && self.paused_until.is_none();
        while may_ask && self.in_flight.len() < IN_FLIGHT && self.waiting.has_open() {
            let Some((key, cells)) = self.waiting.ask_next() else { break };
            let known = self.answers.get(&key);
            let provider = Arc::clone(&self.parts.provider);
            self.in_flight.spawn(async move {
                let outcome = match known {
                    Some(known) => Ok(known),
                    None => provider.locate(&cells).await,
                };
                (key, outcome)
            });
        }
    }

    async fn answered(&mut self, key: Key, outcome: Result<Option<Whereabouts>, Unanswered>) {
        match outcome {
            Ok(found) => {
                if self.failures > 0 {
                    tracing::info!("positions from cells are found again");
                }
                self.failures = 0;
                self.answers.keep(&key, found, self.parts.provider.remembered());
                let found = found.filter(|found| found.precision <= LARGEST_RADIUS);
                let Some(found) = found else {
                    count("unknown", self.waiting.answered(&key));
                    return;
                };
                match self.write(&key, found).await {
                    Ok(()) => count("found", self.waiting.answered(&key)),
                    Err(error) => self.pause(&key, &error.to_string()),
                }
            }
            Err(Unanswered::Refused(reason)) => {
                tracing::warn!(reason, cells = key.len(), "a question for a position was refused");
                count("refused", self.waiting.answered(&key));
            }
            Err(Unanswered::Unavailable(reason)) => self.pause(&key, &reason),
        }
    }

    async fn write(&self, key: &Key, found: Whereabouts) -> Result<(), JournalError> {
        let fix = Fix {
            precision: Some(found.precision),
            source: PositionSource::Cells,
            ..Fix::at(found.coordinates)
        };
        let named = self.waiting.waiting_for(key);
        // Users' questions complete no record.
        let asked: Vec<_> = named.iter().filter(|named| named.hash.is_none()).map(|it| it.source).collect();
        let now = self.parts.clock.now();
        let learned = |Named { source, time, hash }| {
            Record::Derived(Derived { source, received: now, time, completes: hash, fix })
        };
        // What was written already is there once: history keeps the first.
        self.parts.journal.append(named.into_iter().map(learned).collect()).await?;
        for source in asked {
            let cause = format!("cells {} {}", source.0, now.millis());
            let response = location_response(source, now, &fix, cause);
            if let Err(error) = self.parts.responses.tell(&response).await {
                tracing::warn!(%error, source.id = source.0, "nobody is told that a source was found");
            }
        }
        Ok(())
    }

    fn pause(&mut self, key: &Key, reason: &str) {
        self.waiting.put_back(key);
        count("unavailable", 1);
        if self.failures == 0 {
            tracing::warn!(reason, "no positions from cells for the moment, will try again");
        }
        let pause = LAST_PAUSE.min(FIRST_PAUSE * 2_u32.pow(self.failures.min(6)));
        self.failures = self.failures.saturating_add(1);
        self.paused_until = Some(Instant::now() + pause);
    }

    async fn keep_order(&mut self) {
        count("dropped", self.waiting.drop_before(self.parts.clock.now().minus(OLDEST)));
        metrics::gauge!("outrider_cells_waiting").set(self.waiting.len() as f64);
        let kept_from =
            Position(self.waiting.oldest().map_or(self.followed.0, |oldest| oldest.min(self.followed.0)));
        if kept_from == self.written {
            return;
        }
        let place = self.place.clone();
        match tokio::task::spawn_blocking(move || place.write(kept_from)).await {
            Ok(Ok(())) => {
                self.written = kept_from;
                self.kept_from.store(kept_from.0, Ordering::Release);
            }
            Ok(Err(error)) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, "cannot write down how far positions from cells have come");
            }
            Err(error) => tracing::error!(%error, "writing down a place failed"),
        }
    }
}

/// The next batch, not before `at`.
async fn next(follower: &mut dyn Follower, at: Option<Instant>) -> Result<Arc<Committed>, JournalError> {
    until(at).await;
    follower.next().await
}

async fn until(at: Option<Instant>) {
    if let Some(at) = at {
        sleep_until(at).await;
    }
}

fn count(outcome: &'static str, messages: usize) {
    if messages > 0 {
        metrics::counter!("outrider_cells_total", "outcome" => outcome).increment(messages as u64);
    }
}

/// What was answered lately: when one half is full, the older one is forgotten.
#[derive(Default)]
struct Answers {
    newer: HashMap<Key, Answer>,
    older: HashMap<Key, Answer>,
}

#[derive(Clone, Copy)]
struct Answer {
    found: Option<Whereabouts>,
    until: Instant,
}

impl Answers {
    fn get(&self, key: &Key) -> Option<Option<Whereabouts>> {
        let answer = self.newer.get(key).or_else(|| self.older.get(key))?;
        (answer.until > Instant::now()).then_some(answer.found)
    }

    fn keep(&mut self, key: &Key, found: Option<Whereabouts>, remembered: Duration) {
        if remembered.is_zero() || self.get(key).is_some() {
            return;
        }
        if self.newer.len() >= REMEMBERED {
            self.older = std::mem::take(&mut self.newer);
        }
        self.newer.insert(Arc::clone(key), Answer { found, until: Instant::now() + remembered });
    }
}
