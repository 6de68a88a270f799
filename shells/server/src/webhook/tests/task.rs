//! The task that posts, with receivers that a test scripts, on a clock that jumps.

use core::future::{Future, pending};
use core::pin::Pin;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use core::time::Duration;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use recording_core::Event;
use recording_core::wire::UccNameBuf;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use super::super::hook::{Answer, Hook, Settings, Transport};
use super::super::message::Message;
use super::super::options::WebhookConfig;
use super::super::queue::Failed;
use super::super::{MISSED, OVERDUE, Prepared, Webhooks};
use super::key;
use crate::events::Events;
use crate::hub::EventCase;
use crate::metrics::{WebhookDropped, WebhookLevel};

type Script = dyn Fn(&Value, u64) -> Does + Send + Sync;

/// What a receiver does with a post.
#[derive(Debug, Clone)]
enum Does {
    Says(Answer),
    SaysAfter(Duration, Answer),
    Stalls,
    Panics,
}

fn fails() -> Does {
    Does::Says(Answer::Failed(Failed { is_answer: true, wait: None }, "status 500".to_owned()))
}

fn is_away() -> Does {
    Does::Says(Answer::Failed(Failed { is_answer: false, wait: None }, "no connection".to_owned()))
}

/// A receiver, asked with each body and the number of the post.
struct Receiver {
    script: Box<Script>,
    posts: AtomicU64,
    /// What it has taken, in order, with the time since the begin.
    taken: Mutex<Vec<Value>>,
    /// All bodies by their ids.
    bodies: Mutex<HashMap<String, Vec<Message>>>,
}

impl core::fmt::Debug for Receiver {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}

impl Receiver {
    fn new(script: impl Fn(&Value, u64) -> Does + Send + Sync + 'static) -> Arc<Self> {
        let (posts, taken, bodies) = (AtomicU64::new(0), Mutex::default(), Mutex::default());
        Arc::new(Self { script: Box::new(script), posts, taken, bodies })
    }

    fn taken(&self) -> Vec<Value> {
        self.taken.lock().expect("sound").clone()
    }

    /// The actions that were taken of a session.
    fn actions(&self, session: u128) -> Vec<u64> {
        let id = key(session).correlation_id.to_string();
        let taken = self.taken();
        let of = taken.iter().filter(|body| body["data"]["CorrelationId"] == *id);
        of.map(|body| body["data"]["StateAction"].as_u64().expect("an action")).collect()
    }

    fn posts(&self) -> u64 {
        self.posts.load(Ordering::Relaxed)
    }
}

impl Transport for Receiver {
    fn post(&self, message: Message) -> Pin<Box<dyn Future<Output = Answer> + Send + '_>> {
        let body: Value = serde_json::from_slice(&message.body).expect("JSON");
        assert_eq!(body["id"], *message.id);
        let mut bodies = self.bodies.lock().expect("sound");
        let tries = bodies.entry(message.id.clone()).or_default();
        tries.push(message);
        assert!(tries.iter().all(|one| *one == tries[0]), "the same on each try");
        drop(bodies);
        let does = (self.script)(&body, self.posts.fetch_add(1, Ordering::Relaxed));
        Box::pin(async move {
            let answer = match does {
                Does::Says(answer) => answer,
                Does::SaysAfter(after, answer) => {
                    sleep(after).await;
                    answer
                }
                Does::Stalls => pending().await,
                Does::Panics => panic!("planted"),
            };
            if answer == Answer::Taken {
                self.taken.lock().expect("sound").push(body);
            }
            answer
        })
    }
}

fn settings(receiver: &Arc<Receiver>) -> Settings {
    let url = "http://localhost/".parse().expect("a URL");
    let config = WebhookConfig { queue_bytes: 1 << 20, ..WebhookConfig::new("hook", url, "secret".into()) };
    Settings { config, case: EventCase::Pascal, transport: Arc::<Receiver>::clone(receiver) }
}

struct World {
    events: Events,
    webhooks: Arc<Webhooks>,
}

impl World {
    fn new(all: Vec<Settings>) -> Self {
        let (events, webhooks) = (Events::new(), Arc::new(Webhooks::new()));
        events.tap(Arc::<Webhooks>::clone(&webhooks));
        webhooks.replace(Prepared(all));
        webhooks.begin();
        Self { events, webhooks }
    }

    fn publish(&self, session: u128, action: u8) {
        let key = key(session);
        let action = recording_core::Action::from_code(action).expect("an action");
        self.events.publish(&Event { ucc: key.ucc.to_ref(), correlation_id: key.correlation_id, action });
    }

    fn level(&self) -> WebhookLevel {
        self.webhooks.levels().remove(0)
    }

    /// Waits until nothing is left to be posted.
    async fn idle(&self) -> WebhookLevel {
        let idle = async {
            loop {
                sleep(Duration::from_secs(1)).await;
                let level = self.level();
                if level.queued == 0 {
                    // For a notice, if one is due.
                    sleep(Duration::from_secs(600)).await;
                    return self.level();
                }
            }
        };
        timeout(Duration::from_secs(100_000), idle).await.expect("an end")
    }
}

const fn dropped(level: &WebhookLevel, why: WebhookDropped) -> u64 {
    level.dropped[why as usize]
}

/// At the start, that events may be missing; then each event in the form of the hub, in the order of its session.
#[tokio::test(start_paused = true)]
async fn what_is_published_is_posted() {
    let receiver = Receiver::new(|_, number| Does::SaysAfter(Duration::from_millis(number % 7), Answer::Taken));
    let world = World::new(vec![settings(&receiver)]);
    sleep(Duration::from_secs(1)).await;
    let [first] = &receiver.taken()[..] else { panic!("a notice") };
    assert_eq!((&first["type"], &first["readAgain"], &first["dropped"]), (&MISSED.into(), &true.into(), &0.into()));
    assert!(first.get("data").is_none() && first.get("sequence").is_none());
    for action in 1..=7 {
        (1..=20).for_each(|session| world.publish(session, action));
    }
    let level = world.idle().await;
    assert_eq!((level.delivered, level.retried, level.dropped, level.queue_bytes), (140, 0, [0; 4], 0));
    for session in 1..=20 {
        assert_eq!(receiver.actions(session), [1, 2, 3, 4, 5, 6, 7]);
    }
    let all = receiver.taken();
    let (event, id) = (&all[5], key(1).correlation_id.to_string());
    assert!(all[1..].iter().all(|one| one["type"] == Event::NAME && one["readAgain"] == false && one["dropped"] == 0));
    assert!(event["data"].as_object().is_some_and(|data| data.len() == 3) && event["data"]["UccName"] == "ucc");
    assert!(humantime::parse_rfc3339(event["timestamp"].as_str().expect("a time")).is_ok());
    let of_one: Vec<_> = all.iter().filter(|one| one["data"]["CorrelationId"] == *id).collect();
    assert!(
        of_one.iter().map(|one| one["sequence"].as_u64().expect("a number")).is_sorted_by(|one, other| one < other)
    );
    assert_eq!(all.iter().map(|one| one["id"].to_string()).collect::<std::collections::HashSet<_>>().len(), 141);
}

/// Before the server listens nothing is posted, and what is published waits.
#[tokio::test(start_paused = true)]
async fn nothing_is_posted_before_the_begin() {
    let receiver = Receiver::new(|_, _| Does::Says(Answer::Taken));
    let (events, webhooks) = (Events::new(), Arc::new(Webhooks::new()));
    events.tap(Arc::<Webhooks>::clone(&webhooks));
    webhooks.replace(Prepared(vec![settings(&receiver)]));
    let world = World { events, webhooks };
    world.publish(1, 3);
    sleep(Duration::from_secs(60)).await;
    assert_eq!((receiver.posts(), world.level().queued), (0, 1));
    world.webhooks.begin();
    assert_eq!((world.idle().await.delivered, receiver.actions(1)), (1, vec![3]));
    // One that ends before it has begun ends all the same.
    let unbegun = Webhooks::new();
    unbegun.replace(Prepared(vec![settings(&receiver)]));
    let hook = unbegun.all().remove(0);
    drop(unbegun);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(Arc::<Hook>::strong_count(&hook), 1);
}

/// Sessions do not wait for each other: one whose events are refused holds up none.
#[tokio::test(start_paused = true)]
async fn a_session_that_is_refused_holds_up_no_other() {
    let refused = key(3).correlation_id.to_string();
    let receiver = Receiver::new(move |body, _| match body["data"]["CorrelationId"].as_str() {
        Some(id) if id == refused => fails(),
        _ => Does::Says(Answer::Taken),
    });
    let world = World::new(vec![settings(&receiver)]);
    let since = Instant::now();
    for action in 1..=7 {
        (1..=20).for_each(|session| world.publish(session, action));
    }
    while world.level().delivered < 19 * 7 {
        sleep(Duration::from_millis(100)).await;
    }
    assert!(since.elapsed() < Duration::from_secs(60), "{:?}", since.elapsed());
    assert!(receiver.actions(3).is_empty() && receiver.actions(20) == [1, 2, 3, 4, 5, 6, 7]);
    // Until they are too old, which the receiver hears of.
    let level = world.idle().await;
    assert_eq!((level.delivered, dropped(&level, WebhookDropped::Expired)), (19 * 7, 7));
    let last = receiver.taken().pop().expect("a notice");
    assert_eq!((&last["type"], &last["dropped"], &last["readAgain"]), (&MISSED.into(), &7.into(), &true.into()));
}

/// A receiver that is away for long, takes every other post, or makes the posting panic: in the end it has all of them, in order.
#[tokio::test(start_paused = true)]
async fn what_fails_is_tried_again() {
    let away = |_: &Value, number: u64| if number < 40 { is_away() } else { Does::Says(Answer::Taken) };
    let halved = |_: &Value, number: u64| if number.is_multiple_of(2) { fails() } else { Does::Says(Answer::Taken) };
    let panics = |_: &Value, number: u64| if number % 3 == 1 { Does::Panics } else { Does::Says(Answer::Taken) };
    let scripts: [Box<Script>; 3] = [Box::new(away), Box::new(halved), Box::new(panics)];
    for script in scripts {
        let receiver = Receiver::new(script);
        let world = World::new(vec![settings(&receiver)]);
        for action in 1..=7 {
            (1..=10).for_each(|session| world.publish(session, action));
            sleep(Duration::from_millis(50)).await;
        }
        let level = world.idle().await;
        assert_eq!((level.delivered, level.dropped), (70, [0; 4]));
        assert!(level.retried > 10 && level.answers, "{level:?}");
        for session in 1..=10 {
            assert_eq!(receiver.actions(session), [1, 2, 3, 4, 5, 6, 7]);
        }
    }
}

/// The task ends by a panic: it is begun again, and nothing is lost.
#[tokio::test(start_paused = true)]
async fn a_task_that_panics_is_begun_again() {
    let receiver = Receiver::new(|_, _| Does::SaysAfter(Duration::from_secs(1), Answer::Taken));
    let world = World::new(vec![settings(&receiver)]);
    for round in 1..=5 {
        world.publish(1, round);
        world.publish(2, round);
        sleep(Duration::from_millis(500)).await;
        world.webhooks.all()[0].planted.store(true, Ordering::Relaxed);
        world.publish(3, round);
        sleep(Duration::from_secs(5)).await;
    }
    let level = world.idle().await;
    assert_eq!((level.queued, level.queue_bytes, level.dropped), (0, 0, [0; 4]));
    for session in 1..=3 {
        assert_eq!(receiver.actions(session), [1, 2, 3, 4, 5], "{session}");
    }
}

/// More than there is room for: the rest is dropped and counted, publishing returns at once, and the next post that is tried for the
/// first time says so.
#[tokio::test(start_paused = true)]
async fn a_full_queue_drops_and_says_so() {
    let opened = Arc::new(AtomicBool::new(false));
    let is_open = Arc::clone(&opened);
    let receiver = Receiver::new(move |_, _| {
        if is_open.load(Ordering::Relaxed) {
            Does::Says(Answer::Taken)
        } else {
            Does::SaysAfter(Duration::from_secs(5), is_late())
        }
    });
    let world = World::new(vec![settings(&receiver)]);
    const MANY: u128 = 20_000;
    for session in 0..MANY {
        world.publish(session, 3);
    }
    let level = world.level();
    assert!(level.queue_bytes <= 1 << 20 && level.queue_bytes > 1 << 19, "{level:?}");
    let full = dropped(&level, WebhookDropped::Full);
    assert_eq!(level.queued as u64 + full, MANY as u64);
    sleep(Duration::from_secs(60)).await;
    opened.store(true, Ordering::Relaxed);
    let level = world.idle().await;
    assert_eq!((level.delivered + full, level.queue_bytes), (MANY as u64, 0));
    let taken = receiver.taken();
    let reports: Vec<_> = taken.iter().filter(|body| body["dropped"] != 0).collect();
    assert!(!reports.is_empty() && reports.iter().all(|body| body["dropped"] == full && body["readAgain"] == true));
    // Those that were tried before one of them was taken, and none after that.
    assert!(reports.len() < 20, "{}", reports.len());
    world.publish(0, 4);
    world.idle().await;
    assert_eq!(receiver.taken().last().map(|body| body["dropped"].clone()), Some(0.into()));
}

fn is_late() -> Answer {
    Answer::Failed(Failed { is_answer: false, wait: None }, "no reply within 5000 ms".to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_is_gone_gets_each_event_once() {
    let receiver =
        Receiver::new(|_, number| if number < 10 { Does::Says(Answer::Gone) } else { Does::Says(Answer::Taken) });
    let world = World::new(vec![settings(&receiver)]);
    (0..30).for_each(|session| world.publish(session, 3));
    let level = world.idle().await;
    assert_eq!((level.delivered, dropped(&level, WebhookDropped::Gone)), (20, 10));
    assert_eq!(level.retried, 0);
    let known: u64 = receiver.taken().iter().filter_map(|body| body["dropped"].as_u64()).max().expect("a report");
    assert_eq!(known, 10);
}

/// Only the UCCs that were named, and only while the config has it. A webhook that is changed goes on with what waits.
#[tokio::test(start_paused = true)]
async fn a_reload_changes_what_it_changes() {
    let (first, second) = (Receiver::new(|_, _| is_away()), Receiver::new(|_, _| Does::Says(Answer::Taken)));
    let world = World::new(vec![settings(&first)]);
    world.publish(1, 1);
    sleep(Duration::from_secs(30)).await;
    world.publish(1, 2);
    // Corrected: the other place gets what waits.
    world.webhooks.replace(Prepared(vec![settings(&second)]));
    let level = world.idle().await;
    assert_eq!((level.delivered, second.actions(1)), (2, vec![1, 2]));
    // Not of this UCC.
    let mut other = settings(&second);
    other.config.uccs = Some([UccNameBuf::new("other").expect("a name")].into());
    world.webhooks.replace(Prepared(vec![other]));
    world.publish(1, 3);
    assert_eq!(world.idle().await.delivered, 2);
    // Gone while something waits, and taken: it gets that, and nothing after it.
    let slow = Receiver::new(|_, _| Does::SaysAfter(Duration::from_secs(3), Answer::Taken));
    world.webhooks.replace(Prepared(vec![settings(&slow)]));
    (1..=20).for_each(|session| world.publish(session, 4));
    world.webhooks.replace(Prepared(Vec::new()));
    (1..=20).for_each(|session| world.publish(session, 5));
    sleep(Duration::from_secs(60)).await;
    assert!((1..=20).all(|session| slow.actions(session) == [4]));
    assert!(world.webhooks.levels().is_empty());
}

/// The end: what is taken is posted, a receiver that is away costs one try, and one that stalls costs the time that there is.
#[tokio::test(start_paused = true)]
async fn an_end_waits_for_no_receiver() {
    const GRACE: Duration = Duration::from_secs(10);
    for (name, script) in [
        ("takes", Box::new(|_: &Value, _| Does::SaysAfter(Duration::from_millis(100), Answer::Taken)) as Box<Script>),
        ("away", Box::new(|_: &Value, _| is_away())),
        ("late", Box::new(|_: &Value, _| Does::SaysAfter(Duration::from_secs(5), is_late()))),
        ("stalls", Box::new(|_: &Value, _| Does::Stalls)),
    ] {
        let receiver = Receiver::new(script);
        let world = World::new(vec![settings(&receiver)]);
        (0..40).for_each(|session| world.publish(session, 3));
        let since = Instant::now();
        let _ = timeout(GRACE, world.webhooks.drain()).await;
        let took = since.elapsed();
        world.webhooks.abandon();
        let level = world.level();
        assert_eq!(level.delivered + dropped(&level, WebhookDropped::Ended), 40, "{name}");
        match name {
            "takes" => assert!(level.delivered == 40 && took < GRACE, "{took:?}"),
            "away" => assert!(level.delivered == 0 && took < Duration::from_secs(1), "{took:?}"),
            "late" => assert!(level.delivered == 0 && took < GRACE, "{took:?}"),
            _ => assert!(level.delivered == 0 && took >= GRACE, "{took:?}"),
        }
        // Nothing is posted after it.
        let posts = receiver.posts();
        sleep(Duration::from_secs(3600)).await;
        assert_eq!(receiver.posts(), posts, "{name}");
    }
}

/// No task is left of what is dropped.
#[tokio::test(start_paused = true)]
async fn what_is_dropped_ends() {
    let receiver = Receiver::new(|_, _| Does::Stalls);
    let hook = {
        let world = World::new(vec![settings(&receiver)]);
        world.publish(1, 1);
        sleep(Duration::from_secs(1)).await;
        world.webhooks.all().remove(0)
    };
    timeout(Duration::from_secs(10), hook.until_over()).await.expect("an end");
    sleep(Duration::from_secs(1)).await;
    assert_eq!(Arc::<Hook>::strong_count(&hook), 1);
}

/// A pause that has reached its limit is posted among the events of its session, to those who get them.
#[tokio::test(start_paused = true)]
async fn an_overdue_pause_is_posted() {
    let receivers = [(); 3].map(|()| Receiver::new(|_, _| Does::Says(Answer::Taken)));
    let [pascal, mut camel, mut other] = receivers.each_ref().map(settings);
    camel.case = EventCase::Camel;
    other.config.uccs = Some([UccNameBuf::new("other").expect("a name")].into_iter().collect());
    (camel.config.name, other.config.name) = ("camel".into(), "other".into());
    let world = World::new(vec![pascal, camel, other]);
    world.publish(1, 3);
    let since = SystemTime::UNIX_EPOCH + Duration::from_secs(1_796_012_805);
    world.webhooks.overdue(&key(1), Some(since), Duration::from_secs(600));
    world.publish(1, 1);
    sleep(Duration::from_secs(1)).await;
    let id = key(1).correlation_id.to_string();
    let since = "2026-11-30T04:26:45.000000Z";
    let expected = [
        json!({ "UccName": "ucc", "CorrelationId": id, "PausedSince": since, "LimitSeconds": 600 }),
        json!({ "uccName": "ucc", "correlationId": id, "pausedSince": since, "limitSeconds": 600 }),
    ];
    for (receiver, expected) in receivers.iter().zip(expected) {
        let taken = receiver.taken();
        let events: Vec<_> = taken.iter().filter(|body| body["type"] != MISSED).collect();
        assert_eq!(events.len(), 3, "{taken:?}");
        assert_eq!((&events[1]["type"], &events[1]["data"]), (&OVERDUE.into(), &expected));
        let sequence = |at: usize| events[at]["sequence"].as_u64();
        assert!(sequence(0) < sequence(1) && sequence(1) < sequence(2), "{events:?}");
    }
    assert!(receivers[2].taken().iter().all(|body| body["type"] == MISSED));
}
