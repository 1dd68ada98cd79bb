//! Grids of living and dead paths, and what is named of them.

use std::net::SocketAddr;

use super::*;

/// A row is a node, a column a gateway: `+` lives, `x` is dead, a blank was not asked.
fn named(grid: &[&str]) -> String {
    let gateway = |column: usize| IpAddr::from([10, 1, 0, u8::try_from(column).unwrap()]);
    let mut paths = Vec::new();
    for (node, row) in grid.iter().enumerate() {
        for (column, cell) in row.chars().enumerate().filter(|(_, cell)| *cell != ' ') {
            let vip = SocketAddr::from(([203, 0, 113, 10], 443));
            let path = Path { subject: 0, node, gateway: gateway(column), vip, flows: Vec::new() };
            paths.push((path, cell == '+'));
        }
    }
    let short = |finding: Finding| match finding {
        Finding::Service { .. } => "all".to_owned(),
        Finding::Node { node, .. } => format!("node {node}"),
        Finding::Gateway { gateway: IpAddr::V4(gateway), .. } => format!("gateway {}", gateway.octets()[3]),
        Finding::Pair { node, gateway: IpAddr::V4(gateway), .. } => format!("{node}-{}", gateway.octets()[3]),
        other => panic!("{other:?}"),
    };
    let found = findings(paths.iter().map(|(path, lives)| (path, *lives)));
    found.into_iter().map(short).collect::<Vec<_>>().join(", ")
}

#[test]
fn what_dead_paths_have_in_common_is_named() {
    let table: [(&[&str], &str); 13] = [
        (&["+++", "+++"], ""),
        (&[], ""),
        (&["xx", "xx"], "all"),
        (&["x"], "all"),
        (&["+++", "++x", "+++"], "1-2"),
        (&["+++", "xxx", "+++"], "node 1"),
        (&["+x+", "+x+", "+x+"], "gateway 1"),
        (&["+x+", "xxx", "+x+"], "node 1, gateway 1"),
        (&["++x", "x++"], "0-2, 1-0"),
        (&["+x"], "gateway 1"),
        (&["+", "x"], "node 1"),
        (&["x+", "x+", "xx"], "node 2, gateway 0"),
        // Of a gateway that was asked through one node only, only that is known.
        (&["+x", "+ "], "gateway 1"),
    ];
    for (grid, names) in table {
        assert_eq!(named(grid), names, "{grid:?}");
    }
}

#[test]
fn services_are_told_apart() {
    let vip = SocketAddr::from(([203, 0, 113, 10], 443));
    let path = |subject| Path { subject, node: 0, gateway: [10, 1, 0, 5].into(), vip, flows: Vec::new() };
    let (first, second) = (path(0), path(1));
    assert_eq!(findings([(&first, true), (&second, false)]), [Finding::Service { subject: 1 }]);
}
