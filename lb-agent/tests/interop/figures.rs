//! Ten thousand VIPs: seconds and megabytes, on both sides. Ignored: it measures, and wants the optimised build.
//!
//! `cargo test --release -p lb-agent --test interop figures -- --ignored --nocapture`

use std::time::{Duration, Instant};

use crate::link::{Link, ROUTER};
use crate::router::{Brand, Router, Settings};
use crate::speaker::{Speaker, file, peer};
use crate::{eventually, with_some};

const VIPS: usize = 10_000;

/// Resident memory of a process, in bytes.
pub(crate) fn memory(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1_024
}

#[test]
#[ignore = "measures; wants the optimised build and an idle machine"]
fn ten_thousand_vips() {
    with_some(&[Brand::Bird], |brand| {
        let link = Link::new();
        let router = Router::start(brand, &link, Settings::default());
        let mut speaker = Speaker::start(&link, &file(&[peer("")], ""), &[]);
        speaker.wait_until_up(ROUTER);
        let megabytes = |bytes: u64| bytes as f64 / 1e6;
        let (ours, theirs) = (memory(speaker.process.id()), router.memory());
        let began = Instant::now();
        speaker.tell(&format!("many {VIPS}"));
        let written = began.elapsed();
        eventually(Duration::from_secs(60), "all are there", || {
            (router.prefixes().len() == VIPS).then_some(())
        });
        let there = began.elapsed();
        println!(
            "{VIPS} VIPs to {brand:?}: written after {:.3} s, all there after {:.3} s; speaker {:.1} MB (+{:.1}), {brand:?} {:.1} MB (+{:.1})",
            written.as_secs_f64(),
            there.as_secs_f64(),
            megabytes(memory(speaker.process.id())),
            megabytes(memory(speaker.process.id()) - ours),
            megabytes(router.memory()),
            megabytes(router.memory() - theirs),
        );
        let began = Instant::now();
        speaker.stop();
        eventually(Duration::from_secs(60), "all are gone", || router.prefixes().is_empty().then_some(()));
        println!("withdrawn by a farewell after {:.3} s", began.elapsed().as_secs_f64());
    });
}
