//! The scheduler: which backend a new flow gets.
