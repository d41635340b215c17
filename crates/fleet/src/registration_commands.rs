//! The commands that tell a new device where to call: its access point, the server's address and port. Every use case
//! that wants them sent comes through here. They go over the connection that the device has, or by short messages.

use crate::{Failure, Fleet, ParameterError, command::CommandKinds};
use domain::{
    Blanks, Command, CommandKind, ConnectionStatus, DeviceModel, ErrorCode, ModelCode, Reliability,
    ShortMessages, SourceId,
};
use std::{collections::BTreeMap, fmt, time::Duration};
use store::{
    catalog::{Awaited, CatalogError, NewCommand},
    signals::Signal,
};

/// A device that was not reached by then has been set up otherwise, or never will be.
const LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// What is said about them at registration.
#[derive(Clone, Debug, Default)]
pub struct RegistrationCommands {
    /// `None`: as the platform does by default.
    pub send: Option<bool>,
    pub apn: AccessPoint,
}

/// The access point of a SIM. It is told to the device, and its password kept until it is.
#[derive(Clone, Default)]
pub struct AccessPoint {
    pub name: String,
    pub user: String,
    pub password: String,
}

/// How devices are reached that have no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmsGateway {
    /// In no way.
    None,
    /// What stands in the outbox of short messages is sent.
    Configured,
}

/// What is done when a registration does not say whether commands are to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByDefault {
    Send,
    Keep,
}

/// What new devices are told.
#[derive(Clone, Debug)]
pub struct Setup {
    pub sms: SmsGateway,
    pub commands: ByDefault,
    /// The host under which devices reach this server.
    pub public_address: Option<String>,
}

/// Why a device was not told.
#[derive(Debug, thiserror::Error)]
enum NotTold {
    #[error("where devices reach this server is not configured ([devices] public_address)")]
    NoAddress,
    #[error("its protocol has no open port here")]
    NoPort,
    #[error("what to say to its model is not known, or not without an access point")]
    NoWords,
    #[error("it is not connected, and there is no SMS gateway")]
    NoGateway,
    #[error("it is not connected, and has no phone")]
    NoPhone,
    #[error("it is not there any more")]
    Gone,
    #[error(transparent)]
    Catalog(CatalogError),
}

/// What a device is told, and how it is reached.
pub(crate) struct Words {
    source: SourceId,
    way: Way,
    texts: Vec<String>,
}

enum Way {
    Connection,
    /// At this phone.
    Sms(String),
}

impl fmt::Debug for AccessPoint {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessPoint").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Fleet {
    /// Where each protocol is listened for, as soon as it is known; the first that is said stays.
    pub fn listening(&self, ports: BTreeMap<String, u16>) {
        // The error says that it is known already.
        _ = self.ports.set(ports);
    }

    /// Registration commands are wanted for a source, if the caller or the platform says so. That the device cannot be told
    /// undoes no registration: it can be set up by hand.
    pub(crate) async fn registration_commands_wanted(
        &self,
        source: SourceId,
        commands: &RegistrationCommands,
    ) {
        let told = match self.words_for(source, commands).await {
            Ok(words) => self.tell(words).await.map_err(NotTold::Catalog),
            // Without a gateway that is how it always is, unless somebody asked.
            Err(NotTold::NoAddress | NotTold::NoGateway) if commands.send.is_none() => Ok(()),
            Err(why) => Err(why),
        };
        if let Err(why) = told {
            let why: &dyn std::error::Error = &why;
            tracing::warn!(
                source.id = source.0,
                why,
                "registration commands are not sent: the device has to be set up by hand"
            );
        }
    }

    /// What a device is to be told once more, before it is. Who asks for it hears when the device cannot be told; who leaves
    /// it to the platform does not.
    ///
    /// # Errors
    /// `NotSupportedByDevice`, with the reason.
    pub(crate) async fn words_once_more(
        &self,
        source: SourceId,
        commands: &RegistrationCommands,
    ) -> Result<Option<Words>, Failure> {
        match self.words_for(source, commands).await {
            Ok(words) => Ok(words),
            Err(why) if commands.send == Some(true) => {
                let parameter = "send_register_commands".to_owned();
                let wrong = ParameterError { parameter, error: why.to_string() };
                Err(Failure { parameters: vec![wrong], ..ErrorCode::NotSupportedByDevice.into() })
            }
            Err(_) => Ok(None),
        }
    }

    /// Has the words sent. Where so much waits for the device that it takes no more, they are among it.
    ///
    /// # Errors
    /// When the catalog fails.
    pub(crate) async fn tell(&self, words: Option<Words>) -> Result<(), CatalogError> {
        let Some(Words { source, way, texts }) = words else { return Ok(()) };
        let (told, how) = match way {
            Way::Connection => (self.tell_connected(source, texts).await, "connection"),
            Way::Sms(phone) => {
                (self.send_sms(source, &phone, texts, LIFETIME, Awaited::Nothing).await, "sms")
            }
        };
        match told {
            Ok(()) => tracing::info!(source.id = source.0, how, "registration commands wait to be sent"),
            Err(CatalogError::TooManyCommands) => {
                tracing::warn!(source.id = source.0, how, "registration commands wait often enough already");
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// `None` when nothing is wanted.
    async fn words_for(
        &self,
        source: SourceId,
        commands: &RegistrationCommands,
    ) -> Result<Option<Words>, NotTold> {
        if !commands.send.unwrap_or(self.tells_new_devices().await) {
            return Ok(None);
        }
        let apn = &commands.apn;
        let source = self.directory.read().source(source).cloned().ok_or(NotTold::Gone)?;
        let code = ModelCode::find(&source.model).ok_or(NotTold::NoWords)?;
        let model = code.model();
        let words = ShortMessages::of(model).ok_or(NotTold::NoWords)?;
        let device_id = source.device_id.as_ref().map(ToString::to_string).unwrap_or_default();
        let blanks = Blanks {
            apn: &apn.name,
            apn_user: &apn.user,
            apn_password: &apn.password,
            address: self.setup.public_address.as_deref().ok_or(NotTold::NoAddress)?,
            port: self.port(model).ok_or(NotTold::NoPort)?,
            device_id: &device_id,
        };
        let connected = words.connected(model, blanks);
        if !connected.is_empty() && takes_text(model, self.command_kinds) && self.is_online(source.id, code) {
            return Ok(Some(Words { source: source.id, way: Way::Connection, texts: connected }));
        }
        let texts = words.registration(model, blanks);
        if texts.is_empty() {
            return Err(NotTold::NoWords);
        }
        if self.setup.sms == SmsGateway::None {
            return Err(NotTold::NoGateway);
        }
        let phone = source.phone.clone().filter(|phone| !phone.is_empty()).ok_or(NotTold::NoPhone)?;
        Ok(Some(Words { source: source.id, way: Way::Sms(phone), texts }))
    }

    async fn tell_connected(&self, source: SourceId, texts: Vec<String>) -> Result<(), CatalogError> {
        let asked = self.now();
        for text in texts {
            let new = NewCommand {
                source,
                tracker: None,
                user: None,
                command: Command::Text(text),
                reliability: Reliability::Repeated,
                asked,
                expires: asked.plus(LIFETIME),
            };
            self.catalog.enqueue_command(&new).await?;
        }
        self.signals.publish(Signal::CommandWaits(source));
        Ok(())
    }

    fn port(&self, model: &DeviceModel) -> Option<u16> {
        let ports = self.ports.get()?;
        model.protocols.iter().find_map(|protocol| ports.get(&**protocol).copied())
    }

    fn is_online(&self, source: SourceId, code: ModelCode) -> bool {
        let status = self.view(source, code, self.now()).connection_status;
        matches!(status, ConnectionStatus::Active | ConnectionStatus::Idle)
    }
}

fn takes_text(model: &DeviceModel, kinds: CommandKinds) -> bool {
    model.protocols.iter().any(|protocol| kinds(protocol).contains(&CommandKind::Text))
}
