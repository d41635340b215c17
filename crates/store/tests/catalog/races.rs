//! What must hold whoever comes first.

use crate::world::{at, master, register, session, source, tracker, user};
use domain::GroupId;
use std::{future::Future, pin::pin, task::Poll};
use store::catalog::{Catalog, CatalogError, NewSession, NewTracker};
use tokio::task::JoinSet;

const ROUNDS: i64 = 20;
const CONTENDERS: usize = 6;

/// Runs `attempt` of each contender at once; exactly one succeeds, the others fail as `expected` says.
async fn one_wins<F, T>(attempt: impl Fn(usize) -> F, expected: fn(&CatalogError) -> bool)
where
    F: Future<Output = Result<T, CatalogError>> + Send + 'static,
    T: Send + 'static,
{
    let attempts: JoinSet<_> = (0..CONTENDERS).map(attempt).collect();
    let (won, lost): (Vec<_>, Vec<_>) = attempts.join_all().await.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1);
    for error in lost.into_iter().filter_map(Result::err) {
        assert!(expected(&error), "{error:?}");
    }
}

pub(crate) async fn one_of_many_registrations_of_a_device_wins(catalog: &Catalog) {
    let account = crate::world::account(catalog, "a").await;
    for round in 0..ROUNDS {
        let source = source(catalog, account, &format!("35693803564{round:04}")).await;
        let attempt = |contender: usize| {
            let (catalog, source) = (catalog.clone(), source.clone());
            async move { catalog.register(&source, &tracker(&contender.to_string())).await }
        };
        one_wins(attempt, |error| matches!(error, CatalogError::DeviceIdTaken)).await;
    }
    let directory = catalog.load_directory().await.unwrap();
    assert_eq!((directory.sources.len(), directory.trackers.len()), (ROUNDS as usize, ROUNDS as usize));
}

pub(crate) async fn one_of_many_registrations_of_a_phone_wins(catalog: &Catalog) {
    let account = crate::world::account(catalog, "a").await;
    for round in 0..ROUNDS {
        let source = source(catalog, account, "unused").await;
        let attempt = |contender: usize| {
            let (catalog, mut source) = (catalog.clone(), source.clone());
            source.device_id = domain::DeviceId::new(&format!("{round}-{contender}")).ok();
            source.phone = Some(format!("4917612345{round:02}"));
            async move { catalog.register(&source, &tracker("Van")).await }
        };
        one_wins(attempt, |error| matches!(error, CatalogError::PhoneTaken)).await;
    }
    assert_eq!(catalog.sources_of(account).await.unwrap().len(), ROUNDS as usize);
}

pub(crate) async fn one_of_many_users_gets_the_login(catalog: &Catalog) {
    for round in 0..ROUNDS {
        let attempt = |_| {
            let catalog = catalog.clone();
            async move { catalog.create_user(&master(&round.to_string())).await }
        };
        one_wins(attempt, |error| matches!(error, CatalogError::LoginTaken)).await;
    }
    let directory = catalog.load_directory().await.unwrap();
    assert_eq!((directory.accounts.len(), directory.members.len()), (ROUNDS as usize, ROUNDS as usize));
}

pub(crate) async fn no_session_survives_a_change_of_password(catalog: &Catalog) {
    let user = user(catalog, "a").await;
    for round in 0..ROUNDS {
        let (old, new) = (format!("old {round}"), format!("new {round}"));
        catalog.set_password(user, &old).await.unwrap();
        let mut logins = JoinSet::new();
        for contender in 0..CONTENDERS {
            let catalog = catalog.clone();
            let session = NewSession {
                checked_against: Some(old.clone()),
                ..session(user, &format!("{round} {contender}"), at(60))
            };
            logins.spawn(async move { catalog.create_session(&session).await });
        }
        catalog.set_password(user, &new).await.unwrap();
        for answer in logins.join_all().await {
            assert!(matches!(answer, Ok(()) | Err(CatalogError::NotFound)), "{answer:?}");
        }
        assert_eq!(catalog.count_sessions_of(user, at(0)).await.unwrap(), 0);
    }
}

pub(crate) async fn no_tracker_stays_in_a_deleted_group(catalog: &Catalog) {
    let account = crate::world::account(catalog, "a").await;
    let (_, moved) = register(catalog, account, "356938035643809").await;
    for round in 0..ROUNDS {
        let group = catalog.create_group(account, "North", "FF6DDC").await.unwrap();
        let source = source(catalog, account, &round.to_string()).await;
        let assigning = tokio::spawn({
            let catalog = catalog.clone();
            async move { catalog.assign_to_group(account, group, &[moved]).await }
        });
        let registering = tokio::spawn({
            let (catalog, new) = (catalog.clone(), NewTracker { label: "Van".into(), group, sub_user: None });
            async move { catalog.register(&source, &new).await }
        });
        catalog.delete_group(account, group).await.unwrap();
        let assigned = assigning.await.unwrap();
        assert!(matches!(assigned, Ok(()) | Err(CatalogError::NotFound)), "{assigned:?}");
        let registered = registering.await.unwrap();
        assert!(matches!(registered, Ok(_) | Err(CatalogError::ReferenceNotFound)), "{registered:?}");
        let trackers = catalog.trackers_of(account).await.unwrap();
        assert!(trackers.iter().all(|tracker| tracker.group == GroupId::NONE), "{trackers:?}");
    }
}

/// A client that hangs up drops the call wherever it stands.
pub(crate) async fn a_dropped_call_writes_all_or_nothing(catalog: &Catalog) {
    let account = crate::world::account(catalog, "a").await;
    let (mut dropped, mut finished) = (0, 0);
    for polls in 0..300 {
        let source = source(catalog, account, &format!("356938035-{polls}")).await;
        let label = tracker("Van");
        let mut call = pin!(catalog.register(&source, &label));
        let mut answered = false;
        for _ in 0..polls {
            if std::future::poll_fn(|context| Poll::Ready(call.as_mut().poll(context).is_ready())).await {
                answered = true;
                break;
            }
            tokio::task::yield_now().await;
        }
        if answered { finished += 1 } else { dropped += 1 }
    }
    assert!(dropped > 0, "none was dropped");
    register(catalog, account, "356938035643809").await;

    let directory = catalog.load_directory().await.unwrap();
    let stood_on: Vec<_> = directory.trackers.iter().map(|tracker| tracker.source).collect();
    let sources: Vec<_> = directory.sources.iter().map(|source| source.id).collect();
    let mut spans = Vec::new();
    for tracker in &directory.trackers {
        spans
            .extend(catalog.tracker_spans(account, tracker.id).await.unwrap().iter().map(|span| span.source));
    }
    assert_eq!(stood_on, sources);
    assert_eq!(spans, sources);
    assert!(sources.len() > finished, "what was answered is there, and the last one");
}
