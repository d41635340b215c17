//! What is done with records after they came in, beside the live state: packs them into history. It knows the journal
//! and the stores, and nobody of those who ask for what it makes.

mod packer;

pub use packer::{KeepFrom, Options, Packer, Parts};
