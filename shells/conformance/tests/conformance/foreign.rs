//! Servers that somebody else wrote, and the program as their author runs it.

use std::process::Command;

use recording_testkit::plan::Plan;
use recording_testkit::transport::Transport as _;
use serde_json::Value;

use crate::wrong_server::serve_vendor;
use recording_testkit::vendor::{Manner, Vendor};

const ID: &str = "1d6c6a58-6739-4f0c-98ff-0968292c8c30";

/// Exit code, what was printed, and the JSON.
fn run(arguments: &[&str]) -> (i32, String, Value) {
    use core::sync::atomic::{AtomicU32, Ordering};
    static RUNS: AtomicU32 = AtomicU32::new(0);
    let name = format!("recording-conformance-foreign-{}-{}", std::process::id(), RUNS.fetch_add(1, Ordering::Relaxed));
    let file = std::env::temp_dir().join(name);
    let output = Command::new(env!("CARGO_BIN_EXE_recording-conformance"))
        .args(arguments)
        .args(["--quiet", "--json", file.to_str().unwrap()])
        .output()
        .unwrap();
    let json = std::fs::read(&file).map_or(Value::Null, |json| serde_json::from_slice(&json).unwrap());
    let _ = std::fs::remove_file(file);
    let told = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (output.status.code().unwrap(), told, json)
}

fn shell(command: &str) -> String {
    let output = Command::new("sh").args(["-c", command]).output().expect("a shell");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn rules(json: &Value) -> Vec<String> {
    json["divergences"].as_array().unwrap().iter().map(|found| found["rule"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_dangerous_bug_is_shown_first_with_its_commands_and_no_other_rule_is_blamed_for_it() {
    let mut found = Vec::new();
    for bug in [false, true] {
        let url = serve_vendor(Vendor::new(&Plan::full(), Manner::Strict, bug), |_| {}).address.to_string();
        let (code, told, json) = run(&["--url", &url, "--admin", &url, "--ucc", "ucc-open", "--seed", "7"]);
        assert_eq!(code, 1, "{told}");
        // The JSON has all that the table says, in the order of the text.
        let table: Vec<&Value> =
            json["rules"].as_array().unwrap().iter().filter(|rule| rule["status"] == "diverged").collect();
        let shown = rules(&json);
        assert_eq!(table.len(), shown.len(), "{told}");
        let mut last = 0;
        for (rule, divergence) in shown.iter().zip(json["divergences"].as_array().unwrap()) {
            let at = told.find(&format!(": {rule} (")).unwrap_or_else(|| panic!("{rule} is not shown: {told}"));
            assert!(at > last, "{told}");
            last = at;
            for command in divergence["requests"].as_array().unwrap() {
                assert!(told.contains(command.as_str().unwrap()), "{told}");
            }
        }
        if bug {
            assert_eq!(shown[0], "10-check-8", "{told}");
            let commands = json["divergences"][0]["requests"].as_array().unwrap();
            let answers: Vec<String> = commands.iter().map(|command| shell(command.as_str().unwrap())).collect();
            let last = answers.last().unwrap();
            assert!(last.contains("\"RecordingState\": 3") && last.contains("\"ErrorMessage\": null"), "{answers:?}");
        }
        found.push(shown);
    }
    let more: Vec<_> = found[1].iter().filter(|rule| !found[0].contains(rule)).collect();
    assert_eq!(more, ["10-check-8"]);
    assert!(found[0].iter().all(|rule| found[1].contains(rule)));
}

/// What was found until then counts, all the more of a server that breaks.
#[test]
fn who_breaks_off_does_not_lose_what_was_found() {
    use core::sync::atomic::{AtomicU32, Ordering};
    static ANSWERS: AtomicU32 = AtomicU32::new(0);
    let url = serve_vendor(Vendor::new(&Plan::full(), Manner::Strict, true), |response| {
        if ANSWERS.fetch_add(1, Ordering::Relaxed) > 2500 {
            response.status = 0;
        }
    });
    let url = url.address.to_string();
    let (code, told, json) = run(&["--url", &url, "--admin", &url, "--ucc", "ucc-open", "--seed", "7"]);
    assert!(code == 2 && told.contains("Divergence 1 of") && told.contains("this is no HTTP"), "{told}");
    assert_eq!(rules(&json)[0], "10-check-8");
}

/// The same where no session can be begun.
#[test]
fn an_open_session_is_enough_to_show_it() {
    let mut found = Vec::new();
    for bug in [false, true] {
        let mut vendor = Vendor::new(&Plan::full(), Manner::Strict, bug);
        vendor.begin("ucc-open", ID, (1, 0, 0)).unwrap_or_else(|never| match never {});
        let url = serve_vendor(vendor, |_| {}).address.to_string();
        let (code, told, json) = run(&["--url", &url, "--session", ID, "--ucc", "ucc-open", "--seed", "5"]);
        assert_eq!(code, 1, "{told}");
        found.push(rules(&json));
    }
    assert_eq!(found[1][0], "10-check-8");
    assert_eq!(found[1][1..], found[0]);
}

#[test]
fn who_keeps_to_the_page_is_not_blamed_for_what_was_chosen_here() {
    let mut vendor = Vendor::new(&Plan::full(), Manner::Otherwise, false);
    vendor.begin("ucc-open", ID, (1, 0, 0)).unwrap_or_else(|never| match never {});
    let url = serve_vendor(vendor, |_| {}).address.to_string();
    let session = ["--url", &url, "--session", ID, "--ucc", "ucc-open", "--profile", "documented"];
    for arguments in [&session[..], &["--url", &url, "--admin", &url, "--ucc", "ucc-open", "--profile", "documented"]] {
        let (code, told, json) = run(&[arguments, &["--seed", "3"]].concat());
        assert!(code == 0 && json["held"] == true, "{told}");
        assert!(!told.contains("OURS"), "{told}");
    }
}

#[test]
fn wrong_names_are_told_in_one_sentence_before_anything_is_tried() {
    let mut vendor = Vendor::new(&Plan::full(), Manner::Strict, false);
    vendor.begin("ucc-open", ID, (1, 0, 0)).unwrap_or_else(|never| match never {});
    let url = serve_vendor(vendor, |_| {}).address.to_string();
    let other = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";
    let begun = ["--url", &url, "--admin", &url, "--ucc"];
    let open = ["--url", &url, "--session"];
    for (arguments, words) in [
        ([&begun[..], &["ucc-open", "--agent", "sip:typo@domain.com"]].concat(), "--agent sip:typo@domain.com: "),
        ([&begun[..], &["ucc-typo"]].concat(), "--ucc ucc-typo: "),
        ([&begun[..], &["ucc-open", "--refusing", "ucc-typo"]].concat(), "'ucc-typo' is refused"),
        ([&open[..], &[ID, "--ucc", "ucc-open", "--agent", "sip:typo@domain.com"]].concat(), "--agent sip:typo@"),
        ([&open[..], &[other, "--ucc", "ucc-open"]].concat(), "cannot be read"),
        ([&open[..], &[ID, "--ucc", "ucc-typo"]].concat(), "--ucc ucc-typo: "),
    ] {
        let (code, told, json) = run(&arguments);
        assert!(code == 2 && told.contains(words) && told.lines().count() == 1 && json.is_null(), "{words}: {told}");
    }
}
