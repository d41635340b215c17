//! Positions from cells: what a device heard of mobile networks, when its receiver had no fix, becomes a position.
//!
//! `Locator` follows the journal, finds the messages with `heard` cells, keeps them in `waiting` until a `Provider` has
//! answered, and writes what it learns through `derive`. Providers: `ichnaea` asks a service over HTTP, `local` looks
//! into a file that `import` made of a list of cells (`table` is its form).

mod centre;
mod heard;
mod ichnaea;
mod import;
mod local;
mod locator;
mod place;
mod table;
mod waiting;

pub use heard::{CellName, HeardCell, heard, last_heard};
pub use ichnaea::Ichnaea;
pub use import::{ImportError, Imported, import};
pub use local::Local;
pub use locator::{Asker, Busy, Keeper, Locator, Parts};
pub use place::PlaceError;
pub use table::{Located, NotATable, Table};

use domain::{Coordinates, Metres};
use std::{future::Future, pin::Pin, time::Duration};

/// Where the cells are kept under the data directory.
pub(crate) const FOLDER: &str = "cells";

/// Where a device is that hears certain cells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Whereabouts {
    pub coordinates: Coordinates,
    /// It is within this distance, more or less.
    pub precision: Metres,
}

/// Why a question was not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// Nothing is answered now; later it may be.
    Unavailable(String),
    /// This question will never be answered.
    Refused(String),
}

pub type Answering<'a> = Pin<Box<dyn Future<Output = Result<Option<Whereabouts>, Unanswered>> + Send + 'a>>;

/// Knows where cells are.
pub trait Provider: Send + Sync + 'static {
    /// `None`: it knows none of the cells. The serving cell comes first; there is one or more.
    fn locate<'a>(&'a self, cells: &'a [HeardCell]) -> Answering<'a>;

    /// For how long the same question need not be asked again.
    fn remembered(&self) -> Duration;
}
