//! The event queue against a sorted model.
