//! Lines are whole or not there, and one server writes them.

use std::fs;

use super::Scratch;
use crate::audit::{Trail, TrailSettings};

#[test]
fn the_rest_of_a_line_is_cut_off() {
    let scratch = Scratch::new("torn");
    let path = scratch.0.join("trail");
    let line = "{\"Time\":\"\"}\n";
    for whole in ["", line, &line.repeat(5000)] {
        let long = format!("{{\"Time\":\"{}", "x".repeat(10_000));
        for torn in ["", "{\"Time", &long, &"\0".repeat(5000), &" ".repeat(4096)] {
            fs::write(&path, [whole, torn].concat()).unwrap();
            scratch.trail().write_now(b"{1}\n").unwrap();
            assert_eq!(scratch.text(), [whole, "{1}\n"].concat());
        }
    }
}

/// What was there before is not cut off and gets no line if it is something else.
#[test]
fn a_file_of_something_else_stays_as_it_is() {
    let scratch = Scratch::new("else");
    let path = scratch.0.join("trail");
    for text in [
        "x",
        "[[ucc]]\n",
        "-----BEGIN PRIVATE KEY-----\nAAAA",
        "{\"keys\":[]}",
        "redb\x1a\n\0\0\0\0",
        "\n",
        "{\"Time\": \"\"}",
    ] {
        fs::write(&path, text).unwrap();
        let error = Trail::open(&scratch.settings(1_000_000, 3)).unwrap_err();
        assert_eq!(error.to_string(), "there is a file of something else at this path, and it stays as it is");
        assert_eq!(scratch.text(), text);
    }
}

#[test]
fn one_server_writes_it() {
    let scratch = Scratch::new("locked");
    let first = scratch.trail();
    let second = Trail::open(&scratch.settings(1_000_000, 3)).unwrap_err();
    assert_eq!(second.to_string(), "another server writes it");
    drop(first);
    let _ = scratch.trail();
}

/// A device that is always full: an error, and nothing that would be taken for a line.
#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_written_is_an_error() {
    let trail = Trail::open(&TrailSettings { path: "/dev/full".into(), ..TrailSettings::default() }).unwrap();
    for _ in 0..2 {
        assert_eq!(trail.write_now(b"{}\n").unwrap_err().kind(), std::io::ErrorKind::StorageFull);
        assert_eq!(trail.write_now_durably(b"{}\n").unwrap_err().kind(), std::io::ErrorKind::StorageFull);
    }
}

#[cfg(unix)]
#[test]
fn moved_away_it_is_written_on_until_it_is_opened_again() {
    let scratch = Scratch::new("moved");
    let (path, away) = (scratch.0.join("trail"), scratch.0.join("away"));
    let trail = scratch.trail();
    trail.write_now(b"1\n").unwrap();
    trail.reopen().unwrap();
    fs::rename(&path, &away).unwrap();
    trail.write_now(b"2\n").unwrap();
    trail.reopen().unwrap();
    trail.write_now(b"3\n").unwrap();
    assert_eq!(fs::read_to_string(&away).unwrap(), "1\n2\n");
    assert_eq!(scratch.text(), "3\n");
    // Emptied in place, as others do it.
    fs::write(&path, "").unwrap();
    trail.write_now(b"4\n").unwrap();
    assert_eq!(scratch.text(), "4\n");
}
