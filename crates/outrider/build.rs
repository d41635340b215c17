//! Builds again when the console was built again: its files are embedded.

fn main() {
    println!("cargo::rerun-if-changed=../../web/dist");
}
