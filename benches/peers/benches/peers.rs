//! Ours next to others, in one process.
//!
//! First rounds in which everything has its turn, of which the fastest and the median are printed, as lines of JSON: on a
//! machine with neighbours the minimum of interleaved rounds is what comes out the same again. Then criterion, unless
//! `--rounds` is given.

use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use peers::{Workload, workloads};

const ROUNDS: usize = 61;
const SAMPLE: Duration = Duration::from_micros(400);

/// How often a workload must run to fill a sample.
fn repeats(workload: &mut Workload) -> u32 {
    let mut times = 1;
    loop {
        let took = time(workload, times);
        if took >= SAMPLE {
            return times;
        }
        times *= 2;
    }
}

fn time(workload: &mut Workload, times: u32) -> Duration {
    let begin = Instant::now();
    for _ in 0..times {
        (workload.run)();
    }
    begin.elapsed()
}

fn rounds() {
    let mut all = workloads();
    let times: Vec<u32> = all.iter_mut().map(repeats).collect();
    let mut samples = vec![Vec::with_capacity(ROUNDS); all.len()];
    for _ in 0..ROUNDS {
        for ((workload, &times), samples) in all.iter_mut().zip(&times).zip(&mut samples) {
            let took = time(workload, times).as_secs_f64() * 1e9;
            samples.push(took / f64::from(times) / workload.units as f64);
        }
    }
    for (workload, samples) in all.iter().zip(&mut samples) {
        samples.sort_by(f64::total_cmp);
        let (fastest, median) = (samples[0], samples[ROUNDS / 2]);
        let Workload { group, name, .. } = workload;
        println!(r#"{{"group":"{group}","name":"{name}","min_ns":{fastest:.4},"median_ns":{median:.4}}}"#);
    }
}

fn main() {
    rounds();
    if std::env::args().any(|argument| argument == "--rounds") {
        return;
    }
    let criterion = Criterion::default().warm_up_time(Duration::from_millis(300));
    let mut criterion = criterion.measurement_time(Duration::from_millis(1200)).without_plots();
    for mut workload in workloads() {
        let mut group = criterion.benchmark_group(workload.group);
        group.throughput(Throughput::Elements(workload.units as u64));
        group.bench_function(workload.name, |bencher| bencher.iter(|| (workload.run)()));
        group.finish();
    }
    criterion.final_summary();
}
