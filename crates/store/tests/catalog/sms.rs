//! The outbox of short messages: nothing is lost, nothing is sent after it has expired, attempts are counted.

use crate::world::{account, at, register};
use domain::{SmsId, SourceId};
use std::time::Duration;
use store::catalog::{Catalog, CatalogError, NewSms, SmsName, SmsState, SmsStep, StoredSms};

const LEASE: Duration = Duration::from_secs(60);

fn message(source: Option<SourceId>, text: &str, asked: i64) -> NewSms {
    NewSms { source, phone: "491761234567".into(), text: text.into(), asked: at(asked), expires: at(1000) }
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

pub(crate) async fn short_messages_that_come_in_are_matched_by_phone(catalog: &Catalog) {
    let (source, _) = register(catalog, account(catalog, "a").await, "1").await;
    catalog.set_phone(source, "491700000001", None).await.unwrap();
    assert_eq!(catalog.receive_sms("491700000001", "hier", at(0)).await.unwrap(), Some(source));
    assert_eq!(catalog.receive_sms("491700000002", "who", at(1)).await.unwrap(), None);
    let received = catalog.received_sms(10).await.unwrap();
    let shown: Vec<_> = received.iter().map(|sms| (sms.source, &*sms.text, sms.received)).collect();
    assert_eq!(shown, [(None, "who", at(1)), (Some(source), "hier", at(0))]);
    catalog.purge_sms(at(1)).await.unwrap();
    assert_eq!(catalog.received_sms(10).await.unwrap().len(), 1);
}
