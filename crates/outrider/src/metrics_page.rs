//! `/metrics`: what the crates count with the `metrics` macros, in the text format of Prometheus.

use anyhow::Context;
use axum::{Router, http::header::CONTENT_TYPE, routing::get};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Upper bounds of the buckets of every histogram of seconds: from a fast disk to a patient client.
const SECONDS: [f64; 12] = [0.000_1, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0];

/// Begins to count; what is counted before is lost.
///
/// # Errors
/// When something counts already.
pub fn start() -> anyhow::Result<PrometheusHandle> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
        .and_then(PrometheusBuilder::install_recorder)
        .context("metrics")
}

/// The route; it belongs on the admin address only.
pub fn routes(metrics: PrometheusHandle) -> Router {
    let page = async move || ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics.render());
    Router::new().route("/metrics", get(page))
}
