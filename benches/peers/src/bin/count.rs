//! Runs one workload so many times, for callgrind to count: the difference between two numbers of times is exact.
//! Without arguments it lists the workloads.

use peers::workloads;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (Some(place), Some(times)) = (arguments.next(), arguments.next()) else {
        for (place, workload) in workloads().iter().enumerate() {
            println!("{place}\t{}\t{}\t{}", workload.group, workload.name, workload.units);
        }
        return;
    };
    let place: usize = place.parse().expect("which workload");
    let times: usize = times.parse().expect("how many times");
    let mut workload = workloads().swap_remove(place);
    for _ in 0..times {
        (workload.run)();
    }
}
