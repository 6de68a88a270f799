//! A second, deliberately naive implementation of a session with a recorder, for tests to compare the real one with. It
//! shares no code with the crate: the rules are written out again from `docs/recorder.md`, whose sections the comments name.
//! Numbers are not in it: whether a sending gets one is.

mod request;

/// Section 1: what a recorder is doing, and the recorder's axis, by its wire code. 0 Uninitialized is of the axis only.
pub const RECORDING: u8 = 1;
pub const OFF: u8 = 2;
pub const PAUSED: u8 = 3;

/// Section 3: where the latest sending is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sending {
    Unsent,
    Flying,
    Idle,
    OldFlying,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Session {
    pub axis: u8,
    pub marking: u8,
    pub saving: u8,
    pub closing: bool,
    /// What the recorder is to become, and where the sending is.
    pub order: Option<(u8, Sending)>,
    /// Section 5; `None` if anyone may resume. Who holds, and whether the request that made the hold still waits.
    pub holds: Option<Vec<(u8, bool)>>,
}

/// Who asks, and what is known besides the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    pub who: u8,
    pub action: u8,
    pub repeats_accepted: bool,
    pub possible: bool,
    /// Whose holds count, as bits.
    pub agents: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    Ask(Ask),
    Answered(u8),
    NoSuchCall,
    AnsweredOther,
    GivenUp,
    SendAgain,
    Read(u8),
    Reported(u8),
    Restarted,
    End,
    Release,
    ReleaseHolds,
    /// A request of this one has waited for as long as it may.
    TimeOut(u8),
    /// The server starts again, or reads the session again since the store does not know what it stored.
    FoundAgain,
}

/// What requests that wait get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub only: Option<u8>,
    pub what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    CarriedOut(u8),
    NotCarriedOut(u8),
    NotConfirmed,
    Replaced,
    NoSuchCall,
    Ended,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// To what is no request.
    None,
    Waits,
    Success,
    Error(u8, String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct After {
    pub session: Option<Session>,
    pub new_number: bool,
    pub event: Option<u8>,
    pub outcome: &'static str,
    pub told: Option<Told>,
    pub reply: Reply,
}

const fn doing_name(doing: u8) -> &'static str {
    match doing {
        RECORDING => "Recording",
        OFF => "Off",
        _ => "Paused",
    }
}

fn action_name(action: u8) -> &'static str {
    ["Start", "Stop", "Pause", "Save", "Delete", "Mark", "UnMark"][usize::from(action) - 1]
}

/// Section 4: the reply to a request that waited, as type and text; `None` is success.
pub fn reply_to(action: u8, what: What) -> Option<(u8, String)> {
    let name = action_name(action);
    let text = match what {
        // Start is 1 and orders Recording, Stop is 2 and orders Off, Pause is 3 and orders Paused.
        What::CarriedOut(order) if order == action => return None,
        What::CarriedOut(_) | What::NotConfirmed => format!("Action:'{name}' is not confirmed by the recorder."),
        What::NotCarriedOut(doing) => {
            format!("Action:'{name}' was not carried out: the recorder is '{}'.", doing_name(doing))
        }
        What::Replaced => format!("Action:'{name}' was replaced by another request."),
        What::NoSuchCall => "The recorder does not know the call.".to_owned(),
        What::Ended => {
            let text = "No Audio session with correlation Id:'1d6c6a58-6739-4f0c-98ff-0968292c8c30' was found.";
            return Some((2, text.to_owned()));
        }
    };
    Some((1, text))
}

struct Work {
    s: Session,
    new_number: bool,
    event: Option<u8>,
    told: Option<Told>,
    reply: Reply,
}

impl Work {
    const fn is_silent(&self) -> bool {
        self.s.axis == PAUSED || self.s.axis == OFF
    }

    const fn in_flight(&self) -> bool {
        matches!(self.s.order, Some((_, Sending::Flying | Sending::OldFlying)))
    }

    /// "nothing overtakes"
    const fn order(&mut self, target: u8) {
        if self.in_flight() {
            self.s.order = Some((target, Sending::OldFlying));
        } else {
            self.s.order = Some((target, Sending::Flying));
            self.new_number = true;
        }
    }

    const fn send(&mut self) {
        let (target, _) = self.s.order.unwrap();
        self.s.order = Some((target, Sending::Flying));
        self.new_number = true;
    }

    const fn wait_for_more(&mut self) {
        let (target, _) = self.s.order.unwrap();
        self.s.order = Some((target, Sending::Idle));
    }

    const fn become_(&mut self, axis: u8) {
        if self.s.axis != axis {
            self.s.axis = axis;
            // Start is 1 and leads to Started 1, Stop 2 to Stopped 2, Pause 3 to Paused 3.
            self.event = Some(axis);
        }
    }

    /// Section 5: who hears that it was not carried out or replaced loses the hold it made; else it is kept.
    fn tell(&mut self, what: What) {
        self.told = Some(Told { only: None, what });
        if let Some(holds) = &mut self.s.holds {
            if matches!(what, What::NotCarriedOut(_) | What::Replaced) {
                holds.retain(|(_, waits)| !waits);
            }
            holds.iter_mut().for_each(|(_, waits)| *waits = false);
        }
    }

    fn after(self, outcome: &'static str) -> After {
        let Self { s, new_number, event, told, reply } = self;
        After { session: (outcome != "ended").then_some(s), new_number, event, outcome, told, reply }
    }
}

pub fn input(session: &Session, input: Input) -> After {
    let mut w = Work { s: session.clone(), new_number: false, event: None, told: None, reply: Reply::None };
    let outcome = match input {
        Input::Ask(ask) => {
            let outcome = request::request(&mut w, ask);
            return w.after(outcome);
        }
        Input::Answered(doing) => answered(&mut w, doing),
        Input::NoSuchCall => match w.s.order {
            None | Some((_, Sending::Unsent)) => "ignored",
            Some((target, Sending::OldFlying)) => {
                w.s.order = Some((target, Sending::Unsent));
                "landed"
            }
            Some(_) if w.s.closing => "ended",
            Some(_) => {
                w.wait_for_more();
                w.tell(What::NoSuchCall);
                "no such call"
            }
        },
        Input::AnsweredOther => "ignored",
        Input::GivenUp => match w.s.order {
            Some((target, Sending::OldFlying)) => {
                w.s.order = Some((target, Sending::Unsent));
                "landed"
            }
            Some((_, Sending::Flying)) => {
                w.wait_for_more();
                w.tell(What::NotConfirmed);
                "not confirmed"
            }
            _ => "ignored",
        },
        Input::SendAgain => match w.s.order {
            Some((_, Sending::Idle | Sending::Unsent)) => {
                w.send();
                "sent"
            }
            None if w.is_silent() => {
                w.order(w.s.axis);
                "sent"
            }
            _ => "ignored",
        },
        Input::Read(doing) => seen(&mut w, doing),
        Input::Reported(RECORDING) => seen(&mut w, RECORDING),
        Input::Reported(_) if w.in_flight() => "ignored",
        Input::Reported(_) => "read back",
        Input::Restarted => {
            if w.s.order.is_some() {
                w.send();
                "sent"
            } else if w.s.axis == 0 {
                "as known"
            } else {
                w.order(w.s.axis);
                "sent"
            }
        }
        Input::End if w.s.closing => "no session",
        Input::End => {
            w.tell(What::Ended);
            if w.s.axis == 0 || w.s.axis == OFF {
                "ended"
            } else {
                w.s.closing = true;
                w.order(OFF);
                "closing"
            }
        }
        Input::Release if w.s.closing => "ended",
        Input::Release => "ignored",
        Input::ReleaseHolds => match &mut w.s.holds {
            Some(holds) if !w.s.closing && !holds.is_empty() => {
                holds.clear();
                "changed"
            }
            _ => "unchanged",
        },
        Input::TimeOut(who) => {
            for (holder, waits) in w.s.holds.iter_mut().flatten() {
                *waits &= *holder != who;
            }
            "timed out"
        }
        Input::FoundAgain => {
            // Repeats are not stored; what was in flight is not known any more, and nobody waits.
            w.s.order = match w.s.order {
                Some((target, _)) if target == w.s.axis && w.s.axis != RECORDING && !w.s.closing => None,
                Some((target, _)) => Some((target, Sending::Unsent)),
                None => None,
            };
            w.s.holds.iter_mut().flatten().for_each(|(_, waits)| *waits = false);
            "found again"
        }
    };
    w.after(outcome)
}

fn answered(w: &mut Work, doing: u8) -> &'static str {
    let Some((target, sending)) = w.s.order else { return "ignored" };
    match sending {
        Sending::Unsent => return "ignored",
        Sending::OldFlying => {
            w.s.order = Some((target, Sending::Unsent));
            return "landed";
        }
        Sending::Flying | Sending::Idle => {}
    }
    if w.s.closing {
        if doing == OFF {
            return "ended";
        }
        w.wait_for_more();
        return "again";
    }
    let is_repeat = target == w.s.axis && target != RECORDING;
    if target != RECORDING && doing == RECORDING {
        let alarm = w.is_silent();
        w.become_(RECORDING);
        if alarm {
            w.send();
        } else {
            w.wait_for_more();
        }
        w.tell(What::NotCarriedOut(RECORDING));
        return if alarm { "alarm" } else { "not carried out" };
    }
    w.s.order = None;
    w.become_(doing);
    w.tell(if doing == target { What::CarriedOut(target) } else { What::NotCarriedOut(doing) });
    match (is_repeat, doing == target) {
        (false, true) => "carried out",
        (false, false) => "not carried out",
        (true, true) => "confirmed",
        (true, false) => "reported",
    }
}

/// A read-back, or a report of Recording.
fn seen(w: &mut Work, doing: u8) -> &'static str {
    if w.s.closing {
        return "ignored";
    }
    if doing == RECORDING && w.is_silent() {
        let silence = w.s.order.map_or(w.s.axis, |(target, _)| target);
        w.become_(RECORDING);
        w.order(silence);
        return "alarm";
    }
    if w.s.order.is_some() {
        return "ignored";
    }
    if w.s.axis == doing || (w.s.axis == 0 && doing == OFF) {
        return "as known";
    }
    w.become_(doing);
    "reported"
}
