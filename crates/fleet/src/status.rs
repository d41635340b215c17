//! Working statuses: what whoever is with a tracker is doing, chosen from the listing that the tracker has. Listings
//! belong to the account, the status to the source.

use crate::{Failure, Fleet, TrackerView, UserCaller};
use domain::{ErrorCode, SourceId, StatusId, StatusListingId, TrackerId};
use std::collections::BTreeSet;
use store::{
    catalog::{Status, StatusChange, StatusListing},
    signals::Signal,
};

/// What a plan must have for it.
const FEATURE: &str = "statuses";
/// Listings of one account.
const LISTINGS: usize = 100;
/// Statuses of one account, in all its listings.
const STATUSES: usize = 1000;

/// A listing as its user describes it.
#[derive(Clone, Debug)]
pub struct StatusListingDraft {
    pub label: String,
    pub employee_controlled: bool,
    pub supervisor_controlled: bool,
}

/// What a tracker's status is, and how it came to be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CurrentStatus {
    /// `None` too when it has been deleted or the tracker has another listing now.
    pub status: Option<Status>,
    pub last_change: Option<StatusChange>,
}

impl Fleet {
    /// By ascending id.
    ///
    /// # Errors
    /// `TariffRestriction`; so with all that follow.
    pub async fn status_listings(&self, caller: &UserCaller) -> Result<Vec<StatusListing>, Failure> {
        self.requires_statuses(caller).await?;
        Ok(self.catalog.status_listings_of(caller.account()).await?)
    }

    /// # Errors
    /// `OverQuota`.
    pub async fn create_status_listing(
        &self,
        caller: &UserCaller,
        draft: StatusListingDraft,
    ) -> Result<StatusListingId, Failure> {
        let _turn = self.turn(caller).await?;
        if self.status_listings(caller).await?.len() >= LISTINGS {
            return Err(ErrorCode::OverQuota.into());
        }
        let new = listing(caller, StatusListingId(0), draft, Vec::new());
        Ok(self.catalog.create_status_listing(&new).await?)
    }

    /// Puts its statuses into the order of `entries`, which names each once.
    ///
    /// # Errors
    /// `NotFound`; `EntriesIncomplete`.
    pub async fn update_status_listing(
        &self,
        caller: &UserCaller,
        id: StatusListingId,
        draft: StatusListingDraft,
        entries: Vec<StatusId>,
    ) -> Result<(), Failure> {
        let _turn = self.turn(caller).await?;
        let listings = self.status_listings(caller).await?;
        let old = listings.iter().find(|listing| listing.id == id).ok_or(ErrorCode::NotFound)?;
        let same = BTreeSet::from_iter(&old.entries) == BTreeSet::from_iter(&entries);
        if !same || old.entries.len() != entries.len() {
            return Err(ErrorCode::EntriesIncomplete.into());
        }
        Ok(self.catalog.update_status_listing(&listing(caller, id, draft, entries)).await?)
    }

    /// Trackers that had it have none.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn delete_status_listing(
        &self,
        caller: &UserCaller,
        id: StatusListingId,
    ) -> Result<(), Failure> {
        let _turn = self.turn(caller).await?;
        self.requires_statuses(caller).await?;
        self.catalog.delete_status_listing(caller.account(), id).await?;
        self.directory.forget_status_listing(id);
        self.signals.publish(Signal::AccountChanged(caller.account()));
        Ok(())
    }

    /// Of one listing, in their order; of a listing that the account has not, none.
    pub async fn statuses(
        &self,
        caller: &UserCaller,
        listing: StatusListingId,
    ) -> Result<Vec<Status>, Failure> {
        let mut statuses = self.all_statuses(caller).await?;
        statuses.retain(|status| status.listing == listing);
        Ok(statuses)
    }

    /// # Errors
    /// `NotFound` for the listing; `OverQuota`.
    pub async fn create_status(
        &self,
        caller: &UserCaller,
        listing: StatusListingId,
        label: &str,
        color: &str,
    ) -> Result<StatusId, Failure> {
        let _turn = self.turn(caller).await?;
        if self.all_statuses(caller).await?.len() >= STATUSES {
            return Err(ErrorCode::OverQuota.into());
        }
        Ok(self.catalog.create_status(caller.account(), listing, label, color).await?)
    }

    /// # Errors
    /// `NotFound`.
    pub async fn update_status(
        &self,
        caller: &UserCaller,
        id: StatusId,
        label: &str,
        color: &str,
    ) -> Result<(), Failure> {
        self.requires_statuses(caller).await?;
        Ok(self.catalog.update_status(caller.account(), id, label, color).await?)
    }

    /// No tracker has it any more.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn delete_status(&self, caller: &UserCaller, id: StatusId) -> Result<(), Failure> {
        let _turn = self.turn(caller).await?;
        self.requires_statuses(caller).await?;
        Ok(self.catalog.delete_status(caller.account(), id).await?)
    }

    /// Lets a tracker's status be chosen from a listing, or from none.
    ///
    /// # Errors
    /// `NotFound`, `NotAllowedForClones`, `DeviceBlocked`; `EntityNotFound` for the listing.
    pub async fn assign_status_listing(
        &self,
        caller: &UserCaller,
        tracker: TrackerId,
        listing: Option<StatusListingId>,
    ) -> Result<(), Failure> {
        let _turn = self.turn(caller).await?;
        let source = self.changeable(caller, tracker)?.source.id;
        let listings = self.status_listings(caller).await?;
        if listing.is_some_and(|id| listings.iter().all(|listing| listing.id != id)) {
            return Err(ErrorCode::EntityNotFound.into());
        }
        self.catalog.assign_status_listing(source, listing).await?;
        self.directory.refresh_source(&self.catalog, source).await?;
        self.signals.publish(Signal::AccountChanged(caller.account()));
        Ok(())
    }

    /// # Errors
    /// `NotFound`, `NotAllowedForClones`, `DeviceBlocked`.
    pub async fn current_status(
        &self,
        caller: &UserCaller,
        tracker: TrackerId,
    ) -> Result<CurrentStatus, Failure> {
        let view = self.changeable(caller, tracker)?;
        let statuses = self.all_statuses(caller).await?;
        self.status_of(&view, &statuses).await
    }

    /// Of each tracker, in the order of the question. Of a clone nothing is told.
    ///
    /// # Errors
    /// `DeviceLimitExceeded` for more than 500; `ListHasNonexistent`, also for a blocked one.
    pub async fn current_statuses(
        &self,
        caller: &UserCaller,
        trackers: &[TrackerId],
    ) -> Result<Vec<(TrackerId, CurrentStatus)>, Failure> {
        let views = self.all_readable(caller, trackers)?;
        let statuses = self.all_statuses(caller).await?;
        let mut all = Vec::with_capacity(views.len());
        for view in views {
            let status = match view.tracker.clone {
                true => CurrentStatus::default(),
                false => self.status_of(&view, &statuses).await?,
            };
            all.push((view.tracker.id, status));
        }
        Ok(all)
    }

    /// Gives a tracker another status of its listing; answers with the change.
    ///
    /// # Errors
    /// `NotFound`, `NotAllowedForClones`, `DeviceBlocked`; `EntityNotFound` for a status that is not in the tracker's
    /// listing; `NotPermitted` when users may not choose from it; `NoChangeNeeded`.
    pub async fn change_status(
        &self,
        caller: &UserCaller,
        tracker: TrackerId,
        new: StatusId,
    ) -> Result<StatusChange, Failure> {
        let _turn = self.turn(caller).await?;
        let view = self.changeable(caller, tracker)?;
        let listings = self.status_listings(caller).await?;
        let assigned = listings.iter().find(|listing| Some(listing.id.0) == view.source.status_listing_id);
        let listing = assigned.filter(|listing| listing.entries.contains(&new));
        if !listing.ok_or(ErrorCode::EntityNotFound)?.supervisor_controlled {
            return Err(ErrorCode::NotPermitted.into());
        }
        let old = self.status_of(&view, &self.all_statuses(caller).await?).await?.status;
        let old = old.map(|status| status.id);
        if old == Some(new) {
            return Err(ErrorCode::NoChangeNeeded.into());
        }
        let source = view.source.id;
        let change = StatusChange {
            id: 0,
            source,
            old,
            new: Some(new),
            location: self.whereabouts(source),
            changed: self.now(),
        };
        Ok(self.catalog.change_status(change).await?)
    }

    async fn status_of(&self, view: &TrackerView, statuses: &[Status]) -> Result<CurrentStatus, Failure> {
        let last_change = self.catalog.last_status_change(view.source.id).await?;
        let now = last_change.as_ref().and_then(|change| change.new);
        let current = statuses
            .iter()
            .find(|status| Some(status.id) == now && Some(status.listing.0) == view.source.status_listing_id);
        Ok(CurrentStatus { status: current.cloned(), last_change })
    }

    async fn all_statuses(&self, caller: &UserCaller) -> Result<Vec<Status>, Failure> {
        self.requires_statuses(caller).await?;
        Ok(self.catalog.statuses_of(caller.account()).await?)
    }

    /// Latitude and longitude of the device's last position.
    fn whereabouts(&self, source: SourceId) -> Option<(f64, f64)> {
        let settings = self.live.settings(source);
        let place = self.live.with_state(source, |state| {
            let coordinates = telemetry::position(state, &settings)?.fix.coordinates;
            Some((coordinates.lat(), coordinates.lng()))
        });
        place.flatten()
    }

    /// # Errors
    /// `TariffRestriction` when no tracker of the account has a plan with statuses.
    async fn requires_statuses(&self, caller: &UserCaller) -> Result<(), Failure> {
        let plans = self.features_of_plans(caller).await?;
        let any = plans.iter().flatten().any(|feature| feature == FEATURE);
        if any { Ok(()) } else { Err(ErrorCode::TariffRestriction.into()) }
    }
}

fn listing(
    caller: &UserCaller,
    id: StatusListingId,
    draft: StatusListingDraft,
    entries: Vec<StatusId>,
) -> StatusListing {
    let StatusListingDraft { label, employee_controlled, supervisor_controlled } = draft;
    StatusListing {
        id,
        account: caller.account(),
        label,
        employee_controlled,
        supervisor_controlled,
        entries,
    }
}
