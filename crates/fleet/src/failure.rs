//! Why a use case was refused, in the words of the API: a code, and what is wrong with which parameter. What the
//! operator needs to know is logged where it happened.

use domain::ErrorCode;
use store::{catalog::CatalogError, history::HistoryError};

/// A refusal as the client sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub code: ErrorCode,
    /// For code 7: every parameter that is wrong.
    pub parameters: Vec<ParameterError>,
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

    pub fn parameters(parameters: Vec<ParameterError>) -> Self {
        Self { code: ErrorCode::InvalidParameters, parameters }
    }
}

impl From<ErrorCode> for Failure {
    fn from(code: ErrorCode) -> Self {
        Self { code, parameters: Vec::new() }
    }
}

impl From<CatalogError> for Failure {
    fn from(error: CatalogError) -> Self {
        let code = match &error {
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
