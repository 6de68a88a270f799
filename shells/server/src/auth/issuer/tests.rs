//! Against an issuer that answers by a script, on a clock of the test's own.

use std::collections::VecDeque;

use bytes::Bytes;
use jsonwebtoken::{Algorithm, Header};
use serde_json::{Value, json};
use tokio::time::advance;

use super::*;

/// What the issuer answers: keys of these names, for so many seconds; or what went wrong.
type Answer = Result<(Value, Option<u64>), Fetch>;

/// Answers one after the other, and the last one for ever.
#[derive(Debug)]
struct Script {
    answers: Mutex<VecDeque<Answer>>,
    asked: Mutex<Vec<Instant>>,
    takes: Duration,
}

impl Script {
    fn say(&self, answers: impl IntoIterator<Item = Answer>) {
        *self.answers.lock().unwrap() = answers.into_iter().collect();
    }

    /// How often it was asked since it was last asked this.
    fn times(&self) -> usize {
        core::mem::take(&mut *self.asked.lock().unwrap()).len()
    }
}

impl Fetches for Script {
    async fn fetch(&self) -> Result<Fetched, NotFetched> {
        self.asked.lock().unwrap().push(Instant::now());
        sleep(self.takes).await;
        let answer = {
            let mut answers = self.answers.lock().unwrap();
            if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() }
        };
        let answer = answer.expect("a planted panic: an issuer without a script");
        let (jwks, fresh_for) = answer.map_err(|fetch| NotFetched { fetch, reason: "as planted".to_owned() })?;
        let jwks = Bytes::from(jwks.as_str().map_or_else(|| jwks.to_string(), str::to_owned));
        let from = "https://issuer.example/jwks".parse().unwrap();
        Ok(Fetched { jwks, from, fresh_for: fresh_for.map(Duration::from_secs) })
    }
}

fn jwks(names: &[&str]) -> Value {
    let key = |name: &&str| json!({"kty": "OKP", "crv": "Ed25519", "kid": name, "x": "A".repeat(43)});
    json!({ "keys": names.iter().map(key).collect::<Vec<_>>() })
}

fn keys(names: &[&str]) -> Answer {
    Ok((jwks(names), None))
}

const HOUR: Duration = Duration::from_secs(3600);
const SECOND: Duration = Duration::from_secs(1);

fn start(answers: impl IntoIterator<Item = Answer>) -> (Arc<Issuer<Script>>, CancellationToken) {
    let script = Script { answers: Mutex::default(), asked: Mutex::default(), takes: Duration::from_millis(100) };
    script.say(answers);
    let held = Held::new(Standing::new("https://issuer.example", 24 * HOUR, true));
    let (issuer, end) = (Arc::new(Issuer { held, fetcher: script }), CancellationToken::new());
    drop(tokio::spawn(Arc::clone(&issuer).run(end.clone())));
    (issuer, end)
}

/// The clock goes on by this, and all that is due is done on its way.
async fn pass(time: Duration) {
    sleep(time).await;
}

/// The names that are known among these.
fn known<'a>(issuer: &Issuer<Script>, names: &[&'a str]) -> Result<Vec<&'a str>, NoKeys> {
    let keys = issuer.held.current()?;
    let header = |name: &str| Header { kid: Some(name.to_owned()), ..Header::new(Algorithm::EdDSA) };
    Ok(names.iter().copied().filter(|name| !keys.lacks(&header(name))).collect())
}

#[tokio::test(start_paused = true)]
async fn keys_are_fetched_as_often_as_the_issuer_says() {
    for (fresh_for, least, most) in
        [(None, 144, 180), (Some(300), 288, 361), (Some(0), 1440, 1801), (Some(1 << 40), 24, 31)]
    {
        let (issuer, end) = start([Ok((jwks(&["a"]), fresh_for))]);
        assert_eq!(known(&issuer, &["a"]), Err(NoKeys::NotFetched));
        pass(24 * HOUR).await;
        let times = issuer.fetcher.times();
        assert!((least..=most).contains(&times), "{fresh_for:?}: {times}");
        end.cancel();
        pass(24 * HOUR).await;
        assert!(issuer.fetcher.times() <= 1);
    }
}

/// New keys are taken and withdrawn ones go; the same ones stay the same, so that tokens need not be checked again.
#[tokio::test(start_paused = true)]
async fn keys_come_and_go() {
    let (issuer, _end) = start([keys(&["a"]), keys(&["a"]), keys(&["b", "a"]), keys(&["b"])]);
    pass(SECOND).await;
    let first = issuer.held.current().unwrap();
    assert_eq!(known(&issuer, &["a", "b"]), Ok(vec!["a"]));
    pass(pace::USUAL).await;
    assert!(Arc::ptr_eq(&first, &issuer.held.current().unwrap()));
    pass(pace::USUAL).await;
    assert_eq!(known(&issuer, &["a", "b"]), Ok(vec!["a", "b"]));
    pass(pace::USUAL).await;
    assert_eq!(known(&issuer, &["a", "b"]), Ok(vec!["b"]));
    assert_eq!(issuer.held.standing.held().0, 1);
}

/// A JWKS that no one can mean does not take the place of the keys that are held.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_meant_leaves_the_keys_in_force() {
    let (issuer, _end) = start([keys(&["a"])]);
    pass(SECOND).await;
    let mut private = jwks(&["b"]);
    private["keys"][0]["d"] = json!("AAAA");
    for bad in [json!(""), json!("<html>"), json!({}), json!({"keys": []}), json!({"keys": [{"kty": "NEW"}]}), private]
    {
        issuer.fetcher.say([Ok((bad.clone(), None))]);
        pass(HOUR).await;
        assert_eq!(known(&issuer, &["a", "b"]), Ok(vec!["a"]), "{bad}");
        assert!(issuer.held.standing.warning().is_some(), "{bad}");
    }
    issuer.fetcher.say([keys(&["b"])]);
    pass(61 * SECOND).await;
    assert_eq!(known(&issuer, &["a", "b"]), Ok(vec!["b"]));
    assert_eq!(issuer.held.standing.warning(), None);
}

/// An issuer that is away is asked again and again, but not often; its keys are good until they are too old.
#[tokio::test(start_paused = true)]
async fn the_last_keys_are_good_for_so_long() {
    let (issuer, _end) = start([keys(&["a"])]);
    pass(SECOND).await;
    for (fetch, hours) in [(Fetch::Unreachable, 20), (Fetch::Late, 2), (Fetch::Status, 1)] {
        issuer.fetcher.say([Err(fetch)]);
        let _ = issuer.fetcher.times();
        for _ in 0..hours {
            pass(HOUR).await;
            assert_eq!(known(&issuer, &["a"]), Ok(vec!["a"]));
            // A minute at most between two, and half a minute at least but for the first ones.
            let times = issuer.fetcher.times();
            assert!((45..=135).contains(&times), "{times}");
        }
    }
    assert_eq!(issuer.held.standing.ready(), Ok(()));
    pass(HOUR).await;
    assert_eq!(known(&issuer, &["a"]), Err(NoKeys::TooOld));
    assert!(issuer.held.standing.ready().is_err());
    issuer.fetcher.say([keys(&["a"])]);
    pass(61 * SECOND).await;
    assert_eq!(known(&issuer, &["a"]), Ok(vec!["a"]));
    assert_eq!(issuer.held.standing.ready(), Ok(()));
}

/// That the keys are too old is found when it is so, however long ago the issuer was asked the last time.
#[tokio::test(start_paused = true)]
async fn keys_that_get_too_old_are_asked_for_once_more() {
    for _ in 0..10 {
        let (issuer, end) = start([keys(&["a"]), Err(Fetch::Unreachable)]);
        // A fetch takes a tenth of a second. One that the pace brings here is over before the keys are too old, or after that.
        pass(24 * HOUR - Duration::from_millis(150)).await;
        assert_eq!(known(&issuer, &["a"]), Ok(vec!["a"]));
        let _ = issuer.fetcher.times();
        pass(Duration::from_millis(160)).await;
        assert_eq!(known(&issuer, &["a"]), Err(NoKeys::TooOld));
        assert!((1..=2).contains(&issuer.fetcher.times()));
        end.cancel();
    }
}

/// One that is away at the start is found soon after it is there.
#[tokio::test(start_paused = true)]
async fn an_issuer_may_come_later() {
    let (issuer, _end) = start([Err(Fetch::Unreachable)]);
    pass(10 * SECOND).await;
    // After 1, 2 and 4 seconds, each up to half sooner.
    assert!((4..=6).contains(&issuer.fetcher.times()));
    assert_eq!(known(&issuer, &["a"]), Err(NoKeys::NotFetched));
    issuer.fetcher.say([keys(&["a"])]);
    // The fifth time may have been just before that: then it is asked again up to 16 seconds later.
    pass(17 * SECOND).await;
    assert_eq!(known(&issuer, &["a"]), Ok(vec!["a"]));
}

/// A token of a new key has the keys fetched at once, and its request waits for them.
#[tokio::test(start_paused = true)]
async fn a_new_key_is_fetched_early() {
    let (issuer, _end) = start([keys(&["a"])]);
    pass(SECOND).await;
    issuer.fetcher.say([keys(&["a", "b"])]);
    let _ = issuer.fetcher.times();
    // Many at once are one fetch.
    let early: Vec<_> = (0..MOST_WAITING)
        .map(|_| {
            tokio::spawn({
                let issuer = Arc::clone(&issuer);
                async move { issuer.held.early().await }
            })
        })
        .collect();
    let begin = Instant::now();
    for early in early {
        assert!(early.await.unwrap());
    }
    assert!(begin.elapsed() < SECOND);
    assert_eq!((known(&issuer, &["a", "b"]), issuer.fetcher.times()), (Ok(vec!["a", "b"]), 1));
}

/// Whatever strangers show and however many they are, the issuer is asked twice, and then each half minute.
#[tokio::test(start_paused = true)]
async fn unknown_keys_are_no_flood_for_the_issuer() {
    let (issuer, _end) = start([Ok((jwks(&["a"]), Some(3600)))]);
    pass(SECOND).await;
    assert_eq!(issuer.fetcher.times(), 1);
    let begin = Instant::now();
    let mut waited = 0;
    while begin.elapsed() < HOUR / 2 {
        for _ in 0..10 {
            waited += u32::from(issuer.held.early().await);
        }
        advance(Duration::from_millis(100)).await;
    }
    let times = issuer.fetcher.times();
    assert!((50..=62).contains(&times), "{times}");
    assert!((50..=62).contains(&waited), "{waited}");
    let counted: Vec<_> = issuer.held.standing.early_counts().map(|(_, count)| count).collect();
    assert!(counted[0] <= 62 && counted[1] > 10_000, "{counted:?}");
}

/// An issuer that is slow keeps only so many requests waiting, and none for long.
#[tokio::test(start_paused = true)]
async fn few_requests_wait_for_a_slow_issuer() {
    let script = Script { answers: Mutex::default(), asked: Mutex::default(), takes: HOUR };
    script.say([keys(&["a"])]);
    let held = Held::new(Standing::new("https://issuer.example", 24 * HOUR, true));
    let issuer = Arc::new(Issuer { held, fetcher: script });
    drop(tokio::spawn(Arc::clone(&issuer).run(CancellationToken::new())));
    pass(SECOND).await;
    let begin = Instant::now();
    let early: Vec<_> = (0..10 * MOST_WAITING)
        .map(|_| {
            tokio::spawn({
                let issuer = Arc::clone(&issuer);
                async move {
                    let found = issuer.held.early().await;
                    (found, begin.elapsed() >= EARLY_WAIT)
                }
            })
        })
        .collect();
    let mut waited = 0;
    for early in early {
        let (found, has_waited) = early.await.unwrap();
        assert!(!found);
        waited += usize::from(has_waited);
    }
    assert_eq!(waited, MOST_WAITING);
    assert!(begin.elapsed() < 2 * EARLY_WAIT);
}

/// A panic is not the end of it.
#[tokio::test(start_paused = true)]
async fn the_task_begins_again() {
    let (issuer, end) = start([]);
    pass(3 * REST).await;
    assert!((2..=4).contains(&issuer.fetcher.times()));
    issuer.fetcher.say([keys(&["a"])]);
    pass(2 * REST).await;
    assert_eq!(known(&issuer, &["a"]), Ok(vec!["a"]));
    end.cancel();
}

/// SIGHUP has the keys fetched, however soon.
#[tokio::test(start_paused = true)]
async fn an_operator_can_have_them_fetched() {
    let (issuer, _end) = start([keys(&["a"])]);
    pass(SECOND).await;
    for _ in 0..5 {
        let _ = issuer.fetcher.times();
        issuer.held.wake.notify_one();
        pass(SECOND).await;
        assert_eq!(issuer.fetcher.times(), 1);
    }
}
