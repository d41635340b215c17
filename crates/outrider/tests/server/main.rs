//! The server through its doors: the real process, real sockets, a fresh data directory for each test.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![expect(unreachable_pub, reason = "in a test nothing is reachable; `pub` tells what a module offers")]

mod api_access_points;
mod api_avatars;
mod api_clones;
mod api_commands;
mod api_counters;
mod api_dates;
mod api_errors;
mod api_forms;
mod api_groups;
mod api_keys;
mod api_life;
mod api_limits;
mod api_models;
mod api_objects;
mod api_panel;
mod api_races;
mod api_readings;
mod api_registration;
mod api_sensors;
mod api_service;
mod api_sessions;
mod api_settings;
mod api_states;
mod api_statuses;
mod api_sub_users;
mod api_traces;
mod api_user_details;
mod authorization;
mod backup;
mod cells;
mod commands;
mod coverage;
mod durability;
mod erase;
mod events;
mod examples;
mod first_light;
mod openapi;
mod postgres;
mod secrets;
mod situation;
mod sms;
mod soak;
mod support;
mod swarm;
mod tls;
mod tracks;
mod websocket;
mod websocket_readings;
