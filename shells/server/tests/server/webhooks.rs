//! Webhooks as a receiver and an operator see them.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::HashMap;
use std::fs::{Permissions, set_permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use recording_core::State;
use recording_server::net::Limits;
use recording_server::server::Running;
use recording_server::service::Service;
use recording_server::store::{MemoryStore, Store as _};
use recording_server::webhook::{MISSED, WebhookConfig};
use ring::hmac;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::task::{JoinSet, spawn_blocking};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::process::File;
use crate::support::webhook::{Mood, Post, Receiver};
use crate::support::{Client, PATIENCE, SET_PATH, directory, get, key, published, request, serve};

pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub const UCC: &str = "ucc-demo-name";

pub fn secret(name: &str, text: &str) -> File {
    let file = File::new(&format!("webhook-{name}"), text);
    set_permissions(file.path(), Permissions::from_mode(0o600)).unwrap();
    file
}

fn id(number: u128) -> String {
    recording_core::wire::CorrelationId::from_u128(number).to_string()
}

/// A server in this process with sessions, which posts to `address`.
async fn world(
    name: &str,
    address: &str,
    sessions: u128,
    more: impl FnOnce(&mut WebhookConfig),
) -> Running<MemoryStore> {
    let file = secret(name, SECRET);
    let mut config = WebhookConfig::new("hook", address.parse().unwrap(), file.path().into());
    config.give_up_after = Duration::from_millis(500);
    more(&mut config);
    let mut directory = directory(&[UCC]);
    directory.add_webhook(config);
    let service = Arc::new(Service::new(directory, MemoryStore::new()));
    service.configure_outgoing(&service.directory().current()).unwrap();
    for number in 0..sessions {
        let _ = service.store().begin(&key(UCC, &id(number)), State::INITIAL).await.unwrap();
    }
    serve(service, Limits::default()).await
}

fn set_of(session: u128, action: u64) -> Vec<u8> {
    let body = format!(
        r#"{{"Action":{action},"RequesterSipUri":"sip:agent@domain.com","CorrelationId":"{}","UCCName":"{UCC}"}}"#,
        id(session)
    );
    request("POST", SET_PATH, &[("Content-Type", "application/json")], body.as_bytes())
}

/// Starts and pauses each session in turn, so many times, by several clients at once.
async fn change(running: &Running<MemoryStore>, sessions: u128, times: u64) {
    let api = running.addresses().api;
    let mut clients = JoinSet::new();
    for number in 0..8 {
        clients.spawn(async move {
            let mut client = Client::connect(api).await;
            for time in 0..times {
                for session in (0..sessions).filter(|session| session % 8 == number) {
                    let reply = client.exchange(&set_of(session, if time % 2 == 0 { 1 } else { 3 })).await;
                    assert!(reply.body.contains(r#""ErrorMessage":null"#), "{}", reply.body);
                }
            }
        });
    }
    clients.join_all().await;
}

/// Waits, on a thread that may, until so many events were taken.
async fn taken(receiver: &Arc<Receiver>, count: usize) -> Vec<(String, u64)> {
    let waits = Arc::clone(receiver);
    spawn_blocking(move || {
        waits.wait("events", |_| {
            let events = waits.events();
            (events.len() >= count).then_some(events)
        })
    })
    .await
    .unwrap()
}

fn by_session(events: &[(String, u64)]) -> HashMap<String, Vec<u64>> {
    let mut all = HashMap::<_, Vec<_>>::new();
    events.iter().for_each(|(id, action)| all.entry(id.clone()).or_default().push(*action));
    all
}

async fn metric(admin: SocketAddr, line: &str) -> Option<f64> {
    let mut client = Client::connect(admin).await;
    client.send(&get("/metrics")).await;
    let page = client.receive_any("GET").await.body;
    page.lines().find_map(|found| found.strip_prefix(line)?.trim().parse().ok())
}

pub fn signature(secret: &str, post: &Post) -> String {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let key = hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(&secret[6..]).unwrap());
    let signed = [
        post.header("webhook-id").unwrap().as_bytes(),
        b".",
        post.header("webhook-timestamp").unwrap().as_bytes(),
        b".",
        &post.bytes,
    ];
    format!("v1,{}", STANDARD.encode(hmac::sign(&key, &signed.concat())))
}

/// What is true of every post, however it went.
pub fn check(posts: &[Post]) {
    let mut bodies = HashMap::<_, &[u8]>::new();
    for post in posts {
        let id = post.header("webhook-id").unwrap();
        assert_eq!(post.body["id"], id);
        assert_eq!(*bodies.entry(id).or_insert(&post.bytes), post.bytes, "the same on each try");
        assert_eq!(post.header("content-type"), Some("application/json"));
        assert!(post.header("user-agent").unwrap().starts_with("recording-server/"), "{post:?}");
        let seconds: u64 = post.header("webhook-timestamp").unwrap().parse().unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        assert!(seconds <= now && seconds + 300 > now);
        match post.event() {
            Some(_) => assert_eq!(post.body["type"], "RecordingStateChangedEvent"),
            None => assert!(post.body["type"] == MISSED && post.body["readAgain"] == true, "{post:?}"),
        }
    }
}

/// Many sessions that are changed at once, and a receiver that fails in every way now and then: of each session it has what
/// the hub has, in the hub's order, once it leaves out what it got twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_order_of_each_session_is_the_hubs() {
    const SESSIONS: u128 = 40;
    let receiver = Arc::new(Receiver::new());
    let again =
        || [Mood::Takes, Mood::Slow(Duration::from_millis(30)), Mood::Takes, Mood::Slow(Duration::from_millis(5))];
    let fails = [
        Mood::Answers(500, ""),
        Mood::Closes { after_post: true },
        Mood::Answers(404, ""),
        Mood::Babbles,
        Mood::Endless,
        Mood::Slow(Duration::from_millis(1000)),
        Mood::Answers(302, "Location: http://127.0.0.1:1/"),
        Mood::Stalls,
    ];
    receiver.be(Mood::Each(fails.into_iter().flat_map(|mood| [mood].into_iter().chain(again())).collect()));
    let running = world("order", &receiver.url(), SESSIONS, |_| {}).await;
    let mut hub = running.service().events().subscribe();
    change(&running, SESSIONS, 10).await;
    let heard: Vec<_> = published(&mut hub)
        .iter()
        .map(|event| {
            let event: Value = serde_json::from_str(event).unwrap();
            (event["CorrelationId"].as_str().unwrap().to_owned(), event["StateAction"].as_u64().unwrap())
        })
        .collect();
    assert_eq!(heard.len() as u128, SESSIONS * 10);
    let events = taken(&receiver, heard.len()).await;
    assert_eq!(by_session(&events), by_session(&heard));
    let posts = receiver.posts();
    check(&posts);
    assert!(posts.iter().all(|post| post.header("webhook-signature") == Some(&signature(SECRET, post))));
    assert!(posts.len() > heard.len() + 5, "some came twice");
    for (id, _) in by_session(&events) {
        let of = posts.iter().filter(|post| post.event().is_some_and(|(of, _)| of == id));
        let sequences: Vec<_> = of.map(|post| post.body["sequence"].as_u64().unwrap()).collect();
        assert!(sequences.is_sorted(), "{sequences:?}");
    }
    let admin = running.addresses().admin;
    assert_eq!(metric(admin, r#"recording_webhook_queue_bytes{webhook="hook"}"#).await, Some(0.0));
    assert_eq!(metric(admin, r#"recording_webhook_delivered_total{webhook="hook"}"#).await, Some(heard.len() as f64));
    assert!(metric(admin, r#"recording_webhook_retried_total{webhook="hook"}"#).await > Some(5.0));
    assert!(running.stop(PATIENCE).await);
}

/// Whatever its receiver does, changes are made, the hub has their events, and the receiver gets all of them when it is well again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_receiver_holds_up_a_change() {
    const SESSIONS: u128 = 8;
    let mut worlds = JoinSet::new();
    for (number, mood) in [
        Mood::Answers(503, ""),
        Mood::Answers(301, "Location: /elsewhere"),
        Mood::Stalls,
        Mood::Babbles,
        Mood::Closes { after_post: true },
        Mood::Closes { after_post: false },
    ]
    .into_iter()
    .enumerate()
    {
        worlds.spawn(async move {
            let receiver = Arc::new(Receiver::new());
            receiver.be(mood.clone());
            let running = world(&format!("fault-{number}"), &receiver.url(), SESSIONS, |_| {}).await;
            let mut hub = running.service().events().subscribe();
            change(&running, SESSIONS, 4).await;
            assert_eq!(published(&mut hub).len(), 32, "{mood:?}");
            assert!(receiver.events().is_empty());
            while metric(running.addresses().admin, r#"recording_webhook_answers{webhook="hook"}"#).await != Some(0.0) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            let ready = Client::connect(running.addresses().admin).await.exchange(&get("/readyz")).await;
            assert_eq!((ready.status, ready.body.contains("The webhook 'hook' takes no events.")), (200, true));
            receiver.be(Mood::Takes);
            let events = by_session(&taken(&receiver, 32).await);
            assert!(events.values().all(|actions| *actions == [1, 3, 1, 3]), "{mood:?}: {events:?}");
            check(&receiver.posts());
            assert!(running.stop(PATIENCE).await);
        });
    }
    worlds.join_all().await;
}

/// Over TLS, by the authority of the config alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_is_trusted_by_the_authority_of_the_config() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let tls = ServerConfig::builder_with_provider(Arc::new(tokio_rustls::rustls::crypto::ring::default_provider()));
    let tls = tls.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let tls = TlsAcceptor::from(Arc::new(tls.with_single_cert(vec![made.cert.der().clone()], key).unwrap()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    // Any connection that comes about is carried to it.
    let receiver = Arc::new(Receiver::new());
    let address = receiver.address();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let tls = tls.clone();
            tokio::spawn(async move {
                let (Ok(mut near), Ok(mut far)) = (tls.accept(stream).await, TcpStream::connect(address).await) else {
                    return;
                };
                let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    let url = format!("https://localhost:{port}/");
    let ca = File::new("webhook-ca.pem", &made.cert.pem());
    let trusting = world("tls", &url, 8, |config| config.ca_file = Some(ca.path().into())).await;
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let other = File::new("webhook-other-ca.pem", &other.cert.pem());
    let refusing = world("no-tls", &url, 8, |config| config.ca_file = Some(other.path().into())).await;
    change(&refusing, 8, 2).await;
    let answers = r#"recording_webhook_answers{webhook="hook"}"#;
    while metric(refusing.addresses().admin, answers).await != Some(0.0) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    change(&trusting, 8, 1).await;
    assert_eq!(taken(&receiver, 8).await.len(), 8);
    assert_eq!(metric(refusing.addresses().admin, answers).await, Some(0.0));
    assert!(receiver.events().iter().all(|(_, action)| *action == 1), "nothing of the other one came");
    assert!(trusting.stop(PATIENCE).await && refusing.stop(PATIENCE).await);
}

/// Nothing listens there; then something does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_may_be_closed_for_a_while() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let running = world("closed", &format!("http://{address}/"), 8, |_| {}).await;
    change(&running, 8, 2).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let receiver = Arc::new(Receiver::at(address));
    assert_eq!(taken(&receiver, 16).await.len(), 16);
    assert!(running.stop(PATIENCE).await);
}

/// An answer without end, whose status says all: the event is taken, and not posted again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endless_answer_is_taken_at_its_word() {
    let receiver = Arc::new(Receiver::new());
    receiver.be(Mood::Endless);
    let running = world("endless", &receiver.url(), 8, |_| {}).await;
    change(&running, 8, 2).await;
    assert_eq!(taken(&receiver, 16).await.len(), 16);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(receiver.posts().iter().filter(|post| post.event().is_some()).count(), 16);
    assert!(running.stop(PATIENCE).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_asks_for_time_gets_it() {
    let receiver = Arc::new(Receiver::new());
    receiver.be(Mood::Each(vec![Mood::Answers(429, "Retry-After: 3")]));
    // Else others are on their way when the first is answered.
    let running = world("later", &receiver.url(), 8, |config| config.parallel = 1).await;
    change(&running, 8, 1).await;
    taken(&receiver, 8).await;
    let posts = receiver.posts();
    // Less what the clocks of two machines would differ by; without it, a second try comes after half a second at most.
    assert!(posts[1].at - posts[0].at > Duration::from_millis(2900), "{:?}", posts[1].at - posts[0].at);
    assert!(running.stop(PATIENCE).await);
}

/// A bound that is reached: what was dropped is counted, and the receiver hears of all of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_dropped_is_reported_to_the_receiver() {
    const SESSIONS: u128 = 400;
    let receiver = Arc::new(Receiver::new());
    receiver.be(Mood::Answers(500, ""));
    let running = world("full", &receiver.url(), SESSIONS, |config| config.queue_bytes = 65_536).await;
    change(&running, SESSIONS, 1).await;
    let admin = running.addresses().admin;
    let dropped = metric(admin, r#"recording_webhook_dropped_total{webhook="hook",reason="full"}"#).await.unwrap();
    let bytes = metric(admin, r#"recording_webhook_queue_bytes{webhook="hook"}"#).await.unwrap();
    assert!(dropped > 0.0 && bytes <= 65_536.0, "{dropped} {bytes}");
    receiver.be(Mood::Takes);
    let delivered = SESSIONS as usize - dropped as usize;
    taken(&receiver, delivered).await;
    let waits = Arc::clone(&receiver);
    let reported = spawn_blocking(move || {
        waits.wait("a report", |posts| {
            posts
                .iter()
                .filter(|post| post.is_taken)
                .map(|post| post.body["dropped"].as_f64().unwrap())
                .find(|&count| count > 0.0)
        })
    });
    assert_eq!(reported.await.unwrap(), dropped);
    assert_eq!(receiver.events().len(), delivered);
    assert!(running.stop(PATIENCE).await);
}
