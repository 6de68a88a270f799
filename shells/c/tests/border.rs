//! The property of the fuzz target, over the corpus that the fuzzer found worth keeping, and over made-up bytes.

use std::fs;

use recording_core_c_border::border;

#[test]
fn the_corpus() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/border");
    let mut files = 0;
    for file in fs::read_dir(directory).expect("a corpus") {
        border(&fs::read(file.expect("an entry").path()).expect("a file"));
        files += 1;
    }
    println!("border: {files} inputs");
    assert!(files > 20);
}

/// Stories from random bytes: many steps, most of them sensible.
#[test]
fn random_stories() {
    let mut number = 0x9e37_79b9_7f4a_7c15_u64;
    for len in 0..2000 {
        let story: Vec<u8> = (0..len % 400)
            .map(|_| {
                number ^= number >> 12;
                number ^= number << 25;
                number ^= number >> 27;
                (number.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 56) as u8
            })
            .collect();
        border(&story);
    }
}
