//! `cargo xtask no-panic`: links images in which a panic cannot be linked, and plants one to see that it cannot.
//!
//! The image is linked for the host and for a Cortex-M4F, optimised for size and for speed. See proofs/no-panic/src/main.rs.
//! The host lends its C library for memcpy and bcmp.

use crate::{
    sh::{Sh, root, say, target},
    tools,
};
use anyhow::{Context as _, Result, bail};

const METAL: &str = "thumbv7em-none-eabihf";
const LEVELS: [&str; 4] = ["z", "s", "2", "3"];
/// The function that a panic would call, and that is nowhere.
const MISSING: &str = "a_panic_is_reachable";

/// Gives the images that link, each as target and level, one line a target and level.
pub(crate) fn core() -> Result<Vec<(String, &'static str)>> {
    tools::need_toolchain(tools::TOOLCHAIN, &[METAL], &[])?;
    let host = tools::host()?;
    let mut images = Vec::new();
    for target in [METAL, &host] {
        for level in LEVELS {
            let image = Image { target, level, hosted: target == host };
            image.link("").quiet().with_context(|| format!("no-panic: {target} at {level} does NOT link"))?;
            must_not_link(&image)?;
            say(&format!("no-panic: {target} at {level} links; with a planted index it does not"));
            images.push((target.to_owned(), level));
        }
    }
    Ok(images)
}

fn must_not_link(image: &Image<'_>) -> Result<()> {
    let Image { target, level, .. } = image;
    let planted = image.link("planted").output()?;
    if planted.status == Some(0) {
        bail!("no-panic: {target} at {level} links although a panic was planted: the proof proves nothing");
    }
    if !planted.err.contains(MISSING) {
        bail!("no-panic: the planted image failed for another reason:\n{}", planted.err);
    }
    Ok(())
}

struct Image<'a> {
    target: &'a str,
    level: &'a str,
    hosted: bool,
}

impl Image<'_> {
    fn link(&self, features: &str) -> Sh {
        let link = tools::cargo("rustc --quiet --locked --release --package no-panic")
            .args(["--target", self.target, "--features", features, "--"])
            .dir(root().join("proofs"))
            .env("CARGO_TARGET_DIR", target().join("prove/no-panic"))
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", self.level);
        if self.hosted {
            link.args([
                "-C",
                "link-arg=-nostartfiles",
                "-C",
                "link-arg=-static",
                "-C",
                "link-arg=-lc",
                "-C",
                "relocation-model=static",
            ])
        } else {
            link
        }
    }
}
