//! Several servers over one cluster of etcd. `cargo xtask cluster store` gets etcd and runs these.

use core::net::SocketAddr;
use core::time::Duration;

use etcd_members::{Cluster, Setup};

use crate::hub::Listener;
use crate::manual::OF_ETCD;
use crate::process::{File, Running, refuses, run};
use crate::support::webhook::{Post, Receiver};
use crate::support::{Client, ID, STATE_PATH, get, once, request, set};
use crate::{webhooks, webhooks_program};

const STORE: &str = "etcd:recording";

fn members(count: usize) -> (Cluster, String) {
    let cluster = Cluster::start(count, &Setup::default()).expect("members");
    let endpoints = cluster.endpoints().join(",");
    (cluster, endpoints)
}

/// The demo world's session, which is started at first.
#[tokio::test]
#[ignore = "needs members of etcd: cargo xtask cluster store"]
async fn any_of_three_servers_answers_and_each_reports_every_change() {
    let (mut cluster, endpoints) = members(3);
    let start = || Running::start(&["--store", STORE, "--etcd-endpoints", &endpoints]);
    let mut servers = vec![start(), start(), start()];
    let mut listeners = Vec::new();
    for server in &servers {
        listeners.push(Listener::new(server.api).await);
    }
    // Pause and Start in turns, each asked of another server than the one before, and read from the next.
    for (turn, (action, state)) in [("3", 3), ("1", 1)].into_iter().cycle().take(6).enumerate() {
        let answer = once(servers[turn % 3].api, &set(action)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let read = once(servers[(turn + 1) % 3].api, &get(STATE_PATH)).await;
        assert!(read.body.contains(&format!(r#""RecordingState":{state}"#)), "{}", read.body);
        let mut heard = Vec::new();
        for listener in &mut listeners {
            heard.push(listener.hears().await);
        }
        assert!(heard[0].contains(&format!(r#""StateAction":{action}"#)), "{heard:?}");
        assert!(heard.iter().all(|event| *event == heard[0]), "{heard:?}");
    }

    // A server is killed, and the leader of etcd: the others go on.
    drop(servers.remove(0));
    listeners.remove(0);
    let leader = cluster.leader().expect("a leader");
    cluster.kill(leader).expect("killed");
    let mut answers = Vec::new();
    while answers.last() != Some(&200) {
        answers.push(once(servers[0].api, &set("3")).await.status);
        assert!(answers.iter().all(|status| [200, 503].contains(status)) && answers.len() < 1000, "{answers:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for listener in &mut listeners {
        assert!(listener.hears().await.contains(r#""StateAction":3"#));
    }
    let read = once(servers[1].api, &get(STATE_PATH)).await;
    assert!(read.body.contains(r#""RecordingState":3"#), "{}", read.body);

    // One that starts now finds it, and ends in order.
    cluster.restart(leader).expect("started");
    let late = start();
    let read = once(late.api, &get(STATE_PATH)).await;
    assert!(read.body.contains(r#""RecordingState":3"#), "{}", read.body);
    late.signal("-TERM");
    assert_eq!(late.end().0, Some(0));
}

/// Three servers with the same webhook: each change is posted once, by the server that made it, and `sequence` has their order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs members of etcd: cargo xtask cluster store"]
async fn the_server_that_made_a_change_posts_it_and_no_other() {
    const TURNS: usize = 12;
    let (_cluster, endpoints) = members(1);
    let receiver = Receiver::new();
    let secret = webhooks::secret("cluster", webhooks::SECRET);
    let config = File::new("cluster-webhook.toml", &webhooks_program::config(&receiver.url(), secret.path(), ""));
    let start = || Running::start(&["--config", config.path(), "--store", STORE, "--etcd-endpoints", &endpoints]);
    let servers = [start(), start(), start()];
    let begin = request("PUT", &format!("/sessions/ucc-demo-name/{ID}"), &[], b"");
    assert_eq!(once(servers[0].admin, &begin).await.status, 201);
    for turn in 0..TURNS {
        let answer = once(servers[turn % 3].api, &set(["1", "3"][turn % 2])).await;
        assert!(answer.body.contains(r#""ErrorMessage":null"#), "{answer:?}");
    }
    let events = |posts: &[Post]| posts.iter().filter(|post| post.event().is_some()).cloned().collect::<Vec<_>>();
    receiver.wait("all", |posts| (events(posts).len() >= TURNS).then_some(()));
    // For one that comes twice.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut posts = events(&receiver.posts());
    posts.sort_by_key(|post| post.body["sequence"].as_u64());
    let actions: Vec<_> = posts.iter().filter_map(|post| post.event().map(|(_, action)| action)).collect();
    assert_eq!(actions, [1, 3].repeat(TURNS / 2));
    // What the ids of one server have in common.
    let by: Vec<_> = posts.iter().map(|post| post.body["id"].as_str().map(|id| id[..20].to_owned())).collect();
    assert!(
        by.iter().enumerate().all(|(turn, one)| *one == by[turn % 3]) && by[0] != by[1] && by[1] != by[2],
        "{by:?}"
    );
}

#[tokio::test]
#[ignore = "needs members of etcd: cargo xtask cluster store"]
async fn what_is_wrong_is_said_in_one_line() {
    let (_cluster, endpoints) = members(1);
    let recorders = "[[ucc]]\nname = \"u\"\nrecording_api_licensed = true\nuse_audio_recording = true\n\
        agent_can_edit_audio_recording = true\nsave_recording_by_default = true\nagents = []\nrecorder = \"r\"\n\
        [[recorder]]\nname = \"r\"\nkind = \"rtpengine\"\naddress = \"127.0.0.1:1\"\npause = \"native\"\nself_test = false\n";
    let config = File::new("cluster.toml", recorders);
    let with = |store, url| ["--store", store, "--etcd-endpoints", url];
    let no_recorders = "--store etcd serves no recorders yet: the config has a [[recorder]]";
    refuses(&[&with(STORE, &endpoints)[..], &["--config", config.path()]].concat(), no_recorders);
    let no_prefix =
        "the store in etcd: \"a/\" is no prefix: it has 1 to 64 letters, digits and -_./, and does not end with /";
    refuses(&with("etcd:a/", &endpoints), no_prefix);
    refuses(&with(STORE, "ftp://a:1"), "\"ftp://a:1\" is no endpoint: it begins with neither http:// nor https://");
    let unreachable = "the store in etcd: no member of etcd answers: http://127.0.0.1:1: no connection: Connection refused (os error 111)";
    // A server that starts with its machine may be faster than etcd: it waits, and then asks to be started again.
    let output = run(&with(STORE, "http://127.0.0.1:1"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.ends_with(&format!("recording-server: {unreachable}\n")), "{said}");
    assert_eq!(output.status.code(), Some(1));
}

/// A config with one UCC, whose agent is this one.
fn config(agent: &str) -> String {
    format!(
        "[[ucc]]\nname = \"u\"\nrecording_api_licensed = true\nuse_audio_recording = true\n\
         agent_can_edit_audio_recording = true\nsave_recording_by_default = true\nagents = [\"sip:{agent}@domain.com\"]\n"
    )
}

async fn admin(address: SocketAddr, path: &str) -> (u16, String) {
    let mut admin = Client::connect(address).await;
    admin.send(&get(path)).await;
    let answer = admin.receive_any("GET").await;
    (answer.status, answer.body)
}

/// The one sample of a family.
fn sample(metrics: &str, family: &str) -> f64 {
    let line = metrics.lines().find_map(|line| line.strip_prefix(&format!("{family} ")));
    line.unwrap_or_else(|| panic!("{family} has no sample in\n{metrics}")).parse().expect("a number")
}

/// Waits until `/readyz` answers with this status, and gives what it says.
async fn readiness(server: &Running, status: u16) -> String {
    let began = std::time::Instant::now();
    loop {
        let (answered, body) = admin(server.admin, "/readyz").await;
        if answered == status {
            return body;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{answered} {body}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
#[ignore = "needs members of etcd: cargo xtask cluster store"]
async fn a_server_with_another_config_is_not_ready_until_either_side_changes() {
    let (cluster, endpoints) = members(1);
    let files = ["one", "two", "three"].map(|name| File::new(&format!("config-{name}.toml"), &config("a")));
    let write = |file: &File, agent| std::fs::write(file.path(), config(agent)).expect("written");
    let start = |file: &File, more: &[&str]| {
        let options = ["--store", STORE, "--etcd-endpoints", &endpoints, "--config", file.path()];
        Running::start(&[&options, more].concat())
    };
    let differs = "The config differs from the cluster's: the agents of UCC 'u'.";

    let one = start(&files[0], &[]);
    readiness(&one, 200).await;
    write(&files[1], "b");
    let two = start(&files[1], &[]);
    assert!(readiness(&two, 503).await.contains(differs));
    assert_eq!(admin(one.admin, "/readyz").await.0, 200, "the cluster's config is what it was");
    let (_, metrics) = admin(two.admin, "/metrics").await;
    assert_eq!(["recording_etcd_config_agrees", "recording_ready"].map(|family| sample(&metrics, family)), [0.0; 2]);
    // It answers all the same.
    let target = "/attendantservice/api/recording/capabilities/u";
    assert_eq!(once(two.api, &get(target)).await.status, 200);

    // This side changes.
    write(&files[1], "a");
    two.signal("-HUP");
    readiness(&two, 200).await;
    write(&files[1], "b");
    two.signal("-HUP");
    readiness(&two, 503).await;
    // The other side changes.
    write(&files[2], "b");
    let three = start(&files[2], &["--set-cluster-config"]);
    readiness(&three, 200).await;
    readiness(&two, 200).await;
    assert!(readiness(&one, 503).await.contains(differs));
    write(&files[2], "a");
    three.signal("-HUP");
    readiness(&one, 200).await;
    readiness(&three, 200).await;
    readiness(&two, 503).await;

    // If the key is gone, a server writes it again; if it says nothing that is understood, it stays.
    let key = "recording/meta/config";
    let value = cluster.etcdctl(&["get", key, "--print-value-only"]).expect("etcdctl");
    assert!(value.contains("\"u\":[") && !value.contains("domain.com"), "{value}");
    drop(two);
    cluster.etcdctl(&["del", key]).expect("etcdctl");
    while cluster.etcdctl(&["get", key, "--print-value-only"]).expect("etcdctl") != value {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    readiness(&one, 200).await;
    cluster.etcdctl(&["put", key, "{}"]).expect("etcdctl");
    assert!(readiness(&one, 503).await.contains("it was written by another version of the server."));
}

#[tokio::test]
#[ignore = "needs members of etcd: cargo xtask cluster store"]
async fn every_metric_of_a_cluster_has_samples() {
    let (mut cluster, endpoints) = members(3);
    let server = Running::start(&["--store", STORE, "--etcd-endpoints", &endpoints]);
    readiness(&server, 200).await;
    assert_eq!(once(server.api, &set("3")).await.status, 200);
    let (_, metrics) = admin(server.admin, "/metrics").await;
    for family in OF_ETCD {
        sample(&metrics, family);
    }
    let families = metrics.lines().filter_map(|line| line.strip_prefix("# TYPE recording_etcd_"));
    assert_eq!(families.count(), OF_ETCD.len());
    for (family, value) in [
        ("members", 3.0),
        ("members_answering", 3.0),
        ("config_agrees", 1.0),
        ("unknown_outcomes_total", 0.0),
        ("lists_total", 0.0),
        ("watch_lag_revisions", 0.0),
    ] {
        assert_eq!(sample(&metrics, &format!("recording_etcd_{family}")), value, "{family}");
    }
    assert!(sample(&metrics, "recording_etcd_requests_total") >= 4.0, "{metrics}");
    assert!(sample(&metrics, "recording_etcd_database_bytes") > 0.0);
    // The begin of the demo's session, perhaps a fence, and the pause.
    assert!(sample(&metrics, "recording_store_commit_seconds_count") >= 2.0);

    // Without a majority it is not ready, and says so.
    cluster.kill(0).expect("killed");
    cluster.kill(1).expect("killed");
    let body = readiness(&server, 503).await;
    let says = ["etcd has no leader.", "No member of etcd answers.", "The store does not answer"];
    assert!(says.iter().any(|line| body.contains(line)), "{body}");
    loop {
        let (_, metrics) = admin(server.admin, "/metrics").await;
        if sample(&metrics, "recording_etcd_members_answering") == 1.0
            && sample(&metrics, "recording_etcd_member_changes_total") >= 1.0
        {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// An end that is asked for again is answered as before, by whichever server, until the session is begun again.
#[tokio::test]
#[ignore = "needs members of etcd: cargo xtask cluster store"]
async fn an_end_is_repeated_at_any_server() {
    let (_cluster, endpoints) = members(1);
    let servers = [0, 1].map(|_| Running::start(&["--store", STORE, "--etcd-endpoints", &endpoints]));
    let path = "/sessions/ucc-demo-name/6f9619ff-8b86-4d01-b42d-00cf4fc964ff";
    let asks = async |server: usize, method: &str, body: &str| {
        let mut admin = Client::connect(servers[server].admin).await;
        admin.send(&request(method, path, &[], body.as_bytes())).await;
        let answer = admin.receive_any(method).await;
        (answer.status, answer.body)
    };
    assert_eq!(asks(0, "DELETE", "").await.0, 404);
    for (state, disposition) in [
        ("1,\"MarkingState\":0,\"SavingState\":2", "Discard"),
        ("0,\"MarkingState\":0,\"SavingState\":0", "NothingRecorded"),
    ] {
        assert_eq!(asks(0, "PUT", &format!("{{\"RecordingState\":{state}}}")).await.0, 201);
        let ended = asks(1, "DELETE", "").await;
        assert_eq!(ended, (200, format!("{{\"Disposition\":\"{disposition}\"}}")));
        for server in [0, 1, 0] {
            assert_eq!(asks(server, "DELETE", "").await, ended);
        }
    }
    // It is open again: the server at which that was not asked for forgets the end as well.
    assert_eq!(asks(1, "PUT", "").await.0, 201);
    assert_eq!(asks(0, "PUT", "").await.0, 200);
}

/// An authority, and a certificate with its key: for a server and for a client.
fn certificates() -> [String; 3] {
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
    let mut parameters = CertificateParams::new(vec![]).expect("parameters");
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority =
        CertifiedIssuer::self_signed(parameters, KeyPair::generate().expect("a key")).expect("an authority");
    let key = KeyPair::generate().expect("a key");
    let parameters = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("parameters");
    let certificate = parameters.signed_by(&key, &authority).expect("a certificate");
    [authority.pem(), certificate.pem(), key.serialize_pem()]
}

/// All certificates are replaced by those of another authority: after SIGHUP the server is served again.
#[tokio::test]
#[ignore = "needs members of etcd: cargo xtask cluster store"]
async fn certificates_are_read_again() {
    let names = ["etcd-ca.pem", "etcd.pem", "etcd.key"];
    let first = certificates();
    let files: Vec<_> = names.iter().zip(&first).map(|(name, text)| File::new(name, text)).collect();
    let [authority, certificate, key] = [0, 1, 2].map(|file| std::path::PathBuf::from(files[file].path()));
    let (client_certificate, client_key) = (certificate.clone(), key.clone());
    let tls = etcd_members::TlsFiles { authority, certificate, key, client_certificate, client_key };
    let mut cluster = Cluster::start(1, &Setup { tls: Some(tls), ..Setup::default() }).expect("a member");
    let options = ["--etcd-ca", files[0].path(), "--etcd-cert", files[1].path(), "--etcd-key", files[2].path()];
    let endpoint = cluster.endpoint(0);
    let mut server = Running::start(&[&["--store", STORE, "--etcd-endpoints", &endpoint], &options[..]].concat());
    readiness(&server, 200).await;

    // A file that is bad changes nothing.
    std::fs::write(files[2].path(), "no key").expect("written");
    server.signal("-HUP");
    server.logged("bad certificate, key or password for etcd");
    readiness(&server, 200).await;

    for (file, text) in files.iter().zip(certificates()) {
        std::fs::write(file.path(), text).expect("written");
    }
    cluster.kill(0).expect("killed");
    cluster.restart(0).expect("started");
    cluster.wait().expect("it serves");
    // The member is there and is not trusted, and it does not trust this server.
    // Which it is, is known when all members were asked again.
    while !readiness(&server, 503).await.contains("No member of etcd answers.") {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    server.signal("-HUP");
    server.logged("certificates and password for etcd read again");
    readiness(&server, 200).await;
    assert_eq!(once(server.api, &set("3")).await.status, 200);
}

/// The password is changed, first in the file and then in etcd: after SIGHUP the server goes on without a refused request.
#[tokio::test]
#[ignore = "needs members of etcd: cargo xtask cluster store"]
async fn a_password_is_read_again() {
    let (mut cluster, endpoints) = members(1);
    for line in [
        "user add root:secret",
        "user grant-role root root",
        "user add app:the-first",
        "role add app",
        "role grant-permission app readwrite recording/ --prefix=true",
        "user grant-role app app",
        "auth enable",
    ] {
        cluster.etcdctl(&line.split(' ').collect::<Vec<_>>()).expect(line);
    }
    let file = File::new("etcd-password", "the-first\n");
    let user = ["--etcd-user", "app", "--etcd-password", file.path()];
    let mut server = Running::start(&[&["--store", STORE, "--etcd-endpoints", &endpoints], &user[..]].concat());
    readiness(&server, 200).await;
    // What a member tells to `root` alone is not needed.
    let (_, metrics) = admin(server.admin, "/metrics").await;
    assert_eq!(sample(&metrics, "recording_etcd_members_answering"), 1.0);

    // A file that is bad changes nothing.
    std::fs::write(file.path(), b"\xff").expect("written");
    server.signal("-HUP");
    server.logged("bad certificate, key or password for etcd: --etcd-password: its file is not UTF-8");
    readiness(&server, 200).await;

    // One that etcd does not know yet is noticed at once, and what is open goes on.
    std::fs::write(file.path(), "the-second\n").expect("written");
    server.signal("-HUP");
    server.logged("no member of etcd accepts the new certificates or password");
    assert_eq!(once(server.api, &set("3")).await.status, 200);
    let words = ["--user=root:secret", "user", "passwd", "app", "--interactive=false"];
    cluster.etcdctl_reading(&words, "the-second\n").expect("changed");
    assert_eq!(once(server.api, &set("1")).await.status, 200);

    // A member that was started again knows none of the tokens there were.
    cluster.kill(0).expect("killed");
    cluster.restart(0).expect("started");
    readiness(&server, 200).await;
    assert_eq!(once(server.api, &set("3")).await.status, 200);

    // From now on the server knows a password that is not the user's.
    std::fs::write(file.path(), "the-third\n").expect("written");
    server.signal("-HUP");
    server.logged("no member of etcd accepts the new certificates or password");
    cluster.kill(0).expect("killed");
    cluster.restart(0).expect("started");
    while !readiness(&server, 503).await.contains("does not accept this server's user, password or certificate.") {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    std::fs::write(file.path(), "the-second\n").expect("written");
    server.signal("-HUP");
    readiness(&server, 200).await;
}
