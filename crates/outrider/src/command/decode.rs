//! `outrider decode`: shows what the server makes of a device's bytes. All lines of the input are one conversation;
//! each gets one line of JSON, those that cannot be decoded too.

use crate::clock::SystemClock;
use anyhow::Context;
use clap::Args;
use domain::{Clock, DeviceId, ModelCode};
use protocols::{
    Protocol,
    decode::{Decoder, Options},
};
use std::io::{self, BufRead, Write};

#[derive(Args)]
pub struct Decode {
    /// One of `outrider protocols`
    #[arg(long, value_name = "NAME", value_parser = protocol)]
    protocol: ProtocolArgument,
    /// The device that speaks; stands for a login
    #[arg(long, value_name = "ID", value_parser = device_id)]
    device_id: Option<DeviceId>,
    /// Code of the device's model, such as telfmb920
    #[arg(long, value_name = "CODE", value_parser = model)]
    model: Option<ModelCode>,
    /// A setting of the device that changes how its bytes are read; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = setting)]
    settings: Vec<(String, String)>,
}

#[derive(Clone)]
struct ProtocolArgument(&'static dyn Protocol);

impl Decode {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let settings = self.settings.into_iter().collect();
        let now = Some(SystemClock::default().now());
        let options = Options { device_id: self.device_id, model: self.model, settings, now };
        let decoder = Decoder::new(self.protocol.0, options);
        decode(decoder, io::stdin().lock(), io::stdout().lock())
    }
}

fn decode(mut decoder: Decoder, mut input: impl BufRead, mut output: impl Write) -> anyhow::Result<()> {
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line).context("reading the input")? > 0 {
        // Bytes that are no text are no hex either: the decoder says so and the run goes on.
        let decoded = decoder.line(&String::from_utf8_lossy(&line));
        serde_json::to_writer(&mut output, &decoded).map_err(io::Error::from)?;
        output.write_all(b"\n")?;
        // Who pipes a live device in wants its answer at once.
        output.flush()?;
        line.clear();
    }
    Ok(())
}

fn protocol(name: &str) -> Result<ProtocolArgument, String> {
    let protocol = protocols::protocol(name).map(ProtocolArgument);
    protocol.ok_or_else(|| "there is no such protocol; `outrider protocols` lists them".to_owned())
}

fn device_id(text: &str) -> Result<DeviceId, String> {
    DeviceId::new(text).map_err(|invalid| invalid.to_string())
}

fn model(code: &str) -> Result<ModelCode, String> {
    ModelCode::find(code).ok_or_else(|| "there is no such device model".to_owned())
}

fn setting(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(key, _)| !key.is_empty());
    pair.map(|(key, value)| (key.to_owned(), value.to_owned())).ok_or_else(|| "expected KEY=VALUE".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn each_line_has_its_answer_and_a_bad_one_ends_nothing() {
        let input = b"000F333536333037303432343431303133\n\
            \xff\xfe\n\
            no hex\n\
            \n\
            000000000000003608010000016B40D8EA30010000000000000000000000000000000105021503010101425E0F01F10000601A014E\
            0000000000000000010000C7CF";
        let protocol = protocols::protocol("teltonika").unwrap();
        let mut output = Vec::new();
        decode(Decoder::new(protocol, Options::default()), &input[..], &mut output).unwrap();
        let lines: Vec<Value> = output
            .split_inclusive(|byte| *byte == b'\n')
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect();
        let seen: Vec<_> = lines.iter().map(|line| (line["ok"].as_bool(), line["reply"].as_str())).collect();
        let bad = (Some(false), Some(""));
        assert_eq!(
            seen,
            [(Some(true), Some("01")), bad, bad, bad, (Some(true), Some("00000001"))],
            "{lines:?}"
        );
        assert_eq!(lines[4]["messages"][0]["time"], "2019-06-10T10:04:46Z");
        assert_eq!(lines[4]["messages"][0]["device_id"], "356307042441013");
    }

    #[test]
    fn a_setting_has_a_key() {
        assert_eq!(setting("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert_eq!(setting("a="), Ok(("a".to_owned(), String::new())));
        assert!(setting("=b").is_err() && setting("a").is_err());
    }
}
