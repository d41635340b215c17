//! Trackers of all accounts, as the panel sees them.

use crate::{
    Failure, Fleet, PanelCaller, RegistrationCommands, TrackerView, directory::Tables, tracker::with_source,
};
use domain::{ConnectionStatus, ErrorCode, ModelCode, State, TariffId, Timestamp, TrackerId, UserId};
use std::{cmp::Ordering, sync::Arc, time::Duration};
use store::{
    catalog::{CatalogError, Direction, Listed, Page, Tracker},
    signals::Signal,
};
use telemetry::connection_status;

/// The panel has the commands of a device sent again once in this time.
const RETRY_EVERY: Duration = Duration::from_secs(120);

/// A tracker with whose it is and how its device is connected.
#[derive(Clone, Debug)]
pub struct PanelTracker {
    pub view: TrackerView,
    pub user: UserId,
    pub last_connection: Option<Timestamp>,
    pub status: ConnectionStatus,
}

/// What the trackers of a list are ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PanelTrackerOrder {
    #[default]
    Id,
    Label,
    Status,
    Model,
    DeviceId,
    Phone,
    CreationDate,
    LastConnection,
}

/// Which trackers a list shows.
#[derive(Clone, Debug, Default)]
pub struct PanelTrackerFilter {
    pub user: Option<UserId>,
    pub tariff: Option<TariffId>,
    pub page: Page,
}

/// What became of a clone that was to be deleted.
pub type NotDeleted = (TrackerId, ErrorCode);

impl Fleet {
    /// # Errors
    /// `NotFound`, `AlreadyCorrupted`.
    pub async fn panel_tracker(&self, _: &PanelCaller, id: TrackerId) -> Result<PanelTracker, Failure> {
        self.catch_up().await;
        let tracker = self.anybodys(id)?;
        let tables = self.directory.read();
        let view = with_source(&tables, &tracker).ok_or(ErrorCode::NotFound)?;
        Ok(self.seen_by_panel(&tables, view).ok_or(ErrorCode::NotFound)?)
    }

    /// The filter looks into the numbers of tracker, source and user, label, device id, model and phone.
    ///
    /// # Errors
    /// `NotFound` for the user or the plan.
    pub async fn panel_trackers(
        &self,
        _: &PanelCaller,
        filter: &PanelTrackerFilter,
        order: PanelTrackerOrder,
        direction: Direction,
    ) -> Result<Listed<PanelTracker>, Failure> {
        let account = match filter.user {
            Some(user) => Some(self.account_of(user).ok_or(ErrorCode::NotFound)?),
            None => None,
        };
        if let Some(tariff) = filter.tariff {
            self.catalog.tariff(tariff).await?.ok_or(ErrorCode::NotFound)?;
        }
        self.catch_up().await;
        let text = filter.page.filter.trim().to_lowercase();
        let mut found: Vec<_> = {
            let tables = self.directory.read();
            // Of all accounts' trackers only those are copied that are asked for.
            let is_chosen = |tracker: &&Arc<Tracker>| {
                account.is_none_or(|account| tracker.account == account)
                    && filter.tariff.is_none_or(|tariff| {
                        tables.source(tracker.source).is_some_and(|source| source.tariff == tariff)
                    })
            };
            let chosen = tables.all_trackers().filter(is_chosen);
            let views = chosen.filter_map(|tracker| with_source(&tables, tracker));
            let seen = views.filter_map(|view| self.seen_by_panel(&tables, view));
            seen.filter(|tracker| text.is_empty() || tracker.contains(&text)).collect()
        };
        let compare = |a: &PanelTracker, b: &PanelTracker| {
            let ascending = order.compare(a, b).then(a.view.tracker.id.cmp(&b.view.tracker.id));
            if direction == Direction::Ascending { ascending } else { ascending.reverse() }
        };
        let count = found.len() as u64;
        // What comes after the page need not be in order.
        let end = filter.page.limit.map_or(usize::MAX, |limit| filter.page.offset as usize + limit as usize);
        if end < found.len() {
            found.select_nth_unstable_by(end, compare);
            found.truncate(end);
        }
        found.sort_by(compare);
        let skipped = found.into_iter().skip(filter.page.offset as usize);
        Ok(Listed { items: skipped.take(filter.page.limit.unwrap_or(u32::MAX) as usize).collect(), count })
    }

    /// Blocks or unblocks a source. Records of a blocked one are not taken.
    ///
    /// # Errors
    /// `NotFound`, `AlreadyCorrupted`.
    pub async fn set_blocked(&self, _: &PanelCaller, id: TrackerId, blocked: bool) -> Result<(), Failure> {
        let source = self.anybodys(id)?.source;
        let _turn = self.turn_of_source(source).await?;
        let source = self.anybodys(id)?.source;
        match blocked {
            true => self.catalog.block_source(source).await?,
            false => self.catalog.unblock_source(source).await?,
        }
        self.source_changed(source).await
    }

    /// Changes what a tracker is called, and what the panel remarks about it; `None` leaves a remark as it is.
    ///
    /// # Errors
    /// `NotFound`, `AlreadyCorrupted`.
    pub async fn remark(
        &self,
        _: &PanelCaller,
        id: TrackerId,
        label: &str,
        comment: Option<&str>,
    ) -> Result<(), Failure> {
        let account = self.anybodys(id)?.account;
        let _turn = self.accounts.take(account).await?;
        let tracker = self.anybodys(id)?;
        let comment = comment.unwrap_or(&tracker.comment);
        self.catalog.set_label_and_comment(account, id, label, comment).await?;
        self.directory.refresh_tracker(&self.catalog, account, id).await?;
        self.signals.publish(Signal::AccountChanged(account));
        Ok(())
    }

    /// Has the registration commands of a device sent again.
    ///
    /// # Errors
    /// `NotFound`, `AlreadyCorrupted`, `NotAllowedForClones`, `DeviceBlocked`, `NotSupportedByDevice` without a GSM
    /// module or when the device cannot be told what was asked for, `TimeoutNotReached` when that was done a moment ago.
    pub async fn panel_register_retry(
        &self,
        _: &PanelCaller,
        id: TrackerId,
        commands: &RegistrationCommands,
    ) -> Result<(), Failure> {
        let tracker = self.anybodys(id)?;
        let view = with_source(&self.directory.read(), &tracker).ok_or(ErrorCode::NotFound)?;
        self.may_be_told(&view).await?;
        let (source, now) = (view.source.id, self.now());
        let words = self.words_once_more(source, commands).await?;
        let noted = self.catalog.retry_registration(source, now, now.minus(RETRY_EVERY)).await;
        noted.map_err(|error| match error {
            CatalogError::NotFound => ErrorCode::TimeoutNotReached.into(),
            error => Failure::from(error),
        })?;
        self.tell(words).await?;
        Ok(())
    }

    /// Deletes clones one by one; answers which were not deleted, and why.
    ///
    /// # Errors
    /// When the catalog fails.
    pub async fn delete_clones(
        &self,
        caller: &PanelCaller,
        ids: &[TrackerId],
    ) -> Result<Vec<NotDeleted>, Failure> {
        let mut not_deleted = Vec::new();
        for id in ids {
            match self.panel_delete_clone(caller, *id).await {
                Ok(()) => {}
                Err(failure) if failure.code == ErrorCode::DatabaseUnavailable => return Err(failure),
                Err(failure) => not_deleted.push((*id, failure.code)),
            }
        }
        Ok(not_deleted)
    }

    /// Removes a user and the account: trackers are corrupted, the clones of the account deleted, the login is free.
    ///
    /// # Errors
    /// `NotFound`, also when the login is another's; `AlreadyCorrupted`; `DeviceHasClones` with their numbers.
    pub async fn corrupt_user(
        &self,
        _: &PanelCaller,
        id: UserId,
        login: &str,
        clones: store::catalog::Clones,
    ) -> Result<(), Failure> {
        let user = self.catalog.user(id).await?.ok_or(ErrorCode::NotFound)?;
        if user.corrupted {
            return Err(ErrorCode::AlreadyCorrupted.into());
        }
        if user.login != login || user.role != store::catalog::Role::Master {
            return Err(ErrorCode::NotFound.into());
        }
        let account = user.account.id;
        let sources = || -> Vec<_> {
            let tables = self.directory.read();
            let own = tables.trackers(account).map(|tracker| tracker.source);
            own.collect()
        };
        let _turn = self.turn_of_sources(&sources(), Some(account)).await?;
        let (sources, users) = (sources(), self.catalog.users_of(account).await?);
        self.catalog.corrupt_account(account, self.now(), clones).await.map_err(|error| match error {
            CatalogError::NotFound => ErrorCode::AlreadyCorrupted.into(),
            error => Failure::from(error),
        })?;
        self.directory.forget_members(account);
        for user in users {
            self.sessions_ended(user.id);
        }
        for source in sources {
            self.trackers_left(source).await?;
        }
        self.signals.publish(Signal::AccountChanged(account));
        Ok(())
    }

    fn seen_by_panel(&self, tables: &Tables, view: TrackerView) -> Option<PanelTracker> {
        let user = tables.master(view.tracker.account)?;
        let (settings, now) = (self.live.settings(view.source.id), self.now());
        let of =
            |state: &State| (state.connection.last_packet, connection_status(state, now, &settings.timeouts));
        let known = self.live.with_state(view.source.id, of);
        let (last_connection, status) = known.unwrap_or_else(|| of(&State::default()));
        Some(PanelTracker { view, user, last_connection, status })
    }
}

impl PanelTracker {
    fn contains(&self, text: &str) -> bool {
        let TrackerView { tracker, source, .. } = &self.view;
        let numbers = [tracker.id.0, source.id.0, self.user.0].map(|number| number.to_string());
        let texts = [
            Some(tracker.label.as_str()),
            Some(source.model.as_str()),
            source.phone.as_deref(),
            source.device_id.as_ref().map(domain::DeviceId::as_str),
        ];
        let mut fields = texts.into_iter().flatten().chain(numbers.iter().map(String::as_str));
        fields.any(|field| field.to_lowercase().contains(text))
    }

    /// The name of its device model.
    pub fn model_name(&self) -> &str {
        let code = &self.view.source.model;
        ModelCode::find(code).map_or(code, |code| &code.model().name)
    }
}

impl PanelTrackerOrder {
    fn compare(self, a: &PanelTracker, b: &PanelTracker) -> Ordering {
        let [TrackerView { tracker: a1, source: a2, .. }, TrackerView { tracker: b1, source: b2, .. }] =
            [&a.view, &b.view];
        match self {
            Self::Id => Ordering::Equal,
            Self::Label => a1.label.cmp(&b1.label),
            Self::Status => a.status.as_str().cmp(b.status.as_str()),
            Self::Model => a2.model.cmp(&b2.model),
            Self::DeviceId => a2.device_id.cmp(&b2.device_id),
            Self::Phone => a2.phone.cmp(&b2.phone),
            Self::CreationDate => a1.created.cmp(&b1.created),
            Self::LastConnection => a.last_connection.cmp(&b.last_connection),
        }
    }
}
