//! `/health/live`: the process answers. `/health/ready`: it can do its work, or says why not.

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::IntoResponse,
    routing::get,
};
use serde_json::{Value, json};
use std::sync::{Arc, PoisonError, RwLock};

/// Collects from the pieces of the server why they cannot work now.
#[derive(Clone, Default)]
pub struct Readiness {
    pieces: Arc<RwLock<Vec<Piece>>>,
}

struct Piece {
    name: &'static str,
    trouble: Box<dyn Fn() -> Option<String> + Send + Sync>,
}

impl Readiness {
    /// `trouble` is asked at every `/health/ready` and must not wait; `None` means that the piece works.
    pub fn register(&self, name: &'static str, trouble: impl Fn() -> Option<String> + Send + Sync + 'static) {
        let mut pieces = self.pieces.write().unwrap_or_else(PoisonError::into_inner);
        pieces.push(Piece { name, trouble: Box::new(trouble) });
    }

    /// Which pieces cannot work, and why; empty when the server is ready.
    pub fn troubles(&self) -> Vec<(&'static str, String)> {
        let pieces = self.pieces.read().unwrap_or_else(PoisonError::into_inner);
        pieces.iter().filter_map(|piece| Some((piece.name, (piece.trouble)()?))).collect()
    }
}

/// The routes; they belong on every HTTP address.
pub fn routes(readiness: Readiness) -> Router {
    Router::new().route("/health/live", get(live)).route("/health/ready", get(ready)).with_state(readiness)
}

async fn live() -> impl IntoResponse {
    json_body(&json!({ "live": true }))
}

async fn ready(State(readiness): State<Readiness>) -> impl IntoResponse {
    let (status, body) = answer(&readiness);
    (status, json_body(&body))
}

fn answer(readiness: &Readiness) -> (StatusCode, Value) {
    let troubles = readiness.troubles();
    let status = if troubles.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let reasons: Vec<Value> =
        troubles.into_iter().map(|(piece, reason)| json!({ "piece": piece, "reason": reason })).collect();
    (status, json!({ "ready": reasons.is_empty(), "reasons": reasons }))
}

fn json_body(body: &Value) -> impl IntoResponse + use<> {
    ([(CONTENT_TYPE, "application/json")], body.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    fn ready_while_no_piece_is_in_trouble() {
        let readiness = Readiness::default();
        let full = Arc::new(AtomicBool::new(false));
        let disk = full.clone();
        readiness.register("clock", || None);
        readiness
            .register("journal", move || disk.load(Ordering::Relaxed).then(|| "the disk is full".to_owned()));
        assert_eq!(answer(&readiness), (StatusCode::OK, json!({ "ready": true, "reasons": [] })));

        full.store(true, Ordering::Relaxed);
        let reasons = json!([{ "piece": "journal", "reason": "the disk is full" }]);
        let body = json!({ "ready": false, "reasons": reasons });
        assert_eq!(answer(&readiness), (StatusCode::SERVICE_UNAVAILABLE, body));
    }
}
