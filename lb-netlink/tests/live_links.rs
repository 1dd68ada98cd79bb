//! Links, addresses, routes, rules and settings against a real kernel, in a network namespace of the test's own.
//!
//! Each test runs itself again under `unshare --net`, so that threads of the
//! test runner share nothing and the host is never touched. What needs modules
//! that few kernels have loaded (tunnels, FOU) runs with `OVERSPILL_LIVE=1`, for
//! example in a virtual machine; without root or `unshare` the tests are skipped.

mod live_links {
    mod links;
    mod namespace;
    mod tunnels;
}
