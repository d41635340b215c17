//! What the house keeps, as four contracts with their implementations: `catalog` (accounts, trackers … in SQL),
//! `journal` (the durable log of what came in), `history` (stored messages by source and time) and `signals` (who must
//! wake up). The journal reaches its files through `disk`, so that a power cut can be tested; `lock` gives a data
//! directory to one process; `backup` copies one; `avatars` has trackers' pictures; `wire` has what their stored forms share.

pub mod avatars;
pub mod backup;
pub mod catalog;
pub mod disk;
pub mod history;
pub mod journal;
pub mod lock;
pub mod signals;
mod wire;
