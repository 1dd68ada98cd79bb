//! What a conversation with the kernel costs: time, messages, datagrams, bytes, system calls.
//!
//! Our own are counted where they are made, in a transport around the kernel's
//! socket: each datagram is one system call. Those of other programs are
//! counted by the kernel ([`super::calls`]).

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lb_netlink::socket::kernel::KernelSocket;
use lb_netlink::socket::{Protocol, Transport};

/// What something cost.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Cost {
    pub(super) time: Duration,
    /// Netlink messages to the kernel.
    pub(super) requests: usize,
    /// Datagrams to the kernel.
    pub(super) sent: usize,
    /// Datagrams from the kernel.
    pub(super) received: usize,
    /// System calls of the whole process while it did that.
    pub(super) calls: usize,
}

/// Counts that go on while a client has the transport.
#[derive(Debug, Default)]
pub(super) struct Counts {
    requests: AtomicUsize,
    sent: AtomicUsize,
    received: AtomicUsize,
}

/// The kernel's socket, and a count of what passes.
#[derive(Debug)]
pub(super) struct Metered {
    socket: KernelSocket,
    counts: Arc<Counts>,
}

impl Metered {
    pub(super) fn open(counts: Arc<Counts>) -> io::Result<Self> {
        Ok(Self { socket: KernelSocket::open(Protocol::Generic)?, counts })
    }
}

impl Transport for Metered {
    fn send(&mut self, datagram: &[u8]) -> io::Result<()> {
        self.counts.sent.fetch_add(1, Ordering::Relaxed);
        self.counts.requests.fetch_add(messages(datagram), Ordering::Relaxed);
        self.socket.send(datagram)
    }

    fn receive(&mut self, buffer: &mut Vec<u8>) -> io::Result<()> {
        self.counts.received.fetch_add(1, Ordering::Relaxed);
        self.socket.receive(buffer)
    }
}

/// How many netlink messages a datagram holds, by their lengths.
fn messages(mut datagram: &[u8]) -> usize {
    let mut count = 0;
    while let Some((length, _)) = datagram.split_first_chunk::<4>() {
        let length = (u32::from_ne_bytes(*length) as usize).max(4).next_multiple_of(4);
        datagram = datagram.get(length..).unwrap_or_default();
        count += 1;
    }
    count
}

impl Counts {
    /// What was counted so far, without time.
    pub(super) fn cost(&self) -> Cost {
        let read = |count: &AtomicUsize| count.load(Ordering::Relaxed);
        let (requests, sent, received) = (read(&self.requests), read(&self.sent), read(&self.received));
        Cost { time: Duration::ZERO, requests, sent, received, calls: sent + received }
    }
}

impl Cost {
    /// What came to pass since `before`, in `time`.
    pub(super) fn since(&self, before: &Self, time: Duration) -> Self {
        Self {
            time,
            requests: self.requests - before.requests,
            sent: self.sent - before.sent,
            received: self.received - before.received,
            calls: self.calls - before.calls,
        }
    }

    /// This beside ours, as how many times as much.
    pub(super) fn beside(&self, name: &str, ours: &Self) -> String {
        let times = |theirs: f64, ours: f64| theirs / ours;
        let time = times(self.time.as_secs_f64(), ours.time.as_secs_f64());
        let calls = times(self.calls as f64, ours.calls as f64);
        format!("{name} {} ({time:.1} x), {} calls ({calls:.0} x)", seconds(self.time), grouped(self.calls))
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { time, requests, sent, received, .. } = self;
        let [requests, sent, received] = [*requests, *sent, *received].map(grouped);
        write!(f, "{}; {requests} messages in {sent} datagrams, {received} back", seconds(*time))
    }
}

/// A time in the unit that suits it.
pub(super) fn seconds(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match seconds {
        ..0.01 => format!("{:.2} ms", seconds * 1e3),
        0.01..1.0 => format!("{:.0} ms", seconds * 1e3),
        1.0..10.0 => format!("{seconds:.1} s"),
        _ => format!("{seconds:.0} s"),
    }
}

/// A number with commas between its thousands.
pub(super) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests;
