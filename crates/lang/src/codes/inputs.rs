//! The inputs of a run.

super::codes! {
INPUT_MISSING "E0601" "an input is missing"
"The workflow declares an input without a default, and the run was not given it."
"" ""

INPUT_UNKNOWN "E0602" "an unknown input"
"The run was given an input that the workflow does not declare."
"" ""

INPUT_MISFIT "E0603" "an input that does not fit"
"The value does not meet what the workflow declares for the input: its type, or JSON Schema's words such as `enum`, \
`minimum` and `pattern`."
"" ""

INPUT_UNREADABLE "E0604" "an input that cannot be read"
"The text given for the input is nothing that its type has. Objects and lists are written as JSON."
"" ""
}
