//! Commands on a network that loses, copies, delays and reorders, and a recorder that stands still.

use core::time::Duration;

use recording_core::recorder::{Order, RecorderState};
use tokio::time::{Instant, sleep, timeout};

use super::super::landing::Rules;
use super::super::options::MOST_DRAINS;
use super::bench::{Bench, CALL, call, number};
use super::daemon::at_once;
use crate::recorder::port::{Outcome, Recorder as _};

const SECOND: Duration = Duration::from_secs(1);

async fn ready(rules: Rules) -> Bench {
    let bench = Bench::with_rules(rules).await;
    bench.until(|condition| condition.usable.is_some()).await;
    bench
}

/// Loses datagrams with `with` in them until a number of them was sent.
fn lose(with: &'static str, mut first: usize) -> super::daemon::Network {
    Box::new(move |datagram| {
        let is_lost = first > 0 && datagram.contains(with);
        first -= usize::from(is_lost);
        if is_lost { Vec::new() } else { at_once() }
    })
}

#[tokio::test(start_paused = true)]
async fn the_same_bytes_are_sent_until_one_arrives() {
    let bench = ready(Rules::KEPT).await;
    bench.daemon.state().to = lose("stop recording", 5);
    let (outcome, took) = bench.order(Order::Pause, 1).await;
    assert_eq!(outcome, Outcome::Is(RecorderState::Paused));
    assert!((SECOND..SECOND * 2).contains(&took), "{took:?}");
    let state = bench.daemon.state();
    let copies: Vec<_> = state.sent.iter().filter(|(_, datagram)| datagram.contains("stop recording")).collect();
    assert!(copies.len() == 6 && copies.iter().all(|(_, datagram)| *datagram == copies[0].1), "{copies:?}");
}

#[tokio::test(start_paused = true)]
async fn a_lost_reply_is_given_again_and_nothing_is_done_twice() {
    let bench = ready(Rules::KEPT).await;
    bench.daemon.state().from = lose("2:ok", 7);
    let (outcome, _) = bench.order(Order::Record, 1).await;
    assert_eq!(outcome, Outcome::Is(RecorderState::Recording));
    assert_eq!(bench.daemon.done(CALL), ["start recording"]);
}

#[tokio::test(start_paused = true)]
async fn a_late_reply_counts() {
    let bench = ready(Rules::KEPT).await;
    bench.daemon.state().from =
        Box::new(|reply| if reply.contains("statistics") { at_once() } else { vec![SECOND * 9] });
    let (outcome, took) = bench.order(Order::Pause, 1).await;
    assert_eq!(outcome, Outcome::Is(RecorderState::Paused));
    assert!(took >= SECOND * 9, "{took:?}");
}

/// The network is down for `down` from the moment on in which the daemon got the Record. It is carried out twice if its
/// bytes are sent for longer than the daemon remembers.
async fn times_carried_out(rules: Rules, down: Duration) -> (usize, Outcome) {
    let bench = ready(rules).await;
    let began = Instant::now();
    let mut is_first = true;
    bench.daemon.state().to = Box::new(move |datagram| {
        let gets_through = !datagram.starts_with("0000000000000001-") || began.elapsed() > down;
        if gets_through || core::mem::take(&mut is_first) { at_once() } else { Vec::new() }
    });
    bench.daemon.state().from = Box::new(move |reply| {
        if began.elapsed() > down || !reply.starts_with("0000000000000001-") { at_once() } else { Vec::new() }
    });
    let (outcome, _) = bench.order(Order::Record, 1).await;
    let carried_out = bench.daemon.done(CALL).into_iter().filter(|command| command == "start recording").count();
    (carried_out, outcome)
}

#[tokio::test(start_paused = true)]
async fn no_bytes_are_sent_when_the_recorder_may_have_forgotten_them() {
    for down in [1, 14, 16, 29, 31, 59, 61, 90, 300] {
        let (times, outcome) = times_carried_out(Rules::KEPT, SECOND * down).await;
        assert_eq!(times, 1, "{down} s");
        // As long as it remembers, its reply to the command itself comes in the end.
        if down < 29 {
            assert_eq!(outcome, Outcome::Is(RecorderState::Recording), "{down} s");
        } else if down > 61 {
            assert_eq!(outcome, Outcome::Unknown("its reply was lost, or it never arrived".to_owned()), "{down} s");
        }
    }
    let planted = Rules { resend_for: SECOND * 1000, ..Rules::KEPT };
    let (times, _) = times_carried_out(planted, SECOND * 90).await;
    assert_eq!(times, 2, "the fault that the rule is for");
}

#[tokio::test(start_paused = true)]
async fn bytes_are_sent_for_fifteen_seconds_and_pings_with_their_cookie_after_that() {
    let bench = ready(Rules::KEPT).await;
    bench.daemon.state().is_away = true;
    let began = Instant::now();
    let pause = bench.ordering(Order::Pause, 1);
    sleep(SECOND * 100).await;
    assert!(!pause.is_finished(), "given up although it may still be carried out");
    {
        let state = bench.daemon.state();
        let of_cookie: Vec<_> =
            state.sent.iter().filter(|(_, datagram)| datagram.starts_with("0000000000000001-")).collect();
        for (at, datagram) in of_cookie {
            let is_command = datagram.contains("stop recording");
            assert_eq!(is_command, at.duration_since(began) < SECOND * 15, "{:?}", at.duration_since(began));
            assert!(is_command || datagram.ends_with(" d7:command4:pinge"), "{datagram}");
        }
    }
    let sent = bench.daemon.sent("stop recording");
    assert!((74..=76).contains(&sent), "{sent} copies in 15 s, one every 200 ms");
    bench.daemon.state().is_away = false;
    let (outcome, _) = pause.await.expect("no panic");
    assert_eq!(outcome, Outcome::Unknown("its reply was lost, or it never arrived".to_owned()));
    assert_eq!(bench.daemon.done(CALL), [""; 0]);
}

/// The last copies of a Record are under way for as long as datagrams ever are; the order lands, and a Pause is confirmed.
async fn ends_recording(rules: Rules) -> bool {
    let bench = ready(rules).await;
    let began = Instant::now();
    bench.daemon.state().to = Box::new(move |datagram| match began.elapsed() {
        _ if !datagram.contains("start recording") => at_once(),
        at if at < SECOND * 14 => Vec::new(),
        _ => vec![Duration::from_millis(9_900)],
    });
    let (outcome, _) = bench.order(Order::Record, 1).await;
    assert!(matches!(outcome, Outcome::Unknown(_)), "{outcome:?}");
    assert_eq!(bench.order(Order::Pause, 2).await.0, Outcome::Is(RecorderState::Paused));
    sleep(SECOND * 60).await;
    bench.daemon.is_recording(CALL)
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_comes_after_the_seal_is_not_carried_out() {
    assert!(!ends_recording(Rules::KEPT).await);
    assert!(ends_recording(Rules { seals: false, ..Rules::KEPT }).await, "the fault that the seal is for");
}

/// A frozen recorder carries out what waits in its socket in any order, if there is more than one.
async fn commands_outstanding(rules: Rules) -> usize {
    let bench = ready(rules).await;
    bench.daemon.freeze();
    let first = bench.ordering(Order::Pause, 1);
    let second = bench.ordering(Order::Stop, 2);
    sleep(SECOND * 2).await;
    let cookies: std::collections::BTreeSet<_> = bench
        .daemon
        .state()
        .sent
        .iter()
        .filter(|(_, datagram)| datagram.contains("stop recording"))
        .map(|(_, datagram)| datagram.split(' ').next().expect("a cookie").to_owned())
        .collect();
    bench.daemon.thaw();
    assert_eq!(first.await.expect("no panic").0, Outcome::Is(RecorderState::Paused));
    assert_eq!(second.await.expect("no panic").0, Outcome::Is(RecorderState::Off));
    cookies.len()
}

#[tokio::test(start_paused = true)]
async fn a_call_has_one_command_outstanding() {
    assert_eq!(commands_outstanding(Rules::KEPT).await, 1);
    assert_eq!(commands_outstanding(Rules { takes_turns: false, ..Rules::KEPT }).await, 2, "the fault");
}

#[tokio::test(start_paused = true)]
async fn a_frozen_recorder_is_waited_for() {
    for frozen in [1, 10, 20, 100] {
        let bench = ready(Rules::KEPT).await;
        bench.daemon.freeze();
        let pause = bench.ordering(Order::Pause, 1);
        sleep(SECOND * frozen).await;
        assert!(!pause.is_finished());
        bench.daemon.thaw();
        assert_eq!(pause.await.expect("no panic").0, Outcome::Is(RecorderState::Paused), "{frozen} s");
        assert_eq!(bench.daemon.done(CALL), ["stop recording"]);
        // Nor is it taken for another instance by the first uptime that it says, which is that of the freeze.
        sleep(SECOND * 3).await;
        assert_eq!((bench.condition().instance, bench.condition().restarts), (1, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_command_whose_caller_is_gone_is_still_waited_for() {
    let bench = ready(Rules::KEPT).await;
    bench.daemon.state().to = lose("start recording", usize::MAX);
    assert!(timeout(SECOND, bench.order(Order::Record, 1)).await.is_err());
    let pause = bench.ordering(Order::Pause, 2);
    sleep(SECOND * 5).await;
    assert_eq!(bench.daemon.sent("stop recording"), 0, "it may overtake");
    bench.daemon.state().to = Box::new(|_| at_once());
    assert_eq!(pause.await.expect("no panic").0, Outcome::Is(RecorderState::Paused));
    assert_eq!(bench.daemon.done(CALL), ["start recording", "stop recording"]);
}

#[tokio::test(start_paused = true)]
async fn a_record_of_an_earlier_process_is_drained_and_not_carried_out_again() {
    let bench = ready(Rules::KEPT).await;
    bench.order(Order::Record, 1).await;
    bench.order(Order::Pause, 2).await;
    let drained = async || timeout(SECOND, bench.recorder.drain(&call(CALL), number(1))).await.is_ok();
    // While it remembers the Record, and long after.
    for later in [0, 40, 40] {
        sleep(SECOND * later).await;
        assert!(drained().await);
        assert!(!bench.daemon.is_recording(CALL));
    }
    // One that has not arrived when it is drained is never carried out.
    let late = bench.daemon.state().sent.iter().find(|(_, datagram)| datagram.contains("start recording")).cloned();
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    socket.send_to(late.expect("a Record").1.as_bytes(), bench.daemon.address).await.expect("a datagram");
    sleep(SECOND).await;
    assert!(!bench.daemon.is_recording(CALL));
    bench.daemon.state().is_away = true;
    assert!(!drained().await, "it may still be under way");
    // What was begun goes on, so that a later command of the call cannot overtake it.
    let pause = bench.ordering(Order::Pause, 3);
    sleep(SECOND * 5).await;
    assert_eq!(bench.daemon.sent("0000000000000003p"), 0);
    bench.daemon.state().is_away = false;
    assert_eq!(pause.await.expect("no panic").0, Outcome::Is(RecorderState::Paused));
}

/// Loss, copies, delays and reordering together, at random but reproducible: whatever the network does, the recorder is
/// in the end what its last confirmed order says, and no command was carried out twice.
#[tokio::test(start_paused = true)]
async fn any_network_leads_to_what_was_confirmed() {
    for seed in 1..=20_u64 {
        let bench = ready(Rules::KEPT).await;
        let network = |mut seed: u64| -> super::daemon::Network {
            Box::new(move |datagram| {
                if datagram.contains("statistics") || datagram.contains("pong") {
                    return at_once();
                }
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                let copies = [0, 0, 1, 1, 1, 2, 3][(seed >> 8) as usize % 7];
                (0..copies).map(|copy| Duration::from_millis((seed >> (16 + 8 * copy)) % 3_000)).collect()
            })
        };
        bench.daemon.state().to = network(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        bench.daemon.state().from = network(seed.wrapping_mul(0xbf58_476d_1ce4_e5b9));
        let mut sending = 0;
        for order in [Order::Pause, Order::Stop, Order::Pause, Order::Stop, Order::Pause] {
            sending += 1;
            let outcome = bench.order(order, sending).await.0;
            assert_eq!(outcome, Outcome::Is(order.target()), "seed {seed}");
        }
        sleep(SECOND * 10).await;
        assert_eq!(bench.daemon.done(CALL), ["stop recording"; 5], "seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn however_many_are_drained_the_recorder_is_asked_for_the_rest() {
    let bench = ready(Rules::KEPT).await;
    // Nothing of them gets through.
    bench.daemon.state().to =
        Box::new(|datagram| if datagram.contains("4:ping") && datagram.len() > 60 { Vec::new() } else { at_once() });
    let drains: Vec<_> = (0..MOST_DRAINS as u64 + 100)
        .map(|n| {
            let recorder = std::sync::Arc::clone(&bench.recorder);
            tokio::spawn(async move { recorder.drain(&call(&format!("call-{n}")), number(1000 + n)).await })
        })
        .collect();
    sleep(SECOND * 2).await;
    assert_eq!(bench.order(Order::Record, 1).await.0, Outcome::Is(RecorderState::Recording));
    assert_eq!(bench.order(Order::Pause, 2).await.0, Outcome::Is(RecorderState::Paused));
    assert!(bench.condition().answers && drains.iter().all(|drain| !drain.is_finished()));
    bench.daemon.state().to = Box::new(|_| at_once());
    for drain in drains {
        assert!(timeout(SECOND * 5, drain).await.is_ok());
    }
}
