//! Rates: each kind gives the curve it says.

use lb_core::Time;

use super::*;
use crate::scenario::EmbeddedData;

fn curve(text: &str) -> RateCurve {
    let file: RateFile = serde_saphyr::from_str(text).unwrap();
    file.curve(1_000.0, &EmbeddedData).unwrap()
}

#[test]
fn shares_are_of_the_capacity() {
    assert_eq!(curve("{ kind: constant, rate: 60% }").peak(), 600.0);
    assert_eq!(curve("{ kind: constant, rate: 120/m }").peak(), 2.0);
}

#[test]
fn points_are_joined_by_lines() {
    let curve = curve("{ kind: points, points: [{ at: 10s, rate: 10/s }, { at: 20s, rate: 30/s }] }");
    for (second, rate) in [(0, 10.0), (10, 10.0), (15, 20.0), (20, 30.0), (99, 30.0)] {
        assert_eq!(curve.rate_at(Time::from_secs(second)), rate, "{second} s");
    }
}

#[test]
fn a_sine_swings_around_its_mean() {
    let curve = curve("{ kind: sine, rate: 100/s, swing: 50%, period: 4m }");
    for (second, rate) in [(0, 100.0), (60, 150.0), (120, 100.0), (180, 50.0), (300, 150.0)] {
        assert!((curve.rate_at(Time::from_secs(second)) - rate).abs() < 0.05, "{second} s");
    }
}

#[test]
fn recorded_rows_lie_around_the_peak() {
    let data = "nab/elb_request_count_8c0756.csv";
    let text = format!(
        "{{ kind: csv, data: {data}, interval: 5m, peak: '2014-04-22 19:34:00', peakAt: 0s, peakHold: 1m, peakRate: 656/s }}"
    );
    let curve = curve(&text);
    for (minute, rate) in [(0, 656.0), (1, 656.0), (6, 256.0), (11, 195.0)] {
        assert_eq!(curve.rate_at(Time::from_secs(minute * 60)), rate, "minute {minute}");
    }
}
