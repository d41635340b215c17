//! What is counted.

use crate::site::{Site, registered, until};
use domain::Timestamp;
use gateway::Limits;
use metrics_exporter_prometheus::PrometheusBuilder;

#[test]
fn what_happens_is_counted() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let page = recorder.handle();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    metrics::with_local_recorder(&recorder, || runtime.block_on(a_day(&page)));
    let page = page.render();
    for line in [
        "gateway_ack_seconds_count 4",
        "gateway_broken_total{reason=\"checksum\"} 1",
        "gateway_connections_total{protocol=\"toy\"} 4",
        "gateway_dropped_total{reason=\"before_release\"} 1",
        "gateway_dropped_total{reason=\"stranger\"} 1",
        "gateway_ended_total{reason=\"broken\"} 1",
        "gateway_ended_total{reason=\"by_device\"} 1",
        "gateway_ended_total{reason=\"panicked\"} 1",
        "gateway_problems_total{protocol=\"toy\"} 1",
        "gateway_records_total{protocol=\"toy\"} 3",
        "gateway_refused_total{reason=\"no_protocol\"} 1",
        "gateway_refused_total{reason=\"sessions\"} 1",
        "gateway_refused_total{reason=\"unknown_device\"} 1",
        "gateway_sessions 0",
    ] {
        assert!(
            page.lines().any(|it| it == line),
            "{line}
in
{page}"
        );
    }
}

async fn a_day(page: &metrics_exporter_prometheus::PrometheusHandle) {
    let site = Site::with(Limits { sessions: 1, ..Limits::default() });
    site.roster.register("a", registered(1));
    site.change("a", |it| it.accepts_from = Timestamp::from_seconds(1_799_999_999));

    let mut device = site.login("a").await;
    for said in ["D1,-", "D2,1800000000", "D3,1799999998", "U"] {
        device.say(said).await;
        device.hear().await.unwrap();
    }
    assert!(page.render().contains("gateway_sessions 1\n"));
    assert_eq!(site.connect().await.hear().await, None);
    device.send(b"$H*00\n").await;
    assert_eq!(device.hear().await, None);
    until(|| site.gateway.sessions() == 0).await;

    let mut device = site.login("a").await;
    device.say("P").await;
    assert_eq!(device.hear().await, None);
    until(|| site.gateway.sessions() == 0).await;

    let mut device = site.connect().await;
    device.say("H").await;
    assert_eq!(device.hear().await.unwrap(), "h");
    device.say("Lstranger").await;
    assert_eq!(device.hear_all().await, ["no"]);
    until(|| site.gateway.sessions() == 0).await;

    let mut device = site.connect_to_any('?').await;
    device.say("H").await;
    assert_eq!(device.hear().await, None);
    until(|| site.gateway.sessions() == 0).await;

    drop(site.login("a").await);
    until(|| site.gateway.sessions() == 0).await;
}
