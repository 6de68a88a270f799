//! Several servers over one cluster of etcd. `cargo xtask cluster store` gets etcd and runs these.

use core::time::Duration;

use etcd_members::{Cluster, Setup};

use crate::hub::Listener;
use crate::process::{File, Running, refuses};
use crate::support::{STATE_PATH, get, once, set};

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
    refuses(&with(STORE, "http://127.0.0.1:1"), unreachable);
}
