//! Devices as the telephone network reaches them: by short messages, whether they have a connection or not.

use crate::{imei::Imei, language::Speaker};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A device that can be written to while it speaks with its server.
#[derive(Clone)]
pub struct Handset(Arc<Mutex<Box<dyn Speaker>>>);

/// Those of a run, by IMEI.
#[derive(Clone, Default)]
pub struct Handsets(Arc<Mutex<HashMap<Imei, Handset>>>);

impl Handset {
    pub(crate) fn new(speaker: Box<dyn Speaker>) -> Self {
        Self(Arc::new(Mutex::new(speaker)))
    }

    /// Takes a short message; answers with what it writes back.
    pub fn text(&self, text: &str) -> Option<String> {
        self.speaker().text(text)
    }

    pub(crate) fn speaker(&self) -> MutexGuard<'_, Box<dyn Speaker>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Handsets {
    pub fn find(&self, imei: Imei) -> Option<Handset> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&imei).cloned()
    }

    pub(crate) fn add(&self, imei: Imei, handset: Handset) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(imei, handset);
    }
}
