//! Looks cells up in the file that was imported. Another that takes its place is seen at the next question.

use super::{
    Answering, FOLDER, HeardCell, Unanswered, Whereabouts,
    centre::centre,
    table::{Identity, NAME, NotATable, Table},
};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// The file of a data directory; there need not be one yet.
pub struct Local {
    shared: Arc<Shared>,
}

struct Shared {
    path: PathBuf,
    table: Mutex<Option<Arc<Table>>>,
}

impl Local {
    pub fn new(data_dir: &Path) -> Self {
        let path = data_dir.join(FOLDER).join(NAME);
        Self { shared: Arc::new(Shared { path, table: Mutex::default() }) }
    }

    /// How many cells are known; 0 when none were imported.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub fn cells(&self) -> Result<u64, NotATable> {
        Ok(self.shared.table()?.map_or(0, |table| table.len()))
    }
}

impl super::Provider for Local {
    fn locate<'a>(&'a self, cells: &'a [HeardCell]) -> Answering<'a> {
        let (shared, cells) = (Arc::clone(&self.shared), cells.to_vec());
        Box::pin(async move {
            let looked_up = tokio::task::spawn_blocking(move || shared.look_up(&cells)).await;
            looked_up.unwrap_or_else(|error| Err(Unanswered::Unavailable(error.to_string())))
        })
    }

    /// Looking again is as quick as remembering.
    fn remembered(&self) -> Duration {
        Duration::ZERO
    }
}

impl Shared {
    fn look_up(&self, cells: &[HeardCell]) -> Result<Option<Whereabouts>, Unanswered> {
        let unavailable = |error: NotATable| Unanswered::Unavailable(with_source(&error));
        let Some(table) = self.table().map_err(unavailable)? else {
            return Err(Unanswered::Unavailable(
                "no cells were imported: `outrider cells import`".to_owned(),
            ));
        };
        let mut found = Vec::new();
        for cell in cells {
            found.extend(table.find(cell.name).map_err(unavailable)?.map(|at| (at, cell.dbm)));
        }
        Ok(centre(&found))
    }

    /// The file as it is now.
    fn table(&self) -> Result<Option<Arc<Table>>, NotATable> {
        let mut known = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let now =
            Identity::of(&self.path).map_err(|source| NotATable::Io { path: self.path.clone(), source })?;
        if now != known.as_ref().map(|table| table.identity()) {
            // Another one, or none: what was known is over either way.
            *known = None;
            if now.is_some() {
                *known = Some(Arc::new(Table::open(&self.path)?));
            }
        }
        Ok(known.clone())
    }
}

fn with_source(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}
