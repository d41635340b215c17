//! Tags: words by which trackers and vehicles are found. They belong to the account.

use crate::{Failure, Fleet, TrackerView, UserCaller};
use domain::{TagId, TrackerId};
use store::{
    catalog::{CatalogError, Tag},
    signals::Signal,
};

impl Fleet {
    /// By ascending id.
    pub async fn tags(&self, caller: &UserCaller) -> Result<Vec<Tag>, Failure> {
        Ok(self.catalog.tags_of(caller.account()).await?)
    }

    pub async fn create_tag(&self, caller: &UserCaller, name: &str, color: &str) -> Result<TagId, Failure> {
        Ok(self.catalog.create_tag(caller.account(), name, color).await?)
    }

    /// # Errors
    /// `NotFound`.
    pub async fn update_tag(
        &self,
        caller: &UserCaller,
        id: TagId,
        name: String,
        color: String,
    ) -> Result<(), Failure> {
        Ok(self.catalog.update_tag(&Tag { id, account: caller.account(), name, color }).await?)
    }

    /// Nothing carries it any more.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn delete_tag(&self, caller: &UserCaller, id: TagId) -> Result<(), Failure> {
        let _turn = self.turn(caller).await?;
        self.catalog.delete_tag(caller.account(), id).await?;
        self.tags_changed(caller).await
    }

    /// Those of the tags that there are.
    pub async fn delete_tags(&self, caller: &UserCaller, ids: &[TagId]) -> Result<(), Failure> {
        let _turn = self.turn(caller).await?;
        for id in ids {
            match self.catalog.delete_tag(caller.account(), *id).await {
                Ok(()) | Err(CatalogError::NotFound) => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.tags_changed(caller).await
    }

    /// Lets the tracker carry these tags, each in its place of 1 to 5, and no others.
    ///
    /// # Errors
    /// `NotFound` for the tracker and for a tag: then nothing changes.
    pub async fn set_tags(
        &self,
        caller: &UserCaller,
        tracker: TrackerId,
        tags: &[(TagId, u8)],
    ) -> Result<(), Failure> {
        let _turn = self.turn(caller).await?;
        self.tracker(caller, tracker)?;
        self.catalog.set_tags(caller.account(), tracker, tags).await?;
        self.directory.set_tags(tracker, tags);
        self.signals.publish(Signal::AccountChanged(caller.account()));
        Ok(())
    }

    /// The trackers that carry all of these tags, of those that the caller sees.
    pub fn tagged_trackers(&self, caller: &UserCaller, tags: &[TagId]) -> Vec<TrackerView> {
        let mut views = self.trackers(caller);
        views.retain(|view| tags.iter().all(|tag| view.tags.iter().any(|binding| binding.tag == *tag)));
        views
    }

    async fn tags_changed(&self, caller: &UserCaller) -> Result<(), Failure> {
        self.directory.refresh_tags(&self.catalog, caller.account()).await?;
        self.signals.publish(Signal::AccountChanged(caller.account()));
        Ok(())
    }
}
