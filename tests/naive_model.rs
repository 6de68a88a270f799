//! The naive model against the vectors, so that an oracle that is wrong is found by itself.

use recording_test_support::naive::*;

const WIRE: &str = include_str!("vectors/wire.json");
const ID: &str = "1d6c6a58-6739-4f0c-98ff-0968292c8c30";

/// An action that the core has and the model has not, or the other way round, must not compile.
const _: () = assert!(recording_core::Action::ALL.len() == AUDIT.len());

#[test]
fn step_agrees_with_every_line_of_the_table() {
    let code = |names: &[&str], name: &str| names.iter().position(|n| *n == name).unwrap() as u8;
    let state = |f: &[&str]| (code(&RECORDING, f[0]), code(&MARKING, f[1]), code(&SAVING, f[2]));
    let mut cells = std::collections::BTreeMap::new();
    for line in include_str!("vectors/transitions.csv").lines().skip(1) {
        let f: Vec<&str> = line.split(',').collect();
        let (before, outcome, after) = (state(&f[..3]), f[4], state(&f[5..]));
        let action = actions().find(|a| action_name(*a) == f[3]).unwrap();
        let got = match step(before, action) {
            Step::Changed(after) => ("changed", after),
            Step::Unchanged => ("unchanged", before),
            Step::Refused => ("refused", before),
        };
        assert_eq!(got, (outcome, after), "{line}");
        cells.insert((before, action), outcome);
    }
    let count = |outcome| cells.values().filter(|o| **o == outcome).count();
    assert_eq!(["changed", "unchanged", "refused"].map(count), [150, 75, 27]);
}

#[test]
fn heads_agree_with_every_case() {
    for case in WIRE.lines().filter(|line| line.starts_with("{\"name\": ")) {
        let after = |key: &str| Some(case.split_once(&format!("\"{key}\": "))?.1);
        let text = |key: &str| after(key)?.strip_prefix('"')?.split('"').next();
        let status: u16 = after("status").unwrap()[..3].parse().unwrap();
        let (method, target) = (text("method").unwrap(), text("target").unwrap());
        match head(method, target.as_bytes(), text("content_type").map(str::as_bytes)) {
            Head::Status(code, _) => assert_eq!(code, status, "{case}"),
            Head::Bad400 => assert_eq!(400, status, "{case}"),
            Head::Set => assert!([200, 400, 413].contains(&status), "{case}"),
            _ => assert_eq!(200, status, "{case}"),
        }
    }
}

#[test]
fn replies_agree_with_some_cases() {
    let ucc = Ucc {
        licensed: true,
        use_audio_recording: true,
        agent_can_edit: true,
        save_by_default: false,
        repeats_accepted: false,
    };
    let demo = World { ucc: Some(ucc), is_agent: true, session: Some((0, 1, 1)) };
    let strict = World { session: Some((3, 0, 0)), ..demo };
    let in_case = |case: &str, reply: &str, event: Option<String>| {
        let case = format!("{{\"name\": \"{case}\", ");
        let line = WIRE.lines().find(|line| line.starts_with(&case)).unwrap();
        let event = event.map_or("null".to_string(), |event| json_string(&event));
        let want = format!("\"reply\": {}, \"event\": {event}}}", json_string(reply));
        assert!(line.contains(&want), "{line}\n{want}");
    };
    let sets = [
        ("the page's sample: by id", demo, "ucc-demo-name", 1),
        ("Stop by id", demo, "ucc-demo-name", 2),
        ("resume", strict, "ucc-strict", 1),
        ("pause again, refused by policy", strict, "ucc-strict", 3),
    ];
    for (case, facts, ucc, action) in sets {
        let answer = set(&facts, ucc, ID, "sip:agent@domain.com", action);
        in_case(case, &answer.reply, answer.event);
    }
    let nobody = World { ucc: None, ..demo };
    in_case("the page's sample: state", &state_reply(&demo, "ucc-demo-name", ID), None);
    in_case("unknown UCC", &state_reply(&nobody, "nobody", ID), None);
    in_case("capabilities of an unknown UCC", &capabilities_reply(&nobody, "nobody"), None);
}

#[test]
fn fields() {
    let (bare, braced) = (ID.replace('-', ""), format!("{{{ID}}}"));
    let right = [ID, &ID.to_uppercase(), &bare, &braced];
    assert!(right.iter().all(|text| guid(text).as_deref() == Some(ID)));
    let wrong = ["", &ID[1..], &format!("{{{bare}}}"), &ID.replace('6', "g")];
    assert!(wrong.iter().all(|text| guid(text).is_none()));
    assert!(ucc_name_ok(&"é".repeat(32)) && !ucc_name_ok(&"é".repeat(33)));
    assert!(sip_ok("SIPS:a:1@b") && !sip_ok("sip:@b") && !sip_ok("sip:a@b@c"));
    assert_eq!(json_string("\"\\/\n\u{1f}\u{7f}é"), "\"\\\"\\\\/\\n\\u001f\u{7f}é\"");
}
