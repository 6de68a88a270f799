//! The gateway on an emulated board, to try: see `HELP`.

use std::io::{self, BufRead, Write};
use std::process::ExitCode;
use std::time::Duration;
use std::{fs, thread};

use recording_firmware::{Board, Emulator, Image, Kind, Log};

const HELP: &str = "\
Runs the gateway on a board in QEMU, until you say `quit` or end the input.

usage: recording-firmware [--board BOARD] [--api PORT] [--events PORT] [DOCUMENT]

--board   lm3s6965evb (the default) or mps2-an386
--api     the port of the API on 127.0.0.1; 8080 if not given
--events  the port of listeners; 8081 if not given
DOCUMENT  a provisioning; a demo's if not given

What you type goes to the gateway as the PBX's line: `begin ID [STATE] UCC`, `end ID UCC`, `stats`.
";

const DEMO: &str = include_str!("../demo.json");
const UCC: &str = "ucc-demo-name";
const ID: &str = "1d6c6a58-6739-4f0c-98ff-0968292c8c30";

struct Options {
    board: Board,
    ports: (u16, u16),
    document: Option<String>,
}

fn options(mut arguments: impl Iterator<Item = String>) -> Result<Option<Options>, String> {
    let mut options = Options { board: Board::Lm3s6965evb, ports: (8080, 8081), document: None };
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} wants a value"));
        let port = |text: String| text.parse().map_err(|_| format!("{argument}: {text} is no port"));
        match argument.as_str() {
            "--help" | "-h" => return Ok(None),
            "--board" => {
                let name = value()?;
                options.board = Board::from_name(&name).ok_or(format!("--board: there is no image for {name}"))?;
            }
            "--api" => options.ports.0 = port(value()?)?,
            "--events" => options.ports.1 = port(value()?)?,
            other if other.starts_with('-') || options.document.is_some() => {
                return Err(format!("{other} is not known"));
            }
            _ => options.document = Some(argument),
        }
    }
    Ok(Some(options))
}

fn main() -> ExitCode {
    match options(std::env::args().skip(1)).and_then(|options| options.map_or_else(help, |options| run(&options))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("recording-firmware: {why}");
            ExitCode::FAILURE
        }
    }
}

fn help() -> Result<(), String> {
    print!("{HELP}");
    Ok(())
}

fn run(options: &Options) -> Result<(), String> {
    let read = |path: &String| fs::read_to_string(path).map_err(|error| format!("{path}: {error}"));
    let document = options.document.as_ref().map_or(Ok(DEMO.to_owned()), read)?;
    let image = Image::build(options.board, Kind::Product);
    let image = image.provisioned(&document).map_err(|error| format!("the provisioning: {error}"))?;
    let started = Emulator::try_start(options.board, &image, options.ports);
    let mut emulator = started.map_err(|said| format!("the board did not start: {}", said.join("; ")))?;
    tell("log", &emulator.log);
    tell("recorder", &emulator.recorder.log);
    tell("pbx", &emulator.pbx.log);
    if options.document.is_none() {
        emulator.pbx.say(format!("begin {ID} Started/None/None {UCC}\n").as_bytes());
    }
    // What the board says first stands in front.
    thread::sleep(Duration::from_millis(300));
    let (api, events) = (emulator.api, emulator.events);
    println!(
        "\nTry, in another terminal:\n\n\
         curl http://{api}/attendantservice/api/recording/{UCC}/{ID}\n\n\
         curl http://{api}/attendantservice/api/recording/set -H 'Content-Type: application/json' -d '{}'\n\n\
         curl --no-buffer telnet://{events}\n",
        format_args!(
            r#"{{"Action":"Pause","RequesterSipUri":"sip:agent@domain.com","CorrelationId":"{ID}","UCCName":"{UCC}"}}"#
        )
    );
    for line in io::stdin().lock().lines() {
        match line.map_err(|error| error.to_string())?.as_str() {
            "quit" => break,
            command => emulator.pbx.say(format!("{command}\n").as_bytes()),
        }
    }
    Ok(())
}

/// Prints what somebody says, as it comes.
fn tell(who: &'static str, log: &Log) {
    let log = log.clone();
    thread::spawn(move || {
        let mut from = 0;
        loop {
            if let Ok((line, behind)) = log.wait(from, |_| true) {
                let _ = writeln!(io::stdout(), "{who:>8} | {line}");
                from = behind;
            } else if log.len() == from && log.has_ended() {
                return;
            }
        }
    });
}
