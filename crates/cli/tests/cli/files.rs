//! `file` steps from the command line.

use crate::project::Project;

#[test]
fn an_input_that_is_a_file_goes_through_file_steps() {
    let project = Project::new().with("data.csv", "a,b\nc,d\n").workflow(
        "take",
        "inputs: { data: { type: file } }\nsteps:\n  \
         - { id: keep, file: { copy: \"${{ inputs.data }}\", to: \"kept/${{ inputs.data.name }}\" } }\n  \
         - { id: rows, file: { read: \"${{ steps.keep.output.path }}\", parse: lines } }\n  \
         - { id: sum, file: { write: kept/sum.json, content: { rows: \"${{ size(steps.rows.output) }}\" } } }\n\
         outputs: { path: \"${{ steps.sum.output.path }}\" }\n",
    );
    let got = project.stead("run take.yml -i data=@data.csv").is(0).json();
    assert_eq!(got["path"], "kept/sum.json");
    assert_eq!(project.text("kept/data.csv"), "a,b\nc,d\n");
    assert_eq!(project.text("kept/sum.json"), r#"{"rows":2}"#);
    project.stead("run take.yml -i data=@data.csv --dry-run").is(0).answers("    write: kept/sum.json");
}

#[test]
fn a_path_that_leads_out_fails_the_step_and_says_why() {
    let project = Project::new().workflow(
        "out",
        "inputs: { path: { type: string } }\nsteps:\n  - { id: read, file: { read: \"${{ inputs.path }}\" } }\n",
    );
    project.stead("run out.yml -i path=/etc/hostname").is(1).says("leads out of the project's folder");
    project.stead("run out.yml -i path=gone.txt").is(1).says("there is no `gone.txt`");
}
