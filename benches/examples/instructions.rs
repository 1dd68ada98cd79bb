//! Repeats one operation so that callgrind can count its instructions:
//! run with N and with 2 N, the difference divided by N is the operation.
//!
//! `valgrind --tool=callgrind target/release/examples/instructions hit 100000`

use lb_core::Time;
use lb_core::director::Director;
use lb_core::table::TableCache;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let what = arguments.next().unwrap_or_default();
    let count: u32 = arguments.next().and_then(|count| count.parse().ok()).unwrap_or(1_000);
    let mut director = Director::new(benches::node(100, 1 << 20), &mut TableCache::default())
        .expect("the configuration is right");
    let mut out = [0; 128];
    let mut written = 0_usize;
    for number in 0..count {
        let client = benches::client_v4(if what == "hit" { 7 } else { number });
        let flags = if what == "hit" { benches::ACK } else { benches::SYN };
        let packet = benches::tcp_packet(client, flags);
        director.handle_packet(Time::ZERO, &packet, &mut out);
        written += usize::from(out[19]);
    }
    println!("{written}");
}
