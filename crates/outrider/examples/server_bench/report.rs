//! How figures are printed: rows of a Markdown table, and the machine that they were seen on.

use std::{fs, time::Duration};

pub fn machine() {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let memory = fs::read_to_string("/proc/meminfo").unwrap();
    let kilobytes: u64 = memory.split_whitespace().nth(1).unwrap().parse().unwrap();
    let load = fs::read_to_string("/proc/loadavg").unwrap();
    println!(
        "Machine: {} cores ({}), {} GiB, Linux {}, load at the start {}.\n",
        std::thread::available_parallelism().unwrap(),
        model.trim_start_matches([' ', '\t', ':']),
        kilobytes >> 20,
        kernel.trim(),
        load.split(' ').next().unwrap(),
    );
}

pub fn section(title: &str) {
    println!("\n### {title}\n\n| what | figure | limit or aim |\n| --- | --- | --- |");
}

pub fn row(what: &str, figure: &str, limit: &str) {
    println!("| {what} | {figure} | {limit} |");
}

/// Durations in order.
pub struct Sorted(Vec<Duration>);

impl Sorted {
    pub fn new(mut durations: Vec<Duration>) -> Self {
        durations.sort();
        Self(durations)
    }

    /// The duration that `percent` of them do not exceed.
    pub fn at(&self, percent: f64) -> Duration {
        let at = (self.0.len() as f64 * percent / 100.0) as usize;
        self.0[at.min(self.0.len() - 1)]
    }
}

impl std::fmt::Display for Sorted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "p50 {}, p99 {}", milliseconds(self.at(50.0)), milliseconds(self.at(99.0)))
    }
}

pub fn milliseconds(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1e3)
}
