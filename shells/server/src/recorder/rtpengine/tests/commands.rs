//! Orders on a network that does as it should.

use core::time::Duration;
use std::collections::BTreeSet;

use recording_core::recorder::{Order, RecorderState};
use tokio::time::sleep;

use super::super::landing::Rules;
use super::super::{PauseMode, Rtpengine};
use super::bench::{Bench, CALL, call, options};
use super::daemon::Daemon;
use crate::recorder::port::{Outcome, Recorder as _};

#[tokio::test(start_paused = true)]
async fn an_order_is_answered_with_what_the_recorder_is_doing() {
    let bench = Bench::start().await;
    for (at, order) in [Order::Record, Order::Pause, Order::Pause, Order::Record, Order::Stop].into_iter().enumerate() {
        let (outcome, _) = bench.order(order, at as u64 + 1).await;
        assert_eq!(outcome, Outcome::Is(order.target()));
        assert_eq!(bench.daemon.is_recording(CALL), order == Order::Record);
    }
    let expected = ["start", "stop", "stop", "start", "stop"].map(|verb| format!("{verb} recording"));
    assert_eq!(bench.daemon.done(CALL), expected);
}

#[tokio::test(start_paused = true)]
async fn a_native_pause_has_a_command_of_its_own() {
    let daemon = Daemon::start().await;
    daemon.has_call(CALL);
    let options = options(&daemon, PauseMode::Native, None);
    let bench = Bench::with(daemon, options).await;
    for (sending, order) in [(1, Order::Record), (2, Order::Pause), (3, Order::Stop)] {
        assert_eq!(bench.order(order, sending).await.0, Outcome::Is(order.target()));
    }
    assert_eq!(bench.daemon.done(CALL), ["start recording", "pause recording", "stop recording"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_ok_is_not_taken_for_it() {
    let bench = Bench::start().await;
    let unknown = bench.recorder.carry_out(&call("another"), Order::Pause, super::bench::number(1)).await;
    assert_eq!(unknown, Outcome::NoSuchCall);
    for (sending, (reply, expected)) in [
        (&b"d12:error-reason4:busy6:result5:errore"[..], "refused: busy"),
        (b"d7:message9:CPU usage6:result10:load limit\x65", "refused: CPU usage"),
        (b"d6:result4:ponge", "its reply was lost, or it never arrived"),
        (b"d6:result2:o", "refused: a reply that is not bencode"),
        (b"", "refused: a reply that is not bencode"),
        (b"llllllllllllllllllllllllllllll", "refused: a reply that is not bencode"),
    ]
    .into_iter()
    .enumerate()
    {
        bench.daemon.state().says.insert("stop recording", reply.to_vec());
        let (outcome, _) = bench.order(Order::Pause, sending as u64 + 2).await;
        assert_eq!(outcome, Outcome::Unknown(expected.to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn datagrams_that_nothing_waits_for_change_nothing() {
    let bench = Bench::start().await;
    bench.until(|condition| condition.usable.is_some()).await;
    // Each reply comes with garbage, with one for another cookie, and with a copy of itself.
    bench.daemon.state().from = Box::new(|_| vec![Duration::ZERO; 3]);
    for (at, order) in [Order::Record, Order::Pause, Order::Record].into_iter().enumerate() {
        assert_eq!(bench.order(order, at as u64 + 1).await.0, Outcome::Is(order.target()));
    }
    assert_eq!(bench.daemon.done(CALL).len(), 3);
}

/// The guard of a Record: its pings, and what it is for.
#[tokio::test(start_paused = true)]
async fn two_fast_pings_come_before_a_record_and_no_other_order() {
    let bench = Bench::start().await;
    bench.until(|condition| condition.usable.is_some()).await;
    let pings = |bench: &Bench| bench.daemon.sent("4:ping");
    assert_eq!(bench.order(Order::Pause, 1).await.0, Outcome::Is(RecorderState::Paused));
    assert_eq!(pings(&bench), 0);
    let (outcome, took) = bench.order(Order::Record, 2).await;
    assert_eq!((outcome, pings(&bench)), (Outcome::Is(RecorderState::Recording), 2));
    assert!(took >= Duration::from_millis(100), "{took:?}");
    // The fault: without the rule a Record goes out at once.
    let bare = Bench::with_rules(Rules { guards: false, ..Rules::KEPT }).await;
    let (outcome, _) = bare.order(Order::Record, 2).await;
    assert_eq!((outcome, pings(&bare)), (Outcome::Is(RecorderState::Recording), 0));
}

#[tokio::test(start_paused = true)]
async fn a_record_is_not_sent_to_a_recorder_that_does_not_keep_up() {
    let bench = Bench::start().await;
    bench.until(|condition| condition.usable.is_some()).await;
    bench.daemon.state().from = Box::new(|_| vec![Duration::from_millis(60)]);
    let (outcome, took) = bench.order(Order::Record, 1).await;
    assert_eq!(outcome, Outcome::Unknown("not sent: it does not answer pings within 50 ms".to_owned()));
    assert!(took < Duration::from_secs(3), "{took:?}");
    assert_eq!(bench.daemon.sent("start recording"), 0);
    // Pauses and stops are sent however slow it is.
    assert_eq!(bench.order(Order::Pause, 2).await.0, Outcome::Is(RecorderState::Paused));
    // One slow reply is no reason.
    let mut seen = 0;
    bench.daemon.state().from = Box::new(move |reply| {
        seen += u32::from(reply.contains("pong"));
        vec![if seen == 2 { Duration::from_millis(60) } else { Duration::ZERO }]
    });
    assert_eq!(bench.order(Order::Record, 3).await.0, Outcome::Is(RecorderState::Recording));
}

#[tokio::test(start_paused = true)]
async fn a_read_back_says_that_it_records_or_nothing() {
    let bench = Bench::start().await;
    let asked = async || bench.recorder.read_back(&call(CALL)).await;
    assert!(matches!(asked().await, Outcome::Unknown(_)), "not recorded");
    bench.order(Order::Record, 1).await;
    assert_eq!(asked().await, Outcome::Is(RecorderState::Recording));
    bench.order(Order::Pause, 2).await;
    assert!(matches!(asked().await, Outcome::Unknown(_)), "paused");
    assert_eq!(bench.recorder.read_back(&call("another")).await, Outcome::NoSuchCall);
    // 10.5 does not say.
    bench.daemon.state().says.insert("query", b"d4:tagsde6:result2:oke".to_vec());
    assert!(matches!(asked().await, Outcome::Unknown(_)), "10.5");
    bench.daemon.state().is_away = true;
    assert!(matches!(asked().await, Outcome::Unknown(_)), "away");
}

#[tokio::test(start_paused = true)]
async fn a_recorder_that_is_away_at_the_start_is_found_later() {
    // A port that was free a moment ago: each datagram to it is refused.
    let daemon = Daemon::start().await;
    let mut options = options(&daemon, PauseMode::Segments, None);
    let free = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    options.address = free.to_string().into();
    let bench = Bench::with(daemon, options).await;
    let (outcome, _) = bench.order(Order::Record, 1).await;
    assert_eq!(outcome, Outcome::Unknown("not sent: the recorder does not answer".to_owned()));
    let pause = bench.ordering(Order::Pause, 2);
    sleep(Duration::from_secs(60)).await;
    assert!(!pause.is_finished(), "{:?}", pause.await);
    assert!(!bench.condition().answers && bench.condition().instance == 0);
}

#[tokio::test]
async fn a_name_that_no_host_has_is_looked_up_again_and_again() {
    let daemon = Daemon::start().await;
    let mut options = options(&daemon, PauseMode::Segments, None);
    options.address = "no-such-host.invalid:22222".into();
    let (_recorder, alive) = Rtpengine::start(options, 1).expect("random numbers");
    assert!(tokio::time::timeout(Duration::from_millis(300), alive.ended()).await.is_err(), "a task ended");
}

#[test]
fn addresses_have_a_host_and_a_port() {
    for address in ["127.0.0.1:22222", "rtpengine:22222", "[::1]:1", "rtp.example.com:65535"] {
        assert!(Rtpengine::is_address(address), "{address}");
    }
    let wrong = [
        "",
        "127.0.0.1",
        ":22222",
        "host:",
        "host:0",
        "host:65536",
        "host:x",
        "::1:1",
        "[::1]",
        "[x]:1",
        "udp://h:1",
        "a b:1",
        "h:+1",
    ];
    for address in wrong {
        assert!(!Rtpengine::is_address(address), "{address}");
    }
}

#[tokio::test(start_paused = true)]
async fn all_calls_are_independent() {
    let bench = Bench::start().await;
    let calls: Vec<_> = (0..50).map(|n| format!("call-{n}")).collect();
    for id in &calls {
        bench.daemon.has_call(id);
    }
    let orders = calls.iter().enumerate().map(|(at, id)| {
        let (recorder, call) = (std::sync::Arc::clone(&bench.recorder), call(id));
        tokio::spawn(async move { recorder.carry_out(&call, Order::Record, super::bench::number(at as u64 + 1)).await })
    });
    let orders: Vec<_> = orders.collect();
    for order in orders {
        assert_eq!(order.await.expect("no panic"), Outcome::Is(RecorderState::Recording));
    }
    let recorded: BTreeSet<_> = calls.iter().filter(|id| bench.daemon.is_recording(id)).collect();
    assert_eq!(recorded.len(), 50);
}
