//! The paths, shared by both kinds of measurements of single paths. It must not measure.

pub mod paths;
