//! x
pub(crate) fn run(_which: &[&str]) -> Result<(), String> {
    Err("not yet".into())
}
