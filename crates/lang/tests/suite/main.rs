//! The tests of the language, in one program.

mod children;
mod codes;
mod common;
mod inputs;
mod keys;
mod limits;
mod plans;
mod planted;
mod robust;
mod rules;
mod syntax;
