//! Building images, and writing a site's provisioning into them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::{env, fs};

use crate::Board;

/// Which image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The one that is used.
    Product,
    /// The one with commands that break it on purpose.
    Planted,
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
        static BUILT: OnceLock<Mutex<HashMap<(Board, Kind), Image>>> = OnceLock::new();
        let mut built = BUILT.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
        built.entry((board, kind)).or_insert_with(|| Self { board, bytes: Arc::new(compile(board, kind)) }).clone()
    }

    /// The image's bytes, with nothing written into them.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The plain bytes of the flash from address 0 on, as a programmer wants them; what nothing is in is erased.
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
        let mut flash = Vec::new();
        for header in (0..count).map(|index| headers + index * size) {
            let (kind, from, address, length) =
                (number(header, 4), number(header + 4, 4), number(header + 12, 4), number(header + 16, 4));
            // What is loaded, and takes room in the file.
            if kind == 1 && length > 0 {
                flash.resize(flash.len().max(address + length), 0xff);
                flash[address..address + length].copy_from_slice(&self.bytes[from..from + length]);
            }
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
    };
    let target = directory().join(format!("{kind:?}").to_lowercase());
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(here).args(["build", "--locked", "--release", "--package", "recording-image"]);
    cargo.args(["--target", board.target(), "--features", &features, "--target-dir"]).arg(&target);
    // What is set for the host is not meant for the image.
    for name in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET"] {
        cargo.env_remove(name);
    }
    let status = cargo.status().expect("cargo can be run");
    assert!(
        status.success(),
        "the image for {} was not built; `cargo xtask firmware install` installs its target",
        board.name()
    );
    let path = target.join(board.target()).join("release/recording-image");
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
