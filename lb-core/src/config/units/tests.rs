//! Tests of values with units.
