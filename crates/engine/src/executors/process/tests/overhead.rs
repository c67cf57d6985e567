//! What a process step costs beside the process. By command: `cargo test --release -- --ignored overhead`.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::*;

const TIMES: usize = 200;

fn median(mut once: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..TIMES)
        .map(|_| {
            let begun = Instant::now();
            once();
            begun.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[TIMES / 2]
}

#[test]
#[ignore = "a measurement"]
fn overhead_over_posix_spawn() {
    let bench = Bench::new();
    let executor = bench.executor();
    let job = bench.job(json!({"argv": ["/bin/true"]}));
    let script = bench.job(json!({"script": {"text": "true"}}));
    let place = bench.place();
    let spawn = |program: &str, args: &[&str]| {
        let mut command = Command::new(program);
        command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        assert!(command.status().unwrap().success());
    };
    for round in 1..=3 {
        let bare = median(|| spawn("/bin/true", &[]));
        let step = median(|| assert_eq!(executor.perform(&job, &place, &bench.switch).error, None));
        let bash = median(|| spawn("/bin/bash", &["--noprofile", "--norc", "-c", "true"]));
        let scripted = median(|| assert_eq!(executor.perform(&script, &place, &bench.switch).error, None));
        println!(
            "round {round}: /bin/true {bare:?}, as a step {step:?} (+{:?}); bash {bash:?}, script {scripted:?} (+{:?})",
            step.saturating_sub(bare),
            scripted.saturating_sub(bash),
        );
    }
}
