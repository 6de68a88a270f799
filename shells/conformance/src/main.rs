//! `recording-conformance`: see `--help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    recording_conformance::cli::main()
}
