//! Steps as requests, byte for byte.

use crate::http::Request;
use crate::naive::{action_name, json_string};
use crate::plan::{Ids, Plan};
use crate::step::{Spelling, Step};
use crate::wrong::{Victim, WRONG};

/// What all paths begin with.
pub const PREFIX: &str = "/attendantservice/api/recording/";

/// Scheme and host of a target in absolute form; what carries requests puts those of its server in place of it.
pub const ORIGIN: &str = "http://localhost";

/// The plain read of a state.
#[must_use]
pub fn read(ucc: &str, id: &str) -> Request {
    Request::get(format!("{PREFIX}{}/{id}", encoded(ucc, false)).into_bytes())
}

/// The plain question for capabilities.
#[must_use]
pub fn capabilities(ucc: &str) -> Request {
    Request::get(format!("{PREFIX}capabilities/{}", encoded(ucc, false)).into_bytes())
}

/// The plain request for an action.
#[must_use]
pub fn set(ucc: &str, id: &str, requester: &str, action: u8) -> Request {
    Request::post(format!("{PREFIX}set").into_bytes(), body(&action.to_string(), requester, id, &json_string(ucc)))
}

/// The body of a set; `action` and `ucc` as they are in JSON.
#[must_use]
pub fn body(action: &str, requester: &str, id: &str, ucc: &str) -> Vec<u8> {
    let requester = json_string(requester);
    format!(r#"{{"Action":{action},"RequesterSipUri":{requester},"CorrelationId":"{id}","UCCName":{ucc}}}"#)
        .into_bytes()
}

/// A step as a request; `None` for what is the call's side's affair.
#[must_use]
pub fn request(step: &Step, plan: &Plan, ids: &Ids) -> Option<Request> {
    Some(match step {
        Step::Begin { .. } | Step::End { .. } => return None,
        Step::Read { at, spelling } => {
            let id = id_spelt(ids.get(at.slot), *spelling);
            let name = encoded(&plan.ucc(at.ucc).name, *spelling == Spelling::PercentName);
            get_spelt(&format!("{name}/{id}"), *spelling)
        }
        Step::Capabilities { ucc, spelling } => {
            let name = encoded(&plan.ucc(*ucc).name, *spelling == Spelling::PercentName);
            get_spelt(&format!("capabilities/{name}"), *spelling)
        }
        Step::Set { at, action, by_agent, spelling } => {
            let requester = requester(plan, *by_agent, *spelling);
            set_spelt(&plan.ucc(at.ucc).name, ids.get(at.slot), &requester, *action, *spelling)
        }
        Step::Wrong { which, at, action } => {
            let wrong = &WRONG[*which % WRONG.len()];
            let ucc = &plan.ucc(at.ucc).name;
            (wrong.make)(&Victim { ucc, id: ids.get(at.slot), agent: &plan.agent, action: *action })
        }
        Step::Junk { body } => Request::post(format!("{PREFIX}set").into_bytes(), body.clone()),
    })
}

/// The requester as a step spells it.
#[must_use]
pub fn requester(plan: &Plan, by_agent: bool, spelling: Spelling) -> String {
    let requester = if by_agent { &plan.agent } else { &plan.stranger };
    if spelling == Spelling::RequesterUpper { requester.to_ascii_uppercase() } else { requester.clone() }
}

fn path(call: &str, spelling: Spelling) -> Vec<u8> {
    match spelling {
        Spelling::V2 => format!("/attendantservice/api/v2/recording/{call}"),
        Spelling::Query => format!("{PREFIX}{call}?a=/b&c=%zz"),
        Spelling::Absolute => format!("{ORIGIN}{PREFIX}{call}"),
        _ => format!("{PREFIX}{call}"),
    }
    .into_bytes()
}

fn get_spelt(call: &str, spelling: Spelling) -> Request {
    let method = if spelling == Spelling::Head { "HEAD" } else { "GET" };
    Request { method, ..Request::get(path(call, spelling)) }
}

fn id_spelt(id: &str, spelling: Spelling) -> String {
    match spelling {
        Spelling::IdUpper => id.to_ascii_uppercase(),
        Spelling::IdBraces => format!("{{{id}}}"),
        Spelling::IdDigits => id.replace('-', ""),
        _ => id.to_owned(),
    }
}

fn set_spelt(ucc: &str, id: &str, requester: &str, action: u8, spelling: Spelling) -> Request {
    let action = match spelling {
        Spelling::ActionName => format!("\"{}\"", action_name(action)),
        Spelling::ActionNameUpper => format!("\"{}\"", action_name(action).to_uppercase()),
        _ => action.to_string(),
    };
    let id = id_spelt(id, spelling);
    let ucc = if spelling == Spelling::Escaped { escaped(ucc) } else { json_string(ucc) };
    let by = json_string(requester);
    let body = match spelling {
        Spelling::KeysUpper => {
            format!(r#"{{"ACTION":{action},"REQUESTERSIPURI":{by},"CORRELATIONID":"{id}","UCCNAME":{ucc}}}"#)
                .into_bytes()
        }
        Spelling::Reordered => {
            format!("{{ \"UCCName\" : {ucc} ,\n \"CorrelationId\":\"{id}\",\t\"Action\": {action}, \"RequesterSipUri\":{by}\r\n}}")
                .into_bytes()
        }
        Spelling::UnknownKeys => format!(
            r#"{{"Actions":[9,{{"Action":8}}],"Action":{action},"":null,"RequesterSipUri":{by},"CorrelationId":"{id}","UCCName":{ucc},"x":-1.5e9}}"#
        )
        .into_bytes(),
        _ => body(&action, requester, &id, &ucc),
    };
    let mut request = Request::post(path("set", spelling), body);
    if spelling == Spelling::TypeParameter {
        request.content_type = Some("Application/JSON; charset=utf-8");
    }
    request
}

/// A name as a part of a path: what is not unreserved as a percent code, or, if `all`, every byte.
fn encoded(name: &str, all: bool) -> String {
    let mut out = String::new();
    for (at, byte) in name.bytes().enumerate() {
        let plain = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        // A UCC named like the call is reached by a percent code only.
        if all || !plain || (at == 0 && name == "capabilities") {
            out.push_str(&format!("%{byte:02x}"));
        } else {
            out.push(char::from(byte));
        }
    }
    out
}

/// A JSON string in nothing but `\u` escapes.
fn escaped(text: &str) -> String {
    let units: String = text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
    format!("\"{units}\"")
}
