//! Sub-users, their security groups and trackers, and the keys of a master.

use crate::world::{account, at, register, session, sub_user, user};
use domain::{Right, SecurityGroupId, UserId};
use store::catalog::{Catalog, CatalogError, NewApiKey, Role, SecurityGroup};

pub(crate) async fn security_groups_change_and_go(catalog: &Catalog) {
    let (ours, theirs) = (account(catalog, "a").await, account(catalog, "b").await);
    let id = catalog.create_security_group(ours, "Drivers", &[], None).await.unwrap();
    let sub = catalog.create_user(&sub_user("sub", ours, Some(id))).await.unwrap().1;
    let other = catalog.create_user(&sub_user("other", ours, None)).await.unwrap().1;
    let group = SecurityGroup {
        id,
        account: ours,
        label: "Managers".into(),
        rights: vec![Right::TagUpdate],
        store_period: Some("3d".into()),
    };
    catalog.update_security_group(&group).await.unwrap();
    assert_eq!(catalog.security_groups_of(ours).await.unwrap(), std::slice::from_ref(&group));
    let foreign = SecurityGroup { account: theirs, ..group };
    assert_fails!(catalog.update_security_group(&foreign).await, CatalogError::NotFound);
    let group_of = async |user| catalog.user(user).await.unwrap().unwrap().role;

    catalog.assign_security_group(ours, Some(id), &[other, sub, other]).await.unwrap();
    assert_eq!(group_of(other).await, Role::SubUser { security_group: Some(id) });
    let master = catalog.users_of(ours).await.unwrap()[0].id;
    assert_fails!(catalog.assign_security_group(ours, None, &[sub, master]).await, CatalogError::NotFound);
    assert_eq!(group_of(sub).await, Role::SubUser { security_group: Some(id) }, "all or nobody");
    assert_fails!(catalog.assign_security_group(theirs, None, &[sub]).await, CatalogError::NotFound);
    assert_fails!(
        catalog.assign_security_group(ours, Some(SecurityGroupId(id.0 + 1)), &[sub]).await,
        CatalogError::ReferenceNotFound
    );

    assert_fails!(catalog.delete_security_group(theirs, id).await, CatalogError::NotFound);
    catalog.delete_security_group(ours, id).await.unwrap();
    assert_eq!(group_of(sub).await, Role::SubUser { security_group: None });
    assert_fails!(catalog.delete_security_group(ours, id).await, CatalogError::NotFound);
}

pub(crate) async fn sub_users_see_what_is_bound_until_they_go(catalog: &Catalog) {
    let (ours, theirs) = (account(catalog, "a").await, account(catalog, "b").await);
    let (_, van) = register(catalog, ours, "356938035643809").await;
    let (_, bike) = register(catalog, ours, "356938035643817").await;
    let (_, foreign) = register(catalog, theirs, "356938035643825").await;
    let sub = catalog.create_user(&sub_user("sub", ours, None)).await.unwrap().1;
    let master = catalog.users_of(ours).await.unwrap()[0].id;
    let bound = async || {
        let bindings = catalog.bindings_of(ours).await.unwrap();
        assert_eq!(catalog.load_directory().await.unwrap().bindings, bindings);
        assert_eq!(catalog.load_account(ours).await.unwrap().bindings, bindings);
        bindings.into_iter().map(|binding| (binding.user, binding.tracker)).collect::<Vec<_>>()
    };
    catalog.bind_trackers(ours, sub, &[bike, van, van, foreign]).await.unwrap();
    catalog.bind_trackers(ours, master, &[van]).await.unwrap();
    catalog.bind_trackers(theirs, sub, &[foreign]).await.unwrap();
    assert_eq!(bound().await, [(sub, van), (sub, bike)]);
    catalog.unbind_trackers(theirs, sub, &[van]).await.unwrap();
    catalog.unbind_trackers(ours, sub, &[van, foreign]).await.unwrap();
    assert_eq!(bound().await, [(sub, bike)]);

    catalog.create_session(&session(sub, "hash", at(60))).await.unwrap();
    for wrong in [catalog.delete_sub_user(theirs, sub).await, catalog.delete_sub_user(ours, master).await] {
        assert_fails!(wrong, CatalogError::NotFound);
    }
    catalog.delete_sub_user(ours, sub).await.unwrap();
    assert_eq!(bound().await, []);
    assert_eq!(catalog.user(sub).await.unwrap(), None);
    assert_eq!(catalog.session("hash", at(0)).await.unwrap(), None);
}

pub(crate) async fn api_keys_belong_to_their_user(catalog: &Catalog) {
    let (ours, theirs) = (user(catalog, "a").await, user(catalog, "b").await);
    let new = |user, hash: &str| NewApiKey {
        user,
        token_hash: hash.into(),
        seed: "seed".into(),
        title: "Import".into(),
        created: at(5),
    };
    let first = catalog.create_api_key(&new(ours, "one")).await.unwrap();
    catalog.create_api_key(&new(ours, "two")).await.unwrap();
    let found = catalog.api_key("one").await.unwrap().unwrap();
    assert_eq!((found.id, found.user, &*found.seed, &*found.title), (first, ours, "seed", "Import"));
    assert_eq!(found.created, at(5));
    let hashes = async |user| {
        let keys = catalog.api_keys_of(user).await.unwrap();
        keys.into_iter().map(|key| key.token_hash).collect::<Vec<_>>()
    };
    assert_eq!(hashes(ours).await, ["one", "two"]);
    assert_fails!(catalog.delete_api_key(theirs, "one").await, CatalogError::NotFound);
    catalog.set_password(ours, "another").await.unwrap();
    assert_eq!(hashes(ours).await, ["one", "two"], "a new password ends sessions, not keys");
    catalog.delete_api_key(ours, "one").await.unwrap();
    assert_eq!((hashes(ours).await, hashes(theirs).await), (vec!["two".to_owned()], vec![]));
    assert_eq!(catalog.api_key("one").await.unwrap(), None);
    assert_fails!(
        catalog.create_api_key(&new(UserId(theirs.0 + 1), "three")).await,
        CatalogError::ReferenceNotFound
    );
}
