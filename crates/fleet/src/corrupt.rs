//! The end of a registration: corrupting a source, which frees device id and phone, and deleting clones.

use crate::{Failure, Fleet, PanelCaller, Related, UserCaller, registration::configurable, turns::Turn};
use domain::{AccountId, ErrorCode, SourceId, TrackerId};
use std::{collections::BTreeSet, sync::Arc};
use store::{
    catalog::{Clones, Release, Tracker},
    signals::Signal,
};

impl Fleet {
    /// Undoes the registration of a device that never called.
    ///
    /// # Errors
    /// `NotFound`, `AlreadyCorrupted`, `NotAllowedForClones`, `DeviceBlocked`, `AlreadyConnected`.
    pub async fn corrupt(&self, caller: &UserCaller, id: TrackerId) -> Result<(), Failure> {
        let find = || self.tracker(caller, id).map_err(|missing| self.corrupted_by(caller, id, missing));
        let view = find()?;
        configurable(&view)?;
        let _turn = self.turn_of_source(view.source.id).await?;
        let view = find()?;
        configurable(&view)?;
        self.catch_up().await;
        if self.has_connected(view.source.id) {
            return Err(ErrorCode::AlreadyConnected.into());
        }
        self.corrupt_source(view.source.id, Clones::Delete).await
    }

    /// As `corrupt`, from the panel, whether the device has called or not.
    ///
    /// # Errors
    /// `NotFound`, `AlreadyCorrupted`, `NotAllowedForClones`; `DeviceHasClones` with their numbers.
    pub async fn panel_corrupt(&self, _: &PanelCaller, id: TrackerId, clones: Clones) -> Result<(), Failure> {
        let source = self.anybodys_original(id)?.source;
        let _turn = self.turn_of_source(source).await?;
        let source = self.anybodys_original(id)?.source;
        self.corrupt_source(source, clones).await
    }

    /// Deletes a clone of the caller's.
    ///
    /// # Errors
    /// `NotFound`, `ClonesOnly`; `DeleteAssociated` with the numbers of rules and vehicles.
    pub async fn delete_tracker(&self, caller: &UserCaller, id: TrackerId) -> Result<(), Failure> {
        let _turn = self.turn(caller).await?;
        let view = self.tracker(caller, id)?;
        self.delete_clone(&view.tracker).await
    }

    /// # Errors
    /// As `delete_tracker`, and `AlreadyCorrupted`.
    pub async fn panel_delete_clone(&self, _: &PanelCaller, id: TrackerId) -> Result<(), Failure> {
        let account = self.anybodys(id)?.account;
        let _turn = self.accounts.take(account).await?;
        let clone = self.anybodys(id)?;
        self.delete_clone(&clone).await
    }

    /// A tracker of any account that is no clone.
    ///
    /// # Errors
    /// `NotFound`, `AlreadyCorrupted`, `NotAllowedForClones`.
    pub(crate) fn anybodys_original(&self, id: TrackerId) -> Result<Arc<Tracker>, ErrorCode> {
        let tracker = self.anybodys(id)?;
        if tracker.clone { Err(ErrorCode::NotAllowedForClones) } else { Ok(tracker) }
    }

    /// A tracker of any account.
    ///
    /// # Errors
    /// `NotFound`, `AlreadyCorrupted`.
    pub(crate) fn anybodys(&self, id: TrackerId) -> Result<Arc<Tracker>, ErrorCode> {
        let tables = self.directory.read();
        match tables.anybodys(id) {
            Some(tracker) => Ok(Arc::clone(tracker)),
            None if tables.corrupted(id).is_some() => Err(ErrorCode::AlreadyCorrupted),
            None => Err(ErrorCode::NotFound),
        }
    }

    /// The turns of all accounts that have a tracker on the source.
    pub(crate) async fn turn_of_source(&self, source: SourceId) -> Result<Turn<'_>, Failure> {
        self.turn_of_sources(&[source], None).await
    }

    /// The turns of all accounts that have a tracker on one of the sources, and of one more.
    pub(crate) async fn turn_of_sources(
        &self,
        sources: &[SourceId],
        another: Option<AccountId>,
    ) -> Result<Turn<'_>, Failure> {
        loop {
            let accounts = self.accounts_on(sources, another);
            let turn = self.accounts.take_all(&accounts).await?;
            // Clones are made in the turn of the original's account: what is held now does not grow any more.
            if self.accounts_on(sources, another).is_subset(&accounts) {
                return Ok(turn);
            }
        }
    }

    fn accounts_on(&self, sources: &[SourceId], another: Option<AccountId>) -> BTreeSet<AccountId> {
        let tables = self.directory.read();
        let standing = sources.iter().flat_map(|source| tables.standing_on(*source));
        standing.map(|tracker| tracker.account).chain(another).collect()
    }

    /// Call it while holding the turns of the source.
    async fn corrupt_source(&self, source: SourceId, clones: Clones) -> Result<(), Failure> {
        let release = Release { source, at: self.now() };
        self.catalog.corrupt(release, clones).await?;
        self.trackers_left(source).await
    }

    /// Tells everybody that all trackers have left a source.
    pub(crate) async fn trackers_left(&self, source: SourceId) -> Result<(), Failure> {
        let trackers: Vec<_> = self.directory.read().standing_on(source).cloned().collect();
        for tracker in &trackers {
            self.directory.refresh_tracker(&self.catalog, tracker.account, tracker.id).await?;
            // It lives on when its device was replaced, or when the account that goes has a clone of it only.
            if self.directory.read().anybodys(tracker.id).is_none() {
                self.remove_avatar(tracker).await;
            }
        }
        self.signals.publish(Signal::SourceChanged(source));
        for account in trackers.iter().map(|tracker| tracker.account).collect::<BTreeSet<_>>() {
            self.signals.publish(Signal::AccountChanged(account));
        }
        Ok(())
    }

    /// Call it while holding the account's turn.
    async fn delete_clone(&self, clone: &Tracker) -> Result<(), Failure> {
        if !clone.clone {
            return Err(ErrorCode::ClonesOnly.into());
        }
        let related = self.referring_to(clone).await?;
        if related != Related::default() {
            return Err(Failure { related, ..ErrorCode::DeleteAssociated.into() });
        }
        self.catalog.delete_clone(clone.account, clone.id, self.now()).await?;
        self.directory.refresh_tracker(&self.catalog, clone.account, clone.id).await?;
        self.remove_avatar(clone).await;
        self.signals.publish(Signal::AccountChanged(clone.account));
        Ok(())
    }

    /// The rules and vehicles of its account that name a tracker.
    async fn referring_to(&self, tracker: &Tracker) -> Result<Related, Failure> {
        let rules = self.catalog.rules_of_tracker(tracker.id).await?;
        let vehicles = self.catalog.vehicles_of_tracker(tracker.id).await?;
        Ok(Related {
            rules: rules.into_iter().map(|rule| rule.0).collect(),
            vehicles: vehicles.into_iter().map(|vehicle| vehicle.0).collect(),
            list: Vec::new(),
        })
    }

    /// What is to be said of a tracker that was not found, when the caller corrupted it.
    fn corrupted_by(&self, caller: &UserCaller, id: TrackerId, missing: Failure) -> Failure {
        if self.was_corrupted(caller, id) { ErrorCode::AlreadyCorrupted.into() } else { missing }
    }

    /// Whether it was the caller's, and its registration was undone.
    pub(crate) fn was_corrupted(&self, caller: &UserCaller, id: TrackerId) -> bool {
        let tables = self.directory.read();
        tables.sees(caller, id) && tables.corrupted(id) == Some(caller.account())
    }
}
