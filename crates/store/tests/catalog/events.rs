//! Events: told once to whoever stands on the source, seen by whoever sees the tracker, read by each user by itself.

use crate::world::{at, register, sub_user};
use domain::{
    Command, CommandId, CommandStep, Coordinates, EventId, EventKind, Outcome, Reliability, SourceId,
    TariffId, TrackerId, UserId,
};
use store::catalog::{
    Catalog, CatalogError, Clones, Direction, EventCount, EventFilter, EventPlace, EventsOf, NewClone,
    NewCommand, NewEvent, ReadOrNot, Release, StoredEvent, Took,
};

fn event(source: SourceId, second: i64, cause: &str) -> NewEvent {
    NewEvent {
        source,
        kind: EventKind::LocationResponse,
        time: at(second),
        message: format!("Location {cause}"),
        cause: cause.into(),
        place: None,
    }
}

fn all() -> EventFilter {
    EventFilter { span: at(-1000)..at(10_000), kinds: None, read: ReadOrNot::Both }
}

async fn told(catalog: &Catalog, source: SourceId, second: i64, cause: &str) {
    assert!(catalog.record_event(&event(source, second, cause)).await.unwrap());
}

async fn events(catalog: &Catalog, user: UserId, filter: &EventFilter) -> Vec<StoredEvent> {
    let plans = [(catalog.tariff_defaults().await.unwrap().tariff, at(-2000))];
    let of = EventsOf::Plans(&plans);
    let (events, count) = catalog.events(user, of, filter, Direction::Ascending, 100).await.unwrap();
    assert_eq!(count.total, events.len() as u64);
    assert_eq!(count.unread, events.iter().filter(|event| !event.read).count() as u64);
    assert_eq!(catalog.count_events(user, of, filter).await.unwrap(), count);
    events
}

fn messages(events: &[StoredEvent]) -> Vec<&str> {
    events.iter().map(|event| event.message.as_str()).collect()
}

async fn seen_by(catalog: &Catalog, user: UserId) -> Vec<(TrackerId, String)> {
    let events = events(catalog, user, &all()).await;
    events.into_iter().map(|event| (event.tracker, event.message)).collect()
}

pub(crate) async fn an_event_is_told_once_to_whoever_stands_there(catalog: &Catalog) {
    let (ours, us) = catalog.create_user(&crate::world::master("a")).await.unwrap();
    let (theirs, them) = catalog.create_user(&crate::world::master("b")).await.unwrap();
    let (_, driver) = catalog.create_user(&sub_user("c", ours, None)).await.unwrap();
    let (source, van) = register(catalog, ours, "1").await;
    let (other, bike) = register(catalog, ours, "2").await;
    told(catalog, source, 0, "alone").await;
    let clone = [NewClone { of: van, label: "Clone".into() }];
    let clone = catalog.clone_trackers(theirs, &clone, at(1)).await.unwrap()[0];

    let place =
        EventPlace { coordinates: Coordinates::new(54.687_155_1, -25.5).unwrap(), precision: Some(80) };
    let new = NewEvent { place: Some(place), ..event(source, 2, "both") };
    assert!(catalog.record_event(&new).await.unwrap());
    assert!(!catalog.record_event(&new).await.unwrap(), "once");
    told(catalog, other, 3, "both").await;
    assert!(!catalog.record_event(&event(SourceId(99), 2, "nobody")).await.unwrap());

    let line = |tracker, message: &str| (tracker, format!("Location {message}"));
    assert_eq!(seen_by(catalog, us).await, [line(van, "alone"), line(van, "both"), line(bike, "both")]);
    assert_eq!(seen_by(catalog, them).await, [line(clone, "both")], "from when it stood there");
    assert_eq!(seen_by(catalog, driver).await, [], "not bound");
    catalog.bind_trackers(ours, driver, &[bike]).await.unwrap();
    assert_eq!(seen_by(catalog, driver).await, [line(bike, "both")]);

    let stored = events(catalog, us, &all()).await.remove(1);
    let expected = StoredEvent {
        id: stored.id,
        tracker: van,
        source,
        kind: "location_response".into(),
        time: at(2),
        message: "Location both".into(),
        command: None,
        place: Some(place),
        read: false,
    };
    assert_eq!(stored, expected);
    assert_eq!(catalog.event(us, stored.id).await.unwrap(), Some(expected));
    for user in [them, driver] {
        assert_eq!(catalog.event(user, stored.id).await.unwrap(), None);
        assert_fails!(catalog.mark_event_read(user, stored.id).await, CatalogError::NotFound);
    }

    // What is blocked, deleted or somebody else's now shows no more.
    catalog.block_source(source).await.unwrap();
    assert_eq!(seen_by(catalog, us).await, [line(bike, "both")]);
    assert_eq!(seen_by(catalog, them).await, []);
    catalog.unblock_source(source).await.unwrap();
    assert_eq!(seen_by(catalog, them).await, [line(clone, "both")]);
    catalog.delete_clone(theirs, clone, at(4)).await.unwrap();
    assert_eq!(seen_by(catalog, them).await, []);
    catalog.corrupt(Release { source: other, at: at(5) }, Clones::Delete).await.unwrap();
    assert_eq!(seen_by(catalog, us).await, [line(van, "alone"), line(van, "both")]);
}

pub(crate) async fn events_are_filtered_ordered_and_read(catalog: &Catalog) {
    let (ours, us) = catalog.create_user(&crate::world::master("a")).await.unwrap();
    let (_, driver) = catalog.create_user(&sub_user("c", ours, None)).await.unwrap();
    let (van, van_tracker) = register(catalog, ours, "1").await;
    let (bike, bike_tracker) = register(catalog, ours, "2").await;
    catalog.bind_trackers(ours, driver, &[van_tracker]).await.unwrap();
    // In time two before one.
    for (source, second, cause) in
        [(van, 20, "one"), (bike, 10, "two"), (van, 30, "three"), (bike, 40, "four")]
    {
        told(catalog, source, second, cause).await;
    }
    let info = NewEvent { kind: EventKind::Info, ..event(van, 50, "five") };
    assert!(catalog.record_event(&info).await.unwrap());

    let named = |names: &[&str]| names.iter().map(|name| format!("Location {name}")).collect::<Vec<_>>();
    let kinds = |kinds: &[&str]| Some(kinds.iter().map(|kind| (*kind).to_owned()).collect());
    let filter = |span, kinds| EventFilter { span, kinds, read: ReadOrNot::Both };
    let (both, only_van) = ([(bike_tracker, at(0)), (van_tracker, at(0))], [(van_tracker, at(0))]);
    let (both, only_van) = (&both[..], &only_van[..]);
    let of_late = [(bike_tracker, at(11)), (van_tracker, at(30))];
    let plan = catalog.tariff_defaults().await.unwrap().tariff;
    let plans = [(TariffId(plan.0 + 1), at(0)), (plan, at(0))];
    for (trackers, filter, expected) in [
        (both, all(), &["two", "one", "three", "four", "five"][..]),
        (only_van, all(), &["one", "three", "five"]),
        (&of_late, all(), &["three", "four", "five"]),
        (both, filter(at(20)..at(40), None), &["one", "three"]),
        (both, filter(at(20)..at(41), None), &["one", "three", "four"]),
        (both, filter(at(0)..at(99), kinds(&["info", "sos"])), &["five"]),
        (both, filter(at(0)..at(99), kinds(&["inf", "nfo", "location"])), &[]),
        (both, filter(at(0)..at(99), kinds(&[])), &[]),
        (both, filter(at(0)..at(99), kinds(&["sos", "location_response"])), &["two", "one", "three", "four"]),
    ] {
        let total = expected.len() as u64;
        for limit in [0, 1, 2, 100] {
            let mut expected = named(expected);
            for direction in [Direction::Ascending, Direction::Descending] {
                let listed = async |of| catalog.events(us, of, &filter, direction, limit).await.unwrap();
                let of_trackers = listed(EventsOf::Trackers(trackers)).await;
                let shown: Vec<_> = expected.iter().take(limit as usize).map(String::as_str).collect();
                assert_eq!(messages(&of_trackers.0), shown, "{filter:?} {direction:?} {limit}");
                assert_eq!(of_trackers.1, EventCount { total, unread: total });
                if trackers == both {
                    assert_eq!(listed(EventsOf::Plans(&plans)).await, of_trackers);
                }
                expected.reverse();
            }
        }
    }

    let later = [(plan, at(30))];
    let counted = catalog.count_events(us, EventsOf::Plans(&later), &all()).await.unwrap();
    assert_eq!(counted, EventCount { total: 3, unread: 3 });

    let unread = EventFilter { read: ReadOrNot::Unread, ..all() };
    let ids: Vec<EventId> = events(catalog, us, &all()).await.iter().map(|event| event.id).collect();
    catalog.mark_event_read(us, ids[1]).await.unwrap();
    assert_fails!(catalog.mark_event_read(us, ids[1]).await, CatalogError::NotFound);
    assert_fails!(catalog.mark_event_read(us, EventId(99)).await, CatalogError::NotFound);
    assert_eq!(messages(&events(catalog, us, &unread).await), named(&["two", "three", "four", "five"]));
    let read: Vec<_> = events(catalog, us, &all()).await.iter().map(|event| event.read).collect();
    assert_eq!(read, [false, true, false, false, false]);
    assert_eq!(messages(&events(catalog, driver, &unread).await), named(&["one", "three", "five"]));

    catalog.mark_all_events_read(us).await.unwrap();
    assert_eq!(events(catalog, us, &unread).await, []);
    assert_eq!(events(catalog, driver, &unread).await.len(), 3, "each reads by itself");
    told(catalog, van, 60, "six").await;
    assert_eq!(messages(&events(catalog, us, &unread).await), named(&["six"]));

    let newest = catalog.newest_event().await.unwrap();
    assert_eq!(newest, events(catalog, us, &unread).await[0].id);
    let after = |id, limit| catalog.events_after(driver, id, limit);
    assert_eq!(messages(&after(EventId(0), 2).await.unwrap()), named(&["one", "three"]));
    assert_eq!(messages(&after(ids[2], 9).await.unwrap()), named(&["five", "six"]));
    assert_eq!(after(newest, 9).await.unwrap(), []);

    assert_eq!(catalog.delete_old_events(at(50)).await.unwrap(), 4);
    assert_eq!(catalog.delete_old_events(at(50)).await.unwrap(), 0);
    assert_eq!(messages(&events(catalog, us, &all()).await), named(&["five", "six"]));
    assert_eq!(catalog.delete_old_events(at(99)).await.unwrap(), 2);
    assert_eq!(catalog.newest_event().await.unwrap(), EventId(0));
    catalog.mark_all_events_read(us).await.unwrap();
    told(catalog, van, 70, "seven").await;
    assert_eq!(messages(&events(catalog, us, &unread).await), named(&["seven"]));
}

pub(crate) async fn every_end_of_a_command_is_told_once(catalog: &Catalog) {
    let (ours, us) = catalog.create_user(&crate::world::master("a")).await.unwrap();
    let (theirs, them) = catalog.create_user(&crate::world::master("b")).await.unwrap();
    let (source, van) = register(catalog, ours, "1").await;
    catalog.clone_trackers(theirs, &[NewClone { of: van, label: "Clone".into() }], at(0)).await.unwrap();
    let new = NewCommand {
        source,
        tracker: Some(van),
        user: Some(us),
        command: Command::Output { number: 1, on: true },
        reliability: Reliability::Once,
        asked: at(0),
        expires: at(10),
    };
    let answer = |outcome| CommandStep::Answer { outcome, reply: "ok".into() };
    let (send, refused) = (CommandStep::Send, answer(Outcome::Refused));
    let done = ("output_change", "Output 1 on");
    let mut expected: Vec<(&str, &str, CommandId)> = Vec::new();
    for (steps, told) in [
        (vec![CommandStep::GiveBack, CommandStep::Cancel], vec![("info", "Output 1 on: cancelled")]),
        (vec![send.clone(), answer(Outcome::Done), answer(Outcome::Done)], vec![done]),
        (vec![send.clone(), refused], vec![("info", "Output 1 on: refused by the device")]),
        (vec![send, CommandStep::Pass], vec![]),
        (vec![CommandStep::SendUnanswered], vec![("info", "Output 1 on: sent")]),
    ] {
        let id = catalog.enqueue_command(&new).await.unwrap();
        assert!(matches!(catalog.take_command(source, at(1)).await.unwrap(), Took::Command(_)));
        for step in steps {
            catalog.step_command(id, step, at(2)).await.unwrap();
        }
        expected.extend(told.into_iter().map(|(kind, message)| (kind, message, id)));
        // The one that waits for its answer gives up, and is answered after all.
        if !catalog.open_commands(source, at(2)).await.unwrap().is_empty() {
            assert_eq!(catalog.sweep_commands(at(61)).await.unwrap().sources, [source].into());
            assert_eq!(catalog.sweep_commands(at(62)).await.unwrap().sources, [source].into());
            expected.push(("info", "Output 1 on: not answered by the device", id));
            assert!(catalog.step_command(id, answer(Outcome::Done), at(70)).await.unwrap());
            expected.push((done.0, done.1, id));
        }
    }
    // One that expires before anybody takes it, told of when that is found out; one that nobody asked for.
    let expires = catalog.enqueue_command(&new).await.unwrap();
    let nobodys = catalog.enqueue_command(&NewCommand { tracker: None, ..new.clone() }).await.unwrap();
    assert_eq!(catalog.take_command(source, at(10)).await.unwrap(), Took::Nothing);
    assert!(!catalog.step_command(nobodys, CommandStep::Cancel, at(11)).await.unwrap());
    expected.push(("info", "Output 1 on: expired before the device was there", expires));

    let mut told = events(catalog, us, &all()).await;
    told.sort_by_key(|event| event.id);
    let told: Vec<_> = told
        .iter()
        .map(|event| (event.kind.as_str(), event.message.as_str(), event.command.unwrap()))
        .collect();
    assert_eq!(told, expected);
    assert_eq!(events(catalog, them, &all()).await, [], "a clone is not told what others ask of the device");

    let waits = catalog.enqueue_command(&NewCommand { expires: at(1000), ..new }).await.unwrap();
    let replacement = crate::world::source(catalog, ours, "3").await;
    catalog.replace(Release { source, at: at(80) }, &replacement, None).await.unwrap();
    let last = events(catalog, us, &EventFilter { span: at(80)..at(81), ..all() }).await;
    assert_eq!((messages(&last), last[0].command), (vec!["Output 1 on: cancelled"], Some(waits)));
}
