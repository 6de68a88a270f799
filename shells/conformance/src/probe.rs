//! Looks at a server before the run, so that a wrong name is reported in one sentence and not as many broken rules.

use recording_testkit::explore::Options;
use recording_testkit::http::Response;
use recording_testkit::naive::Ucc;
use recording_testkit::plan::{Ids, Plan};
use recording_testkit::transport::Transport;
use serde_json::Value;

use crate::http::Server;
use crate::plain::shown;

/// The actions tried, in this order: in no state of a recorder one of them makes no sense.
const TRIED: [u8; 4] = [6, 7, 4, 5];

/// What a response says against it; `None` if it is a success.
fn refusal(response: &Response) -> Option<String> {
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let told = body["ErrorMessage"]["Message"].as_str().map(shown);
    if response.status < 400 && !body["ErrorMessage"].is_object() {
        return None;
    }
    Some(told.unwrap_or_else(|| format!("status {}: {}", response.status, shown(&response.text()))))
}

/// Tries what every sequence needs: the API, the UCC, its sessions, and that its agent may set.
///
/// # Errors
///
/// What is wrong with what was asked for, in one sentence.
pub(crate) fn probe(server: &mut Server, plan: &Plan, options: &Options) -> Result<(), String> {
    let failed = |error: crate::http::Failed| error.to_string();
    let ucc = &plan.ucc(0).name;
    let first = server.capabilities(ucc).map_err(failed)?;
    match (first.status, refusal(&first)) {
        (401, _) => return Err(format!("{}: 401: it wants to see a token, see --token in --help", server.address())),
        (403, _) => return Err(format!("{}: 403: it does not let this token in", server.address())),
        (404, Some(why)) => {
            return Err(format!("{}: 404: either the API is not there or no --ucc {ucc}: {why}", server.address()));
        }
        (_, Some(why)) => return Err(format!("--ucc {ucc}: there is no such UCC, the server says: {why}")),
        _ => {}
    }
    for (place, planned) in plan.uccs.iter().enumerate() {
        let Some(Ucc { licensed: true, use_audio_recording: true, agent_can_edit: true, .. }) = planned.settings else {
            continue;
        };
        // One that no sequence uses.
        let own = Ids::of(options.ids, u64::from(u32::MAX) + place as u64, 1);
        let id = match options.sessions.first() {
            Some(id) if place == 0 => id.as_str(),
            Some(_) => continue,
            None => own.get(0),
        };
        if plan.can_begin {
            server.begin(&planned.name, id, (1, 0, 0)).map_err(failed)?;
        } else {
            for id in &options.sessions {
                let read = server.read(ucc, id).map_err(failed)?;
                if let Some(why) = refusal(&read) {
                    return Err(format!("--session {id}: it cannot be read in UCC '{ucc}': {why}"));
                }
            }
        }
        let mut why = None;
        for action in TRIED {
            why = refusal(&server.set(&planned.name, id, &plan.agent, action).map_err(failed)?);
            if why.is_none() {
                break;
            }
        }
        if plan.can_begin {
            server.end(&planned.name, id).map_err(failed)?;
        }
        if let Some(why) = why {
            let (agent, ucc) = (&plan.agent, &planned.name);
            return Err(format!("--agent {agent}: all that this agent tries in UCC '{ucc}' is refused: {why}"));
        }
    }
    Ok(())
}
