//! What the language has and this version does not.

super::codes! {
LATER_KEY "E0501" "a key that is not in this version"
"The language has the key or the action, and this version of the program does not. It is refused and not ignored, \
since a workflow that leaves out a part of what was written does something else."
"steps:
  - id: plan
    agent: { prompt: Plan it }
"
"steps:
  - id: plan
    run: ./plan.sh
"

LATER_VALUE "E0502" "a value or name that is not in this version"
"The language has this value of the key, or this name in expressions, and this version of the program does not."
"steps:
  - id: label
    use: single
"
"steps:
  - id: label
    noop: {}
"
}
