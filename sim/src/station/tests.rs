//! Queueing stations against small courses of events.

use super::*;
use proptest::prelude::*;

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

const fn at(milliseconds: u64) -> Time {
    Time::from_millis(milliseconds)
}

fn station(
    servers: u32,
    discipline: Discipline,
    queue_limit: u32,
    timeout: Option<Duration>,
) -> Station<u32> {
    Station::new(StationConfig { servers, discipline, queue_limit, timeout })
}

/// What left: a letter for how, the job, and when in milliseconds (rounded down).
fn departures(station: &mut Station<u32>) -> Vec<(char, u32, u128)> {
    core::iter::from_fn(|| station.poll_event())
        .map(|event| {
            let (how, departure) = match event {
                StationEvent::Finished(departure) => ('f', departure),
                StationEvent::TimedOut(departure) => ('t', departure),
                StationEvent::Lost(departure) => ('l', departure),
            };
            (how, departure.job, (departure.left - Time::ZERO).as_millis())
        })
        .collect()
}

/// Runs the station by its own deadlines to the end.
fn run_out(station: &mut Station<u32>) -> Vec<(char, u32, u128)> {
    let mut all = Vec::new();
    while let Some(next) = station.poll_timeout() {
        station.handle_timeout(next);
        all.extend(departures(station));
    }
    all
}

#[test]
fn fifo_serves_the_oldest() {
    let mut station = station(2, Discipline::Fifo, 10, None);
    for (job, service) in [(1, 10), (2, 3), (3, 4), (4, 1)] {
        station.handle_arrival(at(0), job, ms(service)).unwrap();
    }
    assert_eq!(station.in_service(), 2);
    assert_eq!(run_out(&mut station), [('f', 2, 3), ('f', 3, 7), ('f', 4, 8), ('f', 1, 10)]);
    assert_eq!(station.counters().busy_area, 18_000_000);
    assert_eq!(station.counters().job_area, 28_000_000);
}

#[test]
fn sharing_gives_each_job_the_same_pace() {
    let mut station = station(1, Discipline::ProcessorSharing, 10, None);
    station.handle_arrival(at(0), 1, ms(10)).unwrap();
    station.handle_arrival(at(2), 2, ms(3)).unwrap();
    // From 2 ms on both run at half pace: job 2 is done at 8, job 1 has 5 ms left then.
    assert_eq!(station.poll_timeout(), Some(at(8)));
    assert_eq!(run_out(&mut station), [('f', 2, 8), ('f', 1, 13)]);
}

#[test]
fn two_servers_are_shared_from_three_jobs_on() {
    let mut station = station(2, Discipline::ProcessorSharing, 10, None);
    for job in 1..=3 {
        station.handle_arrival(at(0), job, ms(2 * u64::from(job))).unwrap();
    }
    // Three at 2/3 pace: job 1 done at 3 ms; then two at full pace: job 2 at 5, job 3 at 7.
    assert_eq!(run_out(&mut station), [('f', 1, 3), ('f', 2, 5), ('f', 3, 7)]);
}

#[test]
fn slow_down_pause_and_crash() {
    let mut station = station(1, Discipline::Fifo, 10, None);
    station.handle_arrival(at(0), 1, ms(10)).unwrap();
    station.handle_speed(at(4), Speed::slowed(2.0));
    assert_eq!(station.poll_timeout(), Some(at(16)));
    station.handle_condition(at(10), Condition::Paused);
    assert_eq!(station.poll_timeout(), None);
    assert!(station.handle_arrival(at(50), 2, ms(1)).is_ok());
    station.handle_condition(at(110), Condition::Running);
    assert_eq!(station.poll_timeout(), Some(at(116)));
    station.handle_condition(at(112), Condition::Down);
    assert_eq!(departures(&mut station), [('l', 1, 112), ('l', 2, 112)]);
    assert_eq!(station.handle_arrival(at(113), 3, ms(1)), Err(Refused { job: 3, cause: Refusal::Down }));
    station.handle_condition(at(120), Condition::Running);
    station.handle_speed(at(120), Speed::NORMAL);
    station.handle_arrival(at(121), 4, ms(1)).unwrap();
    assert_eq!(run_out(&mut station), [('f', 4, 122)]);
}

#[test]
fn limits_timeouts_and_cancels() {
    let mut station = station(1, Discipline::Fifo, 2, Some(ms(10)));
    let _first = station.handle_arrival(at(0), 1, ms(8)).unwrap();
    let second = station.handle_arrival(at(1), 2, ms(8)).unwrap();
    station.handle_arrival(at(2), 3, ms(2)).unwrap();
    assert_eq!(station.handle_arrival(at(3), 4, ms(1)), Err(Refused { job: 4, cause: Refusal::Full }));
    assert_eq!(station.handle_cancel(at(9), second), Some(2));
    assert_eq!(station.handle_cancel(at(9), second), None);
    // Job 3 enters service at 9 and ends at 11, before its deadline at 12.
    station.handle_arrival(at(9), 5, ms(30)).unwrap();
    assert_eq!(departures(&mut station), [('f', 1, 8)]);
    assert_eq!(run_out(&mut station), [('f', 3, 11), ('t', 5, 19)]);
    let counters = station.counters();
    assert_eq!((counters.arrived, counters.finished, counters.timed_out, counters.refused), (4, 2, 1, 1));
    // An end at the very deadline counts as served.
    station.handle_arrival(at(100), 6, ms(10)).unwrap();
    assert_eq!(run_out(&mut station), [('f', 6, 110)]);
}

#[derive(Clone, Copy, Debug)]
enum Operation {
    Arrive { service: u64 },
    Cancel { which: usize },
    Slow { factor: u32 },
    Pause,
    Resume,
    Crash,
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        20 => (0_u64..5_000_000).prop_map(|service| Operation::Arrive { service }),
        2 => any::<usize>().prop_map(|which| Operation::Cancel { which }),
        1 => (1_u32..10).prop_map(|factor| Operation::Slow { factor }),
        1 => Just(Operation::Pause),
        2 => Just(Operation::Resume),
        1 => Just(Operation::Crash),
    ]
}

fn apply(station: &mut Station<u32>, ids: &mut Vec<JobId>, now: Time, operation: Operation) {
    match operation {
        Operation::Arrive { service } => {
            let job = ids.len() as u32;
            if let Ok(id) = station.handle_arrival(now, job, Duration::from_nanos(service)) {
                ids.push(id);
            }
        }
        Operation::Cancel { which } => {
            if let Some(&id) = ids.get(which % ids.len().max(1)) {
                station.handle_cancel(now, id);
            }
        }
        Operation::Slow { factor } => station.handle_speed(now, Speed::slowed(f64::from(factor) / 2.0)),
        Operation::Pause => station.handle_condition(now, Condition::Paused),
        Operation::Resume => station.handle_condition(now, Condition::Running),
        Operation::Crash => station.handle_condition(now, Condition::Down),
    }
}

fn any_station() -> impl Strategy<Value = StationConfig> {
    let discipline = prop::sample::select(vec![Discipline::Fifo, Discipline::ProcessorSharing]);
    let timeout = prop::option::of((1_u64..20).prop_map(Duration::from_millis));
    (1_u32..5, discipline, 0_u32..20, timeout).prop_map(|(servers, discipline, queue_limit, timeout)| {
        StationConfig { servers, discipline, queue_limit, timeout }
    })
}

proptest! {
    /// Woken at every deadline or only when something else happens: the same jobs leave at the same
    /// times, and no job is forgotten.
    #[test]
    fn late_wake_ups_change_nothing(
        config in any_station(),
        operations in prop::collection::vec((0_u64..2_000_000, operation()), 1..200),
    ) {
        let (mut timely, mut late) = (Station::new(config), Station::new(config));
        let (mut timely_ids, mut late_ids) = (Vec::new(), Vec::new());
        let mut now = Time::ZERO;
        for (pause, operation) in operations {
            now += Duration::from_nanos(pause);
            while let Some(next) = timely.poll_timeout().filter(|&next| next <= now) {
                timely.handle_timeout(next);
            }
            apply(&mut timely, &mut timely_ids, now, operation);
            apply(&mut late, &mut late_ids, now, operation);
            prop_assert_eq!(timely.jobs(), late.jobs());
            prop_assert!(late.jobs() <= (config.servers + config.queue_limit) as usize);
        }
        let events = |station: &mut Station<u32>| core::iter::from_fn(|| station.poll_event()).collect::<Vec<_>>();
        prop_assert_eq!(events(&mut timely), events(&mut late));
        let counters = *late.counters();
        prop_assert_eq!(counters.job_area, timely.counters().job_area);
        let gone = counters.finished + counters.timed_out + counters.lost + counters.cancelled;
        prop_assert_eq!(counters.arrived, gone + late.jobs() as u64);
    }

    /// First come, first served against the textbook recursion: start = max(arrival, earliest free server).
    #[test]
    fn fifo_agrees_with_the_recursion(
        servers in 1_usize..5,
        jobs in prop::collection::vec((0_u64..3_000_000, 0_u64..5_000_000), 1..100),
    ) {
        let mut station = station(servers as u32, Discipline::Fifo, 1000, None);
        let mut free = vec![0_u64; servers];
        let mut expected = Vec::new();
        let mut now = 0;
        for (job, &(pause, service)) in jobs.iter().enumerate() {
            now += pause;
            station.handle_arrival(Time::from_nanos(now), job as u32, Duration::from_nanos(service)).unwrap();
            let server = free.iter_mut().min().unwrap();
            *server = now.max(*server) + service;
            expected.push(*server);
        }
        station.handle_timeout(Time::from_secs(3600));
        let mut ends = vec![0; jobs.len()];
        while let Some(event) = station.poll_event() {
            let StationEvent::Finished(departure) = event else { unreachable!() };
            ends[departure.job as usize] = departure.left.as_nanos();
        }
        prop_assert_eq!(ends, expected);
    }

    /// Processor sharing against a plain simulation in floating point.
    #[test]
    fn sharing_agrees_with_small_steps(
        servers in 1_u32..4,
        jobs in prop::collection::vec((0_u64..3_000_000, 1_u64..5_000_000), 1..40),
    ) {
        let mut station = station(servers, Discipline::ProcessorSharing, 1000, None);
        let mut arrivals = Vec::new();
        let mut now = 0;
        for (job, &(pause, service)) in jobs.iter().enumerate() {
            now += pause;
            station.handle_arrival(Time::from_nanos(now), job as u32, Duration::from_nanos(service)).unwrap();
            arrivals.push((now as f64, service as f64));
        }
        station.handle_timeout(Time::from_secs(3600));
        let expected = share(f64::from(servers), &arrivals);
        while let Some(event) = station.poll_event() {
            let StationEvent::Finished(departure) = event else { unreachable!() };
            let expected = expected[departure.job as usize];
            let left = departure.left.as_nanos() as f64;
            // A nanosecond of rounding up per job that ended before.
            prop_assert!((left - expected).abs() < 50.0, "{left} {expected}");
        }
    }
}

/// When each job of (arrival, work) ends.
fn share(servers: f64, jobs: &[(f64, f64)]) -> Vec<f64> {
    let mut left: Vec<f64> = jobs.iter().map(|&(_, work)| work).collect();
    let mut ends = vec![f64::NAN; jobs.len()];
    let mut now = 0.0;
    loop {
        let inside: Vec<usize> =
            (0..jobs.len()).filter(|&job| jobs[job].0 <= now && ends[job].is_nan()).collect();
        let arrival = jobs
            .iter()
            .map(|&(arrival, _)| arrival)
            .filter(|&arrival| arrival > now)
            .fold(f64::MAX, f64::min);
        let pace = (servers / inside.len() as f64).min(1.0);
        let first = inside.iter().map(|&job| now + left[job] / pace).fold(f64::MAX, f64::min);
        let next = arrival.min(first);
        if next == f64::MAX {
            return ends;
        }
        for &job in &inside {
            left[job] -= (next - now) * pace;
            if left[job] < 1e-3 {
                ends[job] = next;
            }
        }
        now = next;
    }
}
