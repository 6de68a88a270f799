//! The core as a WebAssembly module imports nothing, and works.

use crate::{
    sh::{self, Ended, Sh, root, target},
    tools,
};
use anyhow::{Result, bail};

const MACHINE: &str = "wasm32-unknown-unknown";
/// The status with which the check reports an import.
const IMPORTS: i32 = 3;

pub(super) fn run() -> Result<String> {
    tools::need_toolchain(tools::TOOLCHAIN, &[MACHINE], &[])?;
    sh::need("node", "install Node.js, it runs the module and reads its imports")?;
    let planted = check("planted")?;
    if planted.status != Some(IMPORTS) || !planted.out.contains("env.time") {
        bail!("a module that asks its host for the time was not found out: {}", planted.out);
    }
    let pure = check("")?;
    if pure.status != Some(0) {
        bail!("{}", pure.out);
    }
    Ok(pure.out)
}

fn check(features: &str) -> Result<Ended> {
    let target = target().join("prove/purity");
    tools::cargo(&format!("build --locked --release --package purity --target {MACHINE} --features"))
        .arg(features)
        .dir(root().join("proofs"))
        .env("CARGO_TARGET_DIR", &target)
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "z")
        .quiet()?;
    let vectors = root().join("tests/vectors");
    let module = target.join(MACHINE).join("release/purity.wasm");
    let ended = Sh::new("node").arg(root().join("proofs/purity/check.mjs")).arg(module);
    let mut ended = ended.arg(vectors.join("wire.json")).arg(vectors.join("transitions.csv")).output()?;
    ended.out = format!("{}{}", ended.out, ended.err).trim().to_owned();
    Ok(ended)
}
