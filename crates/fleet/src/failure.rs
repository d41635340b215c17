//! Why a use case was refused, in the words of the API: a code, and what is wrong with which parameter. What the
//! operator needs to know is logged where it happened.

use domain::{ErrorCode, TrackerId};
use store::{catalog::CatalogError, history::HistoryError};

/// A refusal as the client sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub code: ErrorCode,
    /// For code 7: every parameter that is wrong.
    pub parameters: Vec<ParameterError>,
    pub related: Related,
}

/// The objects that stand in the way, by number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Related {
    pub rules: Vec<i64>,
    pub vehicles: Vec<i64>,
    /// Trackers.
    pub list: Vec<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ParameterError {
    pub parameter: String,
    pub error: String,
}

impl Failure {
    pub fn parameter(name: &str, error: impl Into<String>) -> Self {
        Self::parameters(vec![ParameterError { parameter: name.to_owned(), error: error.into() }])
    }

    /// A refusal that names trackers.
    pub(crate) fn trackers(code: ErrorCode, trackers: impl IntoIterator<Item = TrackerId>) -> Self {
        let list = trackers.into_iter().map(|tracker| tracker.0).collect();
        Self { related: Related { list, ..Related::default() }, ..code.into() }
    }

    pub fn parameters(parameters: Vec<ParameterError>) -> Self {
        Self { parameters, ..ErrorCode::InvalidParameters.into() }
    }
}

impl From<ErrorCode> for Failure {
    fn from(code: ErrorCode) -> Self {
        Self { code, parameters: Vec::new(), related: Related::default() }
    }
}

impl From<CatalogError> for Failure {
    fn from(error: CatalogError) -> Self {
        let code = match &error {
            CatalogError::Exists => ErrorCode::AlreadyExists,
            CatalogError::CodeUnusable => ErrorCode::WrongActivationCode,
            CatalogError::HasClones(clones) => {
                return Self::trackers(ErrorCode::DeviceHasClones, clones.iter().copied());
            }
            CatalogError::LoginTaken => ErrorCode::LoginInUse,
            CatalogError::DeviceIdTaken => ErrorCode::DeviceIdInUse,
            CatalogError::PhoneTaken => ErrorCode::PhoneInUse,
            CatalogError::LabelTaken => ErrorCode::DuplicateLabel,
            CatalogError::TrackerTaken => ErrorCode::AlreadyExists,
            CatalogError::TooManyCommands => ErrorCode::QueueUnavailable,
            CatalogError::NotFound | CatalogError::ReferenceNotFound => ErrorCode::NotFound,
            CatalogError::Unavailable(_) | CatalogError::SchemaTooNew { .. } | CatalogError::Migration(_) => {
                tracing::error!(error = &error as &dyn std::error::Error, "the catalog failed");
                ErrorCode::DatabaseUnavailable
            }
        };
        code.into()
    }
}

impl From<HistoryError> for Failure {
    fn from(error: HistoryError) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "the history failed");
        ErrorCode::DatabaseUnavailable.into()
    }
}
