//! A gateway that is reached by one HTTP request for each message, made of templates.

use super::{Gateway, Pacing, Said};
use crate::outbound::{OutboundClient, OutboundError, Request, check_url};
use domain::SmsId;
use hyper::{
    Method,
    header::{HeaderName, HeaderValue},
};
use std::{collections::BTreeMap, error::Error, future::Future, pin::Pin};

/// The request; `{to}`, `{text}` and `{id}` are put into URL and body.
#[derive(Clone)]
pub struct Template {
    url: String,
    method: Method,
    headers: Vec<(String, String)>,
    body: String,
    escaping: Escaping,
}

/// Names what is wrong of a template: the key and why.
#[derive(Debug, thiserror::Error)]
#[error("{key}: {message}")]
pub struct NotAGateway {
    pub key: &'static str,
    pub message: String,
}

/// How values are written into the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Escaping {
    Json,
    Form,
    Plain,
}

#[derive(Debug)]
pub struct HttpGateway {
    client: OutboundClient,
    template: Template,
    pacing: Pacing,
}

impl Template {
    /// # Errors
    /// When no request can be made of it, or it has no place for the text or the phone.
    pub fn new(
        url: &str,
        method: &str,
        headers: &BTreeMap<String, String>,
        body: &str,
    ) -> Result<Self, NotAGateway> {
        let wrong = |key, message: &str| NotAGateway { key, message: message.to_owned() };
        let method = Method::from_bytes(method.as_bytes())
            .ok()
            .filter(|method| [Method::GET, Method::POST, Method::PUT].contains(method))
            .ok_or_else(|| wrong("method", "must be GET, POST or PUT"))?;
        for (name, value) in headers {
            if name.parse::<HeaderName>().is_err() || value.parse::<HeaderValue>().is_err() {
                return Err(wrong("headers", "a name or value is no HTTP header"));
            }
        }
        let content_type = headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("content-type"))
            .map_or("", |(_, value)| value);
        let escaping = match content_type.split(';').next().unwrap_or_default().trim() {
            kind if kind.ends_with("json") => Escaping::Json,
            "application/x-www-form-urlencoded" => Escaping::Form,
            _ => Escaping::Plain,
        };
        let headers = headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        let template = Self { url: url.to_owned(), method, headers, body: body.to_owned(), escaping };
        let sample = template.request("1", "a b", SmsId(1));
        check_url(&sample.url).map_err(|error| wrong("url", &error.to_string()))?;
        let authority = url.split("://").nth(1).and_then(|rest| rest.split(['/', '?']).next());
        if authority.is_some_and(|authority| authority.contains('{')) {
            return Err(wrong("url", "the host cannot be a placeholder"));
        }
        for blank in ["{to}", "{text}"] {
            if !url.contains(blank) && !body.contains(blank) {
                return Err(wrong("body", &format!("neither url nor body has a place for {blank}")));
            }
        }
        if template.escaping == Escaping::Json
            && serde_json::from_str::<serde_json::Value>(&sample.body).is_err()
        {
            return Err(wrong("body", "is not JSON, which the content type says it is"));
        }
        Ok(template)
    }

    fn request(&self, phone: &str, text: &str, id: SmsId) -> Request {
        let id = id.0.to_string();
        let fill = |template: &str, escape: fn(&str) -> String| {
            let mut filled = String::new();
            let mut rest = template;
            while let Some((before, after)) = rest.split_once('{') {
                filled += before;
                let value = [("to}", phone), ("text}", text), ("id}", &id)]
                    .into_iter()
                    .find_map(|(name, value)| Some((value, after.strip_prefix(name)?)));
                rest = if let Some((value, behind)) = value {
                    filled += &escape(value);
                    behind
                } else {
                    filled.push('{');
                    after
                };
            }
            filled + rest
        };
        let escape = match self.escaping {
            Escaping::Json => as_json,
            Escaping::Form => as_form,
            Escaping::Plain => str::to_owned,
        };
        Request {
            method: self.method.clone(),
            url: fill(&self.url, as_form),
            headers: self.headers.clone(),
            body: fill(&self.body, escape),
        }
    }
}

/// For between the quotes of a JSON string.
fn as_json(value: &str) -> String {
    let quoted = serde_json::Value::from(value).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// A space becomes `%20`, which forms and paths both understand.
fn as_form(value: &str) -> String {
    form_urlencoded::byte_serialize(value.as_bytes()).collect::<String>().replace('+', "%20")
}

impl HttpGateway {
    pub fn new(client: OutboundClient, template: Template, pacing: Pacing) -> Self {
        Self { client, template, pacing }
    }

    async fn ask(&self, id: SmsId, phone: &str, text: &str) -> Said {
        self.pacing.turn().await;
        let answer = match self.client.send(self.template.request(phone, text, id)).await {
            Ok(answer) => answer,
            Err(error @ OutboundError::Forbidden(_)) => return Said::Refused(error.to_string()),
            Err(error) => return Said::Failed(told(&error)),
        };
        let reason = format!("the gateway answered with status {}", answer.status);
        match answer.status {
            200..=299 => Said::Accepted { reference: None },
            429 | 503 => Said::Later(reason),
            408 | 425 | 500..=599 => Said::Failed(reason),
            _ => Said::Refused(reason),
        }
    }
}

/// With what caused it.
fn told(error: &OutboundError) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

impl Gateway for HttpGateway {
    fn send<'a>(
        &'a self,
        id: SmsId,
        phone: &'a str,
        text: &'a str,
    ) -> Pin<Box<dyn Future<Output = Said> + Send + 'a>> {
        Box::pin(self.ask(id, phone, text))
    }
}

impl std::fmt::Debug for Template {
    /// URL, headers and body may hold secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Template").field("escaping", &self.escaping).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(url: &str, method: &str, content_type: &str, body: &str) -> Result<Template, NotAGateway> {
        let headers = BTreeMap::from([("Content-Type".to_owned(), content_type.to_owned())]);
        Template::new(url, method, &headers, body)
    }

    #[test]
    fn values_are_escaped_as_the_content_type_says() {
        let text = "say \"{to}\" & 50 % ü\n";
        for (content_type, body, filled) in [
            (
                "application/json; charset=utf-8",
                r#"{"to":"+{to}","message":"{text}","ref":{id}}"#,
                r#"{"to":"+491","message":"say \"{to}\" & 50 % ü\n","ref":7}"#,
            ),
            (
                "application/x-www-form-urlencoded",
                "to={to}&text={text}&id={id}",
                "to=491&text=say%20%22%7Bto%7D%22%20%26%2050%20%25%20%C3%BC%0A&id=7",
            ),
            ("text/plain", "{to} {other}: {text}", "491 {other}: say \"{to}\" & 50 % ü\n"),
        ] {
            let template = template("http://sms.example.com/", "POST", content_type, body).unwrap();
            assert_eq!(template.request("491", text, SmsId(7)).body, filled, "{content_type}");
        }
        let get =
            template("https://sms.example.com/send?to={to}&text={text}", "GET", "text/plain", "").unwrap();
        let url = get.request("491", "a&b c", SmsId(7)).url;
        assert_eq!(url, "https://sms.example.com/send?to=491&text=a%26b%20c");
    }

    #[test]
    fn wrong_templates_name_the_key() {
        let json = "application/json";
        for (url, method, body, key) in [
            ("ftp://sms.example.com/", "POST", "{to}{text}", "url"),
            ("sms.example.com", "POST", "{to}{text}", "url"),
            ("http://user:word@sms.example.com/", "POST", "{to}{text}", "url"),
            ("http://{to}.example.com/{text}", "POST", "{}", "url"),
            ("http://sms.example.com/", "BREW", "{to}{text}", "method"),
            ("http://sms.example.com/", "POST", r#"{"to":"{to}"}"#, "body"),
            ("http://sms.example.com/", "POST", r#"{"to":"{to}","text":{text}}"#, "body"),
        ] {
            assert_eq!(template(url, method, json, body).unwrap_err().key, key, "{url} {method} {body}");
        }
    }
}
