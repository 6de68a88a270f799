//! What fuzzing begins with: made of the wire vectors, of stories that reach every cell, and of a few texts of clients.

use recording_core::State;
use serde_json::{Value, json};

use crate::desk::Step;
use crate::strict::{self, Document, Tree};
use crate::world::{VECTORS, codes};
use recording_test_support::naive;

/// For each target inputs to begin with. `made_request` has bytes that mean nothing in particular: it makes something
/// sound of any.
#[must_use]
pub fn seeds() -> [(&'static str, Vec<Vec<u8>>); 7] {
    let cases = VECTORS["cases"].as_array().map(Vec::as_slice).unwrap_or_default();
    let all =
        |key: &'static str| cases.iter().map(move |case| text(case, key).into_bytes()).filter(|text| !text.is_empty());
    // By its own method, and by every other.
    let request = |case: &Value, method: Option<&str>| {
        let [own, target, content_type, body] = ["method", "target", "content_type", "body"].map(|key| text(case, key));
        [method.unwrap_or(&own), &target, &content_type, &body].join("\r\n").into_bytes()
    };
    [
        ("body", all("body").chain(HOSTILE.map(|text| text.as_bytes().to_vec())).chain(variations(SET)).collect()),
        ("request", {
            let requests = cases.iter().flat_map(|case| METHODS.map(|method| request(case, method)));
            requests.chain(percent_codes()).collect()
        }),
        ("made_request", (1..=64).map(noise).collect()),
        ("desk", stories()),
        ("client", {
            let replies = all("reply").chain(all("event")).chain(REPLIES.map(|text| text.as_bytes().to_vec()));
            replies.chain(REPLIES.into_iter().flat_map(variations)).collect()
        }),
        ("provisioning", documents()),
        // Bytes that mean nothing in particular: any are a story.
        ("recorder", (65..=128).map(noise).collect()),
    ]
}

const METHODS: [Option<&str>; 4] = [None, Some("HEAD"), Some("POST"), Some("PUT")];

const SET: &str = r#"{"Action":3,"RequesterSipUri":"sip:agent@domain.com","CorrelationId":"1d6c6a58-6739-4f0c-98ff-0968292c8c30","UCCName":"ucc-demo-name"}"#;

/// What a member may hold that hardly any may.
const VALUES: [&str; 14] =
    ["null", "true", "0", "0.0", "1.0", "1e0", "-0", "-1", "10", "4294967297", "\"1\"", "\"\"", "[0]", "{}"];

/// An object with each of its members missing, given twice, or with another value.
fn variations(object: &str) -> Vec<Vec<u8>> {
    let Document::Sound(Tree::Object(members)) = strict::read(object.as_bytes()) else { panic!("no object: {object}") };
    let mut written = Vec::new();
    for at in 0..members.len() {
        let mut parts: Vec<_> = members.iter().map(|(key, value)| member(key, &value.to_string())).collect();
        let (key, own) = (&members[at].0, parts[at].clone());
        for value in VALUES {
            parts[at] = member(key, value);
            written.push(parts.join(","));
        }
        parts[at] = format!("{own},{}", member(&key.to_ascii_uppercase(), &members[at].1.to_string()));
        written.push(parts.join(","));
        parts.remove(at);
        written.push(parts.join(","));
        // What is inside an object is as much in need of it.
        if let (Tree::Object(_), value) = (&members[at].1, members[at].1.to_string()) {
            for inside in variations(&value) {
                let value = String::from_utf8(inside).expect("UTF-8");
                written.push([parts.as_slice(), &[member(key, &value)]].concat().join(","));
            }
        }
    }
    written.into_iter().map(|members| format!("{{{members}}}").into_bytes()).collect()
}

fn member(key: &str, value: &str) -> String {
    format!("{}:{value}", naive::json_string(key))
}

const HOSTILE: [&str; 6] = [
    r#"{"Action":"\u0050ause","requestersipuri":"sip:a@b","CORRELATIONID":"{1D6C6A58-6739-4F0C-98FF-0968292C8C30}","UCCName":"\ud83d\ude00"}"#,
    r#"{"u":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]],"v":-0.5E+10,"w":"\b\f\n\r\t\/\\\"\u001f"}"#,
    r"[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]",
    r#"[true,false,null,0,-1,1.5,1e5,"",{},[]]"#,
    r#""\ud800""#,
    "\u{feff}{}",
];

const REPLIES: [&str; 6] = [
    r#"{ "uccName" : "Gr\u00F6\u00dfe \u0026", "errorMessage" : { "helpLink": null, "message" : "\u0027x\u0027", "errorType" : 2 }, "savingState" : 2, "markingState" : 1, "recordingState" : 3, "ids": [1, {"RecordingState": 9}], "correlationId" : "1D6C6A58-6739-4F0C-98FF-0968292C8C30" }"#,
    r#"{"AgentCanEditRecordings":false,"ErrorMessage":{"ErrorType":-7,"Message":"\u0000"},"UCCName":"u"}"#,
    r#"{"ErrorMessage":{"ErrorType":2147483647,"Message":""}}"#,
    r#"{"ErrorMessage":{"ErrorType":-0,"Message":"\ud83d\ude00"}}"#,
    r#"{"StateAction":"unmark","CorrelationId":"1d6c6a5867394f0c98ff0968292c8c30","UccName":"a"}"#,
    r#"{"RecordingState":1,"MarkingState":0,"SavingState":2}"#,
];

/// Names that together hold every percent code that a name may hold, some of them as bytes that are no ASCII go on.
fn percent_codes() -> impl Iterator<Item = Vec<u8>> {
    let letters: Vec<char> = (' '..='~').filter(|c| *c != '/').chain('\u{100}'..='\u{13f}').collect();
    let names: Vec<String> = letters.chunks(16).map(String::from_iter).collect();
    names.into_iter().enumerate().map(|(count, name)| {
        let code = |byte: u8| if count % 2 == 0 { format!("%{byte:02X}") } else { format!("%{byte:02x}") };
        let name: String = name.bytes().map(code).collect();
        format!("GET\r\n/attendantservice/api/recording/capabilities/{name}").into_bytes()
    })
}

fn text(case: &Value, key: &str) -> String {
    case[key].as_str().unwrap_or_default().to_owned()
}

/// Bytes of a linear congruential generator.
fn noise(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut byte = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u8
    };
    (0..seed * 4).map(|_| byte()).collect()
}

/// For each state a story that tries every action on it, and some stories of what else can happen.
fn stories() -> Vec<Vec<u8>> {
    let story = |steps: &[Step]| steps.iter().flat_map(|step| step.bytes()).collect::<Vec<u8>>();
    let mut stories = Vec::new();
    for (count, state) in State::ALL.into_iter().enumerate() {
        // One UCC accepts repeats, the other refuses them.
        let (ucc, id) = (count % 2, count as u8 % 8);
        let mut steps = Vec::new();
        for action in naive::actions() {
            steps.push(Step::Begin { ucc, id, state: codes(state) });
            steps.push(Step::Set { ucc, id, uri: count % 2, action });
            steps.push(Step::Read { ucc, id });
            steps.push(Step::End { ucc, id });
        }
        stories.push(story(&steps));
    }
    // Fuller than full, and room again; an unknown UCC and an unknown requester.
    let mut steps: Vec<_> = (0..8).map(|id| Step::Begin { ucc: usize::from(id % 4), id, state: (1, 0, 0) }).collect();
    steps.extend((0..8).map(|id| Step::Set { ucc: usize::from(id % 4), id, uri: usize::from(id % 4), action: 3 }));
    steps.extend((0..8).map(|id| Step::End { ucc: usize::from(id % 4), id }));
    steps.push(Step::Begin { ucc: 2, id: 7, state: (3, 2, 1) });
    steps.push(Step::Begin { ucc: 2, id: 7, state: (0, 0, 0) });
    stories.push(story(&steps));
    // Every setting, while a session runs.
    for bits in 0..32_u8 {
        let bit = |at: u8| bits >> at & 1 == 1;
        let to = naive::Ucc {
            licensed: bit(0),
            use_audio_recording: bit(1),
            agent_can_edit: bit(2),
            save_by_default: bit(3),
            repeats_accepted: bit(4),
        };
        let (ucc, id) = (usize::from(bits % 3), 1);
        stories.push(story(&[
            Step::Begin { ucc, id, state: (1, 1, 0) },
            Step::Settings { ucc, to },
            Step::Capabilities { ucc },
            Step::Read { ucc, id },
            Step::Set { ucc, id, uri: usize::from(bits % 4), action: bits % 7 + 1 },
            Step::Set { ucc, id, uri: usize::from(bits % 4), action: bits % 7 + 1 },
            Step::End { ucc, id },
            Step::Read { ucc, id },
        ]));
    }
    stories
}

/// Provisioning documents: the world's, one UCC at a time, and some that are invalid.
fn documents() -> Vec<Vec<u8>> {
    let uccs = VECTORS["world"]["uccs"].as_array().cloned().unwrap_or_default();
    let mut documents = vec![json!({"uccs": uccs}), json!({"uccs": uccs[..3]}), json!({"uccs": []})];
    documents.extend(uccs.iter().map(|ucc| json!({"uccs": [ucc]})));
    let mut documents: Vec<_> = documents.into_iter().map(|document| document.to_string()).collect();
    let sound = documents[3].clone();
    for (old, new) in [
        ("\"name\"", "\"\\u006eame\""),
        ("\"accept\"", "\"refu\\u0073e\""),
        ("\"repeats\":\"accept\",", ""),
        ("sip:agent", "sip:\\u0061gent"),
        ("\"sip:agent@domain.com\"", "\"sip:a@b\",\"SIP:A@B\",\"sips:c@d\""),
        ("\"sip:agent@domain.com\"", "7"),
        ("true", "1"),
        ("{\"uccs\"", " {\n\t\"uccs\" "),
        ("]}", "],\"x\":1}"),
    ] {
        documents.push(sound.replace(old, new));
    }
    documents.into_iter().map(String::into_bytes).collect()
}
