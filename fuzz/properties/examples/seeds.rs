//! Writes the seeds of the fuzz targets: `cargo run -p recording-fuzz-properties --example seeds -- <directory>`.

use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let Some(directory) = env::args_os().nth(1) else {
        return Err(io::Error::other("name the directory to write them to"));
    };
    for (target, seeds) in recording_fuzz_properties::seeds::seeds() {
        let directory = Path::new(&directory).join(target);
        fs::create_dir_all(&directory)?;
        for (number, seed) in seeds.iter().enumerate() {
            fs::write(directory.join(format!("seed-{number:03}")), seed)?;
        }
    }
    Ok(())
}
