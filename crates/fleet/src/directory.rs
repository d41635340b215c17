//! The directory: account → trackers → sources, in memory, so that lists and rights are answered without SQL. A use
//! case that writes to the catalog refreshes what it changed here before it answers; then it publishes a signal.

use crate::UserCaller;
use domain::{AccountId, GroupId, SecurityGroupId, SourceId, StatusListingId, TagId, TrackerId, UserId};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};
use store::catalog::{
    self, Binding, Catalog, CatalogError, Group, Member, Role, SecurityGroup, Source, TagBinding, Tracker,
    User,
};

pub(crate) struct Directory(RwLock<Tables>);

#[derive(Default)]
pub(crate) struct Tables {
    accounts: HashMap<AccountId, Account>,
    members: HashMap<UserId, Arc<Member>>,
    security_groups: HashMap<SecurityGroupId, Arc<SecurityGroup>>,
    sources: HashMap<SourceId, Arc<Source>>,
    /// The trackers that a sub-user sees.
    bound: HashMap<UserId, BTreeSet<TrackerId>>,
    /// What each tracker carries, by ordinal.
    tags: HashMap<TrackerId, Vec<TagBinding>>,
    /// Whose tracker it is; deleted ones are not in it.
    owners: HashMap<TrackerId, AccountId>,
    /// The trackers that stand on a source.
    standing: HashMap<SourceId, BTreeSet<TrackerId>>,
    /// Trackers whose registration was undone, and whose they were.
    corrupted: HashMap<TrackerId, AccountId>,
}

#[derive(Default)]
struct Account {
    trackers: BTreeMap<TrackerId, Arc<Tracker>>,
    /// How many of them are no clones: counting a hundred thousand at each registration would take too long.
    registered: usize,
    master: Option<UserId>,
    groups: BTreeMap<GroupId, Group>,
}

impl Directory {
    pub(crate) async fn load(catalog: &Catalog) -> Result<Self, CatalogError> {
        let mut tables = Tables::default();
        tables.take(catalog.load_directory().await?);
        Ok(Self(RwLock::new(tables)))
    }

    /// Reads a new account.
    pub(crate) async fn add_account(
        &self,
        catalog: &Catalog,
        account: AccountId,
    ) -> Result<(), CatalogError> {
        let new = catalog.load_account(account).await?;
        self.write().take(new);
        Ok(())
    }

    /// Reads one user again, not the account, which may have a hundred thousand trackers.
    pub(crate) async fn refresh_member(&self, catalog: &Catalog, user: UserId) -> Result<(), CatalogError> {
        let User { id, role, account, login, activated, settings, .. } =
            catalog.user(user).await?.ok_or(CatalogError::NotFound)?;
        let member = Member { id, account: account.id, role, login, activated, settings };
        self.write().members.insert(id, Arc::new(member));
        Ok(())
    }

    /// Forgets a sub-user who is gone.
    pub(crate) fn forget_member(&self, user: UserId) {
        let mut tables = self.write();
        tables.members.remove(&user);
        tables.bound.remove(&user);
    }

    /// Reads again which trackers of an account carry which tags.
    pub(crate) async fn refresh_tags(
        &self,
        catalog: &Catalog,
        account: AccountId,
    ) -> Result<(), CatalogError> {
        let bindings = catalog.tag_bindings_of(account).await?;
        let mut tables = self.write();
        let Tables { accounts, tags, .. } = &mut *tables;
        if let Some(account) = accounts.get(&account) {
            tags.retain(|tracker, _| !account.trackers.contains_key(tracker));
        }
        tables.tag(bindings);
        Ok(())
    }

    /// Reads again which sub-users of an account see which trackers.
    pub(crate) async fn refresh_bindings(
        &self,
        catalog: &Catalog,
        account: AccountId,
    ) -> Result<(), CatalogError> {
        let bindings = catalog.bindings_of(account).await?;
        let mut tables = self.write();
        let Tables { members, bound, .. } = &mut *tables;
        bound.retain(|user, _| members.get(user).is_none_or(|member| member.account != account));
        tables.bind(bindings);
        Ok(())
    }

    /// Reads the security groups of an account again.
    pub(crate) async fn refresh_security_groups(
        &self,
        catalog: &Catalog,
        account: AccountId,
    ) -> Result<(), CatalogError> {
        let groups = catalog.security_groups_of(account).await?;
        let mut tables = self.write();
        tables.security_groups.retain(|_, group| group.account != account);
        tables.security_groups.extend(groups.into_iter().map(|group| (group.id, Arc::new(group))));
        Ok(())
    }

    /// Reads the groups of an account again. Trackers of a group that is gone fall back to group 0, as in the catalog.
    pub(crate) async fn refresh_groups(
        &self,
        catalog: &Catalog,
        account: AccountId,
    ) -> Result<(), CatalogError> {
        let groups = catalog.groups_of(account).await?;
        self.write().accounts.entry(account).or_default().set_groups(groups);
        Ok(())
    }

    /// Reads one new, changed or deleted tracker and its source again.
    pub(crate) async fn refresh_tracker(
        &self,
        catalog: &Catalog,
        account: AccountId,
        tracker: TrackerId,
    ) -> Result<(), CatalogError> {
        let tracker = catalog.tracker(account, tracker).await?.ok_or(CatalogError::NotFound)?;
        let source = catalog.source(tracker.source).await?.ok_or(CatalogError::NotFound)?;
        let mut tables = self.write();
        if tracker.deleted && source.corrupted && !tracker.clone && source.account == account {
            tables.corrupted.insert(tracker.id, account);
        }
        tables.put_tracker(tracker);
        tables.put_source(source);
        Ok(())
    }

    /// Reads a source again that has changed under its trackers.
    pub(crate) async fn refresh_source(&self, catalog: &Catalog, id: SourceId) -> Result<(), CatalogError> {
        let source = catalog.source(id).await?.ok_or(CatalogError::NotFound)?;
        self.write().put_source(source);
        Ok(())
    }

    /// Forgets the users of an account that was removed.
    pub(crate) fn forget_members(&self, account: AccountId) {
        let mut tables = self.write();
        tables.members.retain(|_, member| member.account != account);
        if let Some(account) = tables.accounts.get_mut(&account) {
            account.master = None;
        }
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

    /// Lets a tracker carry these tags and no others, as the catalog has just done: reading all tags of a hundred thousand
    /// trackers again would take too long.
    pub(crate) fn set_tags(&self, tracker: TrackerId, tags: &[(TagId, u8)]) {
        let binding = |(tag, ordinal): &(TagId, u8)| TagBinding { tracker, tag: *tag, ordinal: *ordinal };
        let mut bindings: Vec<_> = tags.iter().map(binding).collect();
        bindings.sort_unstable_by_key(|binding| binding.ordinal);
        self.write().tags.insert(tracker, bindings);
    }

    /// Takes a listing from the sources that have it, as the catalog has just done.
    pub(crate) fn forget_status_listing(&self, listing: StatusListingId) {
        for source in self.write().sources.values_mut() {
            if source.status_listing_id == Some(listing.0) {
                Arc::make_mut(source).status_listing_id = None;
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

    /// Whether the caller sees this tracker of the account.
    pub(crate) fn sees(&self, caller: &UserCaller, tracker: TrackerId) -> bool {
        let is_bound = || self.bound.get(&caller.user.id).is_some_and(|bound| bound.contains(&tracker));
        caller.sees_all() || is_bound()
    }

    /// What a tracker carries, by ordinal.
    pub(crate) fn tags(&self, tracker: TrackerId) -> &[TagBinding] {
        self.tags.get(&tracker).map_or(&[], Vec::as_slice)
    }

    /// The trackers that a sub-user sees, by ascending id.
    pub(crate) fn bound(&self, user: UserId) -> impl Iterator<Item = TrackerId> {
        self.bound.get(&user).into_iter().flatten().copied()
    }

    pub(crate) fn security_group(&self, id: SecurityGroupId) -> Option<&SecurityGroup> {
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

    /// How many trackers of the account are no clones.
    pub(crate) fn registered(&self, account: AccountId) -> usize {
        self.accounts.get(&account).map_or(0, |account| account.registered)
    }

    pub(crate) fn source(&self, source: SourceId) -> Option<&Arc<Source>> {
        self.sources.get(&source)
    }

    /// The master of an account.
    pub(crate) fn master(&self, account: AccountId) -> Option<UserId> {
        self.accounts.get(&account)?.master
    }

    /// A tracker of any account.
    pub(crate) fn anybodys(&self, tracker: TrackerId) -> Option<&Arc<Tracker>> {
        self.tracker(*self.owners.get(&tracker)?, tracker)
    }

    /// Whose it was, when the tracker's registration was undone.
    pub(crate) fn corrupted(&self, tracker: TrackerId) -> Option<AccountId> {
        self.corrupted.get(&tracker).copied()
    }

    /// The trackers that stand on a source, by ascending id.
    pub(crate) fn standing_on(&self, source: SourceId) -> impl Iterator<Item = &Arc<Tracker>> {
        let ids = self.standing.get(&source).into_iter().flatten();
        ids.filter_map(|id| self.anybodys(*id))
    }

    /// All trackers of all accounts.
    pub(crate) fn all_trackers(&self) -> impl Iterator<Item = &Arc<Tracker>> {
        self.accounts.values().flat_map(|account| account.trackers.values())
    }

    fn take(&mut self, directory: catalog::Directory) {
        for account in directory.accounts {
            self.accounts.entry(account.id).or_default();
        }
        for member in directory.members {
            if member.role == Role::Master {
                self.accounts.entry(member.account).or_default().master = Some(member.id);
            }
            self.members.insert(member.id, Arc::new(member));
        }
        for group in directory.security_groups {
            self.security_groups.insert(group.id, Arc::new(group));
        }
        for group in directory.groups {
            self.accounts.entry(group.account).or_default().groups.insert(group.id, group);
        }
        for tracker in directory.trackers {
            self.put_tracker(tracker);
        }
        for source in directory.sources {
            self.sources.insert(source.id, Arc::new(source));
        }
        self.bind(directory.bindings);
        self.tag(directory.tag_bindings);
        self.corrupted.extend(directory.corrupted.into_iter().map(|(account, tracker)| (tracker, account)));
    }

    fn tag(&mut self, bindings: Vec<TagBinding>) {
        for binding in bindings {
            self.tags.entry(binding.tracker).or_default().push(binding);
        }
    }

    fn bind(&mut self, bindings: Vec<Binding>) {
        for Binding { user, tracker } in bindings {
            self.bound.entry(user).or_default().insert(tracker);
        }
    }

    /// Takes in a tracker that is new, has moved to another source, or was deleted.
    fn put_tracker(&mut self, tracker: Tracker) {
        let (account, id, source, deleted) = (tracker.account, tracker.id, tracker.source, tracker.deleted);
        let trackers = self.accounts.entry(account).or_default();
        let before = trackers.tracker(id).map(|before| before.source);
        if deleted {
            trackers.remove(id);
            self.owners.remove(&id);
        } else {
            trackers.put(tracker);
            self.owners.insert(id, account);
            self.standing.entry(source).or_default().insert(id);
        }
        if let Some(before) = before.filter(|before| deleted || *before != source)
            && let Some(standing) = self.standing.get_mut(&before)
        {
            standing.remove(&id);
            if standing.is_empty() {
                self.standing.remove(&before);
                self.sources.remove(&before);
            }
        }
    }

    /// A source is kept as long as a tracker stands on it.
    fn put_source(&mut self, source: Source) {
        if self.standing.contains_key(&source.id) {
            self.sources.insert(source.id, Arc::new(source));
        }
    }
}

impl Account {
    fn tracker(&self, id: TrackerId) -> Option<&Tracker> {
        self.trackers.get(&id).map(Arc::as_ref)
    }

    fn remove(&mut self, id: TrackerId) {
        if let Some(gone) = self.trackers.remove(&id) {
            self.registered -= usize::from(!gone.clone);
        }
    }

    fn put(&mut self, tracker: Tracker) {
        self.registered += usize::from(!tracker.clone);
        if let Some(before) = self.trackers.insert(tracker.id, Arc::new(tracker)) {
            self.registered -= usize::from(!before.clone);
        }
    }

    fn set_groups(&mut self, groups: Vec<Group>) {
        let before = std::mem::take(&mut self.groups);
        self.groups = groups.into_iter().map(|group| (group.id, group)).collect();
        if before.keys().all(|id| self.groups.contains_key(id)) {
            return;
        }
        for tracker in self.trackers.values_mut() {
            if tracker.group != GroupId::NONE && !self.groups.contains_key(&tracker.group) {
                Arc::make_mut(tracker).group = GroupId::NONE;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Timestamp;

    fn tracker(id: i64, group: i64, clone: bool) -> Tracker {
        let (account, source) = (AccountId(1), SourceId(id));
        let (id, group, label) = (TrackerId(id), GroupId(group), String::new());
        Tracker {
            id,
            account,
            source,
            label,
            group,
            clone,
            deleted: false,
            created: Timestamp::from_millis(0),
            avatar_file_name: None,
            comment: String::new(),
        }
    }

    fn group(id: i64) -> Group {
        Group { id: GroupId(id), account: AccountId(1), title: String::new(), color: String::new() }
    }

    #[test]
    fn trackers_are_counted_once_and_clones_not_at_all() {
        let mut account = Account::default();
        for (tracker, registered) in [
            (tracker(1, 0, false), 1),
            (tracker(2, 0, true), 1),
            (tracker(3, 0, false), 2),
            (tracker(1, 7, false), 2),
            (tracker(2, 7, true), 2),
        ] {
            account.put(tracker);
            assert_eq!(account.registered, registered);
        }
    }

    #[test]
    fn trackers_leave_a_group_that_is_gone() {
        let mut account = Account::default();
        account.set_groups(vec![group(7), group(8)]);
        for (id, group) in [(1, 7), (2, 8), (3, 0)] {
            account.put(tracker(id, group, false));
        }
        let groups = |account: &Account| account.trackers.values().map(|t| t.group.0).collect::<Vec<_>>();
        account.set_groups(vec![group(7), group(8), group(9)]);
        assert_eq!(groups(&account), [7, 8, 0]);
        account.set_groups(vec![group(8), group(9)]);
        assert_eq!(groups(&account), [0, 8, 0]);
    }
}
