//! What an action is. One implements `Action`; the registry turns it into an `Entry`, from which routing, decoding,
//! authorisation and the coverage tests derive.

use crate::throttle::Counted;
use crate::{
    answer::{self, Answered},
    dates::Dates,
    parameters::Parameters,
    request::Request,
};
use domain::{ErrorCode, Right, Timestamp};
use fleet::{Failure, Fleet, PanelCaller, Upload, UserCaller};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use std::{future::Future, net::IpAddr, ops::Deref, pin::Pin, sync::Arc};

/// One call of the API. Implemented by a unit struct, one line in the registry.
pub(crate) trait Action: 'static {
    /// Path below the version prefix, such as `tracker/read`.
    const PATH: &'static str;
    /// What a sub-user must be allowed; a master may do everything.
    const RIGHTS: &'static [Right] = &[];
    /// The errors it may answer beyond those that every action may.
    const ERRORS: &'static [ErrorCode] = &[];
    /// Parameters of an example call, as a JSON object without the session's hash.
    const EXAMPLE: &'static str = "{}";
    /// What the part `file` of a body in parts may be, for an action that takes one.
    const FILE: Option<&'static [&'static str]> = None;
    /// Who may call.
    type Caller: Caller;
    type Parameters: Parameters;
    /// Everything of the answer beside `"success": true`.
    type Answer: Serialize + JsonSchema + Send;

    fn run(
        call: &Call<Self::Caller>,
        parameters: Self::Parameters,
    ) -> impl Future<Output = Result<Self::Answer, Failure>> + Send;
}

/// What an action knows about the call beside its parameters.
pub(crate) struct Call<C> {
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) caller: C,
    pub(crate) dates: Dates,
    pub(crate) address: IpAddr,
    /// What came as the part `file`.
    pub(crate) file: Option<Upload>,
    pub(crate) now: Timestamp,
}

/// Somebody who may call some actions; made from the session's hash.
pub(crate) trait Caller: Sized + Send + Sync + 'static {
    const KIND: CallerKind;

    fn recognise(fleet: &Fleet, hash: Option<&str>) -> impl Future<Output = Result<Self, Failure>> + Send;

    /// # Errors
    /// `NotPermitted` when one of the rights is lacking.
    fn permit(&self, rights: &[Right]) -> Result<(), Failure>;

    /// The zone in which its dates are written.
    fn time_zone(&self) -> &str {
        "UTC"
    }

    /// What its calls are counted under, beside its address.
    fn throttle_key(&self) -> Option<Counted> {
        None
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallerKind {
    Anyone,
    User,
    Panel,
}

/// The caller of an action that needs no session.
pub(crate) struct Anyone;

impl Caller for Anyone {
    const KIND: CallerKind = CallerKind::Anyone;

    async fn recognise(_: &Fleet, _: Option<&str>) -> Result<Self, Failure> {
        Ok(Self)
    }

    fn permit(&self, _: &[Right]) -> Result<(), Failure> {
        Ok(())
    }
}

impl Caller for UserCaller {
    const KIND: CallerKind = CallerKind::User;

    async fn recognise(fleet: &Fleet, hash: Option<&str>) -> Result<Self, Failure> {
        fleet.user_caller(hash.ok_or_else(no_hash)?).await
    }

    fn permit(&self, rights: &[Right]) -> Result<(), Failure> {
        let lacking = rights.iter().any(|right| !self.may(*right));
        if lacking { Err(ErrorCode::NotPermitted.into()) } else { Ok(()) }
    }

    fn time_zone(&self) -> &str {
        &self.user.settings.time_zone
    }

    fn throttle_key(&self) -> Option<Counted> {
        Some(Counted::of(self))
    }
}

/// A user with a session, not a program with an API key.
pub(crate) struct InPerson(UserCaller);

impl Deref for InPerson {
    type Target = UserCaller;

    fn deref(&self) -> &UserCaller {
        &self.0
    }
}

impl Caller for InPerson {
    const KIND: CallerKind = CallerKind::User;

    async fn recognise(fleet: &Fleet, hash: Option<&str>) -> Result<Self, Failure> {
        fleet.session_caller(hash.ok_or_else(no_hash)?).await.map(Self)
    }

    fn permit(&self, rights: &[Right]) -> Result<(), Failure> {
        self.0.permit(rights)
    }

    fn time_zone(&self) -> &str {
        self.0.time_zone()
    }

    fn throttle_key(&self) -> Option<Counted> {
        self.0.throttle_key()
    }
}

impl Caller for PanelCaller {
    const KIND: CallerKind = CallerKind::Panel;

    async fn recognise(fleet: &Fleet, hash: Option<&str>) -> Result<Self, Failure> {
        fleet.panel_caller(hash.ok_or_else(no_hash)?).await
    }

    fn permit(&self, _: &[Right]) -> Result<(), Failure> {
        Ok(())
    }
}

fn no_hash() -> Failure {
    Failure::parameter("hash", "is required")
}

/// An action as the registry holds it.
pub struct Entry {
    pub path: &'static str,
    pub caller: CallerKind,
    pub rights: &'static [Right],
    pub errors: &'static [ErrorCode],
    pub example: &'static str,
    /// The media types of the file that it takes.
    pub file: Option<&'static [&'static str]>,
    /// Names of its parameters, in order; `true` when one is required.
    pub parameters: &'static [(&'static str, bool)],
    pub(crate) parameters_schema: fn() -> serde_json::Value,
    /// Whether arguments can be its parameters.
    #[cfg(feature = "testing")]
    pub(crate) takes: fn(&crate::request::Arguments) -> bool,
    pub(crate) answer_schema: fn(&mut SchemaGenerator) -> Schema,
    pub(crate) run: fn(Arc<Fleet>, Request) -> Running,
}

pub(crate) type Running = Pin<Box<dyn Future<Output = Answered> + Send>>;

/// The registry's line for an action.
pub(crate) const fn entry<A: Action>() -> Entry {
    Entry {
        path: A::PATH,
        caller: A::Caller::KIND,
        rights: A::RIGHTS,
        errors: A::ERRORS,
        example: A::EXAMPLE,
        file: A::FILE,
        parameters: A::Parameters::NAMES,
        parameters_schema: A::Parameters::schema,
        #[cfg(feature = "testing")]
        takes: |arguments| A::Parameters::read(arguments).is_ok(),
        answer_schema: A::Answer::json_schema,
        run: |fleet, request| Box::pin(run::<A>(fleet, request)),
    }
}

/// Session, then parameters, then rights; existence and the rest are the action's own.
async fn run<A: Action>(fleet: Arc<Fleet>, request: Request) -> Answered {
    let caller = A::Caller::recognise(&fleet, request.hash()).await?;
    if let Some(counted) = caller.throttle_key() {
        request.throttle.admit_caller(counted)?;
    }
    let parameters = A::Parameters::read(&request.arguments).map_err(Failure::parameters)?;
    caller.permit(A::RIGHTS)?;
    let now = fleet.now();
    let dates = Dates::new(caller.time_zone(), request.iso_dates(), now);
    let call = Call { fleet, caller, dates, address: request.address, file: request.file, now };
    let answer = A::run(&call, parameters).await?;
    answer::success(&answer)
}
