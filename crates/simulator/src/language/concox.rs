//! The texts that Concox's and Jimi's devices obey, over whichever protocol or by short message.
//! Source: "GT06N user manual", 7.1 and RELAY; "JM01 user manual", 7.1.

use super::outputs::Outputs;
use crate::reading::Reading;

/// Does what it is told, and answers as the vendor's devices do.
pub(super) fn obey(command: &str, outputs: &mut Outputs, place: Option<&Reading>) -> String {
    let command = command.trim().trim_end_matches('#').to_ascii_uppercase();
    match (command.split_once(','), place) {
        (Some(("RELAY", mark @ ("0" | "1"))), _) => {
            outputs.set(mark.chars());
            let done = if mark == "1" { "Cut off" } else { "Restore" };
            format!("{done} the fuel supply: Success!")
        }
        (None, Some(place)) if command == "WHERE" => format!("Current position!{}", where_it_is(place)),
        (None, Some(place)) if command == "URL" => link(place),
        (None, None) if command == "WHERE" || command == "URL" => "No data!".to_owned(),
        _ => format!("{command} OK!"),
    }
}

fn where_it_is(reading: &Reading) -> String {
    let [lat, lng] = coordinates(reading);
    format!(
        "Lat:{lat},Lon:{lng},Course:{}.00,Speed:{}.0000,DateTime:{}",
        reading.heading,
        reading.speed,
        moment(reading)
    )
}

fn link(reading: &Reading) -> String {
    let [lat, lng] = coordinates(reading);
    format!("<DateTime:{}> http://maps.google.com/maps?q={lat},{lng}", moment(reading))
}

fn coordinates(reading: &Reading) -> [String; 2] {
    let north = if reading.lat < 0.0 { 'S' } else { 'N' };
    let east = if reading.lng < 0.0 { 'W' } else { 'E' };
    [format!("{north}{:.6}", reading.lat.abs()), format!("{east}{:.6}", reading.lng.abs())]
}

fn moment(reading: &Reading) -> String {
    let ((year, month, day), (hour, minute, second)) = reading.time.to_civil();
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
}
