//! What the house keeps, as four contracts with their implementations: `catalog` (accounts, trackers … in SQL),
//! `journal` (the durable log of what came in), `history` (not built yet) and `signals` (who must wake up).

pub mod disk;
pub mod journal;
pub mod lock;
