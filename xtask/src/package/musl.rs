//! Static programs, which run on any Linux of their machine: built, looked at, run with nothing next to them.

use super::{deb, need_root, notices, place, serving::Serving};
use crate::{
    sh::{Sh, root, say, target},
    tools,
};
use anyhow::{Context as _, Result, bail, ensure};
use clap::{Args, ValueEnum};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Build the server and the conformance tool as static programs, run them in an empty root, and pack them.
///
/// Needs root, for chroot. A compiler for the C in the TLS library, and QEMU for another machine, are installed.
#[derive(Args)]
pub(crate) struct Options {
    /// The machine that they are for
    #[arg(value_enum, default_value = std::env::consts::ARCH)]
    machine: Machine,
    /// Without optimisation: quick, to try this command
    #[arg(long)]
    debug: bool,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Machine {
    #[value(name = "x86_64")]
    X86,
    #[value(name = "aarch64")]
    Arm,
}

const PROGRAMS: [&str; 2] = ["recording-server", "recording-conformance"];

impl Machine {
    const fn name(self) -> &'static str {
        match self {
            Self::X86 => "x86_64",
            Self::Arm => "aarch64",
        }
    }

    fn is_this(self) -> bool {
        self.name() == std::env::consts::ARCH
    }

    /// How its C is compiled and its programs are linked: a compiler, the package that brings it, and a linker if Cargo's
    /// usual one is for another machine.
    fn tools(self) -> Result<(&'static str, &'static str, Option<&'static str>)> {
        Ok(match self {
            _ if self.is_this() => ("musl-gcc", "musl-tools", None),
            // The C in question uses nothing of a C library but what the compiler itself knows.
            Self::Arm => ("aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu libc6-dev-arm64-cross", Some("rust-lld")),
            Self::X86 => bail!("programs for x86_64 are built on x86_64"),
        })
    }
}

impl Options {
    pub(super) fn run(&self) -> Result<()> {
        need_root("the run in an empty root")?;
        let built = self.build()?;
        let empty = tempfile::tempdir_in(place()?)?;
        for program in PROGRAMS {
            let program = built.join(program);
            let said =
                Sh::line("readelf --wide --program-headers --dynamic").arg(&program).env("LC_ALL", "C").quiet()?;
            ensure!(is_static(&said), "{} is not static:\n{said}", program.display());
            fs::copy(&program, empty.path().join(program.file_name().context("a name")?))?;
        }
        self.run_in(empty.path())?;
        println!("{}", self.pack(&built)?.display());
        Ok(())
    }

    fn build(&self) -> Result<PathBuf> {
        let rust = format!("{}-unknown-linux-musl", self.machine.name());
        let (compiler, packages, linker) = self.machine.tools()?;
        tools::need_package(compiler, packages)?;
        Sh::line("rustup target add").arg(&rust).quiet()?;
        let variable = rust.replace('-', "_");
        let build = Sh::line("cargo build --locked --features recording-server/etcd --target").arg(&rust);
        let build = build.args(PROGRAMS.iter().flat_map(|program| ["--package", program]));
        let build = build.env(&format!("CC_{variable}"), compiler);
        let build = match linker {
            Some(linker) => build.env(&format!("CARGO_TARGET_{}_LINKER", variable.to_uppercase()), linker),
            None => build,
        };
        if self.debug { build } else { build.arg("--release") }.show()?;
        Ok(target().join(rust).join(if self.debug { "debug" } else { "release" }))
    }

    /// Both in a root with nothing else in it, as a user without rights: the server until it is ready and is ended.
    fn run_in(&self, empty: &Path) -> Result<()> {
        fs::create_dir(empty.join("state"))?;
        Sh::line("chown 65532:65532").arg(empty.join("state")).quiet()?;
        let emulator = if self.machine.is_this() { None } else { Some(self.emulator(empty)?) };
        let inside = |program: &str| {
            let root = Sh::line("chroot --userspec=65532:65532").arg(empty);
            match &emulator {
                Some(emulator) => root.args([emulator.as_str(), program]),
                None => root.arg(program),
            }
        };
        for program in PROGRAMS {
            let version = inside(&format!("/{program}")).arg("--version").quiet()?;
            ensure!(version.trim() == format!("{program} {}", deb::version()?), "{program} says {version}");
        }
        let serving = Serving::start(&inside("/recording-server").args(["--store", "file:/state/sessions"]))?;
        inside("/recording-server").args(["--probe", "--admin", &serving.admin]).quiet()?;
        serving.end()?;
        ensure!(empty.join("state/sessions").exists(), "the server has stored nothing");
        say("they run in an empty root");
        Ok(())
    }

    /// QEMU in the root, which is a static program itself.
    fn emulator(&self, empty: &Path) -> Result<String> {
        let name = format!("qemu-{}-static", self.machine.name());
        tools::need_package(&name, "qemu-user-static")?;
        let path = Sh::new("sh").args(["-c", "command -v \"$0\"", &name]).quiet()?;
        fs::copy(path.trim(), empty.join("emulator"))?;
        Ok("/emulator".to_owned())
    }

    /// The programs with their licenses, the manual, the unit and a sample of a config.
    fn pack(&self, built: &Path) -> Result<PathBuf> {
        let name = format!("recording-server-{}-{}-linux-musl", deb::version()?, self.machine.name());
        let place = place()?;
        let folder = tempfile::tempdir_in(&place)?;
        let inside = folder.path().join(&name);
        fs::create_dir(&inside)?;
        for program in PROGRAMS {
            Sh::line("strip --strip-debug -o")
                .args([inside.join(program), built.join(program)])
                .or_statuses(&[1])
                .quiet()?;
            if !inside.join(program).exists() {
                // A strip for one machine alone leaves programs of others as they are.
                fs::copy(built.join(program), inside.join(program))?;
            }
            let third_party = notices::of(program, if program == PROGRAMS[0] { &["etcd"] } else { &[] })?;
            fs::write(inside.join(format!("third-party-{program}.txt")), third_party)?;
        }
        for file in [
            "LICENSE-MIT",
            "LICENSE-APACHE",
            "CHANGELOG.md",
            "deploy/recording-server.8",
            "deploy/recording-server.service",
            "deploy/world.toml",
        ] {
            let from = root().join(file);
            fs::copy(&from, inside.join(from.file_name().context("a name")?))?;
        }
        let archive = place.join(format!("{name}.tar.gz"));
        let date = Sh::line("git log -1 --format=@%ct").quiet()?;
        let pack =
            Sh::line("tar --create --sort=name --owner=0 --group=0 --numeric-owner --mode=u+w,go+rX,go-w --mtime");
        let pack =
            pack.arg(date.trim()).args(["--use-compress-program", "gzip --best --no-name", "--file"]).arg(&archive);
        pack.arg("--directory").arg(folder.path()).arg(&name).quiet()?;
        Ok(archive)
    }
}

/// Whether a program asks for no loader and no library, by what readelf says of it.
fn is_static(said: &str) -> bool {
    said.contains("LOAD") && !said.contains("INTERP") && !said.contains("(NEEDED)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_static_program_is_told_from_others_by_what_readelf_says() -> Result<()> {
        let loads = "Program Headers:\n  LOAD           0x000000 0x0000\n";
        assert!(is_static(loads));
        assert!(!is_static(&format!("{loads}  INTERP         0x0003 0x0004\n")));
        assert!(!is_static(&format!("{loads} 0x0000000000000001 (NEEDED)             Shared library: [libc.so.6]\n")));
        assert!(!is_static("readelf: Error: Not an ELF file\n"));
        // This test is not static.
        let this =
            Sh::line("readelf --wide --program-headers --dynamic").arg(std::env::current_exe()?).env("LC_ALL", "C");
        assert!(!is_static(&this.quiet()?));
        Ok(())
    }
}
