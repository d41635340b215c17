//! `[lbs]`: who knows where mobile cells are.

use super::{Secret, check::Inconsistent};
use reach::outbound::check_url;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Lbs {
    pub provider: LbsProvider,
    pub ichnaea: LbsIchnaea,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LbsProvider {
    None,
    Ichnaea,
    Local,
}

/// The URL may hold a secret too.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LbsIchnaea {
    #[serde(default, skip_serializing)]
    pub url: Option<Secret>,
    #[serde(default, skip_serializing)]
    pub key: Option<Secret>,
}

impl Lbs {
    /// # Errors
    /// Names the key that is missing or wrong.
    pub(super) fn check(&self) -> Result<(), Inconsistent> {
        if self.provider != LbsProvider::Ichnaea {
            return Ok(());
        }
        let keys = vec!["lbs.ichnaea.url".to_owned(), "lbs.provider".to_owned()];
        match &self.ichnaea.url {
            None => {
                let message = "provider = \"ichnaea\" needs [lbs.ichnaea] url".to_owned();
                Err(Inconsistent { keys, message })
            }
            Some(url) => check_url(url.reveal())
                .map_err(|error| Inconsistent { keys, message: format!("[lbs.ichnaea] url is {error}") }),
        }
    }
}
