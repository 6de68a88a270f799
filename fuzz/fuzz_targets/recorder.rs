#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| recording_fuzz_properties::recorder(data));
