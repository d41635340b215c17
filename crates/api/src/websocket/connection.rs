//! One connection: takes requests, sends states and readings as fast as the client takes them. Each is rendered when the
//! socket is free for it, so that a slow client gets the newest one, not a queue of old ones.

use super::{
    framing::{Framing, HEARTBEAT, Incoming},
    limits::{LOGIN_TIMEOUT, SEND_TIMEOUT, SILENT_HEARTBEATS, SINGLES_AT_ONCE},
    outgoing::{self, Outcomes},
    request::{Action, Wanted},
    session::{Due, Session},
};
use crate::{
    request::{Arguments, Request, iso_datetime},
    throttle::Counted,
};
use axum::{
    body::Bytes,
    extract::ws::{CloseFrame, Message, WebSocket, close_code},
};
use domain::ErrorCode;
use fleet::{Failure, Fleet};
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep_until, timeout};

pub(super) struct Connection {
    socket: WebSocket,
    fleet: Arc<Fleet>,
    /// The request that was upgraded: what it says holds for requests that say nothing else.
    handshake: Request,
    framing: Framing,
    session: Option<Session>,
    login_until: Instant,
    heartbeat_due: Instant,
    heard: Instant,
    /// When we last sent a heartbeat of the Atmosphere protocol.
    beaten: Option<Instant>,
}

/// A heartbeat that comes so soon after ours is its echo.
const ECHO: Duration = Duration::from_secs(1);

/// The connection is at its end; the code is for the client.
struct End(u16);

enum Step {
    Received(Message),
    Heartbeat,
    Due(Due),
    End(End),
}

impl Connection {
    pub(super) fn new(socket: WebSocket, fleet: Arc<Fleet>, handshake: Request, framing: Framing) -> Self {
        let now = Instant::now();
        let heartbeat_due = now + framing.heartbeat;
        let login_until = now + LOGIN_TIMEOUT;
        Self {
            socket,
            fleet,
            handshake,
            framing,
            session: None,
            login_until,
            heartbeat_due,
            heard: now,
            beaten: None,
        }
    }

    pub(super) async fn run(mut self) {
        let open = metrics::gauge!("api_websocket_connections");
        open.increment(1);
        let Err(End(code)) = self.serve().await;
        open.decrement(1);
        let farewell = Message::Close(Some(CloseFrame { code, reason: Default::default() }));
        // The client may have gone already.
        _ = timeout(Duration::from_secs(1), self.socket.send(farewell)).await;
    }

    async fn serve(&mut self) -> Result<std::convert::Infallible, End> {
        if let Some(greeting) = self.framing.greeting.clone() {
            self.send(greeting).await?;
        }
        loop {
            match self.next_step().await {
                Step::Received(message) => self.received(message).await?,
                Step::Heartbeat => self.beat().await?,
                Step::Due(Due::Look) => self.look_again().await?,
                Step::Due(Due::News) => self.send_news().await?,
                Step::Due(Due::Ended) => return Err(End(close_code::AWAY)),
                Step::End(end) => return Err(end),
            }
        }
    }

    async fn next_step(&mut self) -> Step {
        let due = async {
            match &mut self.session {
                Some(session) => Step::Due(session.next_due().await),
                None => {
                    sleep_until(self.login_until).await;
                    Step::End(End(close_code::POLICY))
                }
            }
        };
        tokio::select! {
            received = self.socket.recv() => match received {
                Some(Ok(message)) => Step::Received(message),
                // Too long, or no WebSocket.
                Some(Err(_)) => Step::End(End(close_code::POLICY)),
                None => Step::End(End(close_code::NORMAL)),
            },
            () = sleep_until(self.heartbeat_due) => Step::Heartbeat,
            step = due => step,
        }
    }

    async fn received(&mut self, message: Message) -> Result<(), End> {
        self.heard = Instant::now();
        let text = match message {
            Message::Text(text) => text,
            Message::Close(_) => return Err(End(close_code::NORMAL)),
            Message::Ping(_) | Message::Pong(_) => return Ok(()),
            Message::Binary(_) => {
                let failure = ErrorCode::WrongRequestFormat.into();
                return self.send(outgoing::error("null", Arguments::new(), &failure)).await;
            }
        };
        let admitted = self.handshake.throttle.admit_address(self.handshake.address);
        match admitted.and_then(|()| self.framing.read(&text)) {
            Ok(Incoming::Ignored) => Ok(()),
            // A client that echoes ours is not echoed.
            Ok(Incoming::Heartbeat) if self.beaten.is_some_and(|at| at.elapsed() < ECHO) => Ok(()),
            Ok(Incoming::Heartbeat) => self.send_heartbeat().await,
            Ok(Incoming::Json(json)) => {
                let answer = self.answer(json).await;
                self.send(answer).await
            }
            Err(failure) => self.send(outgoing::error("null", Arguments::new(), &failure)).await,
        }
    }

    async fn answer(&mut self, json: &str) -> String {
        let Ok(frame) = serde_json::from_str::<Arguments>(json) else {
            return outgoing::error("null", Arguments::new(), &ErrorCode::WrongRequestFormat.into());
        };
        let action = match Action::of(&frame) {
            Ok(action) => action,
            Err(failure) => {
                let name = frame.get("action").and_then(Value::as_str).unwrap_or("null").to_owned();
                return outgoing::error(&name, frame, &failure);
            }
        };
        match self.act(action, &frame).await {
            Ok(outcomes) => outgoing::response(action.as_str(), &outcomes),
            Err(failure) => outgoing::error(action.as_str(), frame, &failure),
        }
    }

    async fn act(&mut self, action: Action, frame: &Arguments) -> Result<Outcomes, Failure> {
        let hash = frame.get("hash").and_then(Value::as_str).filter(|hash| !hash.is_empty());
        let known = self.session.as_ref().map(|session| session.hash.as_str());
        let hash = hash.or(known).or(self.handshake.hash());
        let hash = hash.ok_or_else(|| Failure::parameter("hash", "is required"))?.to_owned();
        let caller = self.fleet.user_caller(&hash).await?;
        self.handshake.throttle.admit_caller(Counted::of(&caller))?;
        let wanted = Wanted::all_of(frame)?;

        let iso = iso_datetime(frame).unwrap_or_else(|| self.handshake.iso_dates());
        let session = match &mut self.session {
            Some(session) if session.watcher.caller().user.id == caller.user.id => session,
            // Somebody else: what the former user watched is not theirs.
            session => session.insert(Session::new(self.fleet.watch(caller)?)),
        };
        (session.hash, session.iso) = (hash, iso);
        session.perform(action, &wanted).await
    }

    async fn look_again(&mut self) -> Result<(), End> {
        let Some(session) = &mut self.session else { return Ok(()) };
        session.looked = Instant::now();
        match session.watcher.look_again(&session.hash).await {
            Ok(events) => {
                let now = self.fleet.now();
                let user_time = session.dates(&self.fleet).written(now);
                for (source, event) in events {
                    self.send(outgoing::lifecycle(source, event, user_time)).await?;
                }
                Ok(())
            }
            Err(failure) if failure.code == ErrorCode::SessionNotFound => {
                let user_time = session.dates(&self.fleet).written(self.fleet.now());
                self.session = None;
                self.login_until = Instant::now() + LOGIN_TIMEOUT;
                self.send(outgoing::logout(user_time)).await
            }
            // The catalog is away: it is asked again later.
            Err(_) => Ok(()),
        }
    }

    /// Some states one by one, then batches if it is time for them.
    async fn send_news(&mut self) -> Result<(), End> {
        for _ in 0..SINGLES_AT_ONCE {
            let Some(state) = self.session.as_mut().and_then(|session| session.single(&self.fleet)) else {
                break;
            };
            self.send(state).await?;
        }
        let Some(session) = &mut self.session else { return Ok(()) };
        for event in session.events(&self.fleet).await {
            self.send(event).await?;
        }
        let Some(session) = &mut self.session else { return Ok(()) };
        for batch in session.batches(&self.fleet).await.into_iter().flatten() {
            self.send(batch).await?;
        }
        Ok(())
    }

    async fn beat(&mut self) -> Result<(), End> {
        if self.heard.elapsed() > self.framing.heartbeat * SILENT_HEARTBEATS {
            return Err(End(close_code::AWAY));
        }
        self.put(Message::Ping(Bytes::new())).await?;
        if self.framing.greeting.is_some() {
            self.send_heartbeat().await?;
        }
        self.heartbeat_due = Instant::now() + self.framing.heartbeat;
        Ok(())
    }

    async fn send_heartbeat(&mut self) -> Result<(), End> {
        self.beaten = Some(Instant::now());
        self.send(HEARTBEAT.to_owned()).await
    }

    async fn send(&mut self, text: String) -> Result<(), End> {
        metrics::counter!("api_websocket_messages_total").increment(1);
        self.put(self.framing.message(text)).await
    }

    async fn put(&mut self, message: Message) -> Result<(), End> {
        match timeout(SEND_TIMEOUT, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End(close_code::NORMAL)),
            Err(_) => Err(End(close_code::AGAIN)),
        }
    }
}
