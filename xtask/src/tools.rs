//! What the commands need besides Rust, each of one version: it is installed when it is missing.

use crate::{
    sh::{self, Sh, root, say, target},
    text::{found, regex},
};
use anyhow::{Context as _, Result, bail};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Counts of instructions and bytes are exact for one compiler: this one. Another one moves them by some percent, so that
/// a change of it needs `cargo xtask figures --gate --accept` and a look at what changed.
pub(crate) const TOOLCHAIN: &str = "1.95.0";
/// For what stable compilers do not have: Miri, sanitizers, documentation as JSON.
pub(crate) const NIGHTLY: &str = "nightly";

/// Cargo with the compiler that figures and proofs are made with.
pub(crate) fn cargo(words: &str) -> Sh {
    Sh::new("cargo").args(words.split_whitespace()).toolchain(TOOLCHAIN)
}

/// Has rustup install a toolchain, and what is missing of it.
pub(crate) fn need_toolchain(toolchain: &str, targets: &[&str], components: &[&str]) -> Result<()> {
    sh::need("rustup", "install Rust by rustup, see the README")?;
    let rustup = |words: &str| Sh::line(&format!("rustup {words}")).env_remove("RUSTUP_TOOLCHAIN").quiet();
    if !rustup("toolchain list")?.split_whitespace().any(|name| name.starts_with(&format!("{toolchain}-"))) {
        say(&format!("installing Rust {toolchain}"));
        rustup(&format!("toolchain install {toolchain} --profile minimal --no-self-update"))?;
    }
    for (kind, wanted) in [("target", targets), ("component", components)] {
        if wanted.is_empty() {
            continue;
        }
        let have = rustup(&format!("{kind} list --installed --toolchain {toolchain}"))?;
        for name in wanted {
            if !have.split_whitespace().any(|one| one == *name || one.starts_with(&format!("{name}-"))) {
                say(&format!("installing {kind} {name} of Rust {toolchain}"));
                rustup(&format!("{kind} add {name} --toolchain {toolchain}"))?;
            }
        }
    }
    Ok(())
}

/// A package of Debian, if its program is missing.
pub(crate) fn need_package(program: &str, package: &str) -> Result<()> {
    if sh::has(program) {
        return Ok(());
    }
    sh::need("apt-get", &format!("needed to install {program}, which is missing too"))?;
    say(&format!("installing {package}"));
    let root = Sh::line("id -u").quiet()?.trim() == "0";
    let apt = |words: &str| {
        let words = format!("apt-get -o DPkg::Lock::Timeout=600 {words}");
        Sh::line(&if root { words } else { format!("sudo {words}") }).env("DEBIAN_FRONTEND", "noninteractive").quiet()
    };
    apt("update -qq")?;
    apt(&format!("install -y -qq --no-install-recommends {package}"))?;
    sh::need(program, &format!("the package {package} was installed, but has no such program"))
}

/// The version of valgrind, which is there then.
pub(crate) fn need_valgrind() -> Result<String> {
    need_package("valgrind", "valgrind")?;
    Ok(Sh::line("valgrind --version").quiet()?.trim().to_owned())
}

/// Instructions that callgrind counted in a whole run of a command.
pub(crate) fn collected(command: &[&str]) -> Result<u64> {
    let valgrind = Sh::line("valgrind --tool=callgrind --callgrind-out-file=/dev/null --log-fd=1");
    let said = valgrind.args(command).read()?;
    let number = found(r"Collected : (\d+)", &said).with_context(|| format!("valgrind counted nothing:\n{said}"))?;
    Ok(number.parse()?)
}

/// The programs that `cargo install` brings, by `./prove` and others, and which of their features are built.
const VERSIONS: &[(&str, &str, &str)] = &[
    ("cargo-deb", "3.8.0", ""),
    ("cargo-deny", "0.20.2", ""),
    ("cargo-llvm-cov", "0.9.1", ""),
    ("cargo-machete", "0.9.1", ""),
    ("cargo-mutants", "27.1.0", ""),
    ("cargo-public-api", "0.52.0", ""),
    ("cargo-semver-checks", "0.51.0", ""),
    // Without its web server and what watches files, which are most of what it would compile.
    ("mdbook", "0.5.4", "--no-default-features --features search"),
];

/// Where they are.
pub(crate) fn bin() -> PathBuf {
    target().join("prove/tools/bin")
}

/// Builds one of them, unless it is there.
pub(crate) fn need_tool(name: &str) -> Result<PathBuf> {
    let (_, version, features) = VERSIONS.iter().find(|(known, ..)| *known == name).context("a tool with a version")?;
    let (place, program) = (target().join("prove/tools"), bin().join(name));
    need_toolchain(TOOLCHAIN, &[], &[])?;
    let installed = fs::read_to_string(place.join(".crates.toml")).unwrap_or_default();
    if program.exists() && is_installed(&installed, name, version) {
        return Ok(program);
    }
    say(&format!("building {name} {version}, once"));
    let build = place.join("build");
    // Without optimisation: what they start takes the time, not they. The profile of cargo-semver-checks would optimise
    // what it depends on all the same.
    cargo("install --quiet --locked --debug --force")
        .args(["--config", r#"profile.dev.package."*".opt-level=0"#, "--config", "profile.dev.debug=0", "--root"])
        .arg(&place)
        .arg("--target-dir")
        .arg(&build)
        .args(features.split_whitespace())
        .arg(format!("{name}@{version}"))
        .quiet()?;
    let _ = fs::remove_dir_all(build);
    if !program.exists() {
        bail!("{name} was installed but is not there");
    }
    Ok(program)
}

/// Whether Cargo's list of what it installed has a program in this version.
fn is_installed(list: &str, name: &str, version: &str) -> bool {
    list.lines().any(|line| line.starts_with(&format!("\"{name} {version} ")))
}

/// The version of the crate gungraun that the benches use, and its runner.
pub(crate) fn need_runner() -> Result<(String, PathBuf)> {
    let manifest = fs::read_to_string(root().join("benches/instructions/Cargo.toml"))?;
    let version = found(r#"(?m)^gungraun = "=([^"]+)""#, &manifest)
        .context("benches/instructions names no version of gungraun")?;
    let place = target().join("figures-tools");
    let to = place.join(format!("gungraun-{version}"));
    let runner = to.join("bin/gungraun-runner");
    if !runner.exists() {
        say(&format!("building gungraun-runner {version}, once"));
        let build = place.join("build");
        // Without optimisation: it only starts valgrind and adds numbers up.
        let install = cargo("install --quiet --locked --debug").arg("--root").arg(to).arg("--target-dir").arg(&build);
        install.arg(format!("gungraun-runner@{version}")).read()?;
        let _ = fs::remove_dir_all(build);
    }
    Ok((version.to_owned(), runner))
}

/// A program of the component `llvm-tools`.
pub(crate) fn llvm_tool(name: &str) -> Result<PathBuf> {
    let libraries = Sh::line("rustc --print target-libdir").toolchain(TOOLCHAIN).quiet()?;
    let tool = Path::new(libraries.trim()).with_file_name("bin").join(name);
    if !tool.exists() {
        need_toolchain(TOOLCHAIN, &[], &["llvm-tools"])?;
    }
    if !tool.exists() {
        bail!("{} is missing", tool.display());
    }
    Ok(tool)
}

/// The target that programs for this machine are built for.
pub(crate) fn host() -> Result<String> {
    let said = Sh::line("rustc -vV").toolchain(TOOLCHAIN).quiet()?;
    Ok(found("(?m)^host: (.*)$", &said).context("rustc names no host")?.to_owned())
}

/// What figures were measured on.
pub(crate) fn machine() -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let pattern = regex("(?m)^model name\\s*: (.*)$");
    let models: Vec<_> = pattern.captures_iter(&cpus).map(|model| model[1].to_owned()).collect();
    models.first().map_or_else(|| "unknown".to_owned(), |model| format!("{model}, {} cores", models.len()))
}

pub(crate) fn rustc_version(toolchain: &str) -> Result<String> {
    Ok(Sh::line("rustc --version").toolchain(toolchain).quiet()?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_is_known_by_its_name_and_version() {
        let list = "[v1]\n\"cargo-deny 0.20.2 (registry+https://example.org)\" = [\"cargo-deny\"]\n";
        assert!(is_installed(list, "cargo-deny", "0.20.2"));
        assert!(!is_installed(list, "cargo-deny", "0.20"));
        assert!(!is_installed(list, "deny", "0.20.2"));
    }
}
