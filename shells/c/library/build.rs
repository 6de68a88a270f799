//! What the linker must know to make a shared library of it.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        // The number grows when programs that were linked before would break.
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,librecording_core.so.0");
        // For memcpy and its like, the only things that it needs from anywhere.
        println!("cargo::rustc-cdylib-link-arg=-lc");
    }
}
