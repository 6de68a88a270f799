//! What the docs show is what the code does.

#[allow(dead_code, reason = "the example's `main` rewrites what is only compared here")]
#[path = "../examples/tables.rs"]
mod tables;

#[test]
fn table_and_diagram_are_fresh() {
    let hint = "stale: run `cargo run --example tables`";
    assert_eq!(tables::table(), include_str!("../docs/transitions.md"), "{hint}");
    assert_eq!(tables::diagram(), include_str!("../docs/states.svg"), "{hint}");
    let readme = include_str!("../README.md");
    assert_eq!(tables::with_axes(readme).as_deref(), Some(readme), "{hint}");
}

#[test]
fn readme_names_the_oldest_rust() {
    let promised = concat!("builds with Rust ", env!("CARGO_PKG_RUST_VERSION"), " or newer");
    assert!(include_str!("../README.md").contains(promised), "{promised}");
}
