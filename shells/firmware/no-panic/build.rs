//! An image without a start: it is linked and never run.

fn main() {
    println!("cargo::rustc-link-arg-bins=--entry=_start");
}
