//! Avatars: pictures of trackers. Whoever knows a picture's name may see it; nobody can guess one.

use crate::{Failure, Fleet, UserCaller};
use domain::{ErrorCode, TrackerId};
use std::io;
use store::{avatars::Avatars, catalog::Tracker, signals::Signal};

/// A file as it was sent.
#[derive(Clone, Debug)]
pub struct Upload {
    /// What the sender says that it is, if it says so.
    pub content_type: Option<String>,
    pub content: Vec<u8>,
}

/// A picture as it is served.
#[derive(Clone, Debug)]
pub struct Picture {
    pub content_type: &'static str,
    pub content: Vec<u8>,
}

/// What a picture's content begins with (each mark at its place), what its name ends in, and its type.
struct Format {
    marks: &'static [(usize, &'static [u8])],
    extension: &'static str,
    content_type: &'static str,
}

const FORMATS: [Format; 4] = [
    Format { marks: &[(0, b"\xFF\xD8\xFF")], extension: "jpg", content_type: "image/jpeg" },
    Format { marks: &[(0, b"\x89PNG\r\n\x1A\n")], extension: "png", content_type: "image/png" },
    Format { marks: &[(0, b"GIF8")], extension: "gif", content_type: "image/gif" },
    Format { marks: &[(0, b"RIFF"), (8, b"WEBP")], extension: "webp", content_type: "image/webp" },
];
/// An old name of JPEG.
const OLD_JPEG: &str = "image/pjpeg";

impl Format {
    fn fits(&self, content: &[u8]) -> bool {
        self.marks.iter().all(|(at, mark)| content.get(*at..).is_some_and(|rest| rest.starts_with(mark)))
    }
}

impl Fleet {
    /// Gives a tracker a picture in place of the one that it had; answers with the file's name.
    ///
    /// # Errors
    /// `NotFound`, `DeviceBlocked`; `NoDataFile`; `InvalidDataFormat`; `CannotSaveFile`: then nothing changes.
    pub async fn set_avatar(
        &self,
        caller: &UserCaller,
        id: TrackerId,
        upload: Option<&Upload>,
    ) -> Result<String, Failure> {
        let _turn = self.turn(caller).await?;
        let tracker = self.readable(caller, id)?.tracker;
        let Upload { content_type, content } = upload.ok_or(ErrorCode::NoDataFile)?;
        let said = content_type.as_deref().unwrap_or(OLD_JPEG);
        if said != OLD_JPEG && FORMATS.iter().all(|format| format.content_type != said) {
            return Err(ErrorCode::InvalidDataFormat.into());
        }
        let format = FORMATS.iter().find(|format| format.fits(content));
        let format = format.ok_or(ErrorCode::InvalidDataFormat)?;
        let name = format!("{}.{}", self.secrets.token(), format.extension);
        let (file, picture) = (name.clone(), content.clone());
        let written = self.with_avatars(move |avatars| avatars.write(&file, &picture)).await;
        written.map_err(|error| {
            tracing::error!(%error, "an avatar could not be saved");
            ErrorCode::CannotSaveFile
        })?;
        self.catalog.set_tracker_avatar(caller.account(), id, &name).await?;
        self.directory.refresh_tracker(&self.catalog, caller.account(), id).await?;
        self.remove_avatar(&tracker).await;
        self.signals.publish(Signal::AccountChanged(caller.account()));
        Ok(name)
    }

    /// `None` when there is none of that name.
    pub async fn avatar(&self, name: &str) -> Option<Picture> {
        let (_, extension) = name.rsplit_once('.')?;
        let content_type = FORMATS.iter().find(|format| format.extension == extension)?.content_type;
        let name = name.to_owned();
        match self.with_avatars(move |avatars| avatars.read(&name)).await {
            Ok(content) => Some(Picture { content_type, content }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                tracing::error!(%error, "an avatar could not be read");
                None
            }
        }
    }

    /// Removes the file of a picture that a tracker had. One that stays behind takes room, and nothing else.
    pub(crate) async fn remove_avatar(&self, tracker: &Tracker) {
        let Some(name) = tracker.avatar_file_name.clone() else { return };
        if let Err(error) = self.with_avatars(move |avatars| avatars.remove(&name)).await {
            tracing::warn!(%error, tracker.id = tracker.id.0, "an avatar could not be removed");
        }
    }

    async fn with_avatars<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Avatars) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let avatars = self.avatars.clone();
        tokio::task::spawn_blocking(move || call(&avatars)).await.unwrap_or_else(|error| Err(error.into()))
    }
}
