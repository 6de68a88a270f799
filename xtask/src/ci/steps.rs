//! The steps, in the order in which they run.

use super::{
    Step,
    Tier::{All, Cargo},
};
use crate::{
    book, cluster, figures, linking,
    names::Names,
    package,
    prove::{self, checks},
    recorder,
    sh::{Sh, root, target},
};
use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use std::{collections::BTreeSet, fs};

pub(super) const STEPS: &[Step] = &[
    Step { name: "tests", title: "cargo test: the README's test command", tier: Cargo, run: || cargo("test --locked") },
    Step {
        name: "plain-run",
        title: "cargo run: it builds the server and what that needs, nothing else",
        tier: Cargo,
        run: plain_run,
    },
    Step {
        name: "hub",
        title: "the hub: every message, any cut of bytes, each trap that real clients fall into",
        tier: Cargo,
        run: || cargo("test --locked -p signalr-hub"),
    },
    Step {
        name: "etcd",
        title: "the etcd client: each message to the byte, what each error says",
        tier: Cargo,
        run: || cargo("test --locked -p etcd-kv -p etcd-members"),
    },
    Step {
        name: "members",
        title: "the etcd client with real members: killed, stopped, alone, full, with TLS and users",
        tier: All,
        run: cluster::client,
    },
    Step {
        name: "etcd-store",
        title: "the store in etcd: the laws of every store, answers that do not come, members that die",
        tier: All,
        run: cluster::store,
    },
    Step {
        name: "history",
        title: "servers and members of etcd, killed, stopped and cut off from each other under 64 clients: every reply, change and event checked",
        tier: All,
        run: cluster::short_history,
    },
    Step {
        name: "clients",
        title: "the real SignalR clients: Node, Chromium, Python; how the console looks",
        tier: All,
        run: || script("shells/server/tests/clients/run"),
    },
    Step {
        name: "disks",
        title: "the server on full and on read-only disks",
        tier: All,
        run: || script("shells/server/tests/disks/run"),
    },
    Step {
        name: "kit",
        title: "the test kit and the conformance tool, against the server and against planted faults; these commands",
        tier: Cargo,
        run: || cargo("test --locked -p recording-test-support -p recording-testkit -p recording-conformance -p xtask"),
    },
    Step { name: "format", title: "format", tier: Cargo, run: || cargo("fmt --all --check") },
    Step { name: "clippy", title: "clippy, warnings are errors", tier: Cargo, run: clippy },
    Step { name: "docs", title: "docs without warnings, as docs.rs builds them", tier: Cargo, run: docs },
    Step {
        name: "book",
        title: "the book: built from the pages, every link and anchor in it",
        tier: All,
        run: book::check,
    },
    Step { name: "metal", title: "bare metal: the core alone, every combination of features", tier: Cargo, run: metal },
    Step {
        name: "bits32",
        title: "the same tests on 32 bits, where the core goes other ways inside",
        tier: All,
        run: bits32,
    },
    Step {
        name: "no-panic",
        title: "no panic and no allocator, by linking",
        tier: Cargo,
        run: || linking::core().map(drop),
    },
    Step {
        name: "firmware",
        title: "the firmware: all images built, booted in QEMU and tested from outside",
        tier: All,
        run: || script("shells/firmware/check"),
    },
    Step {
        name: "proofs",
        title: "the quick proofs: stack, purity, coverage, the API's file, dependencies",
        tier: All,
        run: || prove::run(&prove::Options::for_ci()),
    },
    Step {
        name: "c",
        title: "the C library: header, C programs, Python, Node, make install, no panic, what the border costs",
        tier: All,
        run: || script("shells/c/check"),
    },
    Step { name: "counts", title: "instruction counts, held against budgets", tier: All, run: figures::core_gate },
    Step {
        name: "server-counts",
        title: "instructions of a request in the server, held against bare handlers of the same shapes",
        tier: All,
        run: figures::server_gate,
    },
    Step {
        name: "growth",
        title: "what each of many costs in the server, at ten times as many",
        tier: Cargo,
        run: || cargo("test --locked -p recording-load --bin growth"),
    },
    Step {
        name: "recorder",
        title: "a real recorder: calls through rtpengine, hundreds of pauses, packets looked for in its files",
        tier: All,
        run: recorder::check,
    },
    Step {
        name: "deploy",
        title: "around the server: OpenAPI, metrics, console, units, container file, proxies, several servers over etcd",
        tier: All,
        run: || script("deploy/check"),
    },
    Step {
        name: "package",
        title: "the Debian package in a clean system: installed, run, upgraded, removed, purged",
        tier: All,
        run: package::check_a_debug_build,
    },
    Step {
        name: "crates",
        title: "the crates that are published: packed, and built from what was packed",
        tier: All,
        run: package::dry_run,
    },
    Step { name: "oldest-rust", title: "the oldest Rust that is promised", tier: All, run: oldest_rust },
    Step { name: "spelling", title: "spelling", tier: All, run: spelling },
    Step { name: "clean", title: "nothing is left in the clone", tier: Cargo, run: clean },
];

fn cargo(words: &str) -> Result<()> {
    Sh::line(&format!("cargo {words}")).show()
}

fn script(path: &str) -> Result<()> {
    Sh::new("bash").arg(path).show()
}

/// What would be built, as cargo says it: no fuzzing, and not the core's feature for it.
fn plain_run() -> Result<()> {
    let said = Sh::line("cargo build --locked --unit-graph -Z unstable-options").env("RUSTC_BOOTSTRAP", "1").read()?;
    let built = built(&said)?;
    let extra: Vec<_> = built.iter().filter(|name| name.contains("arbitrary") || name.contains("fuzz")).collect();
    if !extra.is_empty() || !built.contains("recording-server") {
        bail!(
            "plain cargo run builds {:?}: see default-members in Cargo.toml",
            if extra.is_empty() { built.iter().collect() } else { extra }
        );
    }
    Ok(())
}

#[derive(Deserialize)]
struct UnitGraph {
    units: Vec<Unit>,
}

#[derive(Deserialize)]
struct Unit {
    target: Target,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

fn built(graph: &str) -> Result<BTreeSet<String>> {
    let graph: UnitGraph = serde_json::from_str(graph).context("what cargo would build")?;
    Ok(graph.units.into_iter().map(|unit| unit.target.name).collect())
}

fn clippy() -> Result<()> {
    cargo("clippy --locked --workspace --all-targets -- -D warnings")?;
    cargo("clippy --locked -p recording-server --features etcd --all-targets -- -D warnings")?;
    cargo("clippy --locked -p recording-core --no-default-features --all-targets -- -D warnings")
}

fn docs() -> Result<()> {
    let doc = |words: &str, flags: &str| {
        Sh::line(&format!("cargo doc --locked --no-deps {words}")).env("RUSTDOCFLAGS", flags)
    };
    doc("-p recording-core --all-features", "-D warnings").show()?;
    // As on docs.rs, which has the nightly compiler: what needs a feature says so.
    let place = target().join("docsrs");
    let docsrs = doc("--quiet -p recording-core --all-features", "-D warnings --cfg docsrs");
    docsrs.env("RUSTC_BOOTSTRAP", "1").env("CARGO_TARGET_DIR", &place).show()?;
    for page in Names::read()?.feature_pages {
        let text = fs::read_to_string(place.join("doc/recording_core").join(&page)).with_context(|| page.clone())?;
        if !text.contains("Available on <strong>crate feature") {
            bail!("{page} does not say which feature it needs");
        }
    }
    doc("-p recording-server --document-private-items", "-D warnings").show()?;
    doc("-p recording-testkit -p recording-conformance -p signalr-hub -p etcd-kv -p etcd-members", "-D warnings").show()
}

fn metal() -> Result<()> {
    Sh::line("rustup target add thumbv7em-none-eabihf").quiet()?;
    checks::features_are_known()?;
    for features in checks::COMBINATIONS {
        let build = Sh::line(
            "cargo build --locked -p recording-core --target thumbv7em-none-eabihf --no-default-features --features",
        );
        build.arg(features).env("RUSTFLAGS", "-D warnings").show()?;
    }
    // Plain `cargo test` above ran the default ones.
    for features in ["--no-default-features", "--no-default-features --features serde", "--all-features"] {
        cargo(&format!("test --quiet --locked -p recording-core {features} --tests"))?;
    }
    Ok(())
}

fn bits32() -> Result<()> {
    Sh::line("rustup target add i686-unknown-linux-musl").quiet()?;
    // Rust's own linker and libc: no 32-bit C compiler is needed.
    let test = Sh::line("cargo test --quiet --locked -p recording-core --target i686-unknown-linux-musl --tests");
    test.env("CARGO_TARGET_I686_UNKNOWN_LINUX_MUSL_LINKER", "rust-lld").show()
}

fn oldest_rust() -> Result<()> {
    let oldest = checks::oldest_rust()?;
    Sh::line(&format!("rustup toolchain install {oldest} --profile minimal --no-self-update")).show()?;
    let build = Sh::line(&format!("cargo +{oldest} build --locked --workspace --all-features"));
    build.env("CARGO_TARGET_DIR", target().join("msrv")).show()
}

fn spelling() -> Result<()> {
    let tools = root().join("target/ci-tools");
    let typos = tools.join("python/bin/typos");
    if !typos.exists() {
        Sh::line("python3 -m venv")
            .arg(tools.join("python"))
            .quiet()
            .context("python3 has no venv: install python3-venv")?;
        Sh::new(tools.join("python/bin/pip")).args(["install", "--quiet", "typos==1.52.0"]).show()?;
    }
    Sh::new(typos).show()
}

fn clean() -> Result<()> {
    let left = Sh::line("git status --porcelain").quiet()?;
    if !left.trim().is_empty() {
        bail!("the checks left files behind, or the change is not committed:\n{}", left.trim_end());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_says_what_it_would_build() -> Result<()> {
        let graph = r#"{"version":1,"units":[{"pkg_id":"a","target":{"kind":["lib"],"name":"fuzz"},"dependencies":[]},{"target":{"name":"b"}}],"roots":[0]}"#;
        assert_eq!(built(graph)?, BTreeSet::from(["b".to_owned(), "fuzz".to_owned()]));
        assert!(built("error: no").is_err());
        Ok(())
    }
}
