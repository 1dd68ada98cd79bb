//! The LB file: what a person writes, and the valid value it becomes.
