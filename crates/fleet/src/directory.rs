//! The directory: account → trackers → sources, in memory, so that lists and rights are answered without SQL. A use
//! case that writes to the catalog refreshes what it changed here before it answers; then it publishes a signal.

use domain::{AccountId, GroupId, SourceId, TrackerId, UserId};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};
use store::catalog::{self, Catalog, CatalogError, Group, Member, SecurityGroup, Source, Tracker};

pub(crate) struct Directory(RwLock<Tables>);

#[derive(Default)]
pub(crate) struct Tables {
    accounts: HashMap<AccountId, Account>,
    members: HashMap<UserId, Arc<Member>>,
    security_groups: HashMap<i64, Arc<SecurityGroup>>,
    sources: HashMap<SourceId, Arc<Source>>,
}

#[derive(Default)]
struct Account {
    trackers: BTreeMap<TrackerId, Arc<Tracker>>,
    groups: BTreeMap<GroupId, Group>,
}

impl Directory {
    pub(crate) async fn load(catalog: &Catalog) -> Result<Self, CatalogError> {
        let mut tables = Tables::default();
        tables.take(catalog.load_directory().await?);
        Ok(Self(RwLock::new(tables)))
    }

    /// Reads one account again.
    pub(crate) async fn refresh_account(
        &self,
        catalog: &Catalog,
        account: AccountId,
    ) -> Result<(), CatalogError> {
        let fresh = catalog.load_account(account).await?;
        let mut tables = self.write();
        tables.forget(account);
        tables.take(fresh);
        Ok(())
    }

    /// Reads one new or changed tracker and its source again: an account may have a hundred thousand.
    pub(crate) async fn refresh_tracker(
        &self,
        catalog: &Catalog,
        account: AccountId,
        tracker: TrackerId,
    ) -> Result<(), CatalogError> {
        let tracker = catalog.tracker(account, tracker).await?.ok_or(CatalogError::NotFound)?;
        let source = catalog.source(tracker.source).await?.ok_or(CatalogError::NotFound)?;
        let mut tables = self.write();
        tables.sources.insert(source.id, Arc::new(source));
        tables.accounts.entry(account).or_default().trackers.insert(tracker.id, Arc::new(tracker));
        Ok(())
    }

    /// Puts the trackers of an account into a group, as the catalog has just done.
    pub(crate) fn assign_to_group(&self, account: AccountId, group: GroupId, trackers: &[TrackerId]) {
        let mut tables = self.write();
        let Some(account) = tables.accounts.get_mut(&account) else { return };
        for id in trackers {
            if let Some(tracker) = account.trackers.get_mut(id) {
                Arc::make_mut(tracker).group = group;
            }
        }
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Tables> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Tables> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    pub(crate) fn member(&self, user: UserId) -> Option<Arc<Member>> {
        self.members.get(&user).cloned()
    }

    pub(crate) fn security_group(&self, id: i64) -> Option<&SecurityGroup> {
        self.security_groups.get(&id).map(Arc::as_ref)
    }

    pub(crate) fn groups(&self, account: AccountId) -> impl Iterator<Item = &Group> {
        self.accounts.get(&account).into_iter().flat_map(|account| account.groups.values())
    }

    pub(crate) fn group(&self, account: AccountId, group: GroupId) -> Option<&Group> {
        self.accounts.get(&account)?.groups.get(&group)
    }

    pub(crate) fn tracker(&self, account: AccountId, tracker: TrackerId) -> Option<&Arc<Tracker>> {
        self.accounts.get(&account)?.trackers.get(&tracker)
    }

    /// By ascending id.
    pub(crate) fn trackers(&self, account: AccountId) -> impl Iterator<Item = &Arc<Tracker>> {
        self.accounts.get(&account).into_iter().flat_map(|account| account.trackers.values())
    }

    pub(crate) fn source(&self, source: SourceId) -> Option<&Arc<Source>> {
        self.sources.get(&source)
    }

    fn take(&mut self, directory: catalog::Directory) {
        for account in directory.accounts {
            self.accounts.entry(account.id).or_default();
        }
        for member in directory.members {
            self.members.insert(member.id, Arc::new(member));
        }
        for group in directory.security_groups {
            self.security_groups.insert(group.id, Arc::new(group));
        }
        for group in directory.groups {
            self.accounts.entry(group.account).or_default().groups.insert(group.id, group);
        }
        for tracker in directory.trackers {
            let account = self.accounts.entry(tracker.account).or_default();
            account.trackers.insert(tracker.id, Arc::new(tracker));
        }
        for source in directory.sources {
            self.sources.insert(source.id, Arc::new(source));
        }
    }

    /// Takes an account out. Its sources stay: clones of other accounts may stand on them.
    fn forget(&mut self, account: AccountId) {
        self.accounts.remove(&account);
        self.members.retain(|_, member| member.account != account);
        self.security_groups.retain(|_, group| group.account != account);
    }
}
