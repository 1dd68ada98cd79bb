//! Tests of statistics: the wide numbers if they are there, else the narrow ones.

use super::Statistics;
use crate::ipvs::schema::{destination, service, statistics, statistics64};

#[test]
fn wide_numbers_are_preferred() {
    let narrow = vec![
        statistics::CONNS.with(1),
        statistics::INPKTS.with(2),
        statistics::OUTPKTS.with(3),
        statistics::INBYTES.with(1 << 40),
        statistics::OUTBYTES.with(5),
        statistics::CPS.with(6),
        statistics::INPPS.with(7),
        statistics::OUTPPS.with(8),
        statistics::INBPS.with(9),
        statistics::OUTBPS.with(10),
    ];
    let read = Statistics {
        connections: 1,
        packets_in: 2,
        packets_out: 3,
        bytes_in: 1 << 40,
        bytes_out: 5,
        connections_per_s: 6,
        packets_in_per_s: 7,
        packets_out_per_s: 8,
        bytes_in_per_s: 9,
        bytes_out_per_s: 10,
    };
    let old = [service::STATS.with(narrow.clone()), destination::STATS.with(narrow)];
    assert_eq!((Statistics::of_service(&old), Statistics::of_destination(&old)), (read, read));

    let wide = vec![
        statistics64::CONNS.with(1 << 33),
        statistics64::INPKTS.with(1 << 34),
        statistics64::OUTPKTS.with(1 << 35),
        statistics64::INBYTES.with(1 << 36),
        statistics64::OUTBYTES.with(1 << 37),
        statistics64::CPS.with(1 << 38),
        statistics64::INPPS.with(1 << 39),
        statistics64::OUTPPS.with(1 << 40),
        statistics64::INBPS.with(1 << 41),
        statistics64::OUTBPS.with(1 << 42),
    ];
    let new = [&old[..], &[service::STATS64.with(wide.clone()), destination::STATS64.with(wide)]].concat();
    let read = Statistics {
        connections: 1 << 33,
        packets_in: 1 << 34,
        packets_out: 1 << 35,
        bytes_in: 1 << 36,
        bytes_out: 1 << 37,
        connections_per_s: 1 << 38,
        packets_in_per_s: 1 << 39,
        packets_out_per_s: 1 << 40,
        bytes_in_per_s: 1 << 41,
        bytes_out_per_s: 1 << 42,
    };
    assert_eq!((Statistics::of_service(&new), Statistics::of_destination(&new)), (read, read));
    assert_eq!(Statistics::of_service(&[]), Statistics::default());
}
