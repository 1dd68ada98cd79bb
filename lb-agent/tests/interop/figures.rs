//! Ten thousand VIPs: seconds, megabytes and bytes, as rows of the README. Ignored: it measures, and wants the optimised build.
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

/// What the speaker's namespace has sent, frames and all, in bytes.
fn sent(process: u32) -> u64 {
    let devices = std::fs::read_to_string(format!("/proc/{process}/net/dev")).unwrap();
    let counts = devices.lines().find_map(|line| line.trim().strip_prefix("node0:")).unwrap();
    // the ninth number of a device is what it sent
    counts.split_whitespace().nth(8).unwrap().parse().unwrap()
}

#[test]
#[ignore = "measures; wants the optimised build and an idle machine"]
fn ten_thousand_vips() {
    with_some(&[Brand::Bird], |brand| {
        let link = Link::new();
        let router = Router::start(brand, &link, Settings::default());
        let mut speaker = Speaker::start(&link, &file(&[peer("")], ""), &[]);
        speaker.wait_until_up(ROUTER);
        let process = speaker.process.id();
        let megabytes = |bytes: u64| bytes as f64 / 1e6;
        let (ours, theirs, sent_before) = (memory(process), router.memory(), sent(process));
        let began = Instant::now();
        speaker.tell(&format!("many {VIPS}"));
        let written = began.elapsed();
        eventually(Duration::from_secs(60), "all are there", || {
            (router.prefixes().len() == VIPS).then_some(())
        });
        let there = began.elapsed();
        let (ours_after, theirs_after) = (memory(process), router.memory());
        let bytes = sent(process) - sent_before;
        let began = Instant::now();
        speaker.stop();
        eventually(Duration::from_secs(60), "all are gone", || router.prefixes().is_empty().then_some(()));
        println!(
            "| {VIPS} VIPs announced to {brand:?} | written after {:.2} s, there after {:.2} s; {:.1} kB on the wire; \
             {:.1} MB ({:.1} for the VIPs) | {brand:?} {:.1} MB ({:.1} for the VIPs) |",
            written.as_secs_f64(),
            there.as_secs_f64(),
            bytes as f64 / 1e3,
            megabytes(ours_after),
            megabytes(ours_after.saturating_sub(ours)),
            megabytes(theirs_after),
            megabytes(theirs_after.saturating_sub(theirs)),
        );
        println!("| and withdrawn by a farewell | gone after {:.2} s |  |", began.elapsed().as_secs_f64());
    });
}
