//! The commands that tell a new device where to call: its access point, the server's address and port. Every use case
//! that wants them sent comes through here.

use crate::Fleet;
use domain::SourceId;
use std::fmt;

/// What is said about them at registration.
#[derive(Clone, Debug, Default)]
pub struct RegistrationCommands {
    /// `None`: as the platform does by default.
    pub send: Option<bool>,
    pub apn: AccessPoint,
}

/// The access point of a SIM. It is told to the device and kept nowhere.
#[derive(Clone, Default)]
pub struct AccessPoint {
    pub name: String,
    pub user: String,
    pub password: String,
}

impl fmt::Debug for AccessPoint {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessPoint").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Fleet {
    /// Registration commands are wanted for a source.
    #[expect(clippy::unused_self, reason = "whatever sends them will be a part of the fleet")]
    pub(crate) fn registration_commands_wanted(&self, source: SourceId, commands: &RegistrationCommands) {
        if commands.send == Some(true) {
            // There is nothing to send them through.
            tracing::warn!(
                source.id = source.0,
                "registration commands were asked for, and there is no SMS gateway: the device has to be set up by hand"
            );
        }
    }
}
