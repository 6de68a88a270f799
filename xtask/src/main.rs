//! The commands of this repository: `cargo xtask` lists them, and each has `--help`.
//!
//! What drives cargo, reads images and writes tables is written here. Scripts that are about other programs (C compilers,
//! clients, proxies, emulators) stay where they are, in the language of their subject, and are run from here.

mod book;
mod ci;
mod cluster;
mod figures;
mod linking;
mod names;
mod package;
mod prove;
mod recorder;
mod scripts;
mod sh;
mod silence;
mod text;
mod tools;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Everything that there is to do in this repository besides `cargo build`, `cargo test` and `cargo run`
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Book(book::Options),
    Ci(ci::Options),
    Prove(prove::Options),
    Figures(figures::Options),
    Fuzz(scripts::Fuzz),
    /// No panic and no allocator in the core, by linking
    NoPanic,
    /// The gateway for small machines
    #[command(subcommand)]
    Firmware(scripts::Firmware),
    /// The C library
    #[command(subcommand)]
    C(scripts::C),
    /// The real SignalR clients, in Node, Chromium and Python, against a server of their own; and pictures of its console
    Clients(scripts::Rest),
    /// The server on full and on read-only disks
    Disks,
    Recorder(recorder::Options),
    /// What runs around the server
    #[command(subcommand)]
    Deploy(scripts::Deploy),
    /// What is given to others: a Debian package, crates, static programs
    #[command(subcommand)]
    Package(package::Package),
    /// Members of etcd, and what is tried with them
    #[command(subcommand)]
    Cluster(cluster::Cluster),
    /// How long one event takes to reach all listeners
    FanOut(scripts::FanOut),
}

fn main() -> ExitCode {
    let command = Arguments::parse().command;
    let words: Vec<_> = std::env::args().skip(1).collect();
    silence::start(format!("cargo xtask {}", words.join(" ")));
    let done = match command {
        Command::Book(options) => options.run(),
        Command::Ci(options) => ci::run(&options),
        Command::Prove(options) => prove::run(&options),
        Command::Figures(options) => figures::run(&options),
        Command::Fuzz(options) => options.run(),
        Command::NoPanic => linking::core().map(drop),
        Command::Firmware(command) => command.run(),
        Command::C(command) => command.run(),
        Command::Clients(rest) => rest.run("shells/server/tests/clients/run"),
        Command::Disks => scripts::run("shells/server/tests/disks/run", &[]),
        Command::Recorder(options) => options.run(),
        Command::Deploy(command) => command.run(),
        Command::Package(command) => command.run(),
        Command::Cluster(command) => command.run(),
        Command::FanOut(options) => options.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_commands_are_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_command_says_what_it_is() {
        fn check(command: &clap::Command) {
            for one in command.get_subcommands().filter(|one| one.get_name() != "help") {
                assert!(one.get_about().is_some(), "{} has no description", one.get_name());
                for argument in one.get_arguments() {
                    assert!(
                        argument.get_help().is_some(),
                        "{} of {} has no description",
                        argument.get_id(),
                        one.get_name()
                    );
                }
                check(one);
            }
        }
        check(&Arguments::command());
    }
}
