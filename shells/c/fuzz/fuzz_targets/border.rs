#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| recording_core_c_border::border(data));
