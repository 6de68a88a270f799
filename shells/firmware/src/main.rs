//! The gateway on an emulated board, to try: see `HELP`.

use std::io::{self, BufRead, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::process::ExitCode;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use std::{fs, thread};

use recording_firmware::{Board, Emulator, Image, Kind, Log, patience};

const HELP: &str = "\
Runs the gateway on a board in QEMU, until you say `quit` or end the input.

usage: recording-firmware [--board BOARD] [--api PORT] [--events PORT] [DOCUMENT]
       recording-firmware --boards

--board   lm3s6965evb (the default), mps2-an386 or mps2-an505
--api     the port of the API on 127.0.0.1; 8180 if not given
--events  the port of listeners; 8181 if not given
DOCUMENT  a provisioning; a demo's if not given. QEMU's network is the one that it names
--boards  only lists the boards: name, target, clients at once, listeners at once

What you type goes to the gateway as the PBX's line: `begin ID [STATE] UCC`, `end ID UCC`, `stats`. Listeners connect by
`curl --no-buffer telnet://127.0.0.1:8181`.
";

/// How long `quit` waits for the answers to what was said before it.
const ANSWERED: Duration = Duration::from_secs(10);
const DEMO: &str = include_str!("../demo.json");
const UCC: &str = "ucc-demo-name";
const ID: &str = "1d6c6a58-6739-4f0c-98ff-0968292c8c30";

struct Options {
    board: Board,
    ports: (u16, u16),
    document: Option<String>,
}

/// What is wanted.
enum Wish {
    Help,
    Boards,
    Run(Options),
}

fn options(mut arguments: impl Iterator<Item = String>) -> Result<Wish, String> {
    let mut options = Options { board: Board::Lm3s6965evb, ports: (8180, 8181), document: None };
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} wants a value"));
        let port = |text: String| text.parse().map_err(|_| format!("{argument}: {text} is no port"));
        match argument.as_str() {
            "--help" | "-h" => return Ok(Wish::Help),
            "--boards" => return Ok(Wish::Boards),
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
    Ok(Wish::Run(options))
}

fn main() -> ExitCode {
    let done = options(std::env::args().skip(1)).and_then(|wish| match wish {
        Wish::Help => {
            print!("{HELP}");
            Ok(())
        }
        Wish::Boards => {
            for board in Board::ALL {
                println!("{} {} {} {}", board.name(), board.target(), board.connections(), board.listeners());
            }
            Ok(())
        }
        Wish::Run(options) => run(&options),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("recording-firmware: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), String> {
    let read = |path: &String| fs::read_to_string(path).map_err(|error| format!("{path}: {error}"));
    for (option, port) in [("--api", options.ports.0), ("--events", options.ports.1)] {
        is_free(option, port)?;
    }
    if options.ports.0 == options.ports.1 {
        return Err(format!("--api and --events are both {}: they need a port each", options.ports.0));
    }
    let document = options.document.as_ref().map_or(Ok(DEMO.to_owned()), read)?;
    eprintln!("Building the image for {}: a minute or two the first time.", options.board.name());
    let image = Image::build(options.board, Kind::Product);
    let image = image.provisioned(&document).map_err(|error| format!("the provisioning: {error}"))?;
    let report = |past: Duration| eprintln!("{} s in: the board is starting", past.as_secs());
    let start = || Emulator::try_start(options.board, &image, options.ports);
    let started = patience::during(patience::SILENCE, report, start);
    let mut emulator = started.map_err(|said| format!("the board did not start: {}", said.join("; ")))?;
    let tellers = [("log", &emulator.log), ("recorder", &emulator.recorder.log), ("pbx", &emulator.pbx.log)]
        .map(|one| tell(one.0, one.1));
    // `boot`, and an answer to each line.
    let mut answers = 1;
    if options.document.is_none() {
        emulator.pbx.say(format!("begin {ID} Started/None/None {UCC}\n").as_bytes());
        answers += 1;
    }
    // What the board says first is in front.
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
            command => {
                emulator.pbx.say(format!("{command}\n").as_bytes());
                answers += 1;
            }
        }
    }
    // What was said before is answered, and what is answered is printed.
    let deadline = Instant::now() + ANSWERED;
    while emulator.pbx.log.len() < answers && !emulator.pbx.log.has_ended() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(10));
    }
    // The recorders' lines follow the answers.
    thread::sleep(Duration::from_millis(100));
    drop(emulator);
    for teller in tellers {
        let _ = teller.join();
    }
    Ok(())
}

/// QEMU says that it cannot forward, and not why; and the program that has the port would answer in the gateway's place.
fn is_free(option: &str, port: u16) -> Result<(), String> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map(drop).map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => format!("port {port} is taken by another program: choose one with {option} PORT"),
        _ => format!("port {port} cannot be used: {error}; choose one with {option} PORT"),
    })
}

/// Prints what somebody says, as it comes, to its end.
fn tell(who: &'static str, log: &Log) -> JoinHandle<()> {
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
    })
}
