//! Two sessions over a line that loses and delays: they come up, stay up, and notice a death in time.

use alloc::collections::BTreeMap;

use super::*;

/// Two sessions and the packets between them.
struct Pair {
    ends: [Session; 2],
    /// By time of arrival and number.
    flying: BTreeMap<(Time, u32), (usize, ControlPacket)>,
    sent: u32,
    delay: Duration,
    now: Time,
    /// Whether an end still acts.
    alive: [bool; 2],
}

impl Pair {
    fn new(configs: [SessionConfig; 2], delay: Duration, seed: u64) -> Self {
        let [left, right] = configs;
        Self {
            ends: [
                Session::new(Time::ZERO, 1, left, seed),
                Session::new(Time::ZERO, 2, right, seed ^ 0x5a5a),
            ],
            flying: BTreeMap::new(),
            sent: 0,
            delay,
            now: Time::ZERO,
            alive: [true; 2],
        }
    }

    /// Goes to the next thing that happens; `lost` says which packets are.
    fn step(&mut self, lost: &mut impl FnMut(u32) -> bool) {
        let due = |end: usize| self.ends[end].poll_timeout().filter(|_| self.alive[end]);
        let arrival = self.flying.keys().next().map(|(time, _)| *time);
        let next = [due(0), due(1), arrival]
            .into_iter()
            .flatten()
            .min()
            .expect("a session always waits for something");
        self.now = self.now.max(next);
        while let Some(entry) = self.flying.first_entry()
            && entry.key().0 <= self.now
        {
            let (to, packet) = entry.remove();
            if self.alive[to] {
                self.ends[to].handle_packet(self.now, &packet).expect("nobody is down by hand");
            }
        }
        for end in [0, 1] {
            if !self.alive[end] {
                continue;
            }
            self.ends[end].handle_timeout(self.now);
            while let Some(packet) = self.ends[end].poll_transmit() {
                self.sent += 1;
                if !lost(self.sent) {
                    self.flying.insert((self.now + self.delay, self.sent), (1 - end, packet));
                }
            }
        }
    }

    fn states(&self) -> [SessionState; 2] {
        [self.ends[0].state(), self.ends[1].state()]
    }
}

const UP: [SessionState; 2] = [SessionState::Up; 2];

proptest! {
    #[test]
    fn a_good_line_comes_up_within_three_seconds_and_stays_up(
        settings in prop::array::uniform2((10_u64..400, 10_u64..400, 2_u8..10)),
        delay_ms in 0_u64..5,
        seed: u64,
    ) {
        let configs = settings.map(|(tx, rx, multiplier)| config(tx, rx, multiplier));
        let mut pair = Pair::new(configs, Duration::from_millis(delay_ms), seed);
        while pair.states() != UP {
            pair.step(&mut |_| false);
            prop_assert!(pair.now < Time::from_secs(3), "{}", pair.now);
        }
        let until = pair.now + Duration::from_secs(20);
        while pair.now < until {
            pair.step(&mut |_| false);
            prop_assert_eq!(pair.states(), UP);
        }
    }

    #[test]
    fn a_death_is_noticed_within_the_detection_time(
        settings in prop::array::uniform2((10_u64..400, 10_u64..400, 1_u8..10)),
        alive_ms in 5_000_u64..9_000,
        seed: u64,
    ) {
        let configs = settings.map(|(tx, rx, multiplier)| config(tx, rx, multiplier));
        let mut pair = Pair::new(configs, Duration::ZERO, seed);
        while pair.now < Time::from_millis(alive_ms) {
            pair.step(&mut |_| false);
        }
        prop_assert_eq!(pair.states(), UP);
        let (death, bound) = (pair.now, pair.ends[0].detection_time().expect("it is heard"));
        let ((tx, _, multiplier), (_, rx, _)) = (settings[1], settings[0]);
        let _ = rx;
        prop_assert_eq!(bound, Duration::from_millis(tx.max(settings[0].1)) * u32::from(multiplier));
        pair.alive[1] = false;
        while pair.ends[0].state() == SessionState::Up {
            pair.step(&mut |_| false);
        }
        prop_assert!(pair.now - death <= bound);
        prop_assert_eq!(pair.ends[0].diagnostic(), Diagnostic::DETECTION_TIME_EXPIRED);
    }

    #[test]
    fn after_any_losses_a_good_line_brings_it_back(
        losses in prop::collection::vec(any::<bool>(), 0..300),
        seed: u64,
    ) {
        let mut pair = Pair::new([config(50, 50, 3), config(20, 90, 2)], Duration::from_millis(1), seed);
        let mut lost = |number: u32| losses.get(number as usize).copied().unwrap_or(false);
        while (pair.sent as usize) < losses.len() {
            pair.step(&mut lost);
        }
        let until = pair.now + Duration::from_secs(5);
        while pair.now < until {
            pair.step(&mut lost);
        }
        prop_assert_eq!(pair.states(), UP);
    }

    #[test]
    fn changes_of_settings_never_look_like_a_death(
        changes in prop::collection::vec((0_usize..2, 10_u64..1_000, 10_u64..1_000, 2_u8..10, 0_u64..500), 1..20),
        seed: u64,
    ) {
        let mut pair = Pair::new([config(50, 50, 3); 2], Duration::from_millis(1), seed);
        while pair.states() != UP {
            pair.step(&mut |_| false);
        }
        for (end, tx, rx, multiplier, pause_ms) in changes {
            pair.ends[end].handle_config(pair.now, config(tx, rx, multiplier));
            let until = pair.now + Duration::from_millis(pause_ms);
            while pair.now < until {
                pair.step(&mut |_| false);
                prop_assert_eq!(pair.states(), UP, "at {}", pair.now);
            }
        }
        let until = pair.now + Duration::from_secs(10);
        while pair.now < until {
            pair.step(&mut |_| false);
            prop_assert_eq!(pair.states(), UP);
        }
    }
}
