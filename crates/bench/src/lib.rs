//! What both kinds of measurements of single paths share: the paths. It must not measure.

pub mod paths;
