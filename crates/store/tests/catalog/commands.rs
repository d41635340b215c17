//! Commands: kept as written, taken one at a time and oldest first, never after they have expired.

use crate::world::{at, register};
use domain::{
    Command, CommandFailure, CommandId, CommandState, CommandStep, LockAction, Outcome, Reliability,
    SourceId, TrackerId, UserId,
};
use store::catalog::{Catalog, CatalogError, NewCommand, Page, StoredCommand, Took};
use tokio::task::JoinSet;

fn text(source: SourceId, text: &str) -> NewCommand {
    NewCommand {
        source,
        tracker: None,
        user: None,
        command: Command::Text(text.to_owned()),
        reliability: Reliability::Repeated,
        asked: at(0),
        expires: at(1000),
    }
}

async fn enqueue(catalog: &Catalog, new: &NewCommand) -> CommandId {
    catalog.enqueue_command(new).await.unwrap()
}

async fn take(catalog: &Catalog, source: SourceId, second: i64) -> CommandId {
    match catalog.take_command(source, at(second)).await.unwrap() {
        Took::Command(command) => {
            assert_eq!(command.life.state, CommandState::Taken { until: at(second + 60) });
            command.id
        }
        other => panic!("{other:?}"),
    }
}

async fn read(catalog: &Catalog, id: CommandId, second: i64) -> StoredCommand {
    catalog.command(id, at(second)).await.unwrap().unwrap()
}

async fn state(catalog: &Catalog, id: CommandId, second: i64) -> CommandState {
    read(catalog, id, second).await.life.state
}

fn done(reply: &str) -> CommandStep {
    CommandStep::Answer { outcome: Outcome::Done, reply: reply.to_owned() }
}

pub(crate) async fn commands_read_back_as_written(catalog: &Catalog) {
    let account = crate::world::account(catalog, "a").await;
    let (source, tracker) = register(catalog, account, "1").await;
    let user = catalog.user_by_login("a").await.unwrap().unwrap().id;
    for command in [
        Command::Text("setdigout 1\n\"ü\"".into()),
        Command::Bytes(vec![0, 255, 7]),
        Command::Output { number: 2, on: true },
        Command::Outputs(vec![true, false]),
        Command::Immobilize(false),
        Command::Locate,
        Command::Lock { action: LockAction::Unseal, password: "123456".into() },
    ] {
        for (reliability, tracker, user) in
            [(Reliability::Once, Some(tracker), Some(user)), (Reliability::Repeated, None, None)]
        {
            let new = NewCommand { command: command.clone(), reliability, tracker, user, ..text(source, "") };
            let id = enqueue(catalog, &new).await;
            let stored = read(catalog, id, 0).await;
            assert_eq!((stored.id, stored.source, stored.asked), (id, source, at(0)));
            assert_eq!((stored.tracker, stored.user, &stored.command), (tracker, user, &command));
            assert_eq!((stored.life.reliability, stored.life.expires), (reliability, at(1000)));
            assert_eq!((stored.life.state, stored.life.attempts), (CommandState::Queued, 0));
        }
    }
    let (gone, _) = register(catalog, account, "2").await;
    catalog.retire_source(gone, at(0)).await.unwrap();
    for (wrong, what) in [
        (NewCommand { source: SourceId(99), ..text(source, "") }, "source"),
        (NewCommand { source: gone, ..text(source, "") }, "a source that is not there any more"),
        (NewCommand { tracker: Some(TrackerId(99)), ..text(source, "") }, "tracker"),
        (NewCommand { user: Some(UserId(99)), ..text(source, "") }, "user"),
    ] {
        let answer = catalog.enqueue_command(&wrong).await;
        assert!(matches!(answer, Err(CatalogError::ReferenceNotFound)), "{what}: {answer:?}");
    }
    let unknown = CommandId(99);
    assert_eq!(catalog.command(unknown, at(0)).await.unwrap(), None);
    let answer = catalog.step_command(unknown, CommandStep::Cancel, at(0)).await;
    assert!(matches!(answer, Err(CatalogError::NotFound)), "{answer:?}");
}

pub(crate) async fn every_state_of_a_command_is_kept(catalog: &Catalog) {
    let account = crate::world::account(catalog, "a").await;
    let (source, _) = register(catalog, account, "1").await;
    let refused = CommandStep::Answer { outcome: Outcome::Refused, reply: "no".into() };
    let send = CommandStep::Send;
    for (steps, reply, end) in [
        (vec![], None, CommandState::Taken { until: at(61) }),
        (vec![CommandStep::GiveBack], None, CommandState::Queued),
        (vec![send.clone()], None, CommandState::Sent { until: at(62) }),
        (vec![send.clone(), done("yes")], Some("yes"), CommandState::Acknowledged),
        (vec![send, refused], Some("no"), CommandState::Failed(CommandFailure::Refused)),
        (vec![CommandStep::SendUnanswered], None, CommandState::Acknowledged),
        (vec![CommandStep::Fail(CommandFailure::Unfit)], None, CommandState::Failed(CommandFailure::Unfit)),
        (
            vec![CommandStep::Fail(CommandFailure::Unsupported)],
            None,
            CommandState::Failed(CommandFailure::Unsupported),
        ),
        (vec![CommandStep::Cancel], None, CommandState::Cancelled),
    ] {
        let id = enqueue(catalog, &text(source, "x")).await;
        assert_eq!(take(catalog, source, 1).await, id);
        for step in steps {
            assert!(catalog.step_command(id, step.clone(), at(2)).await.unwrap(), "{step:?}");
        }
        let stored = read(catalog, id, 3).await;
        assert_eq!((stored.life.state, stored.life.reply.as_deref()), (end, reply));
        assert_eq!(stored.life.over, end.is_over().then_some(at(2)));
        // Whatever it was, the next round has no other command before its own.
        let cancelled = catalog.step_command(id, CommandStep::Cancel, at(4)).await.unwrap();
        assert_eq!(cancelled, !end.is_over(), "{end:?}");
    }
}

pub(crate) async fn the_password_of_a_lock_is_kept_for_its_command_alone(catalog: &Catalog) {
    let account = crate::world::account(catalog, "a").await;
    let (source, _) = register(catalog, account, "1").await;
    let lock = |password: &str| Command::Lock { action: LockAction::Unseal, password: password.into() };
    let unseal = NewCommand { command: lock("888888"), ..text(source, "") };
    let (take, send) = (CommandStep::Take, CommandStep::Send);
    let done = || done("P43,888888,1");
    for (steps, end, reply) in [
        (vec![take.clone(), send.clone(), done()], CommandState::Acknowledged, Some("P43,***,1")),
        (vec![CommandStep::Cancel], CommandState::Cancelled, None),
        (
            vec![take.clone(), CommandStep::Fail(CommandFailure::Unfit)],
            CommandState::Failed(CommandFailure::Unfit),
            None,
        ),
    ] {
        let id = enqueue(catalog, &unseal).await;
        for step in steps {
            assert_eq!(read(catalog, id, 1).await.command, lock("888888"), "it is not over");
            assert!(catalog.step_command(id, step.clone(), at(1)).await.unwrap(), "{step:?}");
        }
        let over = read(catalog, id, 1).await;
        assert_eq!((over.life.state, over.life.reply.as_deref(), over.command), (end, reply, lock("")));
    }
    // One that expired, and is answered then.
    let id = enqueue(catalog, &unseal).await;
    for step in [take, send] {
        assert!(catalog.step_command(id, step, at(999)).await.unwrap());
    }
    catalog.sweep_commands(at(2000)).await.unwrap();
    assert_eq!(read(catalog, id, 2000).await.command, lock(""));
    assert!(catalog.step_command(id, done(), at(2001)).await.unwrap());
    let late = read(catalog, id, 2001).await.life;
    assert_eq!((late.state, late.reply.as_deref()), (CommandState::Acknowledged, Some("***")));
}

pub(crate) async fn one_command_of_a_source_is_in_flight(catalog: &Catalog) {
    let account = crate::world::account(catalog, "a").await;
    let (source, _) = register(catalog, account, "1").await;
    let (other, _) = register(catalog, account, "2").await;
    assert_eq!(catalog.take_command(source, at(0)).await.unwrap(), Took::Nothing);
    assert!(!catalog.has_open_commands(source).await.unwrap());

    let first = enqueue(catalog, &text(source, "first")).await;
    let second = enqueue(catalog, &text(source, "second")).await;
    let others = enqueue(catalog, &text(other, "other")).await;
    assert!(catalog.has_open_commands(source).await.unwrap());
    assert_eq!(take(catalog, source, 1).await, first);
    assert_eq!(catalog.take_command(source, at(2)).await.unwrap(), Took::Wait(at(61)));
    assert!(catalog.step_command(first, CommandStep::Send, at(2)).await.unwrap());
    assert_eq!(catalog.take_command(source, at(3)).await.unwrap(), Took::Wait(at(62)));
    assert_eq!(take(catalog, other, 3).await, others, "another device does not wait");

    // Not answered, so it comes again, before what was asked for later.
    assert_eq!(take(catalog, source, 62).await, first);
    assert!(catalog.step_command(first, CommandStep::Send, at(63)).await.unwrap());
    assert_eq!(catalog.step_commands(source, CommandStep::Reconnect, at(64)).await.unwrap(), 1);
    assert_eq!(take(catalog, source, 64).await, first);
    assert!(catalog.step_command(first, done("ok"), at(65)).await.unwrap());
    assert_eq!(take(catalog, source, 65).await, second);

    let newest: Vec<_> = catalog.commands_of_source(source, at(66), 10).await.unwrap();
    let newest: Vec<_> = newest.into_iter().map(|command| command.id).collect();
    assert_eq!(newest, [second, first]);
    assert_eq!(catalog.commands_of_source(source, at(66), 1).await.unwrap()[0].id, second);
}

pub(crate) async fn an_expired_command_is_never_taken(catalog: &Catalog) {
    let account = crate::world::account(catalog, "a").await;
    let (source, tracker) = register(catalog, account, "1").await;
    let new = NewCommand { tracker: Some(tracker), ..text(source, "x") };
    let (late, soon) =
        (enqueue(catalog, &new).await, enqueue(catalog, &NewCommand { expires: at(10), ..new }).await);
    assert_eq!(state(catalog, soon, 9).await, CommandState::Queued);
    assert_eq!(state(catalog, soon, 10).await, CommandState::Expired, "told before it is written down");
    let open = catalog.open_commands(source, at(10)).await.unwrap();
    assert_eq!(open.into_iter().map(|each| each.id).collect::<Vec<_>>(), [late]);
    let page = |offset, limit| Page { offset, limit: Some(limit), ..Page::default() };
    let (queued, expired) = ((late, CommandState::Queued), (soon, CommandState::Expired));
    for (states, page, count, expected) in [
        (&[][..], page(0, 10), 2, vec![expired, queued]),
        (&[], page(0, 1), 2, vec![expired]),
        (&[], page(1, 10), 2, vec![queued]),
        (&["sent", "queued"], page(0, 10), 2, vec![expired, queued]),
        (&["expired"], page(0, 10), 0, vec![]),
        (&["expire", "xpired", "queue"], page(0, 10), 0, vec![]),
    ] {
        let listed = catalog.commands_of_tracker(tracker, at(10), states, &page).await.unwrap();
        let found: Vec<_> = listed.items.into_iter().map(|each| (each.id, each.life.state)).collect();
        assert_eq!((found, listed.count), (expected, count), "as is written down: {states:?}");
    }

    assert_eq!(catalog.sweep_commands(at(9)).await.unwrap().commands, 0);
    assert_eq!(catalog.sweep_commands(at(10)).await.unwrap().commands, 1);
    assert_eq!(catalog.sweep_commands(at(10)).await.unwrap().commands, 0);
    assert_eq!(state(catalog, soon, 0).await, CommandState::Expired, "written down");

    assert_eq!(catalog.take_command(source, at(1000)).await.unwrap(), Took::Nothing);
    assert_eq!(state(catalog, late, 0).await, CommandState::Expired);
    assert!(!catalog.step_command(late, CommandStep::Cancel, at(5)).await.unwrap());
    assert!(!catalog.has_open_commands(source).await.unwrap());
}

pub(crate) async fn finished_commands_go_and_the_immobilizer_stays(catalog: &Catalog) {
    let account = crate::world::account(catalog, "a").await;
    let (source, _) = register(catalog, account, "1").await;
    assert!(!catalog.is_immobilized(source).await.unwrap());
    for (on, outcome, [before, after]) in [
        (true, Outcome::Done, [false, true]),
        (false, Outcome::Refused, [true, true]),
        (false, Outcome::Done, [true, false]),
    ] {
        let id = enqueue(catalog, &NewCommand { command: Command::Immobilize(on), ..text(source, "") }).await;
        assert_eq!(take(catalog, source, 1).await, id);
        assert!(catalog.step_command(id, CommandStep::Send, at(2)).await.unwrap());
        assert_eq!(catalog.is_immobilized(source).await.unwrap(), before, "not confirmed yet");
        let answer = CommandStep::Answer { outcome, reply: String::new() };
        assert!(catalog.step_command(id, answer, at(3)).await.unwrap());
        assert_eq!(catalog.is_immobilized(source).await.unwrap(), after);
    }
    let waits = enqueue(catalog, &text(source, "x")).await;
    assert_eq!(catalog.delete_finished_commands(at(3)).await.unwrap(), 0);
    assert_eq!(catalog.delete_finished_commands(at(4)).await.unwrap(), 3);
    let left = catalog.commands_of_source(source, at(4), 10).await.unwrap();
    assert_eq!(left.into_iter().map(|each| each.id).collect::<Vec<_>>(), [waits]);
}

pub(crate) async fn commands_of_a_source_are_bounded(catalog: &Catalog) {
    let account = crate::world::account(catalog, "a").await;
    let (source, _) = register(catalog, account, "1").await;
    for _ in 0..100 {
        enqueue(catalog, &text(source, "x")).await;
    }
    let answer = catalog.enqueue_command(&text(source, "x")).await;
    assert!(matches!(answer, Err(CatalogError::TooManyCommands)), "{answer:?}");
    let later = NewCommand { asked: at(1000), expires: at(2000), ..text(source, "x") };
    let fits = enqueue(catalog, &later).await;
    assert_eq!(catalog.step_commands(source, CommandStep::Cancel, at(1000)).await.unwrap(), 1, "{fits}");
}

pub(crate) async fn one_of_many_takers_gets_a_command(catalog: &Catalog) {
    let account = crate::world::account(catalog, "a").await;
    let (source, _) = register(catalog, account, "1").await;
    for _ in 0..20 {
        enqueue(catalog, &text(source, "x")).await;
        enqueue(catalog, &text(source, "y")).await;
        let takers: JoinSet<_> = (0..6)
            .map(|_| {
                let catalog = catalog.clone();
                async move { catalog.take_command(source, at(1)).await.unwrap() }
            })
            .collect();
        let took = takers.join_all().await;
        let got = took.iter().filter(|took| matches!(took, Took::Command(_))).count();
        assert_eq!(got, 1, "{took:?}");
        assert_eq!(catalog.step_commands(source, CommandStep::Cancel, at(2)).await.unwrap(), 2);
    }
}
