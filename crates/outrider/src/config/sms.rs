//! `[outbound]` and `[sms]`: what the server may reach, and through whom it sends short messages.

use super::{AddressNetwork, Secret, check::Inconsistent};
use reach::sms::{SmppAccount, Template};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    num::{NonZeroU32, NonZeroUsize},
};

/// A shorter secret is guessed.
const SECRET_LETTERS: usize = 12;

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Outbound {
    pub allow: Vec<AddressNetwork>,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Sms {
    pub provider: SmsProvider,
    /// Messages, or parts of long ones, each second.
    pub rate: NonZeroU32,
    pub in_flight: NonZeroUsize,
    pub register_commands: bool,
    #[serde(default, skip_serializing)]
    pub webhook_secret: Option<Secret>,
    pub http: SmsHttp,
    pub smpp: SmsSmpp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SmsProvider {
    None,
    Http,
    Smpp,
}

/// All but the method may hold a password.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SmsHttp {
    #[serde(default, skip_serializing)]
    pub url: Option<Secret>,
    pub method: String,
    #[serde(default, skip_serializing)]
    pub headers: BTreeMap<String, Secret>,
    #[serde(default, skip_serializing)]
    pub body: Option<Secret>,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SmsSmpp {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_id: Option<String>,
    #[serde(default, skip_serializing)]
    pub password: Option<Secret>,
    pub system_type: String,
    pub from: String,
}

/// A provider with what it needs.
pub enum Provider {
    None,
    Http(Template),
    Smpp(SmppAccount),
}

impl Sms {
    /// # Errors
    /// Names the key that is missing or wrong.
    pub(super) fn check(&self) -> Result<Provider, Inconsistent> {
        let wrong = |key: &str, message: &str| Inconsistent {
            keys: vec![key.to_owned()],
            message: message.to_owned(),
        };
        if self.webhook_secret.as_ref().is_some_and(|secret| secret.reveal().len() < SECRET_LETTERS) {
            return Err(wrong("sms.webhook_secret", "must have at least 12 letters"));
        }
        let needed = |key: &str, provider: &str| Inconsistent {
            keys: vec![key.to_owned(), "sms.provider".to_owned()],
            message: format!("provider = \"{provider}\" needs [{}] {}", &key[..8], &key[9..]),
        };
        match self.provider {
            SmsProvider::None => Ok(Provider::None),
            SmsProvider::Http => {
                let url = self.http.url.as_ref().ok_or_else(|| needed("sms.http.url", "http"))?;
                let headers = self.http.headers.iter();
                let headers =
                    headers.map(|(name, value)| (name.clone(), value.reveal().to_owned())).collect();
                let body = self.http.body.as_ref().map_or("", Secret::reveal);
                let template = Template::new(url.reveal(), &self.http.method, &headers, body);
                template.map(Provider::Http).map_err(|error| {
                    let key = format!("sms.http.{}", error.key);
                    Inconsistent { keys: vec![key, "sms.provider".to_owned()], message: error.message }
                })
            }
            SmsProvider::Smpp => {
                let SmsSmpp { address, system_id, password, system_type, from } = &self.smpp;
                let address = address.clone().ok_or_else(|| needed("sms.smpp.address", "smpp"))?;
                let has_port = address.rsplit_once(':').is_some_and(|(host, port)| {
                    !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0)
                });
                if !has_port {
                    return Err(wrong(
                        "sms.smpp.address",
                        "must be a host and a port, such as smsc.example.com:2775",
                    ));
                }
                // The sizes of SMPP's fields, without the zero at their ends.
                let password = password.as_ref().ok_or_else(|| needed("sms.smpp.password", "smpp"))?.reveal();
                let system_id = system_id.clone().ok_or_else(|| needed("sms.smpp.system_id", "smpp"))?;
                for (key, text, size) in [
                    ("sms.smpp.system_id", &*system_id, 15),
                    ("sms.smpp.password", password, 8),
                    ("sms.smpp.system_type", system_type, 12),
                    ("sms.smpp.from", from, 20),
                ] {
                    if text.len() > size || !text.is_ascii() {
                        return Err(wrong(key, &format!("must be ASCII, {size} letters at most")));
                    }
                }
                Ok(Provider::Smpp(SmppAccount {
                    address,
                    system_id,
                    password: password.to_owned(),
                    system_type: system_type.clone(),
                    from: from.clone(),
                }))
            }
        }
    }

    /// The provider of a configuration that was loaded, and so checked.
    ///
    /// # Errors
    /// When it was not.
    pub fn provider(&self) -> anyhow::Result<Provider> {
        self.check().map_err(|wrong| anyhow::anyhow!("{}: {}", wrong.keys.join(", "), wrong.message))
    }
}
