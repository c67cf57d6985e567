//! The walk through the HTTP API that the manual points to: curl alone, as it is written.

use std::path::Path;
use std::process::Command;

#[test]
fn three_people_bring_a_run_to_its_end_with_curl_alone() {
    let folder = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/walk.sh");
    let program = Path::new(env!("CARGO_BIN_EXE_stead")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let walked = Command::new("bash")
        .arg(&script)
        .current_dir(&folder)
        .env("PATH", path)
        .env("STEAD_HOME", folder.path().join("home"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&walked.stdout);
    assert!(walked.status.success(), "{said}\n{}", String::from_utf8_lossy(&walked.stderr));
    assert!(said.ends_with("done\n"), "{said}");
}
