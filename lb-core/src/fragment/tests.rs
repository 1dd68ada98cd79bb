//! Tests of the fragment table.
