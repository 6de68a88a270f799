//! The firmware's images: flash and RAM by part, stack, and what can still panic; the tables of docs/firmware.md.

mod flash;
mod panics;
mod stacks;

use super::image::Image;
use crate::{
    sh::{Sh, root, say},
    text::{count, must_replace, row, verdict},
    tools,
};
use anyhow::Result;
use std::{fs, path::PathBuf};

const BEGIN: &str = "<!-- figures: written by `cargo xtask figures firmware` -->";
const END: &str = "<!-- end of figures -->";

/// A board that an image is built for, and its image.
struct Board {
    name: String,
    target: String,
    image: Image,
}

impl Board {
    /// An exception pushes eight words, and on a core with an FPU room for its registers as well.
    fn exception(&self) -> u64 {
        if self.target.ends_with("hf") { 104 } else { 32 }
    }
}

/// Names and targets, as the firmware's own program lists them. The first is the small one, which has goals.
fn boards() -> Result<Vec<(String, String)>> {
    let listed = Sh::line("cargo run --quiet --locked -- --boards").dir(here()).read()?;
    let boards: Vec<_> = listed.lines().filter_map(board).collect();
    anyhow::ensure!(!boards.is_empty(), "no boards in: {listed}");
    Ok(boards)
}

fn board(line: &str) -> Option<(String, String)> {
    let mut words = line.split_whitespace();
    Some((words.next()?.to_owned(), words.next()?.to_owned()))
}

pub(super) fn here() -> PathBuf {
    root().join("shells/firmware")
}

pub(super) fn run(panics_only: bool) -> Result<()> {
    let known = boards()?;
    let targets: Vec<_> = known.iter().map(|(_, target)| target.as_str()).collect();
    tools::need_toolchain(tools::TOOLCHAIN, &targets, &["llvm-tools"])?;
    let images = |stack| known.iter().map(|board| build(board, stack)).collect::<Result<Vec<_>>>();
    let boards = images(false)?;
    if panics_only {
        for board in &boards {
            println!("{}:\n{}", board.name, panics::list(&board.image)?);
        }
        return Ok(());
    }
    let stacks = images(true)?;
    let mut lines = vec![
        format!("Measured with {}, at opt-level `z` with fat LTO.", tools::rustc_version(tools::TOOLCHAIN)?),
        String::new(),
    ];
    lines.extend(flash::flash(&boards)?);
    lines.push(String::new());
    lines.extend(flash::ram(&boards)?);
    lines.push(String::new());
    lines.extend(stacks::table(&stacks)?);
    lines.push(String::new());
    lines.extend(panics::table(&boards)?);
    let tables = lines.join("\n");
    let path = root().join("docs/firmware.md");
    let page = must_replace("docs/firmware.md", &fs::read_to_string(&path)?, BEGIN, END, &tables)?;
    fs::write(path, page)?;
    println!("{tables}");
    say("docs/firmware.md is written");
    Ok(())
}

/// The image that is used, as the tests build it; with `stack`, the same with notes of the frames.
fn build((name, target): &(String, String), stack: bool) -> Result<Board> {
    let place = here().join("target/images").join(if stack { "stack" } else { name });
    let mut command = tools::cargo("build --quiet --locked --release --package recording-image")
        .args(["--target", target, "--features", name])
        .dir(here())
        .env("CARGO_TARGET_DIR", &place);
    if stack {
        command = command.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", "-Zemit-stack-sizes -Clink-arg=--emit-relocs");
    }
    command.read()?;
    let image = Image::read(place.join(target).join("release/recording-image"))?;
    Ok(Board { name: name.clone(), target: target.clone(), image })
}

/// The heading of a table with a column for each board.
fn heading(what: &str, boards: &[Board]) -> [String; 2] {
    let names = boards.iter().map(|board| board.name.as_str());
    let cells: Vec<_> = core::iter::once(what).chain(names).collect();
    [row(&cells), format!("|---|{}", "--:|".repeat(boards.len()))]
}

/// A row of it.
fn cells(what: &str, values: impl Iterator<Item = String>) -> String {
    let values: Vec<_> = core::iter::once(what.to_owned()).chain(values).collect();
    row(&values.iter().map(String::as_str).collect::<Vec<_>>())
}

#[expect(clippy::cast_precision_loss, reason = "bytes of a small machine")]
fn reached(what: &str, size: u64, goal: u64) -> String {
    format!("- {what}: {} bytes; wanted at most {}: {}", count(size), count(goal), verdict(size as f64, goal as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boards_are_listed_line_by_line() {
        let expected = ("mps2-an386".to_owned(), "thumbv7em-none-eabihf".to_owned());
        assert_eq!(board("mps2-an386 thumbv7em-none-eabihf 8 4"), Some(expected));
        assert_eq!(board("mps2-an386"), None);
    }
}
