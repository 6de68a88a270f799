//! Requests: checks 7 to 10, and holds.

use super::{Ask, OFF, RECORDING, Reply, Told, What, Work, action_name};

/// Sections 3 to 5, and checks 7 to 10.
pub(super) fn request(w: &mut Work, ask: Ask) -> &'static str {
    let name = action_name(ask.action);
    let error = |error_type, text: String| Reply::Error(error_type, text);
    if w.s.closing {
        let text = "No Audio session with correlation Id:'1d6c6a58-6739-4f0c-98ff-0968292c8c30' was found.";
        w.reply = error(2, text.to_owned());
        return "no session";
    }
    // Marking and saving.
    if ask.action > 3 {
        let (axis, to, state) = match ask.action {
            4 => (&mut w.s.saving, 1, "Save"),
            5 => (&mut w.s.saving, 2, "Delete"),
            6 => (&mut w.s.marking, 1, "Mark"),
            _ => (&mut w.s.marking, 2, "Unmark"),
        };
        if *axis != to {
            *axis = to;
            w.event = Some(ask.action);
            w.reply = Reply::Success;
            return "changed";
        }
        return repeat(w, ask, state);
    }
    let axis_name = ["Uninitialized", "Started", "Stopped", "Paused"][usize::from(w.s.axis)];
    // 8.
    if (w.s.axis == 0 && ask.action != 1) || (w.s.axis == OFF && ask.action == 3) {
        w.reply = error(2, format!("Action:'{name}' is not allowed while the recorder is '{axis_name}'."));
        return "refused";
    }
    // 8b.
    let counts = |who: u8| ask.agents >> who & 1 == 1;
    if ask.action == 1
        && let Some(holds) = &mut w.s.holds
    {
        if holds.iter().any(|(holder, _)| *holder == ask.who) {
            holds.retain(|(holder, _)| *holder != ask.who);
            w.told = Some(Told { only: Some(ask.who), what: What::Replaced });
        }
        if holds.iter().any(|(holder, _)| counts(*holder)) {
            let text = "Action:'Start' is held back: the recorder is held by another requester.";
            w.reply = error(2, text.to_owned());
            return "held back";
        }
    }
    // 9. An order's code is that of the action that asks for it, and of the axis that it leads to.
    let pending = w.s.order.map(|(target, _)| target);
    let ends_silence = ask.action == 1 && pending.is_some_and(|target| target != RECORDING);
    let is_as_asked = w.s.axis == ask.action && !ends_silence;
    if is_as_asked && !ask.repeats_accepted {
        return repeat(w, ask, axis_name);
    }
    let joins = pending == Some(ask.action);
    let unchanged = is_as_asked && !joins;
    // 10.
    if !unchanged && !ask.possible {
        w.reply = error(1, format!("Action:'{name}' is not possible with the recorder of UCC:'ucc-demo-name'."));
        return "not possible";
    }
    // Section 5: a Pause or Stop holds.
    let mut holds = w.s.holds.clone();
    if let (Some(holds), true) = (&mut holds, ask.action != 1) {
        if !joins && !unchanged {
            holds.retain(|(_, waits)| !waits);
        }
        if let Some((_, waits)) = holds.iter_mut().find(|(holder, _)| *holder == ask.who) {
            *waits &= !unchanged;
        } else {
            if holds.len() == 8 {
                let Some(place) = holds.iter().position(|(holder, _)| !counts(*holder)) else {
                    w.reply = error(2, "The recorder is held by as many requesters as it can be.".to_owned());
                    return "too many holds";
                };
                holds.remove(place);
            }
            holds.push((ask.who, !unchanged));
        }
    }
    if unchanged {
        w.s.holds = holds;
        w.reply = Reply::Success;
        return "unchanged";
    }
    w.reply = Reply::Waits;
    if joins {
        w.s.holds = holds;
        if !w.in_flight() {
            w.send();
        }
        return "joins";
    }
    if ask.action == 1 {
        w.become_(RECORDING);
    }
    if pending.is_some() {
        w.tell(What::Replaced);
    }
    if ask.action != 1 {
        w.s.holds = holds;
    }
    w.order(ask.action);
    "ordered"
}

fn repeat(w: &mut Work, ask: Ask, state: &str) -> &'static str {
    if ask.repeats_accepted {
        w.reply = Reply::Success;
        return "unchanged";
    }
    let name = action_name(ask.action);
    let text = format!("Action:'{name}' would change nothing: the state is already '{state}'.");
    w.reply = Reply::Error(2, text);
    "refused"
}
