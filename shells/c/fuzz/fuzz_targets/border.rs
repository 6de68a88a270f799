#![no_main]

#[path = "../border/mod.rs"]
mod border;

libfuzzer_sys::fuzz_target!(|data: &[u8]| border::border(data));
