//! What every catalog does, whatever database it stands on.

use crate::world::{
    account, at, master, person, register, session, settings, source, sub_user, tracker, user,
};
use domain::{
    DeviceId, GroupId, Right, SecurityGroupId, SourceId, TariffId, TrackerId, TripDetection, UserId,
};
use store::catalog::{
    Catalog, CatalogError, DeviceType, Direction, DocType, Group, LegalType, MapFilter, Money, NewSession,
    NewTracker, Page, Role, SessionOwner, Settings, Shown, Tariff, TariffDefaults, TariffKind, TariffOrder,
    TariffTerms, TrackerSpan, UserChange, UserOrder,
};

pub(crate) async fn a_fresh_catalog_has_one_tariff_that_is_the_default(catalog: &Catalog) {
    let page = Page::default();
    let listed = catalog.list_tariffs(&page, None, TariffOrder::Id, Direction::Ascending).await.unwrap();
    let [tariff] = &*listed.items else { panic!("{listed:?}") };
    assert_eq!(tariff.terms.name, "Default");
    assert_eq!(tariff.terms.features, ["multilevel_access", "statuses"]);
    assert_eq!((tariff.terms.kind, tariff.terms.price), (TariffKind::Monthly, Money::ZERO));
    assert_eq!(catalog.tariff_defaults().await.unwrap().tariff, tariff.id);
    assert_eq!(catalog.count_panel_accounts().await.unwrap(), 0);
    assert_eq!(catalog.load_directory().await.unwrap(), store::catalog::Directory::default());
}

pub(crate) async fn a_user_reads_back_as_written(catalog: &Catalog) {
    let new = master("a@example.com");
    let (account, id) = catalog.create_user(&new).await.unwrap();
    let user = catalog.user(id).await.unwrap().unwrap();
    assert_eq!(user.role, Role::Master);
    assert_eq!((user.account.id, user.account.default_tariff), (account, None));
    assert_eq!((user.account.balance, user.account.bonus), (Money::ZERO, Money::ZERO));
    assert_eq!((&user.login, &user.password_hash), (&new.login, &new.password_hash));
    assert_eq!((user.activated, user.verified), (true, false));
    assert_eq!((&user.person, &user.comment, &user.settings), (&new.person, &new.comment, &new.settings));
    assert_eq!((user.created, user.account.created), (at(0), at(0)));

    assert_eq!(catalog.user_by_login("a@example.com").await.unwrap(), Some(user));
    assert_eq!(catalog.user_by_login("nobody").await.unwrap(), None);
    assert_eq!(catalog.user(UserId(id.0 + 1)).await.unwrap(), None);
}

pub(crate) async fn changes_of_a_user_keep_what_they_do_not_name(catalog: &Catalog) {
    let id = user(catalog, "a").await;
    let mut expected = catalog.user(id).await.unwrap().unwrap();

    let mut person = person();
    person.first_name = "Ada".into();
    person.profile.post.city = "London".into();
    person.profile.discount = None;
    person.legal_type = LegalType::LegalEntity;
    let change = UserChange {
        login: "b".into(),
        activated: Some(false),
        verified: true,
        person: person.clone(),
        comment: String::new(),
        default_tariff: None,
        security_group: None,
    };
    catalog.update_user(id, &change).await.unwrap();
    person.legal_type = LegalType::SoleTrader; // for ever
    expected.login = "b".into();
    (expected.activated, expected.verified) = (false, true);
    (expected.person, expected.comment) = (person, String::new());
    assert_eq!(catalog.user(id).await.unwrap().unwrap(), expected);

    expected.settings = Settings {
        time_zone: "UTC".into(),
        locale: "en_US".into(),
        measurement_system: "us".into(),
        geocoder: "google".into(),
        route_provider: "google".into(),
        translit: true,
    };
    catalog.set_settings(id, &expected.settings).await.unwrap();
    assert_eq!(catalog.user(id).await.unwrap().unwrap(), expected);

    let tariff = catalog.tariff_defaults().await.unwrap().tariff;
    catalog.set_default_tariff(expected.account.id, Some(tariff)).await.unwrap();
    expected.account.default_tariff = Some(tariff);
    assert_eq!(catalog.user(id).await.unwrap().unwrap(), expected);
    assert_fails!(
        catalog.set_default_tariff(expected.account.id, Some(TariffId(tariff.0 + 1))).await,
        CatalogError::ReferenceNotFound
    );

    let nobody = UserId(id.0 + 1);
    assert_fails!(
        catalog.update_user(nobody, &change).await,
        CatalogError::LoginTaken | CatalogError::NotFound
    );
    assert_fails!(catalog.set_settings(nobody, &settings()).await, CatalogError::NotFound);
    assert_fails!(catalog.set_password(nobody, "x").await, CatalogError::NotFound);
}

pub(crate) async fn logins_are_unique(catalog: &Catalog) {
    let (account, _) = catalog.create_user(&master("a")).await.unwrap();
    let b = user(catalog, "b").await;
    assert_fails!(catalog.create_user(&master("a")).await, CatalogError::LoginTaken);
    assert_fails!(catalog.create_user(&sub_user("a", account, None)).await, CatalogError::LoginTaken);
    let read = catalog.user(b).await.unwrap().unwrap();
    let change = UserChange {
        login: "a".into(),
        activated: None,
        verified: true,
        person: read.person.clone(),
        comment: read.comment.clone(),
        default_tariff: None,
        security_group: None,
    };
    assert_fails!(catalog.update_user(b, &change).await, CatalogError::LoginTaken);
    assert_eq!(catalog.user(b).await.unwrap().unwrap(), read);
    assert_eq!(
        catalog.load_directory().await.unwrap().accounts.len(),
        2,
        "a failed master leaves no account"
    );
}

pub(crate) async fn sub_users_join_an_account_and_its_security_groups(catalog: &Catalog) {
    let (ours, theirs) = (account(catalog, "a").await, account(catalog, "b").await);
    let rights = [Right::TrackerUpdate, Right::Reports];
    let group = catalog.create_security_group(ours, "Drivers", &rights, Some("1d")).await.unwrap();
    catalog.create_security_group(theirs, "Drivers", &[], None).await.unwrap();

    let (account, id) = catalog.create_user(&sub_user("sub", ours, Some(group))).await.unwrap();
    assert_eq!(account, ours);
    let sub = catalog.user(id).await.unwrap().unwrap();
    assert_eq!(sub.role, Role::SubUser { security_group: Some(group) });
    let users = catalog.users_of(ours).await.unwrap();
    assert_eq!(users.iter().map(|user| &*user.login).collect::<Vec<_>>(), ["a", "sub"]);
    let groups = catalog.security_groups_of(ours).await.unwrap();
    assert_eq!(
        (groups.len(), &*groups[0].rights, groups[0].store_period.as_deref()),
        (1, &rights[..], Some("1d"))
    );

    assert_fails!(
        catalog.create_user(&sub_user("foreign", theirs, Some(group))).await,
        CatalogError::ReferenceNotFound
    );
    let nowhere = domain::AccountId(theirs.0 + 1);
    assert_fails!(
        catalog.create_user(&sub_user("nowhere", nowhere, None)).await,
        CatalogError::ReferenceNotFound
    );
}

pub(crate) async fn user_lists_filter_order_and_page(catalog: &Catalog) {
    let mut account = None;
    for (login, last_name, city, activated) in
        [("c@x", "Ärger", "Bonn", true), ("a@x", "Zahn", "Aachen", false), ("b@x", "Mohr", "Celle", true)]
    {
        let mut new = master(login);
        new.person.last_name = last_name.into();
        new.person.profile.post.city = city.into();
        new.person.profile.legal_name = format!("{last_name} 100% GmbH");
        new.activated = activated;
        account = Some(catalog.create_user(&new).await.unwrap().0);
    }
    catalog.create_user(&sub_user("sub@x", account.unwrap(), None)).await.unwrap();
    let list = async |filter: &str, shown, order, direction, offset, limit| {
        let page = Page { filter: filter.into(), offset, limit };
        let listed = catalog.list_users(&page, shown, order, direction).await.unwrap();
        let logins: Vec<_> = listed.items.into_iter().map(|user| user.login.replace("@x", "")).collect();
        (logins.join(""), listed.count)
    };
    use Direction::{Ascending, Descending};
    for (filter, shown, order, direction, offset, limit, expected, count) in [
        ("", Shown::All, UserOrder::Id, Ascending, 0, None, "cab", 3),
        ("", Shown::All, UserOrder::Id, Descending, 0, None, "bac", 3),
        ("", Shown::All, UserOrder::Login, Ascending, 0, None, "abc", 3),
        ("", Shown::All, UserOrder::Login, Ascending, 1, Some(1), "b", 3),
        ("", Shown::All, UserOrder::Login, Descending, 2, Some(9), "a", 3),
        ("", Shown::All, UserOrder::PostCity, Ascending, 0, None, "acb", 3),
        // By code points, so that both databases agree: Mohr, Zahn, Ärger.
        ("", Shown::All, UserOrder::LastName, Ascending, 0, None, "bac", 3),
        ("", Shown::All, UserOrder::Balance, Descending, 0, None, "bac", 3),
        ("", Shown::Activated, UserOrder::Id, Ascending, 0, None, "cb", 2),
        ("ÄRGER", Shown::All, UserOrder::Id, Ascending, 0, None, "c", 1),
        (" aach ", Shown::All, UserOrder::Id, Ascending, 0, None, "a", 1),
        ("100%", Shown::All, UserOrder::Id, Ascending, 0, Some(0), "", 3),
        ("1_0%", Shown::All, UserOrder::Id, Ascending, 0, None, "", 0),
        ("\\", Shown::All, UserOrder::Id, Ascending, 0, None, "", 0),
        ("sub", Shown::All, UserOrder::Id, Ascending, 0, None, "", 0),
    ] {
        let answer = list(filter, shown, order, direction, offset, limit).await;
        assert_eq!(answer, (expected.to_owned(), count), "{filter:?} {shown:?} {order:?} {direction:?}");
    }
    for order in UserOrder::ALL {
        for direction in [Ascending, Descending] {
            assert_eq!(list("", Shown::All, *order, direction, 0, None).await.0.len(), 3, "{order:?}");
        }
    }
}

pub(crate) async fn sessions_live_until_they_expire_or_end(catalog: &Catalog) {
    let user = user(catalog, "a").await;
    catalog.create_session(&session(user, "s1", at(60))).await.unwrap();
    catalog.create_session(&session(user, "s2", at(90))).await.unwrap();
    let found = catalog.session("s1", at(59)).await.unwrap().unwrap();
    assert_eq!((found.owner, found.created, found.expires), (SessionOwner::User(user), at(0), at(60)));
    assert_eq!(catalog.session("s1", at(60)).await.unwrap(), None);
    assert_eq!(catalog.session("s3", at(0)).await.unwrap(), None);
    assert_eq!(catalog.count_sessions_of(user, at(59)).await.unwrap(), 2);
    assert_eq!(catalog.count_sessions_of(user, at(60)).await.unwrap(), 1);

    catalog.extend_session("s1", at(100)).await.unwrap();
    assert_eq!(catalog.session("s1", at(99)).await.unwrap().unwrap().expires, at(100));
    catalog.delete_session("s1").await.unwrap();
    assert_eq!(catalog.session("s1", at(0)).await.unwrap(), None);
    assert_fails!(catalog.delete_session("s1").await, CatalogError::NotFound);
    assert_fails!(catalog.extend_session("s1", at(1)).await, CatalogError::NotFound);
    assert_fails!(
        catalog.create_session(&session(UserId(user.0 + 1), "s4", at(60))).await,
        CatalogError::NotFound
    );
}

pub(crate) async fn a_new_password_ends_sessions_and_logins_under_way(catalog: &Catalog) {
    let (ours, other) = (user(catalog, "a").await, user(catalog, "b").await);
    let checked = |token_hash: &str, password_hash: &str| NewSession {
        checked_against: Some(password_hash.into()),
        ..session(ours, token_hash, at(60))
    };
    catalog.create_session(&checked("s1", "hash 1")).await.unwrap();
    catalog.create_session(&session(other, "s2", at(60))).await.unwrap();
    catalog.set_password(ours, "hash 2").await.unwrap();
    assert_eq!(catalog.session("s1", at(0)).await.unwrap(), None);
    assert!(catalog.session("s2", at(0)).await.unwrap().is_some());
    assert_eq!(catalog.user(ours).await.unwrap().unwrap().password_hash, "hash 2");
    assert_fails!(catalog.create_session(&checked("s3", "hash 1")).await, CatalogError::NotFound);
    catalog.create_session(&checked("s3", "hash 2")).await.unwrap();
}

pub(crate) async fn deactivation_ends_sessions_and_logins_under_way(catalog: &Catalog) {
    let (account, _) = catalog.create_user(&master("a")).await.unwrap();
    let (_, ours) = catalog.create_user(&sub_user("b", account, None)).await.unwrap();
    let checked = |token_hash: &str| NewSession {
        checked_against: Some("hash 1".into()),
        ..session(ours, token_hash, at(60))
    };
    let group = catalog.create_security_group(account, "Drivers", &[], None).await.unwrap();
    let change = |activated, security_group| UserChange {
        login: "b".into(),
        activated,
        verified: true,
        person: person(),
        comment: String::new(),
        default_tariff: None,
        security_group,
    };
    catalog.create_session(&checked("s1")).await.unwrap();
    // All or nothing.
    let unknown = Some(Some(SecurityGroupId(group.0 + 1)));
    assert_fails!(
        catalog.update_user(ours, &change(Some(false), unknown)).await,
        CatalogError::ReferenceNotFound
    );
    assert!(catalog.user(ours).await.unwrap().unwrap().activated);
    assert!(catalog.session("s1", at(0)).await.unwrap().is_some());

    catalog.update_user(ours, &change(Some(false), Some(Some(group)))).await.unwrap();
    let changed = catalog.user(ours).await.unwrap().unwrap();
    assert_eq!((changed.activated, changed.role), (false, Role::SubUser { security_group: Some(group) }));
    assert_eq!(catalog.session("s1", at(0)).await.unwrap(), None);
    assert_fails!(catalog.create_session(&checked("s2")).await, CatalogError::NotFound);
    // Who looks after the user is asked for no password, and may.
    catalog.create_session(&session(ours, "s3", at(60))).await.unwrap();
    catalog.update_user(ours, &change(None, None)).await.unwrap();
    let kept = catalog.user(ours).await.unwrap().unwrap();
    assert_eq!((kept.activated, kept.role), (changed.activated, changed.role));
    assert!(catalog.session("s3", at(0)).await.unwrap().is_some());
    catalog.update_user(ours, &change(Some(true), Some(None))).await.unwrap();
    catalog.create_session(&checked("s4")).await.unwrap();
}

pub(crate) async fn expired_sessions_are_purged_oldest_first(catalog: &Catalog) {
    let user = user(catalog, "a").await;
    for second in [3, 1, 2, 9] {
        catalog.create_session(&session(user, &format!("s{second}"), at(second))).await.unwrap();
    }
    assert_eq!(catalog.purge_expired_sessions(at(3), 2).await.unwrap(), 2);
    assert!(catalog.session("s3", at(0)).await.unwrap().is_some());
    assert_eq!(catalog.purge_expired_sessions(at(3), 2).await.unwrap(), 1);
    assert_eq!(catalog.purge_expired_sessions(at(3), 2).await.unwrap(), 0);
    assert!(catalog.session("s9", at(0)).await.unwrap().is_some());
}

pub(crate) async fn panel_accounts_have_their_own_logins_and_sessions(catalog: &Catalog) {
    let user = user(catalog, "admin").await;
    let id = catalog.create_panel_account("admin", "hash 1", at(5)).await.unwrap();
    assert_fails!(catalog.create_panel_account("admin", "x", at(5)).await, CatalogError::LoginTaken);
    assert_eq!(catalog.count_panel_accounts().await.unwrap(), 1);
    let panel = catalog.panel_account_by_login("admin").await.unwrap().unwrap();
    assert_eq!((panel.id, &*panel.password_hash, panel.created), (id, "hash 1", at(5)));
    assert_eq!(catalog.panel_account(id).await.unwrap(), Some(panel));
    assert_eq!(catalog.panel_account_by_login("Admin").await.unwrap(), None);

    let new = NewSession { owner: SessionOwner::Panel(id), ..session(user, "panel", at(60)) };
    catalog.create_session(&new).await.unwrap();
    catalog.create_session(&session(user, "user", at(60))).await.unwrap();
    assert_eq!(catalog.session("panel", at(0)).await.unwrap().unwrap().owner, SessionOwner::Panel(id));
    catalog.set_panel_password(id, "hash 2").await.unwrap();
    assert_eq!(catalog.session("panel", at(0)).await.unwrap(), None);
    assert!(catalog.session("user", at(0)).await.unwrap().is_some(), "the same number, another kind");
    assert_eq!(catalog.panel_account(id).await.unwrap().unwrap().password_hash, "hash 2");
}

fn terms(name: &str) -> TariffTerms {
    TariffTerms {
        name: name.into(),
        group: 2,
        active: true,
        kind: TariffKind::ActiveDay,
        price: Money::from_units(12.55).unwrap(),
        early_change_price: Money::from_units(23.0),
        device_limit: 500,
        has_reports: true,
        paas_free: true,
        proportional_charge: true,
        store_period: "5m".into(),
        features: vec!["multilevel_access".into(), "reports".into()],
        map_filter: Some(MapFilter { exclusion: true, values: vec!["osm".into()] }),
        service_prices: [("service_sms".into(), Money::from_units(0.055).unwrap())].into(),
        doc_type: DocType::Businesses,
    }
}

pub(crate) async fn tariffs_read_back_as_written(catalog: &Catalog) {
    let id = catalog.create_tariff(DeviceType::Tracker, &terms("Full")).await.unwrap();
    let mut tariff = Tariff { id, device_type: DeviceType::Tracker, terms: terms("Full") };
    assert_eq!(catalog.tariff(id).await.unwrap().as_ref(), Some(&tariff));
    assert_fails!(catalog.create_tariff(DeviceType::Camera, &terms("Full")).await, CatalogError::LabelTaken);

    tariff.terms = TariffTerms {
        active: false,
        kind: TariffKind::EveryDay,
        early_change_price: None,
        map_filter: None,
        features: vec![],
        service_prices: Default::default(),
        doc_type: DocType::Individuals,
        ..terms("Fuller")
    };
    catalog.update_tariff(&tariff).await.unwrap();
    assert_eq!(catalog.tariff(id).await.unwrap().as_ref(), Some(&tariff));
    tariff.terms.name = "Default".into();
    assert_fails!(catalog.update_tariff(&tariff).await, CatalogError::LabelTaken);
    tariff.id = TariffId(id.0 + 1);
    tariff.terms.name = "None".into();
    assert_fails!(catalog.update_tariff(&tariff).await, CatalogError::NotFound);
    assert_eq!(catalog.tariff(tariff.id).await.unwrap(), None);
}

pub(crate) async fn tariff_lists_filter_order_and_page(catalog: &Catalog) {
    for (name, price, device_type) in
        [("B", 3.0, DeviceType::Tracker), ("A", 2.0, DeviceType::Camera), ("C", 1.0, DeviceType::Tracker)]
    {
        let terms = TariffTerms { price: Money::from_units(price).unwrap(), ..terms(name) };
        catalog.create_tariff(device_type, &terms).await.unwrap();
    }
    use Direction::{Ascending, Descending};
    for (filter, device_type, order, direction, offset, limit, expected, count) in [
        ("", None, TariffOrder::Id, Ascending, 1, None, "BAC", 4),
        ("", None, TariffOrder::Name, Ascending, 0, Some(3), "ABC", 4),
        ("", None, TariffOrder::Price, Descending, 0, Some(2), "BA", 4),
        ("", Some(DeviceType::Camera), TariffOrder::Id, Ascending, 0, None, "A", 1),
        ("b", Some(DeviceType::Tracker), TariffOrder::Id, Ascending, 0, None, "B", 1),
        ("2.00", None, TariffOrder::Id, Ascending, 0, None, "A", 1),
        ("CAMERA", None, TariffOrder::Id, Ascending, 0, None, "A", 1),
    ] {
        let page = Page { filter: filter.into(), offset, limit };
        let listed = catalog.list_tariffs(&page, device_type, order, direction).await.unwrap();
        let names: String = listed.items.into_iter().map(|tariff| tariff.terms.name).collect();
        assert_eq!((&*names.replace("Default", ""), listed.count), (expected, count), "{filter:?} {order:?}");
    }
    for order in TariffOrder::ALL {
        for direction in [Ascending, Descending] {
            let listed = catalog.list_tariffs(&Page::default(), None, *order, direction).await.unwrap();
            assert_eq!(listed.items.len(), 4, "{order:?}");
        }
    }
}

pub(crate) async fn tariff_defaults_are_one_row(catalog: &Catalog) {
    let tariff = catalog.create_tariff(DeviceType::Tracker, &terms("Full")).await.unwrap();
    let mut defaults = TariffDefaults {
        tariff,
        activation_bonus: Money::from_units(5.0).unwrap(),
        free_days: 14,
        free_days_device_limit: Some(3),
    };
    catalog.set_tariff_defaults(&defaults).await.unwrap();
    assert_eq!(catalog.tariff_defaults().await.unwrap(), defaults);
    defaults.free_days_device_limit = None;
    catalog.set_tariff_defaults(&defaults).await.unwrap();
    assert_eq!(catalog.tariff_defaults().await.unwrap(), defaults);
    let unknown = TariffDefaults { tariff: TariffId(tariff.0 + 1), ..defaults.clone() };
    assert_fails!(catalog.set_tariff_defaults(&unknown).await, CatalogError::ReferenceNotFound);
    assert_eq!(catalog.tariff_defaults().await.unwrap(), defaults);
}

pub(crate) async fn registering_makes_source_tracker_and_span(catalog: &Catalog) {
    let account = account(catalog, "a").await;
    let group = catalog.create_group(account, "North", "FF6DDC").await.unwrap();
    let mut new = source(catalog, account, "356938035643809").await;
    new.phone = Some("491761234567".into());
    let (id, tracker) =
        catalog.register(&new, &NewTracker { label: "Van".into(), group, sub_user: None }).await.unwrap();

    let read = catalog.source(id).await.unwrap().unwrap();
    assert_eq!((read.account, &read.device_id, &read.phone), (account, &new.device_id, &new.phone));
    assert_eq!((&*read.model, read.tariff, read.tariff_end), ("telfmb920", new.tariff, new.tariff_end));
    assert_eq!(
        (read.blocked, read.corrupted, read.status_listing_id, read.retired),
        (false, false, None, None)
    );
    assert_eq!((read.created, read.accepts_from.millis()), (at(0), 0));

    let read = catalog.tracker(account, tracker).await.unwrap().unwrap();
    assert_eq!((read.id, read.account, read.source, read.group), (tracker, account, id, group));
    assert_eq!((&*read.label, read.clone, read.deleted, read.created), ("Van", false, false, at(0)));
    let spans = catalog.tracker_spans(account, tracker).await.unwrap();
    assert_eq!((spans.len(), spans[0].tracker, spans[0].source), (1, tracker, id));
    assert_eq!((spans[0].from, spans[0].to), (at(0), None));

    new.device_id = None;
    new.phone = None;
    for _ in 0..2 {
        // Sources without device id and phone do not collide.
        catalog.register(&new, &crate::world::tracker("App")).await.unwrap();
    }
    let group = catalog.create_group(account, "North", "FF6DDC").await.unwrap();
    catalog.set_label_and_group(account, tracker, "Bus", group).await.unwrap();
    catalog.set_label_and_comment(account, tracker, "Tram", "Slow").await.unwrap();
    let read = catalog.tracker(account, tracker).await.unwrap().unwrap();
    assert_eq!((&*read.label, read.group, &*read.comment), ("Tram", group, "Slow"));
    let nowhere = catalog.set_label_and_group(account, tracker, "Bus", GroupId(i64::from(i32::MAX))).await;
    assert_fails!(nowhere, CatalogError::ReferenceNotFound);
    assert_eq!(catalog.tracker(account, tracker).await.unwrap(), Some(read));
}

pub(crate) async fn device_ids_and_phones_are_unique_among_live_sources(catalog: &Catalog) {
    let (ours, theirs) = (account(catalog, "a").await, account(catalog, "b").await);
    let mut first = source(catalog, ours, "1").await;
    first.phone = Some("491761234567".into());
    let (id, _) = catalog.register(&first, &tracker("Van")).await.unwrap();

    let mut second = source(catalog, theirs, "1").await;
    assert_fails!(catalog.register(&second, &tracker("Bus")).await, CatalogError::DeviceIdTaken);
    second.device_id = DeviceId::new("2").ok();
    second.phone = first.phone.clone();
    assert_fails!(catalog.register(&second, &tracker("Bus")).await, CatalogError::PhoneTaken);
    second.device_id = first.device_id.clone();
    catalog.retire_source(id, at(10)).await.unwrap();
    catalog.register(&second, &tracker("Bus")).await.unwrap();
}

pub(crate) async fn a_failed_registration_leaves_nothing(catalog: &Catalog) {
    let (ours, theirs) = (account(catalog, "a").await, account(catalog, "b").await);
    let foreign = catalog.create_group(theirs, "North", "FF6DDC").await.unwrap();
    let good = source(catalog, ours, "1").await;
    let mut unknown_tariff = good.clone();
    unknown_tariff.tariff = TariffId(good.tariff.0 + 1);
    let mut unknown_account = good.clone();
    unknown_account.account = domain::AccountId(theirs.0 + 1);
    let in_group = |group| NewTracker { label: "Van".into(), group, sub_user: None };
    for (source, tracker) in [
        (&unknown_tariff, in_group(GroupId::NONE)),
        (&unknown_account, in_group(GroupId::NONE)),
        (&good, in_group(foreign)),
        (&good, in_group(GroupId(foreign.0 + 1))),
    ] {
        assert_fails!(catalog.register(source, &tracker).await, CatalogError::ReferenceNotFound);
    }
    let directory = catalog.load_directory().await.unwrap();
    assert!(directory.sources.is_empty() && directory.trackers.is_empty());
    catalog.register(&good, &in_group(GroupId::NONE)).await.unwrap();
}

pub(crate) async fn a_reused_device_id_takes_nothing_older_than_its_release(catalog: &Catalog) {
    let account = account(catalog, "a").await;
    let device_id = DeviceId::new("356938035643809").unwrap();
    // The second release is older than the first, as a clock that was set back makes it.
    for (retired, accepts_from) in [(at(10), 0), (at(5), at(10).millis()), (at(20), at(10).millis())] {
        let (id, _) = register(catalog, account, device_id.as_str()).await;
        let admission = catalog.admission(&device_id).await.unwrap().unwrap();
        assert_eq!((admission.source, admission.accepts_from.millis()), (id, accepts_from));
        assert_eq!(catalog.source(id).await.unwrap().unwrap().accepts_from.millis(), accepts_from);

        catalog.retire_source(id, retired).await.unwrap();
        assert_fails!(catalog.retire_source(id, at(30)).await, CatalogError::NotFound);
        let source = catalog.source(id).await.unwrap().unwrap();
        assert_eq!((source.device_id, source.retired), (None, Some(retired)));
        assert_eq!(catalog.admission(&device_id).await.unwrap(), None);
    }
    assert!(catalog.sources_of(account).await.unwrap().is_empty());
    let (other, _) = register(catalog, account, "356938035643810").await;
    assert_eq!(catalog.source(other).await.unwrap().unwrap().accepts_from.millis(), 0);
}

pub(crate) async fn blocking_shows_at_admission(catalog: &Catalog) {
    let account = account(catalog, "a").await;
    let (id, _) = register(catalog, account, "356938035643809").await;
    let device_id = DeviceId::new("356938035643809").unwrap();
    let blocked = async || catalog.admission(&device_id).await.unwrap().unwrap().blocked;
    assert!(!blocked().await);
    catalog.block_source(id).await.unwrap();
    assert!(blocked().await);
    assert!(catalog.sources_of(account).await.unwrap()[0].blocked);
    catalog.unblock_source(id).await.unwrap();
    assert!(!blocked().await);
    assert_eq!(catalog.admission(&device_id).await.unwrap().unwrap().model, "telfmb920");
    assert_fails!(catalog.block_source(SourceId(id.0 + 1)).await, CatalogError::NotFound);
}

pub(crate) async fn groups_hold_trackers_until_deleted(catalog: &Catalog) {
    let account = account(catalog, "a").await;
    let mut trackers = vec![];
    for device_id in ["1", "2", "3"] {
        trackers.push(register(catalog, account, device_id).await.1);
    }
    let north = catalog.create_group(account, "North", "FF6DDC").await.unwrap();
    let south = catalog.create_group(account, "South", "000000").await.unwrap();
    let groups = async || {
        let trackers = catalog.trackers_of(account).await.unwrap();
        trackers.into_iter().map(|tracker| tracker.group).collect::<Vec<_>>()
    };
    catalog.assign_to_group(account, north, &trackers[..2]).await.unwrap();
    assert_eq!(groups().await, [north, north, GroupId::NONE]);
    catalog.assign_to_group(account, south, &trackers[1..]).await.unwrap();
    assert_eq!(groups().await, [north, south, south]);

    assert_fails!(
        catalog.assign_to_group(account, north, &[trackers[2], TrackerId(trackers[2].0 + 1)]).await,
        CatalogError::ReferenceNotFound
    );
    assert_fails!(catalog.assign_to_group(account, GroupId(south.0 + 1), &[]).await, CatalogError::NotFound);
    assert_eq!(groups().await, [north, south, south], "all or none");

    catalog.delete_group(account, south).await.unwrap();
    assert_eq!(groups().await, [north, GroupId::NONE, GroupId::NONE]);
    catalog.assign_to_group(account, GroupId::NONE, &trackers).await.unwrap();
    assert_eq!(groups().await, [GroupId::NONE; 3]);

    let mut group = Group { id: north, account, title: "Nord".into(), color: "00FF00".into() };
    catalog.update_group(&group).await.unwrap();
    assert_eq!(catalog.groups_of(account).await.unwrap(), [group.clone()]);
    group.id = south;
    assert_fails!(catalog.update_group(&group).await, CatalogError::NotFound);
    assert_fails!(catalog.delete_group(account, south).await, CatalogError::NotFound);
}

pub(crate) async fn numbers_of_deleted_rows_are_never_given_again(catalog: &Catalog) {
    let account = account(catalog, "a").await;
    let mut last = GroupId::NONE;
    for _ in 0..5 {
        let group = catalog.create_group(account, "North", "FF6DDC").await.unwrap();
        assert!(group > last, "{group:?} after {last:?}");
        catalog.delete_group(account, group).await.unwrap();
        last = group;
    }
}

pub(crate) async fn an_account_reaches_nothing_of_another(catalog: &Catalog) {
    let (ours, theirs) = (account(catalog, "a").await, account(catalog, "b").await);
    let (_, our_tracker) = register(catalog, ours, "1").await;
    let (_, their_tracker) = register(catalog, theirs, "2").await;
    let our_group = catalog.create_group(ours, "North", "FF6DDC").await.unwrap();
    let their_group = catalog.create_group(theirs, "South", "000000").await.unwrap();
    catalog.create_security_group(theirs, "Drivers", &[], None).await.unwrap();
    catalog.assign_to_group(theirs, their_group, &[their_tracker]).await.unwrap();
    let before = catalog.load_account(theirs).await.unwrap();

    assert_eq!(catalog.tracker(ours, their_tracker).await.unwrap(), None);
    let label = catalog.set_label_and_group(ours, their_tracker, "stolen", GroupId::NONE).await;
    let comment = catalog.set_label_and_comment(ours, their_tracker, "stolen", "").await;
    let group = Group { id: their_group, account: ours, title: "stolen".into(), color: "000000".into() };
    let update = catalog.update_group(&group).await;
    let delete = catalog.delete_group(ours, their_group).await;
    let into_theirs = catalog.assign_to_group(ours, their_group, &[our_tracker]).await;
    for answer in [label, comment, update, delete, into_theirs] {
        assert_fails!(answer, CatalogError::NotFound);
    }
    assert_fails!(
        catalog.assign_to_group(ours, our_group, &[our_tracker, their_tracker]).await,
        CatalogError::ReferenceNotFound
    );
    assert_eq!(catalog.load_account(theirs).await.unwrap(), before);

    let seen = catalog.load_account(ours).await.unwrap();
    assert!(seen.accounts.iter().all(|account| account.id == ours));
    assert!(seen.members.iter().all(|member| member.account == ours));
    assert!(seen.groups.iter().all(|group| group.account == ours));
    assert!(seen.trackers.iter().all(|tracker| tracker.account == ours && tracker.group == GroupId::NONE));
    assert!(seen.sources.iter().all(|source| source.account == ours));
    assert!(seen.security_groups.is_empty());
    assert_eq!(catalog.trackers_of(ours).await.unwrap(), seen.trackers);
    assert_eq!(catalog.groups_of(ours).await.unwrap(), seen.groups);
    assert_eq!(catalog.sources_of(ours).await.unwrap(), seen.sources);
    assert_eq!(catalog.users_of(ours).await.unwrap().len(), 1);
    assert!(catalog.security_groups_of(ours).await.unwrap().is_empty());
}

pub(crate) async fn the_directory_holds_what_lives(catalog: &Catalog) {
    let (ours, theirs) = (account(catalog, "a").await, account(catalog, "b").await);
    catalog.create_security_group(ours, "Drivers", &[Right::Reports], None).await.unwrap();
    catalog.create_user(&sub_user("sub", ours, None)).await.unwrap();
    catalog.create_group(theirs, "North", "FF6DDC").await.unwrap();
    let (retired, _) = register(catalog, ours, "1").await;
    register(catalog, theirs, "2").await;
    catalog.retire_source(retired, at(10)).await.unwrap();

    let all = catalog.load_directory().await.unwrap();
    let logins: Vec<_> = all.members.iter().map(|member| &*member.login).collect();
    assert_eq!(logins, ["a", "b", "sub"]);
    assert_eq!(all.members[2].role, Role::SubUser { security_group: None });
    assert_eq!(all.members[0].settings, settings());
    assert_eq!((all.groups.len(), all.security_groups.len()), (1, 1));
    assert_eq!(all.trackers.len(), 2);
    assert_eq!(all.sources.len(), 1, "a retired source is not there");

    let mut whole = catalog.load_account(ours).await.unwrap();
    let other = catalog.load_account(theirs).await.unwrap();
    assert_eq!(whole.accounts, all.accounts[..1]);
    whole.trackers.extend(other.trackers);
    whole.sources.extend(other.sources);
    assert_eq!((whole.trackers, whole.sources), (all.trackers, all.sources));
    assert_eq!(
        catalog.load_account(domain::AccountId(theirs.0 + 1)).await.unwrap(),
        store::catalog::Directory::default()
    );
}

pub(crate) async fn trip_detection_is_kept_for_each_source(catalog: &Catalog) {
    let account = account(catalog, "a").await;
    let (one, _) = register(catalog, account, "1").await;
    let (other, _) = register(catalog, account, "2").await;
    assert_eq!(catalog.trip_detections().await.unwrap(), []);

    let first = TripDetection {
        min_idle_duration_minutes: 1,
        idle_speed_threshold: 200,
        ignition_aware: true,
        motion_sensor_aware: false,
    };
    let second = TripDetection {
        min_idle_duration_minutes: 1440,
        idle_speed_threshold: 0,
        ignition_aware: false,
        motion_sensor_aware: true,
    };
    catalog.set_trip_detection(other, &first).await.unwrap();
    catalog.set_trip_detection(one, &first).await.unwrap();
    catalog.set_trip_detection(one, &second).await.unwrap();
    assert_eq!(catalog.trip_detections().await.unwrap(), [(one, second), (other, first)]);

    let nobody = SourceId(other.0 + 1);
    assert_fails!(catalog.set_trip_detection(nobody, &first).await, CatalogError::ReferenceNotFound);
    let never = TripDetection { min_idle_duration_minutes: 0, ..first };
    assert_fails!(catalog.set_trip_detection(one, &never).await, CatalogError::Unavailable(_));
    assert_eq!(catalog.trip_detections().await.unwrap(), [(one, second), (other, first)]);
}

pub(crate) async fn a_tracker_knows_its_sources_in_time(catalog: &Catalog) {
    let (ours, theirs) = (account(catalog, "a").await, account(catalog, "b").await);
    let (source, tracker) = register(catalog, ours, "1").await;
    register(catalog, ours, "2").await;
    let span = TrackerSpan { tracker, source, from: at(0), to: None };
    assert_eq!(catalog.tracker_spans(ours, tracker).await.unwrap(), [span]);
    assert_eq!(catalog.tracker_spans(theirs, tracker).await.unwrap(), []);
}
