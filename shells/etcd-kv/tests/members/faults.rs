//! Members that are dead, still, or alone.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::net::TcpListener;
use std::time::Instant;

use etcd_kv::messages::WatchCreateRequest;
use etcd_kv::{Error, Kind, Options, Outcome};
use tokio::time::sleep;

use crate::support::{changes, client, client_of, events, get, one, patient, put, three};

fn impatient() -> Options {
    Options { connect: Duration::from_millis(500), attempt: Duration::from_secs(1), ..patient() }
}

/// A port that nothing listens on, and one that takes connections and says nothing.
fn dead_endpoints() -> (String, String, TcpListener) {
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port").local_addr().expect("an address");
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = silent.local_addr().expect("an address");
    (format!("http://{closed}"), format!("http://{address}"), silent)
}

#[tokio::test]
async fn a_dead_endpoint_is_passed_over() {
    let cluster = one();
    let (closed, silent, _listener) = dead_endpoints();
    // Nothing was sent to the closed one, so a change goes on to the next.
    let past_closed = client_of(&[closed.clone(), cluster.endpoint(0)], impatient());
    put(&past_closed, "a", "1").await.expect("written");
    // The silent one took the request: reads go on, and a change is unknown, once.
    let past_silent = client_of(&[silent.clone(), closed, cluster.endpoint(0)], impatient());
    assert!(get(&past_silent, "a").await.expect("read").is_some());
    put(&past_silent, "a", "2").await.expect("the read has found out whom to ask");
    let unknown = client_of(&[silent, cluster.endpoint(0)], impatient());
    let error = put(&unknown, "a", "3").await.expect_err("it is silent");
    assert_eq!((error.kind(), error.outcome()), (Kind::TimedOut, Outcome::Unknown), "{error}");
    put(&unknown, "a", "3").await.expect("written");
    let mut watch = unknown.watch(WatchCreateRequest::prefix("a", 1)).await.expect("a watch");
    assert!(!events(&mut watch, 1).await.expect("events").is_empty());
}

#[tokio::test]
async fn if_no_member_can_be_reached_nothing_is_done_and_that_is_said_soon() {
    let (closed, ..) = dead_endpoints();
    let options = Options { total: Duration::from_millis(300), ..impatient() };
    let client = client_of(&[closed.clone(), closed.clone()], options);
    let error = put(&client, "a", "1").await.expect_err("nothing listens");
    assert_eq!((error.kind(), error.outcome()), (Kind::Connect, Outcome::NotDone), "{error}");
    assert_eq!(error.endpoint(), Some(closed.as_str()));
    assert_eq!(get(&client, "a").await.expect_err("nothing listens").kind(), Kind::Connect);
    assert_eq!(
        client.watch(WatchCreateRequest::prefix("a", 1)).await.expect_err("nothing listens").kind(),
        Kind::Connect
    );
}

/// Writes until it works, and gives the errors before.
async fn put_again(client: &etcd_kv::Client, key: &str, value: &str) -> Vec<Error> {
    let mut errors = vec![];
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        match put(client, key, value).await {
            Ok(_) => return errors,
            Err(error) => errors.push(error),
        }
        assert!(Instant::now() < end, "{errors:?}");
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_stopped_member_costs_one_time_out() {
    let cluster = three();
    // Not the leader, so that the others go on at once.
    let stopped = (cluster.leader().expect("a leader") + 1) % 3;
    let endpoints: Vec<_> = (0..3).map(|step| cluster.endpoint((stopped + step) % 3)).collect();
    let client = client_of(&endpoints, impatient());
    put(&client, "a", "1").await.expect("written");
    let mut watch = client.watch(WatchCreateRequest::prefix("a", 1)).await.expect("a watch");
    assert_eq!(watch.endpoint(), Some(endpoints[0].as_str()));
    events(&mut watch, 1).await.expect("events");

    cluster.stop(stopped).expect("stopped");
    let error = put(&client, "a", "2").await.expect_err("it is stopped");
    assert_eq!((error.kind(), error.outcome()), (Kind::TimedOut, Outcome::Unknown), "{error}");
    let version = |kv: Option<etcd_kv::messages::KeyValue>| kv.expect("a key").version;
    let before = version(get(&client, "a").await.expect("read"));
    for value in 3..20 {
        put(&client, "a", &value.to_string()).await.expect("another member is asked");
    }
    assert_eq!(version(get(&client, "a").await.expect("read")), before + 17);
    // The change that was unknown may come now, when the member goes on: after the others.
    cluster.resume(stopped).expect("continued");
    let seen = loop {
        let seen = changes(&events(&mut watch, 1).await.expect("events"));
        if seen.last().is_some_and(|(_, revision)| *revision > 0) {
            break seen;
        }
    };
    assert!(!seen.is_empty());
}

/// The connection is given up when there is no sign of life: a watch on it does not wait for ever.
#[tokio::test]
async fn a_watch_notices_that_its_member_is_silent() {
    let cluster = one();
    let keep_alive = Duration::from_millis(500);
    let client = client(&cluster, Options { keep_alive, keep_alive_answer: keep_alive, ..impatient() });
    let mut watch = client.watch(WatchCreateRequest::prefix("a", 0)).await.expect("a watch");
    cluster.stop(0).expect("stopped");
    let error = watch.next().await.expect_err("it is silent");
    assert!(matches!(error.kind(), Kind::Lost | Kind::TimedOut), "{error:?}");
}

#[tokio::test]
async fn the_leader_is_killed_and_the_others_go_on() {
    let mut cluster = three();
    let leader = cluster.leader().expect("a leader");
    let endpoints: Vec<_> = (0..3).map(|step| cluster.endpoint((leader + step) % 3)).collect();
    let client = client_of(&endpoints, impatient());
    put(&client, "a", "1").await.expect("written");
    cluster.kill(leader).expect("killed");
    put_again(&client, "a", "2").await;
    cluster.restart(leader).expect("started");
    cluster.wait().expect("all serve");
    // All three know it.
    for endpoint in endpoints {
        let found = get(&client_of(&[endpoint], patient()), "a").await.expect("read").expect("a key");
        assert_eq!(found.value, "2");
    }
}

/// A member that is left alone says that it has no leader: to a watch by ending it, to a change before it takes it.
#[tokio::test]
async fn a_member_that_is_alone_says_so() {
    let mut cluster = three();
    let alone = [cluster.endpoint(0)];
    let client = client_of(&alone, impatient());
    let mut watch = client.watch(WatchCreateRequest::prefix("a", 0)).await.expect("a watch");
    cluster.kill(1).expect("killed");
    cluster.kill(2).expect("killed");
    let error = watch.next().await.expect_err("it has no leader");
    assert_eq!((error.kind(), error.outcome()), (Kind::NoLeader, Outcome::NotDone), "{error}");
    let error = put(&client, "a", "1").await.expect_err("it has no leader");
    assert_eq!((error.kind(), error.outcome()), (Kind::NoLeader, Outcome::NotDone), "{error}");
    // Its state can still be asked for.
    assert_eq!(client.status(0).await.expect("an answer").leader, 0);
    cluster.restart(1).expect("started");
    let errors = put_again(&client, "a", "1").await;
    assert!(
        errors.iter().all(|error| matches!(error.kind(), Kind::NoLeader | Kind::TimedOut | Kind::Unavailable)),
        "{errors:?}"
    );
}

#[tokio::test]
async fn a_member_that_ends_in_order_ends_its_watches() {
    let mut cluster = three();
    let client = client(&cluster, impatient());
    let mut watch = client.watch(WatchCreateRequest::prefix("a", 0)).await.expect("a watch");
    assert_eq!(watch.endpoint(), Some(cluster.endpoint(0).as_str()));
    cluster.terminate(0).expect("ended");
    watch.next().await.expect_err("it has ended");
    put_again(&client, "a", "1").await;
    let watch = client.watch(WatchCreateRequest::prefix("a", 0)).await.expect("a watch");
    assert_ne!(watch.endpoint(), Some(cluster.endpoint(0).as_str()));
}
