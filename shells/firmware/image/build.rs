//! Memory layout of the board that the image is built for.

use std::path::PathBuf;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    // Every board has its memory layout.
    println!("cargo::rerun-if-changed=src/board");
    let files = fs::read_dir("src/board").expect("boards").map(|entry| entry.expect("a file").path());
    let layouts = files.filter(|path| path.extension().is_some_and(|extension| extension == "x"));
    let boards: Vec<_> = layouts.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect();
    let is_chosen = |board: &&String| {
        let feature = board.to_uppercase().replace('-', "_");
        env::var_os(format!("CARGO_FEATURE_{feature}")).is_some()
    };
    let chosen: Vec<_> = boards.iter().filter(is_chosen).collect();
    let [board] = chosen[..] else { panic!("choose one board by --features, one of {boards:?}") };
    let memory = PathBuf::from("src/board").join(format!("{board}.x"));
    let memory = fs::read_to_string(memory).expect("it was found there");
    fs::write(out.join("memory.x"), memory + LAYOUT).expect("OUT_DIR can be written");
    // Boards name their interrupt handlers in a table of their own.
    fs::write(out.join("device.x"), "").expect("OUT_DIR can be written");
    println!("cargo::rustc-link-search={}", out.display());
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
    println!("cargo::rustc-link-arg-bins=--nmagic");
    if env::var_os("CARGO_FEATURE_DEFMT").is_some() {
        println!("cargo::rustc-link-arg-bins=-Tdefmt.x");
    }
}

/// The stack lies below everything else in the RAM: what grows out of it leaves the RAM, and that faults.
const LAYOUT: &str = "
_stack_start = ORIGIN(STACK) + LENGTH(STACK);
_stack_end = ORIGIN(STACK);
SECTIONS
{
  .provisioning ORIGIN(PROVISIONING) :
  {
    KEEP(*(.provisioning));
  } > PROVISIONING
}
INSERT AFTER .rodata;
";
