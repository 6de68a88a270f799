//! All sessions at one revision.

use etcd_kv::Client;
use etcd_kv::messages::{RangeRequest, RangeResponse, prefix_end};
use tokio::task::JoinSet;

use super::carry::{found, revision};
use super::keys::Keys;
use crate::session::{Found, SessionKey};

/// How many sessions one answer has at most.
const PAGE: i64 = 1000;

/// How many requests are on their way at most.
const TOGETHER: usize = 8;

const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];

/// A part of the sessions: those whose ids begin with some digits, after a key.
struct Part {
    digits: String,
    after: Option<Vec<u8>>,
}

/// All sessions, and the revision at which they were so.
///
/// A range counts every key up to its end, however few it answers. So it is asked for in ranges that have few: as many as
/// the number of sessions says, and narrower ones where there are still too many.
pub(super) async fn list(client: &Client, keys: &Keys) -> Result<(Vec<(SessionKey, Found)>, u64), String> {
    let mut all = Vec::new();
    let first = ask(client.clone(), keys.clone(), Part { digits: String::new(), after: None }, 0).await?.1;
    let pinned = first.header.map_or(0, |header| header.revision);
    if !first.more {
        take(keys, &first, &mut all)?;
        return Ok((all, revision(pinned)));
    }
    let mut parts = vec![Part { digits: String::new(), after: None }];
    let mut each = first.count;
    while each > PAGE / 2 {
        parts = parts.iter().flat_map(split).collect();
        each /= 16;
    }
    let mut asked = JoinSet::new();
    loop {
        while asked.len() < TOGETHER
            && let Some(part) = parts.pop()
        {
            asked.spawn(ask(client.clone(), keys.clone(), part, pinned));
        }
        let Some(answer) = asked.join_next().await else { break };
        let (part, answer) = answer.map_err(|error| error.to_string())??;
        match answer.kvs.last().filter(|_| answer.more) {
            Some(_) if part.digits.len() < 32 => parts.extend(split(&part)),
            last => {
                parts.extend(last.map(|kv| Part { after: Some(kv.key.to_vec()), ..part }));
                take(keys, &answer, &mut all)?;
            }
        }
    }
    Ok((all, revision(pinned)))
}

fn split(part: &Part) -> impl Iterator<Item = Part> + use<> {
    let digits = part.digits.clone();
    DIGITS.into_iter().map(move |digit| Part { digits: format!("{digits}{digit}"), after: None })
}

async fn ask(client: Client, keys: Keys, part: Part, pinned: i64) -> Result<(Part, RangeResponse), String> {
    let prefix = keys.sessions(&part.digits);
    let end = prefix_end(&prefix);
    let first = part.after.as_ref().map_or(prefix, |after| [&after[..], &[0]].concat().into());
    let request = RangeRequest { limit: PAGE, revision: pinned, ..RangeRequest::between(first, end) };
    let answer = client.range(request).await.map_err(|error| error.to_string())?;
    Ok((part, answer))
}

fn take(keys: &Keys, answer: &RangeResponse, all: &mut Vec<(SessionKey, Found)>) -> Result<(), String> {
    for kv in &answer.kvs {
        let wrong = |why: String| format!("{}: {why}", String::from_utf8_lossy(&kv.key));
        let key = keys.read(&kv.key).map_err(wrong)?;
        let (found, _) = found(kv).map_err(wrong)?;
        all.extend(key.map(|key| (key, found)));
    }
    Ok(())
}
