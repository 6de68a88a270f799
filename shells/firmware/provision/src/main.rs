//! `recording-provision`: see `HELP`.

use std::fs;
use std::process::ExitCode;

const HELP: &str = "\
Checks a gateway's provisioning, and writes it into an image.

usage: recording-provision DOCUMENT
       recording-provision DOCUMENT IMAGE OUTPUT

DOCUMENT  a JSON text: the gateway's addresses, UCCs with their settings and agents, as docs/firmware.md has it
IMAGE     an ELF file or the plain bytes of the flash, as the build made it
OUTPUT    where the image with the provisioning is written; IMAGE stays as it is
";

fn main() -> ExitCode {
    match run(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(said) => {
            print!("{said}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("recording-provision: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<String, String> {
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let read = |path: &str| fs::read(path).map_err(|error| format!("{path}: {error}"));
    let (document, contents) = match arguments[..] {
        ["--help" | "-h"] => return Ok(HELP.to_owned()),
        [document] => (document, recording_provision::check(&read(document)?)),
        [document, image, output] => {
            let mut bytes = read(image)?;
            let written = recording_provision::write(&mut bytes, &read(document)?);
            if written.is_ok() {
                fs::write(output, bytes).map_err(|error| format!("{output}: {error}"))?;
            }
            (document, written)
        }
        _ => return Err(format!("one document, or a document, an image and an output\n\n{HELP}")),
    };
    let contents = contents.map_err(|error| format!("{document}: {error}"))?;
    Ok(format!("{document} holds: {contents}\n"))
}
