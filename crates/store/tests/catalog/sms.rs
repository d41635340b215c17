//! The outbox of short messages: nothing is lost, nothing is sent after it has expired, attempts are counted.

use crate::world::{account, at, register};
use domain::{Coordinates, DeviceId, EventKind, SmsId, SourceId};
use std::time::Duration;
use store::catalog::{
    Awaited, Catalog, CatalogError, EventPlace, NewEvent, NewSms, SimCard, SmsName, SmsPart, SmsReading,
    SmsState, SmsStep, StoredSms,
};

const LEASE: Duration = Duration::from_secs(60);

fn message(source: Option<SourceId>, text: &str, asked: i64) -> NewSms {
    let (phone, awaited) = ("491761234567".into(), Awaited::Nothing);
    NewSms { source, phone, text: text.into(), asked: at(asked), expires: at(1000), awaited }
}

async fn read(catalog: &Catalog, id: SmsId) -> StoredSms {
    catalog.sms(id).await.unwrap().unwrap()
}

async fn take(catalog: &Catalog, second: i64) -> Vec<SmsId> {
    catalog.take_sms(at(second), 10, LEASE).await.unwrap().into_iter().map(|sms| sms.id).collect()
}

pub(crate) async fn short_messages_go_out_in_order_and_are_due_again_when_nobody_says_more(
    catalog: &Catalog,
) {
    let (source, _) = register(catalog, account(catalog, "a").await, "1").await;
    let new = [message(Some(source), "first", 0), message(None, "zweite äöü", 1)];
    let ids = catalog.enqueue_sms(&new).await.unwrap();
    assert_eq!(catalog.next_sms().await.unwrap(), Some(at(0)));
    assert_eq!(take(catalog, -1).await, []);
    assert_eq!(catalog.take_sms(at(2), 1, LEASE).await.unwrap()[0].text, "first");
    assert_eq!(take(catalog, 2).await, ids[1..]);
    assert_eq!(take(catalog, 61).await, []);
    assert_eq!(take(catalog, 62).await, ids);
    let second = read(catalog, ids[1]).await;
    assert_eq!((second.attempts, second.state, &*second.text), (2, SmsState::Queued, "zweite äöü"));

    let retry = SmsStep::Retry { due: at(100), reason: "no connection".into() };
    assert!(catalog.step_sms(ids[0], &retry, at(63)).await.unwrap());
    let postpone = SmsStep::Postpone { due: at(90), reason: "throttled".into() };
    assert!(catalog.step_sms(ids[1], &postpone, at(63)).await.unwrap());
    assert_eq!(catalog.next_sms().await.unwrap(), Some(at(90)));
    assert_eq!(read(catalog, ids[0]).await.attempts, 2);
    assert_eq!(read(catalog, ids[1]).await.attempts, 1);
    assert_eq!(read(catalog, ids[1]).await.reason.as_deref(), Some("throttled"));
    assert_eq!(take(catalog, 100).await, [ids[1], ids[0]]);
    let of_source = catalog.sms_of_source(source, 10).await.unwrap();
    assert_eq!(of_source.into_iter().map(|sms| sms.id).collect::<Vec<_>>(), ids[..1]);
}

pub(crate) async fn a_short_message_ends_once(catalog: &Catalog) {
    let sent = SmsStep::Sent { reference: Some("abc".into()) };
    let fail = SmsStep::Fail { reason: "refused".into() };
    for (ending, reason) in
        [(SmsState::Delivered, None), (SmsState::Failed, Some("UNDELIV")), (SmsState::Expired, None)]
    {
        let id = catalog.enqueue_sms(&[message(None, "secret", 0)]).await.unwrap()[0];
        let name = SmsName::Reference("abc".into());
        assert!(!catalog.end_sms(&name, ending, None, at(1)).await.unwrap(), "it was not sent");
        assert!(catalog.step_sms(id, &sent, at(1)).await.unwrap());
        assert!(!catalog.step_sms(id, &fail, at(1)).await.unwrap(), "it is the gateway's");
        let stored = read(catalog, id).await;
        assert_eq!((stored.state, &*stored.text), (SmsState::Sent, ""));
        assert!(catalog.end_sms(&name, ending, reason, at(2)).await.unwrap());
        assert!(!catalog.end_sms(&SmsName::Id(id), SmsState::Delivered, None, at(3)).await.unwrap());
        let stored = read(catalog, id).await;
        assert_eq!((stored.state, stored.reason.as_deref()), (ending, reason));
    }
    // The receipt comes before the gateway's answer is noted.
    let id = catalog.enqueue_sms(&[message(None, "secret", 0)]).await.unwrap()[0];
    let end = async |second| {
        catalog.end_sms(&SmsName::Id(id), SmsState::Delivered, None, at(second)).await.unwrap()
    };
    assert!(!end(1).await, "nobody was given it");
    assert_eq!(take(catalog, 1).await, [id]);
    assert!(end(2).await);
    assert!(!catalog.step_sms(id, &sent, at(3)).await.unwrap());
    let stored = read(catalog, id).await;
    assert_eq!(
        (stored.state, &*stored.text, stored.sent, stored.over),
        (SmsState::Delivered, "", Some(at(2)), Some(at(2)))
    );

    let id = catalog.enqueue_sms(&[message(None, "secret", 0)]).await.unwrap()[0];
    assert!(catalog.step_sms(id, &fail, at(1)).await.unwrap());
    let stored = read(catalog, id).await;
    assert_eq!((stored.state, stored.reason.as_deref()), (SmsState::Failed, Some("refused")));
    assert_eq!(take(catalog, 999).await, []);
    assert_eq!(catalog.next_sms().await.unwrap(), None);
    catalog.purge_sms(at(1)).await.unwrap();
    assert_eq!(catalog.sms(id).await.unwrap(), None);
}

pub(crate) async fn an_expired_short_message_is_never_taken(catalog: &Catalog) {
    let id = catalog.enqueue_sms(&[message(None, "late", 0)]).await.unwrap()[0];
    assert_eq!(take(catalog, 1000).await, []);
    assert_eq!(read(catalog, id).await.state, SmsState::Expired);
}

pub(crate) async fn short_messages_to_one_phone_are_bounded(catalog: &Catalog) {
    let many = vec![message(None, "x", 0); 20];
    catalog.enqueue_sms(&many).await.unwrap();
    assert_fails!(catalog.enqueue_sms(&many[..1]).await, CatalogError::TooManyCommands);
    catalog.enqueue_sms(&[NewSms { phone: "1".into(), ..message(None, "x", 0) }]).await.unwrap();
    let unknown = message(Some(SourceId(999_999)), "x", 1000);
    assert_fails!(catalog.enqueue_sms(&[unknown]).await, CatalogError::ReferenceNotFound);
}

pub(crate) async fn short_messages_that_come_in_are_matched_by_phone_and_read_once(catalog: &Catalog) {
    let (source, _) = register(catalog, account(catalog, "a").await, "1").await;
    catalog.set_phone(source, "491700000001", None, at(0)).await.unwrap();
    assert_eq!(catalog.receive_sms("491700000001", "hier", at(0)).await.unwrap(), Some(source));
    assert_eq!(catalog.receive_sms("491700000002", "who", at(1)).await.unwrap(), None);
    let received = catalog.received_sms(10).await.unwrap();
    let shown: Vec<_> =
        received.iter().map(|sms| (sms.source, &*sms.text, sms.received, sms.reading)).collect();
    let (waiting, text) = (SmsReading::Waiting, SmsReading::Text);
    assert_eq!(shown, [(None, "who", at(1), text), (Some(source), "hier", at(0), waiting)]);

    let unread = catalog.unread_sms(10).await.unwrap();
    let shown: Vec<_> =
        unread.iter().map(|sms| (sms.source, &*sms.text, sms.received, sms.blocked)).collect();
    assert_eq!(shown, [(source, "hier", at(0), false)]);
    assert_eq!(unread[0].device_id.as_ref().unwrap().as_str(), "1");
    for told in [Some(&here(source, 0)), None] {
        assert!(!catalog.note_sms_reading(&unread[0], told).await.unwrap(), "nobody asked");
        let of_source = catalog.sms_from_source(source, 10).await.unwrap();
        assert_eq!(of_source.iter().map(|sms| sms.reading).collect::<Vec<_>>(), [SmsReading::Position]);
    }
    assert_eq!(catalog.unread_sms(10).await.unwrap(), []);
    catalog.purge_received_sms(at(1)).await.unwrap();
    assert_eq!(catalog.received_sms(10).await.unwrap().len(), 1);
}

/// A message of the second number 0 that tells where the source is.
fn here(source: SourceId, number: i64) -> NewEvent {
    NewEvent {
        source,
        kind: EventKind::LocationResponse,
        time: at(0),
        message: "Location received".into(),
        cause: format!("sms {number}"),
        place: Some(EventPlace { coordinates: Coordinates::new(1.0, 2.0).unwrap(), precision: None }),
    }
}

pub(crate) async fn a_place_that_was_asked_for_by_short_message_is_told_once(catalog: &Catalog) {
    let (source, _) = register(catalog, account(catalog, "a").await, "1").await;
    catalog.set_phone(source, "491700000001", None, at(0)).await.unwrap();
    let question = NewSms { awaited: Awaited::Place, ..message(Some(source), "where", 100) };
    let question = NewSms { expires: at(200), ..question };
    let mut number = 0;
    let mut tell = async |second| {
        number += 1;
        catalog.receive_sms("491700000001", "here", at(second)).await.unwrap();
        let sms = &catalog.unread_sms(10).await.unwrap()[0];
        catalog.note_sms_reading(sms, Some(&here(source, number))).await.unwrap()
    };
    let sent = SmsStep::Sent { reference: None };
    let other = catalog.enqueue_sms(&[message(Some(source), "set", 100)]).await.unwrap()[0];
    assert!(catalog.step_sms(other, &sent, at(100)).await.unwrap());
    assert!(!tell(101).await, "that asked for nothing");
    let id = catalog.enqueue_sms(std::slice::from_ref(&question)).await.unwrap()[0];
    assert!(!tell(101).await, "it waits");
    assert_eq!(take(catalog, 102).await, [id]);
    assert!(catalog.step_sms(id, &sent, at(150)).await.unwrap());
    assert!(!tell(99).await, "before it was asked");
    assert!(!tell(250).await, "too late");
    assert!(tell(249).await);
    assert!(!tell(249).await, "once");

    // The gateway has it, and has not said so yet; then there are two answers to two questions.
    catalog.enqueue_sms(&[question.clone(), question]).await.unwrap();
    assert_eq!(take(catalog, 102).await.len(), 2);
    for expected in [true, true, false] {
        assert_eq!(tell(150).await, expected);
    }
    let refused = NewSms { awaited: Awaited::Place, ..message(Some(source), "where", 300) };
    let id = catalog.enqueue_sms(&[refused]).await.unwrap()[0];
    assert_eq!(take(catalog, 300).await, [id]);
    assert!(catalog.step_sms(id, &SmsStep::Fail { reason: "refused".into() }, at(301)).await.unwrap());
    assert!(!tell(302).await, "it never went out");
}

pub(crate) async fn parts_of_a_short_message_wait_for_each_other(catalog: &Catalog) {
    let part = |phone: &str, reference, total, number, text: &str| SmsPart {
        phone: phone.into(),
        reference,
        total,
        number,
        text: text.into(),
    };
    let texts = async || -> Vec<String> {
        catalog.received_sms(1000).await.unwrap().into_iter().map(|sms| sms.text).collect()
    };
    // Out of order, twice, and between those of other messages.
    for (part, whole) in [
        (part("1", 7, 3, 2, "b"), false),
        (part("2", 7, 2, 1, "x"), false),
        (part("1", 7, 3, 2, "b"), false),
        (part("1", 8, 2, 1, "y"), false),
        (part("1", 7, 3, 1, "a"), false),
        (part("1", 7, 3, 3, "c"), true),
        // The number comes round again.
        (part("1", 7, 3, 3, "z"), false),
    ] {
        assert_eq!(catalog.receive_sms_part(&part, at(0)).await.unwrap(), whole, "{part:?}");
    }
    assert_eq!(texts().await, ["abc"]);
    assert_eq!(catalog.receive_incomplete_sms(at(600)).await.unwrap(), 0);
    assert_eq!(catalog.receive_incomplete_sms(at(601)).await.unwrap(), 3);
    let mut incomplete = texts().await;
    incomplete.sort();
    assert_eq!(incomplete, ["abc", "x…", "y…", "…z"]);

    for number in 1..=2001 {
        let part = part(&number.to_string(), 1, 2, 1, "p");
        catalog.receive_sms_part(&part, at(1000 + number)).await.unwrap();
    }
    let newest = &catalog.received_sms(1).await.unwrap()[0];
    assert_eq!((&*newest.phone, &*newest.text), ("1", "p…"), "the oldest makes room");
}

pub(crate) async fn what_waits_for_a_device_that_leaves_or_gets_another_phone_is_cancelled(
    catalog: &Catalog,
) {
    let (source, _) = register(catalog, account(catalog, "a").await, "1").await;
    let imei = DeviceId::new("1").unwrap();
    catalog.import_bundles(std::slice::from_ref(&imei), "telfmb920", false).await.unwrap();
    let bundle = catalog.bundle_of(&imei).await.unwrap().unwrap().id;
    let card = |iccid: &str, phone: &str| SimCard {
        iccid: iccid.into(),
        phone: phone.into(),
        apn_name: String::new(),
        apn_user: String::new(),
        apn_password: String::new(),
        blocked: false,
        deleted: false,
    };
    catalog.import_sim_cards(&[card("same", "491761234567"), card("other", "491700000002")]).await.unwrap();
    for leave in [0, 1, 2, 3] {
        // The SIM with the number that messages go to; that it is put in once more takes nothing from the queue.
        catalog.assign_sim(bundle, "same", at(0)).await.unwrap();
        let ids =
            catalog.enqueue_sms(&[message(Some(source), "secret", 0), message(None, "x", 0)]).await.unwrap();
        assert_eq!(catalog.queued_sms(source, at(999)).await.unwrap(), 1);
        assert_eq!(catalog.queued_sms(source, at(1000)).await.unwrap(), 0, "it has expired");
        catalog.assign_sim(bundle, "same", at(0)).await.unwrap();
        // Both, and the other of the round before; the one before that is still with the gateway.
        assert_eq!(catalog.take_sms(at(1), 10, LEASE).await.unwrap().len(), 2 + usize::from(leave > 0));
        match leave {
            0 => catalog.cancel_sms(source, at(2)).await.unwrap(),
            1 => catalog.set_phone(source, "491700000001", None, at(2)).await.unwrap(),
            2 => catalog.assign_sim(bundle, "other", at(2)).await.unwrap(),
            _ => catalog.retire_source(source, at(2)).await.unwrap(),
        }
        let cancelled = read(catalog, ids[0]).await;
        let shown = (cancelled.state, &*cancelled.text, cancelled.reason.as_deref(), cancelled.over);
        assert_eq!(shown, (SmsState::Failed, "", Some("cancelled"), Some(at(2))));
        assert_eq!(read(catalog, ids[1]).await.state, SmsState::Queued, "another's goes on");
        assert_eq!(catalog.queued_sms(source, at(3)).await.unwrap(), 0);
        // The gateway had it already: then it was sent.
        let sent = SmsStep::Sent { reference: None };
        assert!(catalog.step_sms(ids[0], &sent, at(4)).await.unwrap());
        let told = read(catalog, ids[0]).await;
        assert_eq!(
            (told.state, told.reason, told.sent, told.over),
            (SmsState::Sent, None, Some(at(4)), None)
        );
        let retry = SmsStep::Retry { due: at(0), reason: "again".into() };
        assert!(catalog.step_sms(ids[1], &retry, at(5)).await.unwrap());
    }
    // Nothing is queued any more for one that has left.
    let late = catalog.enqueue_sms(&[message(Some(source), "late", 6)]).await;
    assert_fails!(late, CatalogError::ReferenceNotFound);
}
