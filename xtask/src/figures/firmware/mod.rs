//! The firmware's images: flash and RAM by part, stack, and what can still panic; the tables of docs/firmware.md.

mod flash;
mod panics;
mod stacks;

use super::image::Image;
use crate::{
    sh::{root, say},
    text::{count, must_replace, row, verdict},
    tools,
};
use anyhow::Result;
use std::{fs, path::PathBuf};

const BEGIN: &str = "<!-- figures: written by `cargo xtask figures firmware` -->";
const END: &str = "<!-- end of figures -->";

/// A board that an image is built for.
pub(super) struct Board {
    name: &'static str,
    target: &'static str,
    /// An exception pushes eight words, and on a core with an FPU room for its registers as well.
    exception: u64,
}

/// The first is the small one, which has goals.
pub(super) const BOARDS: [Board; 2] = [
    Board { name: "lm3s6965evb", target: "thumbv7m-none-eabi", exception: 32 },
    Board { name: "mps2-an386", target: "thumbv7em-none-eabihf", exception: 104 },
];

pub(super) fn here() -> PathBuf {
    root().join("shells/firmware")
}

pub(super) fn run(panics_only: bool) -> Result<()> {
    tools::need_toolchain(tools::TOOLCHAIN, &BOARDS.map(|board| board.target), &["llvm-tools"])?;
    let images = [build(&BOARDS[0], false)?, build(&BOARDS[1], false)?];
    if panics_only {
        for (board, image) in BOARDS.iter().zip(&images) {
            println!("{}:\n{}", board.name, panics::list(image)?);
        }
        return Ok(());
    }
    let stacks = [build(&BOARDS[0], true)?, build(&BOARDS[1], true)?];
    let mut lines = vec![
        format!("Measured with {}, at opt-level `z` with fat LTO.", tools::rustc_version(tools::TOOLCHAIN)?),
        String::new(),
    ];
    lines.extend(flash::flash(&images)?);
    lines.push(String::new());
    lines.extend(flash::ram(&images)?);
    lines.push(String::new());
    lines.extend(stacks::table(&stacks)?);
    lines.push(String::new());
    lines.extend(panics::table(&images)?);
    let tables = lines.join("\n");
    let path = root().join("docs/firmware.md");
    let page = must_replace("docs/firmware.md", &fs::read_to_string(&path)?, BEGIN, END, &tables)?;
    fs::write(path, page)?;
    println!("{tables}");
    say("docs/firmware.md is written");
    Ok(())
}

/// The image that is used, as the tests build it; with `stack`, the same with notes of the frames.
fn build(board: &Board, stack: bool) -> Result<Image> {
    let target = here().join("target/images").join(if stack { "stack" } else { "product" });
    let mut command = tools::cargo("build --quiet --locked --release --package recording-image")
        .args(["--target", board.target, "--features", board.name])
        .dir(here())
        .env("CARGO_TARGET_DIR", &target);
    if stack {
        command = command.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", "-Zemit-stack-sizes -Clink-arg=--emit-relocs");
    }
    command.read()?;
    Image::read(target.join(board.target).join("release/recording-image"))
}

/// The heading of a table with a column for each board.
fn heading(what: &str) -> [String; 2] {
    [row(&[what, BOARDS[0].name, BOARDS[1].name]), "|---|--:|--:|".to_owned()]
}

#[expect(clippy::cast_precision_loss, reason = "bytes of a small machine")]
fn reached(what: &str, size: u64, goal: u64) -> String {
    format!("- {what}: {} bytes; wanted at most {}: {}", count(size), count(goal), verdict(size as f64, goal as f64))
}
