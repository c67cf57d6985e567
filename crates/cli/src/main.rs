//! The command line of Stead.
fn main() {}
