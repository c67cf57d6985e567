//! The tests of the language, in one program.

mod children;
mod codes;
mod common;
mod keys;
mod plans;
mod planted;
mod rules;
