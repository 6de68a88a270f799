//! Requests: what a desk looks up, and what it stores.

use super::Response;
use super::sessions;
use super::slots::{SessionSlot, UccSlot};
use super::tables::Tables;
use crate::decide::{Decision, SetFacts, StateFacts};
use crate::wire::SetRequest;
use crate::{Reply, Request};

/// Looks the facts up, decides, stores, and gives out what may now be said.
#[inline(always)]
pub(super) fn handle<'a>(directory: &Tables<'_>, slots: &mut [SessionSlot], request: &Request<'a>) -> Response<'a> {
    let silent = |reply| Response { event: None, reply, audit_name: None };
    match request {
        Request::Set(request) => set(directory, slots, request),
        Request::State(read) => {
            let mut facts = None;
            // No closure: what one looks up is not inlined.
            if let Some((key, ucc)) = directory.ucc(read.ucc) {
                let session = sessions::state(slots, key, read.correlation_id);
                facts = Some(StateFacts { settings: ucc.settings(), session });
            }
            silent(Reply::State(read.decide(facts)))
        }
        Request::Capabilities(question) => {
            let settings = directory.ucc(question.ucc).map(|(_, ucc)| UccSlot::settings(ucc));
            silent(Reply::Capabilities(question.decide(settings)))
        }
    }
}

#[inline(always)]
fn set<'a>(directory: &Tables<'_>, slots: &mut [SessionSlot], request: &SetRequest<'a>) -> Response<'a> {
    let (mut place, mut facts) = (None, None);
    if let Some((key, ucc)) = directory.ucc(request.ucc) {
        place = sessions::find(slots, key, request.correlation_id);
        facts = Some(SetFacts {
            settings: ucc.settings(),
            requester_is_agent: directory.is_agent(key, request.requester),
            session: sessions::at(slots, place),
        });
    }
    let pending = match request.decide(facts) {
        Decision::Change(pending) => pending,
        Decision::Reply(answer) => {
            return Response { event: None, reply: Reply::State(answer.reply), audit_name: None };
        }
    };
    // A change is decided only of a session that is there.
    let Some(session) = place.and_then(|place| slots.get_mut(place)) else {
        return Response { event: None, reply: pending.abort().into(), audit_name: None };
    };
    session.set_state(pending.new_state());
    let stored = pending.commit();
    Response { event: Some(stored.event), reply: Reply::State(stored.reply), audit_name: Some(stored.audit_name) }
}
