//! How far the locator has come in the journal: every message before that place has its position, or will never have one.

use super::FOLDER;
use std::{
    fs, io,
    path::{Path, PathBuf},
};
use store::journal::Position;

const NAME: &str = "place";
/// How the file begins: what it is, and its version.
const HEAD: &str = "outrider cells 1 ";

#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}", .path.display())]
pub struct PlaceError {
    action: &'static str,
    path: PathBuf,
    source: io::Error,
}

/// Where it is written down.
#[derive(Clone, Debug)]
pub(super) struct Place {
    path: PathBuf,
}

impl Place {
    /// # Errors
    /// When the folder cannot be made.
    pub(super) fn of(data_dir: &Path) -> Result<Self, PlaceError> {
        let folder = data_dir.join(FOLDER);
        match fs::create_dir_all(&folder) {
            Ok(()) => Ok(Self { path: folder.join(NAME) }),
            Err(source) => Err(PlaceError { action: "create", path: folder, source }),
        }
    }

    /// What was written last. `end` when nothing was yet: what came in before is not asked about. The beginning when it
    /// cannot be understood, or lies beyond the end of a journal that has begun anew.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn read(&self, end: Position) -> Result<Position, PlaceError> {
        match fs::read_to_string(&self.path) {
            Ok(text) => {
                let place = text.trim_end().strip_prefix(HEAD).and_then(|place| place.parse().ok());
                let place = place.map(Position).filter(|place| *place <= end);
                Ok(place.unwrap_or_default())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(end),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(Position::default()),
            Err(source) => Err(PlaceError { action: "read", path: self.path.clone(), source }),
        }
    }

    /// An older place that comes back after a power cut does no harm: its messages are found to have their positions.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn write(&self, place: Position) -> Result<(), PlaceError> {
        let unfinished = self.path.with_extension("unfinished");
        fs::write(&unfinished, format!("{HEAD}{}\n", place.0))
            .and_then(|()| fs::rename(&unfinished, &self.path))
            .map_err(|source| PlaceError { action: "write", path: self.path.clone(), source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::of(folder.path()).unwrap();
        let end = Position(9);
        assert_eq!(place.read(end).unwrap(), end);
        place.write(Position(7)).unwrap();
        for (text, expected) in [
            (None, 7),
            (Some("outrider cells 1 9\n"), 9),
            (Some("outrider cells 1 10\n"), 0),
            (Some("outrider cells 2 7\n"), 0),
            (Some("outrider cells 1"), 0),
            (Some(""), 0),
        ] {
            if let Some(text) = text {
                fs::write(&place.path, text).unwrap();
            }
            assert_eq!(place.read(end).unwrap(), Position(expected), "{text:?}");
        }
        fs::write(&place.path, b"\xff").unwrap();
        assert_eq!(place.read(end).unwrap(), Position(0));
    }
}
