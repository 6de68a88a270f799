//! The manual page says what `--help` says: it is written from the same definitions.

use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use recording_server::cli::command;

const PAGE: &str = include_str!("../../../../../deploy/recording-server.8");

/// What the last part of `--help` becomes, by how its paragraphs begin.
const PARTS: [(&str, &str); 3] = [("SIGHUP", "SIGNALS"), ("Exit codes", "EXIT STATUS"), ("A config", "CONFIG")];

/// What an installed program reads and writes, by its unit.
const FILES: [(&str, &str); 3] = [
    ("/etc/recording-server/world.toml", "UCCs, settings, agents and recorders."),
    ("/etc/recording-server/options", "Further options, as OPTIONS=\"--listen 10.0.0.5:8443 ...\"."),
    ("/var/lib/recording-server/sessions", "The sessions. No two servers may share it."),
];

fn text(part: Option<&clap::builder::StyledStr>) -> String {
    part.expect("a part of --help").to_string()
}

/// The page, from the definitions that `--help` is made of.
fn page() -> String {
    let version = concat!("recording-server ", env!("CARGO_PKG_VERSION"));
    let command = command();
    let forms: String = command.get_subcommands().map(|one| format!("\n{}", form(one))).collect();
    let command = command.override_usage(format!("recording-server [OPTIONS]{forms}"));
    let subcommands: Vec<_> = command.get_subcommands().cloned().collect();
    let (about, before, after) =
        (text(command.get_about()), text(command.get_before_help()), text(command.get_after_help()));
    // A date that is empty would not be written at all, and the version would take its place.
    let page = Man::new(command).section("8").date(" ").source(version).manual("recording-server");
    let mut written = Vec::new();
    page.render_title(&mut written).unwrap();
    page.render_name_section(&mut written).unwrap();
    page.render_synopsis_section(&mut written).unwrap();
    let mut roff = Roff::new();
    roff.control("SH", ["DESCRIPTION"]);
    paragraphs(&mut roff, &about);
    paragraphs(&mut roff, &before);
    roff.to_writer(&mut written).unwrap();
    page.render_options_section(&mut written).unwrap();
    for subcommand in subcommands {
        let mut roff = Roff::new();
        roff.control("SH", [form(&subcommand).to_uppercase().as_str()]);
        paragraphs(&mut roff, &text(subcommand.get_before_help()));
        roff.to_writer(&mut written).unwrap();
        let mut options = Vec::new();
        Man::new(subcommand).render_options_section(&mut options).unwrap();
        // Its headings are below its own.
        written.extend(String::from_utf8(options).unwrap().replace("\n.SH ", "\n.SS ").into_bytes());
    }

    let mut roff = Roff::new();
    let mut rest = after.as_str();
    for (at, (begin, heading)) in PARTS.iter().enumerate() {
        assert!(rest.starts_with(begin), "the last part of --help has no {begin}: {rest}");
        let next = PARTS.get(at + 1).and_then(|(next, _)| rest.find(&format!("\n\n{next}")));
        let (part, later) = rest.split_at(next.unwrap_or(rest.len()));
        roff.control("SH", [*heading]);
        paragraphs(&mut roff, part);
        rest = later.trim_start();
    }
    roff.control("SH", ["FILES"]);
    for (path, what) in FILES {
        roff.control("TP", []).text([bold(path)]).text([roman(what)]);
    }
    roff.control("SH", ["SEE ALSO"]);
    roff.text([bold("systemctl"), roman("(1), "), bold("journalctl"), roman("(1), and the pages at")]);
    roff.text([roman(concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/docs/running.md"))]);
    roff.to_writer(&mut written).unwrap();
    let written = String::from_utf8(written).unwrap();
    // Each part begins with the same definition of an apostrophe: one is enough.
    let (apostrophe, rest) = written.split_at(written.find(".TH").expect("a title"));
    let note = ".\\\" Written by `WRITE_DOCS=1 cargo test -p recording-server --test server manual::`.\n";
    [note, apostrophe, &rest.replace(apostrophe, "")].concat()
}

/// How a subcommand is called.
fn form(subcommand: &clap::Command) -> String {
    let places = subcommand.get_positionals().filter_map(|place| place.get_value_names()?.first().cloned());
    let places: String = places.map(|name| format!(" {name}")).collect();
    format!("recording-server {}{places} [OPTIONS]", subcommand.get_name())
}

/// Text as it is filled, and what is indented as it is.
fn paragraphs(roff: &mut Roff, text: &str) {
    for paragraph in text.split("\n\n") {
        roff.control("PP", []);
        let is_sample = paragraph.lines().all(|line| line.starts_with("  "));
        if is_sample {
            roff.control("nf", []);
        }
        for line in paragraph.lines() {
            roff.text([roman(line)]);
        }
        if is_sample {
            roff.control("fi", []);
        }
    }
}

/// The words of a page, without what makes them bold or begins a line.
fn words(page: &str) -> Vec<String> {
    let lines = page.lines().filter(|line| !line.starts_with(['.', '\''])).collect::<Vec<_>>().join(" ");
    let plain = ["\\fB", "\\fI", "\\fR", "\\&"].iter().fold(lines, |text, mark| text.replace(mark, ""));
    let plain = plain.replace("\\-", "-").replace("\\*(Aq", "'").replace("\\\\", "\\");
    plain.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn the_page_is_what_is_defined() {
    let page = page();
    if std::env::var_os("WRITE_DOCS").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/recording-server.8"), page).unwrap();
    } else {
        let hint = "WRITE_DOCS=1 writes it";
        assert!(PAGE == page, "deploy/recording-server.8 is not what --help says; {hint}");
    }
}

/// Read as a page, and not by what wrote it: each word of each option's help is there, in its order.
#[test]
fn the_page_says_all_that_help_says() {
    let page = format!(" {} ", words(&page()).join(" "));
    let mut options = 0;
    let command = command();
    let subcommands = command.get_subcommands().flat_map(clap::Command::get_arguments);
    for option in command.get_arguments().chain(subcommands) {
        options += 1;
        let name =
            option.get_long().map_or_else(|| option.get_id().to_string().to_uppercase(), |long| format!("--{long}"));
        assert!(page.contains(&format!(" {name} ")), "{name} is not on the page");
        let help = text(option.get_help());
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(page.contains(&help), "{name} is explained in other words: {help}");
        for default in option.get_default_values().iter().filter(|_| option.get_action().takes_values()) {
            let default = format!("[default: {}]", default.display());
            assert!(page.contains(&default), "{name} has another {default}");
        }
    }
    assert!(options > 40, "{options}");
    let of_subcommands = command.get_subcommands().map(clap::Command::get_before_help);
    for part in
        [command.get_about(), command.get_before_help(), command.get_after_help()].into_iter().chain(of_subcommands)
    {
        let part = text(part).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(page.contains(&part), "not on the page: {part}");
    }
}

#[test]
fn a_page_is_read_as_words() {
    assert_eq!(words(".TH x\n\\fB\\-\\-listen\\fR it\\*(Aqs\n\\&.toml \\\\n\n"), ["--listen", "it's", ".toml", "\\n"]);
}
