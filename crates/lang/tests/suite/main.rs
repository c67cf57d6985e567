//! The tests of the language, in one program.

mod codes;
mod common;
