//! Asks a geolocation service over HTTP, in the form that Mozilla's location service (Ichnaea 2.2, "Geolocate") made
//! common: BeaconDB, Google and others answer it too.

use super::{Answering, HeardCell, Unanswered, Whereabouts};
use crate::outbound::{OutboundClient, OutboundError, Request, check_url};
use domain::{Coordinates, Metres};
use hyper::Method;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Cells hardly ever move; a service learns new ones within days.
const REMEMBERED: Duration = Duration::from_secs(24 * 3600);

/// The service, with the key that it wants.
pub struct Ichnaea {
    client: OutboundClient,
    /// With the key: it is never printed.
    url: String,
}

impl Ichnaea {
    /// # Errors
    /// When the URL is none that can be sent to.
    pub fn new(client: OutboundClient, url: &str, key: Option<&str>) -> Result<Self, OutboundError> {
        check_url(url)?;
        let url = match key {
            Some(key) => {
                let mark = if url.contains('?') { '&' } else { '?' };
                let key: String = form_urlencoded::byte_serialize(key.as_bytes()).collect();
                format!("{url}{mark}key={key}")
            }
            None => url.to_owned(),
        };
        Ok(Self { client, url })
    }
}

impl super::Provider for Ichnaea {
    fn locate<'a>(&'a self, cells: &'a [HeardCell]) -> Answering<'a> {
        let request = Request {
            method: Method::POST,
            url: self.url.clone(),
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: question(cells).to_string(),
        };
        Box::pin(async move {
            let answer = self.client.send(request).await;
            let answer = answer.map_err(|error| Unanswered::Unavailable(error.to_string()))?;
            understood(answer.status, &answer.body)
        })
    }

    fn remembered(&self) -> Duration {
        REMEMBERED
    }
}

fn question(cells: &[HeardCell]) -> Value {
    let tower = |HeardCell { name, dbm }: &HeardCell| {
        let mut tower = Map::new();
        // Cells of GSM have 16 bits, those of the younger networks 28 (3GPP TS 23.003, 4.3.1 and 4.7).
        tower.insert("radioType".to_owned(), if name.id <= 0xFFFF { "gsm" } else { "lte" }.into());
        tower.insert("mobileCountryCode".to_owned(), name.mcc.into());
        tower.insert("mobileNetworkCode".to_owned(), name.mnc.into());
        tower.insert("locationAreaCode".to_owned(), name.area.into());
        tower.insert("cellId".to_owned(), name.id.into());
        if let Some(dbm) = dbm {
            tower.insert("signalStrength".to_owned(), (*dbm).into());
        }
        Value::Object(tower)
    };
    json!({ "cellTowers": cells.iter().map(tower).collect::<Vec<_>>(), "considerIp": false })
}

/// Ichnaea, "Errors": 404 is that nothing was found, 400 a question that it does not understand; a wrong key (400 with
/// `keyInvalid`, or 401, 403), too many questions and everything else may be over later.
fn understood(status: u16, body: &[u8]) -> Result<Option<Whereabouts>, Unanswered> {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    match status {
        200 => place(&answer)
            .map(Some)
            .ok_or_else(|| Unanswered::Unavailable("an answer that is no position".to_owned())),
        404 => Ok(None),
        400 if answer["error"]["errors"][0]["reason"] != "keyInvalid" => {
            Err(Unanswered::Refused("status 400".to_owned()))
        }
        _ => Err(Unanswered::Unavailable(format!("status {status}"))),
    }
}

fn place(answer: &Value) -> Option<Whereabouts> {
    let [lat, lng] = ["lat", "lng"].map(|name| answer["location"][name].as_f64());
    let precision = answer["accuracy"].as_f64().filter(|metres| *metres >= 0.0)?;
    let coordinates = Coordinates::new(lat?, lng?).filter(|at| !at.is_null_island())?;
    Some(Whereabouts { coordinates, precision: Metres(precision as f32) })
}

#[cfg(test)]
mod tests {
    use super::{super::CellName, *};

    #[test]
    fn what_is_asked() {
        let cell = |id, dbm| HeardCell { name: CellName { mcc: 262, mnc: 2, area: 801, id }, dbm };
        let expected = json!({
            "cellTowers": [
                { "radioType": "gsm", "mobileCountryCode": 262, "mobileNetworkCode": 2, "locationAreaCode": 801,
                  "cellId": 65535, "signalStrength": -71 },
                { "radioType": "lte", "mobileCountryCode": 262, "mobileNetworkCode": 2, "locationAreaCode": 801,
                  "cellId": 65536 },
            ],
            "considerIp": false,
        });
        assert_eq!(question(&[cell(65535, Some(-71)), cell(65536, None)]), expected);
    }

    #[test]
    fn what_is_answered() {
        let unavailable = |why: &str| Err(Unanswered::Unavailable(why.to_owned()));
        let place = |lat, lng, metres| {
            let coordinates = Coordinates::new(lat, lng).unwrap();
            Ok(Some(Whereabouts { coordinates, precision: Metres(metres) }))
        };
        let no_position = "an answer that is no position";
        for (status, body, expected) in [
            (200, r#"{"location":{"lat":-22.75,"lng":-43.5},"accuracy":100.0}"#, place(-22.75, -43.5, 100.0)),
            (
                200,
                r#"{"location":{"lat":1,"lng":2},"accuracy":50000,"fallback":"lacf"}"#,
                place(1.0, 2.0, 50_000.0),
            ),
            (200, r#"{"location":{"lat":91,"lng":2},"accuracy":5}"#, unavailable(no_position)),
            (200, r#"{"location":{"lat":0,"lng":0},"accuracy":5}"#, unavailable(no_position)),
            (200, r#"{"location":{"lat":1,"lng":2}}"#, unavailable(no_position)),
            (200, r#"{"location":{"lat":1,"lng":2},"accuracy":-1}"#, unavailable(no_position)),
            (200, "<html>", unavailable(no_position)),
            (404, r#"{"error":{"code":404}}"#, Ok(None)),
            (
                400,
                r#"{"error":{"errors":[{"reason":"parseError"}]}}"#,
                Err(Unanswered::Refused("status 400".into())),
            ),
            (400, r#"{"error":{"errors":[{"reason":"keyInvalid"}]}}"#, unavailable("status 400")),
            (403, "", unavailable("status 403")),
            (429, "", unavailable("status 429")),
            (302, "", unavailable("status 302")),
            (500, "", unavailable("status 500")),
        ] {
            assert_eq!(understood(status, body.as_bytes()), expected, "{status} {body}");
        }
    }
}
