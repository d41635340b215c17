//! Calls of the API: which action, in which form, with what body and query. Nothing that a client sends makes it panic.

#![no_main]

use libfuzzer_sys::fuzz_target;

const FORMS: [&str; 4] = ["application/json", "application/x-www-form-urlencoded", "", "text/plain"];

fuzz_target!(|input: &[u8]| {
    let [action, form, rest @ ..] = input else { return };
    let text = String::from_utf8_lossy(rest);
    let (query, body) = text.split_once('\n').unwrap_or(("", &text));
    api::try_call((*action).into(), FORMS[usize::from(*form) % FORMS.len()], query, body.as_bytes());
});
