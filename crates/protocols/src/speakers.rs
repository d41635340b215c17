//! Who speaks on a connection whose frames name their device: asks once about each, keeps the frame that waits for the
//! answer, and gives each device its slot. A connection of one device has one entry; a relay's has many.
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

/// No relay is known to carry more devices over one connection.
const MAX: usize = 256;

#[derive(Default)]
pub struct Speakers {
    all: Vec<Speaker>,
    /// Who spoke last.
    current: usize,
    /// The frame that waits for an answer.
    waiting: Vec<u8>,
}

struct Speaker {
    /// `None` for a device that was introduced and has not said its name.
    id: Option<DeviceId>,
    standing: Standing,
}

enum Standing {
    Asked,
    Admitted(KnownDevice),
    Refused,
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

    /// The slot of the device that a frame names. `None` when the frame is to be left for now: the device was asked
    /// about, and the frame comes back from `answered`; or it was refused before.
    ///
    /// # Errors
    /// When no device can be called so, or the connection carries too many.
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
        let Some(Speaker { id: Some(id), standing }) = self.all.get_mut(self.current) else {
            return Ok(None);
        };
        match standing {
            Standing::Admitted(_) => Ok(Some(slot)),
            Standing::Refused => Ok(None),
            Standing::Asked => {
                self.waiting = frame.to_vec();
                events.push_back(Event::Identify { slot, id: id.clone() });
                Ok(None)
            }
        }
    }

    /// The slot that a frame without a name belongs to: the device that spoke last, or was introduced.
    pub fn unnamed(&self) -> Option<DeviceSlot> {
        let speaker = self.all.get(self.current)?;
        matches!(speaker.standing, Standing::Admitted(_)).then(|| slot(self.current))
    }

    /// Takes what `Machine::identified` is told.
    pub fn answered(&mut self, of: DeviceSlot, admission: &Admission) -> Answer {
        let standing = match admission {
            Admission::Known(known) => Standing::Admitted(known.clone()),
            Admission::Refused => Standing::Refused,
        };
        if self.all.is_empty() {
            self.all.push(Speaker { id: None, standing });
        } else if let Some(speaker) = self.all.get_mut(usize::from(of.0)) {
            speaker.standing = standing;
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
        if !self.all.iter().any(|speaker| matches!(speaker.standing, Standing::Admitted(_))) {
            events.push_back(Event::Close);
        }
    }

    /// What is known of an admitted device.
    pub fn known(&self, of: DeviceSlot) -> Option<&KnownDevice> {
        match &self.all.get(usize::from(of.0))?.standing {
            Standing::Admitted(known) => Some(known),
            _ => None,
        }
    }

    /// What an admitted device calls itself, once it has.
    pub fn id(&self, of: DeviceSlot) -> Option<&DeviceId> {
        let speaker = self.all.get(usize::from(of.0))?;
        matches!(speaker.standing, Standing::Admitted(_)).then_some(speaker.id.as_ref()).flatten()
    }

    fn enter(&mut self, id: &str) -> Result<(), Broken> {
        let id = DeviceId::new(id).map_err(|_| Broken::NotAFrame("no device is called so"))?;
        let speaker = Speaker { id: Some(id), standing: Standing::Asked };
        match self.all.iter().position(|speaker| speaker.id.is_none()) {
            Some(introduced) => {
                self.all[introduced] = speaker;
                self.current = introduced;
            }
            None if self.all.len() == MAX => {
                return Err(Broken::OutOfOrder("too many devices over one connection"));
            }
            None => {
                self.all.push(speaker);
                self.current = self.all.len() - 1;
            }
        }
        Ok(())
    }
}

fn slot(index: usize) -> DeviceSlot {
    // There are at most `MAX`.
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
    fn a_refused_device_is_not_heard_and_not_asked_about_again() {
        let (mut speakers, mut events) = (Speakers::new(), Events::new());
        speakers.named("A", b"frame", &mut events).unwrap();
        let refused = speakers.answered(DeviceSlot(0), &Admission::Refused);
        assert_eq!(refused, Answer::Refused(b"frame".to_vec()));
        events.clear();
        speakers.leave(&mut events);
        assert_eq!(events.pop_front(), Some(Event::Close));
        speakers.named("B", b"frame", &mut events).unwrap();
        speakers.answered(DeviceSlot(1), &KNOWN);
        events.clear();
        assert_eq!(speakers.named("A", b"frame", &mut events), Ok(None));
        speakers.leave(&mut events);
        assert_eq!(events.pop_front(), None, "another device may go on");
        assert_eq!((speakers.id(DeviceSlot(0)), speakers.known(DeviceSlot(0))), (None, None));
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
        let (mut speakers, mut events) = (Speakers::new(), Events::new());
        assert!(speakers.named("no name", b"", &mut events).is_err());
        for number in 0..MAX {
            speakers.named(&number.to_string(), b"", &mut events).unwrap();
        }
        assert!(speakers.named("one-more", b"", &mut events).is_err());
    }
}
