//! Fragments: later pieces follow the first.
