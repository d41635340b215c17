//! The phones of simulated devices: takes the short messages that a server's gateway is given, as a form, JSON or query with
//! `to`, `text` and perhaps `id`, lets the devices obey, and tells the server's webhook what became of each and what the
//! devices write back.

use crate::sms_webhook::fields;
use anyhow::Context;
use axum::{
    Router,
    body::Bytes,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
};
use clap::Args;
use domain::Network;
use reach::outbound::{OutboundClient, Request};
use simulator::{Handsets, Imei};
use std::{
    io::{self, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

#[derive(Args)]
pub struct Phones {
    /// Takes short messages to the devices there, over HTTP: the URL for [sms.http]
    #[arg(long, value_name = "ADDRESS:PORT", requires = "sms_webhook")]
    sms_listen: Option<SocketAddr>,
    /// Where the server takes what devices write, such as http://127.0.0.1:8080/sms/inbound
    #[arg(long, value_name = "URL", requires_all = ["sms_listen", "sms_secret"])]
    sms_webhook: Option<String>,
    /// The server's [sms] webhook_secret
    #[arg(long, value_name = "SECRET", requires = "sms_webhook")]
    sms_secret: Option<String>,
    /// Phone of the first device; those of the others follow
    #[arg(long, value_name = "DIGITS", default_value_t = 491_760_000_001, value_parser = clap::value_parser!(u64).range(1..=999_999_999_999_999))]
    first_phone: u64,
}

struct Exchange {
    handsets: Handsets,
    first_device_id: Imei,
    devices: u64,
    first_phone: u64,
    webhook: String,
    secret: String,
    client: OutboundClient,
}

impl Phones {
    /// Begins to listen, when it is to, until `stop`.
    ///
    /// # Errors
    /// When it cannot listen, or not say where.
    pub async fn start(
        self,
        handsets: Handsets,
        first_device_id: Imei,
        devices: u64,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        let (Some(listen), Some(webhook), Some(secret)) =
            (self.sms_listen, self.sms_webhook, self.sms_secret)
        else {
            return Ok(());
        };
        reach::outbound::check_url(&webhook).context("--sms-webhook")?;
        // Whoever starts this says where it calls: that may be anywhere.
        let anywhere = [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)]
            .map(|any| Network::new(any, 0));
        let exchange = Exchange {
            handsets,
            first_device_id,
            devices,
            first_phone: self.first_phone,
            webhook,
            secret,
            client: OutboundClient::new(&anywhere)?,
        };
        let listener = TcpListener::bind(listen).await.with_context(|| format!("--sms-listen {listen}"))?;
        writeln!(io::stdout().lock(), "short messages are taken at http://{}/", listener.local_addr()?)?;
        let routes = Router::new().fallback(take).with_state(Arc::new(exchange));
        tokio::spawn(async move {
            let serving = axum::serve(listener, routes).with_graceful_shutdown(stop.cancelled_owned());
            if let Err(error) = serving.await {
                tracing::warn!(%error, "short messages are not taken any more");
            }
        });
        Ok(())
    }
}

async fn take(
    State(exchange): State<Arc<Exchange>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, &'static str) {
    let fields = fields(query.as_deref().unwrap_or_default(), &headers, &body);
    let (Some(to), Some(text)) = (fields.get("to"), fields.get("text")) else {
        return (StatusCode::BAD_REQUEST, "`to` and `text` are needed");
    };
    let digits: String = to.chars().filter(char::is_ascii_digit).collect();
    let number = digits.parse::<u64>().ok().and_then(|phone| phone.checked_sub(exchange.first_phone));
    let imei = number
        .filter(|number| *number < exchange.devices)
        .map(|number| exchange.first_device_id.plus(number));
    let Some(imei) = imei else { return (StatusCode::NOT_FOUND, "no device has this phone") };
    let Some(handset) = exchange.handsets.find(imei) else {
        return (StatusCode::SERVICE_UNAVAILABLE, "the device is not switched on yet");
    };
    let answer = handset.text(text);
    let id = fields.get("id").cloned();
    tokio::spawn(async move {
        if let Some(id) = id {
            exchange.tell(&[("id", &id), ("status", "delivered")]).await;
        }
        if let Some(answer) = answer {
            exchange.tell(&[("from", &digits), ("text", &answer)]).await;
        }
    });
    (StatusCode::ACCEPTED, "OK")
}

impl Exchange {
    async fn tell(&self, fields: &[(&str, &str)]) {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let headers = [
            ("content-type", "application/x-www-form-urlencoded".to_owned()),
            ("authorization", format!("Bearer {}", self.secret)),
        ];
        let request = Request {
            method: hyper::Method::POST,
            url: self.webhook.clone(),
            headers: headers.map(|(name, value)| (name.to_owned(), value)).to_vec(),
            body,
        };
        match self.client.send(request).await {
            Ok(answer) if answer.status == 200 => {}
            Ok(answer) => tracing::warn!(status = answer.status, "the webhook refused what a device wrote"),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "the webhook cannot be reached")
            }
        }
    }
}
