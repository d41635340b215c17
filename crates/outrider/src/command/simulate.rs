//! `outrider simulate`: virtual vehicles call a server, as a demo of its map or as a load on it. The devices must be
//! registered there; their IMEIs follow each other.

use super::simulated_phones::Phones;
use crate::{clock::SystemClock, config::values::duration, stop};
use anyhow::Context;
use clap::{Args, ValueEnum};
use simulator::{
    Counts, Habits, Handsets, Imei, LANGUAGES, Language, Reporting, Surroundings, Tcp, language, swarm,
};
use std::{
    io::{self, Write},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};
use tokio::{net::lookup_host, time};

#[derive(Args)]
pub struct Simulate {
    /// Where the server listens for devices; without a port it is the protocol's
    #[arg(long, value_name = "HOST[:PORT]")]
    target: String,
    /// What the devices speak
    #[arg(long, value_name = "NAME", default_value = "teltonika", value_parser = protocol)]
    protocol: Language,
    /// How many devices
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=60_000))]
    devices: u64,
    /// Each device makes a record so often, such as 1s or 500ms; without it as trackers do: often on the move, in
    /// turns, seldom when parked
    #[arg(long, value_name = "D", value_parser = span)]
    interval: Option<Duration>,
    /// The same seed gives the same vehicles
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// IMEI of the first device; those of the others follow
    #[arg(long, value_name = "IMEI", default_value_t = Imei::TEST)]
    first_device_id: Imei,
    /// Stop after this time, such as 10m; without it on Ctrl-C
    #[arg(long, value_name = "D", value_parser = span)]
    duration: Option<Duration>,
    #[command(flatten)]
    phones: Phones,
    /// What goes wrong on the way
    #[arg(long, default_value = "real")]
    faults: Faults,
}

#[derive(Clone, Copy, ValueEnum)]
enum Faults {
    /// Records come twice, late or out of order, connections break, as on the road
    Real,
    /// Nothing
    None,
}

/// Between two lines of counts.
const REPORT: Duration = Duration::from_secs(10);

impl Simulate {
    /// # Errors
    /// When the target has no address, or the counts cannot be printed.
    pub fn run(self) -> anyhow::Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(self.simulate())
    }

    async fn simulate(self) -> anyhow::Result<()> {
        let port = protocols::protocol(self.protocol.protocol).map(|protocol| protocol.default_port());
        let target = address(&self.target, port.context("the server does not speak this protocol")?).await?;
        let clock: Arc<dyn domain::Clock> = Arc::new(SystemClock::default());
        let (reporting, since) = match self.interval {
            Some(interval) => (Reporting::Every(interval), clock.now()),
            None => (Reporting::AsDevice, clock.now().minus(swarm::PRELUDE)),
        };
        let stop = stop::on_signal()?;
        let surroundings = Arc::new(Surroundings {
            dial: Tcp(target),
            clock,
            habits: match self.faults {
                Faults::Real => Habits::REAL,
                Faults::None => Habits::NONE,
            },
            counts: Counts::default(),
            stop: stop.clone(),
        });
        let devices = swarm::devices(self.protocol, self.seed, self.first_device_id, self.devices, reporting);
        let handsets = Handsets::default();
        let mut running =
            tokio::spawn(swarm::run(devices, since, Arc::clone(&surroundings), handsets.clone()));
        self.phones.start(handsets, self.first_device_id, self.devices, stop.clone()).await?;
        let mut lines = time::interval_at(time::Instant::now() + REPORT, REPORT);
        let end = time::sleep(self.duration.unwrap_or(Duration::MAX));
        tokio::pin!(end);
        loop {
            tokio::select! {
                ended = &mut running => {
                    ended.context("the simulation failed")?;
                    return print(&surroundings.counts);
                }
                _ = lines.tick() => print(&surroundings.counts)?,
                () = &mut end, if !stop.is_cancelled() => stop.cancel(),
            }
        }
    }
}

fn print(counts: &Counts) -> anyhow::Result<()> {
    Ok(writeln!(io::stdout().lock(), "{}", counts.figures())?)
}

async fn address(target: &str, port: u16) -> anyhow::Result<SocketAddr> {
    // A bare IPv6 address has colons and no port.
    let has_port = target.parse::<std::net::Ipv6Addr>().is_err() && target.contains(':');
    let found = if has_port {
        lookup_host(target).await.map(|mut addresses| addresses.next())
    } else {
        lookup_host((target, port)).await.map(|mut addresses| addresses.next())
    };
    let found = found.with_context(|| format!("looking up {target}"))?;
    found.with_context(|| format!("{target} has no address"))
}

fn protocol(name: &str) -> Result<Language, String> {
    language(name).ok_or_else(|| {
        let spoken: Vec<_> = LANGUAGES.iter().map(|language| language.protocol).collect();
        format!("the simulator speaks {}", spoken.join(", "))
    })
}

fn span(text: &str) -> Result<Duration, String> {
    let span = duration::parse(text).filter(|span| !span.is_zero());
    span.ok_or_else(|| "expected a span of time such as 500ms, 30s, 5m or 1h30m".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_target_may_leave_out_its_port() {
        for (target, expected) in [
            ("127.0.0.1", "127.0.0.1:5027"),
            ("127.0.0.1:9", "127.0.0.1:9"),
            ("::1", "[::1]:5027"),
            ("[::1]:9", "[::1]:9"),
        ] {
            assert_eq!(address(target, 5027).await.unwrap(), expected.parse().unwrap(), "{target}");
        }
        assert!(address("127.0.0.1:x", 5027).await.is_err());
    }

    #[test]
    fn every_language_is_a_protocol_of_the_server() {
        for language in LANGUAGES {
            assert!(protocols::protocol(language.protocol).is_some(), "{}", language.protocol);
            assert_eq!(protocol(language.protocol).unwrap().protocol, language.protocol);
        }
        let error = protocol("h02").unwrap_err();
        assert_eq!(error, "the simulator speaks gl200, gt06, jt808, meitrack, teltonika, wialon");
    }

    #[test]
    fn a_span_is_longer_than_nothing() {
        assert_eq!(span("500ms"), Ok(Duration::from_millis(500)));
        for bad in ["", "0s", "5", "-1s"] {
            assert!(span(bad).is_err(), "{bad}");
        }
    }
}
