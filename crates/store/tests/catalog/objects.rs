//! What users hang on trackers: tags, vehicles and their garages, rules.

use crate::world::{account, register};
use domain::{GarageId, RuleId, TagId, TrackerId, VehicleId};
use serde_json::{Map, json};
use store::catalog::{Catalog, CatalogError, Garage, Reassign, Rule, Tag, VehicleDraft};

pub(crate) async fn tags_are_carried_until_they_go(catalog: &Catalog) {
    let (ours, theirs) = (account(catalog, "a").await, account(catalog, "b").await);
    let (_, van) = register(catalog, ours, "356938035643809").await;
    let cold = catalog.create_tag(ours, "Cold", "0000FF").await.unwrap();
    let hot = catalog.create_tag(ours, "Hot", "FF0000").await.unwrap();
    let foreign = catalog.create_tag(theirs, "Cold", "0000FF").await.unwrap();
    let bound = async || {
        let bindings = catalog.tag_bindings_of(ours).await.unwrap();
        assert_eq!(catalog.load_directory().await.unwrap().tag_bindings, bindings);
        bindings.into_iter().map(|binding| (binding.tag, binding.ordinal)).collect::<Vec<_>>()
    };
    catalog.set_tags(ours, van, &[(hot, 5), (cold, 1)]).await.unwrap();
    assert_eq!(bound().await, [(cold, 1), (hot, 5)]);
    for wrong in [foreign, TagId(999)] {
        assert_fails!(catalog.set_tags(ours, van, &[(wrong, 1)]).await, CatalogError::ReferenceNotFound);
    }
    assert_fails!(catalog.set_tags(theirs, van, &[(foreign, 1)]).await, CatalogError::ReferenceNotFound);
    assert_eq!(bound().await, [(cold, 1), (hot, 5)], "all or nothing");
    catalog.set_tags(ours, van, &[(cold, 5)]).await.unwrap();

    let renamed = Tag { id: cold, account: ours, name: "Frozen".into(), color: "000000".into() };
    catalog.update_tag(&renamed).await.unwrap();
    assert_eq!(catalog.tags_of(ours).await.unwrap()[0], renamed);
    let others = Tag { account: theirs, ..renamed };
    assert_fails!(catalog.update_tag(&others).await, CatalogError::NotFound);
    assert_fails!(catalog.delete_tag(theirs, cold).await, CatalogError::NotFound);
    catalog.delete_tag(ours, cold).await.unwrap();
    assert_eq!(bound().await, []);
}

pub(crate) async fn a_tracker_stands_in_one_vehicle(catalog: &Catalog) {
    let (ours, theirs) = (account(catalog, "a").await, account(catalog, "b").await);
    let (_, van) = register(catalog, ours, "356938035643809").await;
    let fields = json!({ "label": "Größe", "max_speed": 90 }).as_object().unwrap().clone();
    let garage = catalog.create_garage(ours, &fields).await.unwrap();
    let foreign = catalog.create_garage(theirs, &fields).await.unwrap();
    let cold = catalog.create_tag(ours, "Cold", "0000FF").await.unwrap();
    let draft = |tracker: Option<TrackerId>, garage: Option<GarageId>| VehicleDraft {
        tracker,
        garage,
        tags: vec![cold, cold, TagId(999)],
        fields: fields.clone(),
    };
    let first = draft(Some(van), Some(garage));
    let first = catalog.create_vehicle(ours, &first, Reassign::No).await.unwrap();
    let second = draft(Some(van), None);
    assert_fails!(catalog.create_vehicle(ours, &second, Reassign::No).await, CatalogError::TrackerTaken);
    let trackers = async || {
        let vehicles = catalog.vehicles_of(ours).await.unwrap();
        vehicles.into_iter().map(|vehicle| (vehicle.id, vehicle.tracker)).collect::<Vec<_>>()
    };
    assert_eq!(trackers().await, [(first, Some(van))]);
    let second = catalog.create_vehicle(ours, &second, Reassign::Yes).await.unwrap();
    assert_eq!(trackers().await, [(first, None), (second, Some(van))]);
    let update = async |id, reassign| {
        catalog.update_vehicle(ours, id, &draft(Some(van), Some(garage)), reassign).await
    };
    assert_fails!(update(first, Reassign::No).await, CatalogError::TrackerTaken);
    update(first, Reassign::Yes).await.unwrap();
    update(first, Reassign::No).await.unwrap();
    assert_eq!(trackers().await, [(first, Some(van)), (second, None)]);
    assert_fails!(update(VehicleId(999), Reassign::Yes).await, CatalogError::NotFound);
    assert_eq!(trackers().await, [(first, Some(van)), (second, None)], "all or nothing");
    for wrong in [foreign, GarageId(999)] {
        let draft = draft(None, Some(wrong));
        let wrong = catalog.create_vehicle(ours, &draft, Reassign::Yes).await;
        assert_fails!(wrong, CatalogError::ReferenceNotFound);
    }
    let vehicle = catalog.vehicles_of(ours).await.unwrap().swap_remove(0);
    assert_eq!((vehicle.garage, vehicle.tags, vehicle.fields), (Some(garage), vec![cold], fields.clone()));

    let changed = Garage { id: garage, account: ours, fields: Map::new() };
    catalog.update_garage(&changed).await.unwrap();
    assert_eq!(catalog.garages_of(ours).await.unwrap(), std::slice::from_ref(&changed));
    assert_fails!(
        catalog.update_garage(&Garage { account: theirs, ..changed }).await,
        CatalogError::NotFound
    );
    assert_fails!(catalog.delete_garage(theirs, garage).await, CatalogError::NotFound);
    catalog.delete_garage(ours, garage).await.unwrap();
    assert_eq!(catalog.vehicles_of(ours).await.unwrap()[0].garage, None);

    assert_fails!(catalog.delete_vehicle(theirs, first).await, CatalogError::NotFound);
    assert_eq!(catalog.vehicles_of(theirs).await.unwrap(), []);
    assert_eq!(catalog.vehicles_of_tracker(van).await.unwrap(), [first]);
    catalog.delete_vehicle(ours, first).await.unwrap();
    assert_eq!(catalog.vehicles_of_tracker(van).await.unwrap(), []);
}

pub(crate) async fn rules_hold_for_the_trackers_of_their_account(catalog: &Catalog) {
    let (ours, theirs) = (account(catalog, "a").await, account(catalog, "b").await);
    let (_, van) = register(catalog, ours, "356938035643809").await;
    let (_, bike) = register(catalog, ours, "356938035643817").await;
    let (_, foreign) = register(catalog, theirs, "356938035643825").await;
    let fields = json!({ "type": "speedup", "param": 90 }).as_object().unwrap().clone();
    let id = catalog.create_rule(ours, "speedup", &fields, &[bike, van, van, foreign]).await.unwrap();
    let trackers = async || catalog.rules_of(ours).await.unwrap().swap_remove(0).trackers;
    assert_eq!(trackers().await, [van, bike]);
    assert_eq!(catalog.rules_of_tracker(van).await.unwrap(), [id]);
    catalog.unbind_rule(theirs, id, &[van]).await.unwrap();
    catalog.unbind_rule(ours, id, &[van, foreign]).await.unwrap();
    assert_eq!(trackers().await, [bike]);
    catalog.bind_rule(theirs, id, &[foreign]).await.unwrap();
    catalog.bind_rule(ours, id, &[van, bike, foreign, TrackerId(999)]).await.unwrap();
    assert_eq!(trackers().await, [van, bike]);

    let changed = Rule { id, account: ours, kind: "idling".into(), trackers: vec![van], fields: Map::new() };
    catalog.update_rule(&changed).await.unwrap();
    assert_eq!(catalog.rules_of(ours).await.unwrap(), std::slice::from_ref(&changed));
    assert_fails!(catalog.update_rule(&Rule { account: theirs, ..changed }).await, CatalogError::NotFound);
    assert_fails!(catalog.delete_rule(theirs, id).await, CatalogError::NotFound);
    assert_fails!(catalog.delete_rule(ours, RuleId(999)).await, CatalogError::NotFound);
    catalog.delete_rule(ours, id).await.unwrap();
    assert_eq!(catalog.rules_of_tracker(van).await.unwrap(), []);
}
