//! Memory layout of the board that the image is built for, and the site's addresses.

use std::path::PathBuf;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let boards = ["lm3s6965evb", "mps2-an386"];
    let is_chosen = |board: &&&str| {
        let feature = board.to_uppercase().replace('-', "_");
        env::var_os(format!("CARGO_FEATURE_{feature}")).is_some()
    };
    let chosen: Vec<_> = boards.iter().filter(is_chosen).collect();
    let [board] = chosen[..] else { panic!("choose one board by --features, one of {boards:?}") };
    let memory = PathBuf::from("src/board").join(format!("{board}.x"));
    println!("cargo::rerun-if-changed={}", memory.display());
    let memory = fs::read_to_string(memory).expect("every board has its memory.x");
    fs::write(out.join("memory.x"), memory + LAYOUT).expect("OUT_DIR can be written");
    // Boards name their interrupt handlers in a table of their own.
    fs::write(out.join("device.x"), "").expect("OUT_DIR can be written");
    println!("cargo::rustc-link-search={}", out.display());
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
    println!("cargo::rustc-link-arg-bins=--nmagic");

    let mut site = String::new();
    let value = setting("ADDRESS", "10.0.2.15/24");
    let numbers: Vec<u8> = value.split(['.', '/']).map_while(|part| part.parse().ok()).collect();
    let is_address = numbers.len() == 5 && value.matches('.').count() == 3 && value.matches('/').count() == 1;
    assert!(is_address, "GATEWAY_ADDRESS: {value} is not an IPv4 address and its prefix length");
    assert!(numbers[4] <= 32, "GATEWAY_ADDRESS: {value}: a prefix has at most 32 bits");
    site += &format!("pub(crate) const ADDRESS: [u8; 5] = {numbers:?};\n");
    let value = setting("MAC", "02-00-00-52-47-01");
    let numbers: Vec<u8> = value.split(['-', ':']).map_while(|part| u8::from_str_radix(part, 16).ok()).collect();
    assert!(numbers.len() == 6 && numbers[0] & 1 == 0, "GATEWAY_MAC: {value} is not the address of one interface");
    site += &format!("pub(crate) const MAC: [u8; 6] = {numbers:?};\n");
    fs::write(out.join("site.rs"), site).expect("OUT_DIR can be written");
}

fn setting(name: &str, default: &str) -> String {
    println!("cargo::rerun-if-env-changed=GATEWAY_{name}");
    env::var(format!("GATEWAY_{name}")).unwrap_or_else(|_| default.to_owned())
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
