//! Who speaks on a connection whose frames name their device: asks about each until it may speak, keeps the frame that
//! waits for the answer, and gives each device its slot. A connection of one device has one entry; a relay's has many.
//! Who may not speak is asked about with each of its frames: it may have been registered meanwhile.
//!
//!     fn decode(&mut self, frame, events) {
//!         let Some(slot) = self.speakers.named(id, frame, events)? else { return Ok(()) };
//!         … messages of `slot`, the acknowledgement
//!     }
//!     fn identified(&mut self, slot, admission, events) {
//!         match self.speakers.answered(slot, admission) {
//!             Answer::Frame(frame) => … decode it as before
//!             Answer::Refused(_) => self.speakers.leave(events),
//!             Answer::Nothing => {}
//!         }
//!     }

use crate::{Admission, Broken, DeviceSlot, Event, Events, KnownDevice};
use domain::DeviceId;

/// Slots are numbers of 16 bits. How many devices may speak over a connection is for whoever admits them to say.
const ROOM: usize = 1 << 16;
/// Behind a proxy the requests of any number of devices share a connection, and none of them needs to be remembered.
const ROOM_OF_REQUESTS: usize = 256;

pub struct Speakers {
    /// At most `room`, then the one that said nothing for longest gives way.
    all: Vec<Speaker>,
    room: usize,
    /// Who spoke last.
    current: usize,
    /// How many frames named their device.
    frames: u64,
    /// The frame that waits for an answer.
    waiting: Vec<u8>,
}

struct Speaker {
    /// `None` for a device that was introduced and has not said its name.
    id: Option<DeviceId>,
    /// `None` while it may not speak.
    known: Option<KnownDevice>,
    /// The number of its last frame.
    frame: u64,
}

impl Default for Speakers {
    fn default() -> Self {
        Self { all: Vec::new(), room: ROOM, current: 0, frames: 0, waiting: Vec::new() }
    }
}

/// What an admission means for the frame that waited for it.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// To be decoded now.
    Frame(Vec<u8>),
    /// Its device may not speak.
    Refused(Vec<u8>),
    /// The device was introduced; no frame waits.
    Nothing,
}

impl Speakers {
    pub fn new() -> Self {
        Self::default()
    }

    /// Of a connection that carries HTTP requests.
    pub fn of_requests() -> Self {
        Self { room: ROOM_OF_REQUESTS, ..Self::default() }
    }

    /// The slot of the device that a frame names. `None` when the frame is to be left for now: the device was asked
    /// about, and the frame comes back from `answered`.
    ///
    /// # Errors
    /// When no device can be called so.
    pub fn named(
        &mut self,
        id: &str,
        frame: &[u8],
        events: &mut Events,
    ) -> Result<Option<DeviceSlot>, Broken> {
        let is = |speaker: &Speaker| speaker.id.as_ref().is_some_and(|own| own.as_str() == id);
        if !self.all.get(self.current).is_some_and(is) {
            match self.all.iter().position(is) {
                Some(at) => self.current = at,
                None => self.enter(id)?,
            }
        }
        let slot = slot(self.current);
        self.frames += 1;
        let Some(speaker) = self.all.get_mut(self.current) else { return Ok(None) };
        speaker.frame = self.frames;
        if speaker.known.is_some() {
            return Ok(Some(slot));
        }
        if let Some(id) = speaker.id.clone() {
            self.waiting = frame.to_vec();
            events.push_back(Event::Identify { slot, id });
        }
        Ok(None)
    }

    /// The slot that a frame without a name belongs to: the device that spoke last, or was introduced.
    pub fn unnamed(&self) -> Option<DeviceSlot> {
        let speaker = self.all.get(self.current)?;
        speaker.known.is_some().then(|| slot(self.current))
    }

    /// Takes what `Machine::identified` is told.
    pub fn answered(&mut self, of: DeviceSlot, admission: &Admission) -> Answer {
        let known = match admission {
            Admission::Known(known) => Some(known.clone()),
            Admission::Refused => None,
        };
        if self.all.is_empty() {
            self.all.push(Speaker { id: None, known, frame: 0 });
        } else if let Some(speaker) = self.all.get_mut(usize::from(of.0)) {
            speaker.known = known;
        }
        let frame = std::mem::take(&mut self.waiting);
        match admission {
            _ if frame.is_empty() => Answer::Nothing,
            Admission::Known(_) => Answer::Frame(frame),
            Admission::Refused => Answer::Refused(frame),
        }
    }

    /// Closes the connection when nobody is left who may speak on it.
    pub fn leave(&self, events: &mut Events) {
        if !self.all.iter().any(|speaker| speaker.known.is_some()) {
            events.push_back(Event::Close);
        }
    }

    /// What is known of an admitted device.
    pub fn known(&self, of: DeviceSlot) -> Option<&KnownDevice> {
        self.all.get(usize::from(of.0))?.known.as_ref()
    }

    /// What an admitted device calls itself, once it has.
    pub fn id(&self, of: DeviceSlot) -> Option<&DeviceId> {
        let speaker = self.all.get(usize::from(of.0))?;
        speaker.known.as_ref().and(speaker.id.as_ref())
    }

    fn enter(&mut self, id: &str) -> Result<(), Broken> {
        let id = DeviceId::new(id).map_err(|_| Broken::NotAFrame("no device is called so"))?;
        let speaker = Speaker { id: Some(id), known: None, frame: 0 };
        let is_free = |speaker: &Speaker| speaker.id.is_none() || speaker.known.is_none();
        let longest_silent = |all: &[Speaker]| (0..all.len()).min_by_key(|at| all[*at].frame);
        let place = match self.all.iter().position(is_free) {
            None if self.all.len() < self.room => None,
            None => longest_silent(&self.all),
            free => free,
        };
        self.current = place.unwrap_or(self.all.len());
        match place {
            Some(place) => self.all[place] = speaker,
            None => self.all.push(speaker),
        }
        Ok(())
    }
}

fn slot(index: usize) -> DeviceSlot {
    // There are at most `ROOM`.
    DeviceSlot(u16::try_from(index).unwrap_or(u16::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: Admission =
        Admission::Known(KnownDevice { model: None, settings: std::collections::BTreeMap::new() });

    fn identify(slot: u16, id: &str) -> Option<Event> {
        Some(Event::Identify { slot: DeviceSlot(slot), id: DeviceId::new(id).unwrap() })
    }

    #[test]
    fn each_device_is_asked_about_once() {
        let (mut speakers, mut events) = (Speakers::new(), Events::new());
        assert_eq!(speakers.unnamed(), None);
        for (slot, id) in [(0, "A"), (1, "B")] {
            assert_eq!(speakers.named(id, b"frame", &mut events), Ok(None));
            assert_eq!(events.pop_front(), identify(slot, id));
            assert_eq!(speakers.answered(DeviceSlot(slot), &KNOWN), Answer::Frame(b"frame".to_vec()));
        }
        for (slot, id) in [(0, "A"), (1, "B"), (1, "B"), (0, "A")] {
            assert_eq!(speakers.named(id, b"", &mut events), Ok(Some(DeviceSlot(slot))));
            assert_eq!(speakers.unnamed(), Some(DeviceSlot(slot)));
            assert_eq!(speakers.id(DeviceSlot(slot)).unwrap().as_str(), id);
        }
        assert_eq!(events.pop_front(), None);
    }

    #[test]
    fn a_refused_device_is_not_heard_and_asked_about_with_each_frame() {
        let (mut speakers, mut events) = (Speakers::new(), Events::new());
        speakers.named("A", b"frame", &mut events).unwrap();
        let refused = speakers.answered(DeviceSlot(0), &Admission::Refused);
        assert_eq!(refused, Answer::Refused(b"frame".to_vec()));
        events.clear();
        speakers.leave(&mut events);
        assert_eq!(events.pop_front(), Some(Event::Close));
        speakers.named("B", b"frame", &mut events).unwrap();
        speakers.answered(DeviceSlot(0), &KNOWN);
        events.clear();
        // It had nothing that is missed when another takes its slot.
        assert_eq!(speakers.unnamed(), Some(DeviceSlot(0)));
        for _ in 0..2 {
            assert_eq!(speakers.named("A", b"frame", &mut events), Ok(None));
            assert_eq!(events.pop_front(), identify(1, "A"));
            let refused = speakers.answered(DeviceSlot(1), &Admission::Refused);
            assert_eq!(refused, Answer::Refused(b"frame".to_vec()));
            speakers.leave(&mut events);
            assert_eq!(events.pop_front(), None, "another device may go on");
            assert_eq!((speakers.id(DeviceSlot(1)), speakers.known(DeviceSlot(1))), (None, None));
        }
        speakers.named("A", b"frame", &mut events).unwrap();
        assert_eq!(speakers.answered(DeviceSlot(1), &KNOWN), Answer::Frame(b"frame".to_vec()));
        assert_eq!(speakers.id(DeviceSlot(1)).unwrap().as_str(), "A", "it was registered meanwhile");
    }

    #[test]
    fn an_introduced_device_may_say_its_name_later() {
        let (mut speakers, mut events) = (Speakers::new(), Events::new());
        assert_eq!(speakers.answered(DeviceSlot(0), &KNOWN), Answer::Nothing);
        assert_eq!(speakers.unnamed(), Some(DeviceSlot(0)));
        assert_eq!(speakers.named("A", b"frame", &mut events), Ok(None));
        assert_eq!(events.pop_front(), identify(0, "A"));
    }

    #[test]
    fn names_and_devices_have_bounds() {
        let (mut speakers, mut events) = (Speakers::of_requests(), Events::new());
        assert!(speakers.named("no name", b"", &mut events).is_err());
        let last = u16::try_from(ROOM_OF_REQUESTS).unwrap() - 1;
        for number in 0..=last {
            speakers.named(&number.to_string(), b"frame", &mut events).unwrap();
            speakers.answered(DeviceSlot(number), &KNOWN);
        }
        assert_eq!(speakers.named("0", b"", &mut events), Ok(Some(DeviceSlot(0))));
        events.clear();
        for (id, slot) in [("more", 1), ("still-more", 2), ("0", 0)] {
            if speakers.named(id, b"frame", &mut events).unwrap().is_none() {
                assert_eq!(events.pop_front(), identify(slot, id), "who said nothing for longest gives way");
                speakers.answered(DeviceSlot(slot), &KNOWN);
            }
            assert_eq!(speakers.id(DeviceSlot(slot)).unwrap().as_str(), id);
        }
        assert_eq!(speakers.all.len(), ROOM_OF_REQUESTS);
    }
}
