//! Building images, and writing a site's provisioning into them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use std::{env, fs};

use crate::{Board, patience};

/// Which image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The one that is used.
    Product,
    /// The one with commands that break it on purpose.
    Planted,
    /// The one that is used, which logs by defmt as well.
    Defmt,
}

/// An image as it was built, without a provisioning.
#[derive(Debug, Clone)]
pub struct Image {
    /// For which board.
    pub board: Board,
    bytes: Arc<Vec<u8>>,
}

impl Image {
    /// Builds an image, once in each process.
    ///
    /// # Panics
    ///
    /// If it cannot be built; cargo has said why by then.
    #[must_use]
    pub fn build(board: Board, kind: Kind) -> Self {
        // A board's two images are built in one place, one after the other; boards do not wait for each other.
        type Built = HashMap<Kind, Image>;
        static BUILT: [OnceLock<Mutex<Built>>; Board::ALL.len()] = [const { OnceLock::new() }; Board::ALL.len()];
        let mut built =
            BUILT[board as usize].get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
        built.entry(kind).or_insert_with(|| Self { board, bytes: Arc::new(compile(board, kind)) }).clone()
    }

    /// The image's bytes, with nothing written into them.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The plain bytes of the flash from its first address on, as a programmer wants them; what nothing is in is erased.
    ///
    /// # Panics
    ///
    /// If the image is no ELF file of 32 bits.
    #[must_use]
    pub fn flash(&self) -> Vec<u8> {
        let number = |at: usize, length: usize| {
            let bytes = self.bytes.get(at..at + length).expect("the file is whole");
            bytes.iter().rev().fold(0_usize, |number, &byte| number << 8 | usize::from(byte))
        };
        assert!(self.bytes.starts_with(b"\x7fELF\x01\x01"), "no ELF file of 32 bits, little-endian");
        let (headers, size, count) = (number(28, 4), number(42, 2), number(44, 2));
        // What is loaded, and takes room in the file.
        let parts: Vec<_> = (0..count)
            .map(|index| headers + index * size)
            .map(|at| (number(at, 4), number(at + 4, 4), number(at + 12, 4), number(at + 16, 4)))
            .filter(|(kind, _, _, length)| *kind == 1 && *length > 0)
            .collect();
        let base = parts.iter().map(|(_, _, address, _)| *address).min().expect("something is loaded");
        let mut flash = Vec::new();
        for (_, from, address, length) in parts {
            let at = address - base;
            flash.resize(flash.len().max(at + length), 0xff);
            flash[at..at + length].copy_from_slice(&self.bytes[from..from + length]);
        }
        flash
    }

    /// The image with a provisioning in it.
    ///
    /// # Errors
    ///
    /// If the text is invalid or does not fit.
    pub fn provisioned(&self, document: &str) -> Result<Vec<u8>, recording_provision::Error> {
        let mut bytes = self.bytes.to_vec();
        recording_provision::write(&mut bytes, document.as_bytes())?;
        Ok(bytes)
    }
}

/// Where the images are built: next to what cargo builds for the host, so that neither waits for the other.
fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/images")
}

fn compile(board: Board, kind: Kind) -> Vec<u8> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let features = match kind {
        Kind::Product => board.name().to_owned(),
        Kind::Planted => format!("{},planted", board.name()),
        Kind::Defmt => format!("{},defmt", board.name()),
    };
    let target = directory().join(board.name());
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(here).args(["build", "--locked", "--release", "--package", "recording-image"]);
    cargo.args(["--target", board.target(), "--features", &features, "--target-dir"]).arg(&target);
    // Without it defmt leaves everything but errors out.
    cargo.env("DEFMT_LOG", "info");
    // What is set for the host is not meant for the image.
    for name in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET"] {
        cargo.env_remove(name);
    }
    let report = |past: Duration| eprintln!("{} s in: the image for {} is being built", past.as_secs(), board.name());
    let status = patience::during(patience::SILENCE, report, || cargo.status()).expect("cargo can be run");
    assert!(
        status.success(),
        "the image for {} was not built; `cargo xtask firmware install` installs its target",
        board.name()
    );
    let path = target.join(board.target()).join("release/recording-image");
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
