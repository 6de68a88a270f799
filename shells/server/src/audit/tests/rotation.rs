//! Going on in a new file, on this machine's file system.

use core::time::Duration;
use std::fs;
use std::path::Path;

use super::{Scratch, files};
use crate::audit::file::TrailFile;
use crate::audit::files::Machine;
use crate::audit::{Trail, TrailSettings, numbered};

/// However lines of any length follow each other: nothing is lost or cut, no file is too large, none is too many.
#[test]
fn rotation_loses_no_line_but_those_of_files_that_are_too_many() {
    for keep in [1, 2, 5, 1000] {
        let scratch = Scratch::new(&format!("rotation-{keep}"));
        let settings = scratch.settings(100, keep);
        let mut all = String::new();
        for run in 0..3 {
            // Opened again, it goes on where it was.
            let trail = Trail::open(&settings).unwrap();
            for number in 0..60 {
                let line = format!("{{\"Time\":\"{run} {number} {}\n", "x".repeat(number * 7 % 83));
                if number % 2 == 0 {
                    trail.write_now_durably(line.as_bytes())
                } else {
                    trail.write_now(line.as_bytes())
                }
                .unwrap();
                all.push_str(&line);
            }
        }
        let files = files(&settings.path);
        assert!(files.len() <= keep as usize + 1);
        assert!(files.iter().all(|file| file.len() <= 100 && file.ends_with('\n')));
        let kept = files.concat();
        assert!(all.ends_with(&kept) && (keep < 1000 || kept == all), "{keep}");
        assert_eq!(fs::read_dir(&scratch.0).unwrap().count(), files.len(), "nothing else is there");
    }
}

/// A machine's file system on which what is counted can be made to fail.
#[test]
fn a_rotation_that_failed_is_left_alone_for_a_while() {
    let scratch = Scratch::new("pause");
    let settings = scratch.settings(10, 3);
    let mut file = TrailFile::open(Machine, settings.path.clone(), &settings).unwrap();
    // A directory in the place of the new file.
    let new = scratch.0.join("trail.new");
    fs::create_dir(&new).unwrap();
    for _ in 0..3 {
        file.write(b"12345678\n").unwrap();
    }
    let failed = file.failed.expect("a rotation failed");
    fs::remove_dir(&new).unwrap();
    for _ in 0..3 {
        file.write(b"12345678\n").unwrap();
    }
    assert_eq!(file.failed, Some(failed), "it was tried again at once");
    assert_eq!(files(&settings.path).concat(), "12345678\n".repeat(6));
    assert!(!numbered(&settings.path, 1).exists());
    file.pause = Duration::ZERO;
    file.write(b"12345678\n").unwrap();
    assert_eq!(files(&settings.path), ["12345678\n".repeat(6), "12345678\n".into()]);
    assert_eq!(file.failed, None);
}

/// Whatever is in the way, nothing that was there goes before something new was made.
#[cfg(unix)]
#[test]
fn what_is_in_the_way_of_a_rotation_costs_no_line() {
    use std::os::unix::fs::PermissionsExt as _;
    let archives = |settings: &TrailSettings| {
        for number in 1..=settings.keep {
            fs::write(numbered(&settings.path, number), format!("old {number}\n")).unwrap();
        }
    };
    let all = |scratch: &Scratch| {
        let mut all: Vec<String> = fs::read_dir(&scratch.0)
            .unwrap()
            .filter_map(|entry| fs::read_to_string(entry.unwrap().path()).ok())
            .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
            .collect();
        all.sort_unstable();
        all
    };
    let old: Vec<String> = (1..=4).map(|number| format!("old {number}")).collect();
    let new: Vec<String> = (10..40).map(|number| format!("line {number}")).collect();
    let expected = [&new[..], &old[..]].concat();

    // FILE moved away before the signal comes: the lines go on in a new FILE.
    for replaced in [false, true] {
        let scratch = Scratch::new(&format!("in-the-way-{replaced}"));
        let settings = scratch.settings(20 * 8, 4);
        archives(&settings);
        let mut file =
            TrailFile { pause: Duration::ZERO, ..TrailFile::open(Machine, settings.path.clone(), &settings).unwrap() };
        for (at, line) in new.iter().enumerate() {
            if at == 15 {
                fs::rename(&settings.path, scratch.0.join("away")).unwrap();
                if replaced {
                    fs::write(&settings.path, "").unwrap();
                }
            }
            file.write_durably(format!("{line}\n").as_bytes()).unwrap();
        }
        assert_eq!(all(&scratch), expected, "{replaced}");
        assert!(fs::read_to_string(scratch.0.join("trail")).unwrap().ends_with("line 39\n"));
    }

    // A pipe or a device where FILE was takes no line: nothing says that it is kept there.
    for replacement in ["fifo", "/dev/null"] {
        let scratch = Scratch::new(&format!("in-the-way-{}", replacement.trim_start_matches("/dev/")));
        let settings = scratch.settings(20 * 8, 4);
        archives(&settings);
        let mut file =
            TrailFile { pause: Duration::ZERO, ..TrailFile::open(Machine, settings.path.clone(), &settings).unwrap() };
        for (at, line) in new.iter().enumerate() {
            if at == 15 {
                fs::rename(&settings.path, scratch.0.join("away")).unwrap();
                if replacement == "fifo" {
                    let made = std::process::Command::new("mkfifo").arg(&settings.path).status().unwrap();
                    assert!(made.success());
                } else {
                    std::os::unix::fs::symlink(replacement, &settings.path).unwrap();
                }
                assert!(file.reopen().is_err(), "{replacement}");
            }
            file.write_durably(format!("{line}\n").as_bytes()).unwrap();
        }
        fs::remove_file(&settings.path).unwrap();
        assert_eq!(all(&scratch), expected, "{replacement}");
    }

    // The directory cannot be read or not be written to; only those who are not root notice.
    for mode in [0o300, 0o500] {
        let scratch = Scratch::new(&format!("mode-{mode:o}"));
        let settings = scratch.settings(20, 4);
        archives(&settings);
        let mut file =
            TrailFile { pause: Duration::ZERO, ..TrailFile::open(Machine, settings.path.clone(), &settings).unwrap() };
        fs::set_permissions(&scratch.0, fs::Permissions::from_mode(mode)).unwrap();
        let is_kept_out = fs::read_dir(&scratch.0).is_err() || fs::write(scratch.0.join("x"), "").is_err();
        if is_kept_out {
            for line in &new {
                file.write_durably(format!("{line}\n").as_bytes()).unwrap();
            }
        }
        fs::set_permissions(&scratch.0, fs::Permissions::from_mode(0o700)).unwrap();
        if is_kept_out {
            assert_eq!(all(&scratch), expected, "{mode:o}");
        } else {
            println!("a directory of mode {mode:o} keeps nobody out here: not tried");
        }
    }

    // A directory in the place of an archive moves on with the others, and is never removed.
    let scratch = Scratch::new("directory");
    let settings = scratch.settings(20, 2);
    fs::create_dir(numbered(&settings.path, 2)).unwrap();
    let mut file =
        TrailFile { pause: Duration::ZERO, ..TrailFile::open(Machine, settings.path.clone(), &settings).unwrap() };
    for line in &new {
        file.write_durably(format!("{line}\n").as_bytes()).unwrap();
    }
    let kept = all(&scratch);
    assert!(new.ends_with(&kept) && (5..=6).contains(&kept.len()), "{kept:?}");
}

#[cfg(unix)]
#[test]
fn a_link_is_resolved_at_the_start() {
    let scratch = Scratch::new("link");
    let (link, there) = (scratch.0.join("trail"), scratch.0.join("there"));
    fs::create_dir(&there).unwrap();
    // Over two links, the second one relative, to a file that is not there yet.
    std::os::unix::fs::symlink(scratch.0.join("second"), &link).unwrap();
    std::os::unix::fs::symlink("there/evidence", scratch.0.join("second")).unwrap();
    let trail = Trail::open(&scratch.settings(20, 2)).unwrap();
    for number in 10..16 {
        trail.write_now(format!("line {number}\n").as_bytes()).unwrap();
    }
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(files(&there.join("evidence")).concat().lines().count(), 6);
    assert_eq!(fs::read_dir(&scratch.0).unwrap().count(), 3);
}

/// Files are for their user alone, and existing ones keep the mode that somebody gave them.
#[cfg(unix)]
#[test]
fn files_are_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let scratch = Scratch::new("private");
    let settings = scratch.settings(20, 2);
    let trail = Trail::open(&settings).unwrap();
    for number in 10..16 {
        trail.write_now(format!("{{\"Time\":\"{number}\"}}\n").as_bytes()).unwrap();
    }
    for path in [settings.path.clone(), numbered(&settings.path, 1), numbered(&settings.path, 2)] {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    drop(trail);
    fs::set_permissions(&settings.path, fs::Permissions::from_mode(0o640)).unwrap();
    drop(Trail::open(&settings).unwrap());
    assert_eq!(mode(&settings.path), 0o640);
}

/// With very many archives no line waits for all of them to be renamed, and none is lost.
#[test]
fn many_archives_are_renamed_over_several_lines() {
    let scratch = Scratch::new("many");
    let settings = scratch.settings(50, 1000);
    let mut all = String::new();
    for number in (1..=20).rev() {
        let line = format!("old {number}\n");
        fs::write(numbered(&settings.path, number), &line).unwrap();
        all.push_str(&line);
    }
    let mut file = TrailFile { most: 3, ..TrailFile::open(Machine, settings.path.clone(), &settings).unwrap() };
    for number in 0..300 {
        let line = format!("line {number}\n");
        file.write(line.as_bytes()).unwrap();
        all.push_str(&line);
    }
    let files: Vec<String> = (0..=1000)
        .rev()
        .filter_map(|number| {
            fs::read_to_string(if number == 0 { settings.path.clone() } else { numbered(&settings.path, number) }).ok()
        })
        .collect();
    assert_eq!(files.concat(), all);
    assert!(files.len() > 25, "{}", files.len());
    assert!(fs::read_dir(&scratch.0).unwrap().count() <= files.len() + 1);
}

#[test]
fn a_number_that_is_free_after_a_kill_is_not_after_the_start() {
    for free in 1..=5 {
        let scratch = Scratch::new(&format!("free-{free}"));
        let settings = scratch.settings(1000, 5);
        for number in (1..=5).filter(|&number| number != free) {
            fs::write(numbered(&settings.path, number), format!("{number}\n")).unwrap();
        }
        drop(Trail::open(&settings).unwrap());
        let expected: Vec<String> =
            (1..=5).rev().filter(|&number| number != free).map(|number| format!("{number}\n")).collect();
        assert_eq!(files(&settings.path), [&expected[..], &[String::new()]].concat());
    }
}
