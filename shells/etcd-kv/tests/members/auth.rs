//! Users with passwords.

use etcd_kv::messages::{StatusResponse, WatchCreateRequest};
use etcd_kv::{Client, Credentials, Kind, Options, Outcome};
use etcd_members::Cluster;

use crate::support::{client, get, one, patient, put};

fn as_user(cluster: &Cluster, user: &str, password: &str) -> Client {
    let credentials = Some(Credentials { user: user.to_owned(), password: password.to_owned() });
    client(cluster, Options { credentials, ..patient() })
}

/// A cluster with the user `app`, who may use keys under `app/`.
fn with_users() -> Cluster {
    let cluster = one();
    for line in [
        "user add root:secret",
        "user grant-role root root",
        "user add app:the-password",
        "role add app",
        "role grant-permission app readwrite app/ --prefix=true",
        "user grant-role app app",
        "auth enable",
    ] {
        let words: Vec<_> = line.split(' ').collect();
        cluster.etcdctl(&words).expect(line);
    }
    cluster
}

#[tokio::test]
async fn a_user_may_do_what_its_role_says_and_no_more() {
    let cluster = with_users();
    let app = as_user(&cluster, "app", "the-password");
    put(&app, "app/a", "1").await.expect("written");
    assert_eq!(get(&app, "app/a").await.expect("read").expect("a key").value, "1");
    let mut watch = app.watch(WatchCreateRequest::prefix("app/", 1)).await.expect("a watch");
    assert_eq!(watch.next().await.expect("news").events.len(), 1);

    let refused = put(&app, "other", "1").await.expect_err("not its key");
    assert_eq!((refused.kind(), refused.outcome()), (Kind::PermissionDenied, Outcome::NotDone), "{refused}");
    assert_eq!(get(&app, "other").await.expect_err("not its key").kind(), Kind::PermissionDenied);
    let refused = app.watch(WatchCreateRequest::prefix("other", 0)).await.expect_err("not its keys");
    assert_eq!(refused.kind(), Kind::PermissionDenied, "{refused}");

    // The state of a member is for root; who it is, and of what version, is for everyone.
    let root = as_user(&cluster, "root", "secret").status(0).await.expect("a state");
    let outline = app.outline(0, "app/a").await.expect("an outline");
    let cluster_of = |state: &StatusResponse| state.header.map(|header| (header.cluster_id, header.member_id));
    assert_eq!((cluster_of(&outline), &outline.version), (cluster_of(&root), &root.version));
    assert_eq!(app.outline(0, "other").await.expect_err("not its key").kind(), Kind::PermissionDenied);
    assert!(app.alarms().await.expect("alarms").alarms.is_empty());
}

#[tokio::test]
async fn who_is_unknown_is_refused_and_nothing_is_done() {
    let cluster = with_users();
    for client in [
        as_user(&cluster, "app", "not-the-password"),
        as_user(&cluster, "stranger", "the-password"),
        client(&cluster, patient()),
    ] {
        let refused = put(&client, "app/a", "1").await.expect_err("it is refused");
        assert_eq!((refused.kind(), refused.outcome()), (Kind::Unauthenticated, Outcome::NotDone), "{refused}");
        let shown = format!("{refused} {refused:?} {client:?}");
        assert!(!shown.contains("not-the-password") && !shown.contains("the-password"), "{shown}");
    }
    assert_eq!(get(&as_user(&cluster, "app", "the-password"), "app/a").await, Ok(None));
}

/// The tokens are in the members' memory: a member that is started again knows none of them.
#[tokio::test]
async fn a_token_that_is_no_longer_valid_is_renewed() {
    let mut cluster = with_users();
    let app = as_user(&cluster, "app", "the-password");
    put(&app, "app/a", "1").await.expect("written");
    cluster.kill(0).expect("killed");
    cluster.restart(0).expect("started");
    loop {
        match put(&app, "app/a", "2").await {
            Ok(_) => break,
            // No connection, or one that breaks: anything but a token that is not valid.
            Err(error) => assert_ne!(error.kind(), Kind::Unauthenticated, "{error}"),
        }
        tokio::time::sleep(core::time::Duration::from_millis(100)).await;
    }
    let mut watch = app.watch(WatchCreateRequest::prefix("app/", 1)).await.expect("a watch");
    assert!(!watch.next().await.expect("news").events.is_empty());
}

/// A change of users makes all tokens old.
#[tokio::test]
async fn a_token_that_is_old_is_renewed() {
    let cluster = with_users();
    let app = as_user(&cluster, "app", "the-password");
    put(&app, "app/a", "1").await.expect("written");
    cluster.etcdctl(&["--user=root:secret", "user", "add", "new:word"]).expect("added");
    put(&app, "app/a", "2").await.expect("written");
    assert_eq!(get(&app, "app/a").await.expect("read").expect("a key").version, 2);
}

#[tokio::test]
async fn a_cluster_without_users_serves_those_who_have_one_too() {
    let cluster = one();
    let app = as_user(&cluster, "app", "the-password");
    put(&app, "app/a", "1").await.expect("written");
    // And from then on they need it.
    for line in [
        "user add root:secret",
        "user grant-role root root",
        "user add app:the-password",
        "user grant-role app root",
        "auth enable",
    ] {
        cluster.etcdctl(&line.split(' ').collect::<Vec<_>>()).expect(line);
    }
    put(&app, "app/a", "2").await.expect("written");
}
