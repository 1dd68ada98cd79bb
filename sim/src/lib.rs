//! A deterministic discrete-event simulator of a whole fleet.
#![forbid(unsafe_code)]
