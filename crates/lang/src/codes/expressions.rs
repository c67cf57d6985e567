//! Expressions: what stands in `${{ }}`.

super::codes! {
EXPRESSION_SYNTAX "E0401" "an expression that cannot be read"
"Expressions are CEL, the Common Expression Language. Texts stand in quotes, `&&`, `||` and `!` join conditions, \
`a ? b : c` chooses."
"inputs:
  a: { type: string }
steps:
  - id: hello
    if: inputs.a = 'x'
    run: echo hello
"
"inputs:
  a: { type: string }
steps:
  - id: hello
    if: inputs.a == 'x'
    run: echo hello
"

EXPRESSION_MARKS "E0402" "marks of an expression that do not fit"
"An expression stands between `${{` and `}}`. For the text `${{` itself write `$${{`."
"steps:
  - id: hello
    run: [echo, \"${{ 1 + 1\"]
"
"steps:
  - id: hello
    run: [echo, \"${{ 1 + 1 }}\"]
"

UNKNOWN_FUNCTION "E0403" "an unknown function"
"Expressions have the functions of CEL and a few more; the help has the nearest name."
"inputs:
  names: { type: array }
steps:
  - id: hello
    if: siez(inputs.names) > 0
    run: echo hello
"
"inputs:
  names: { type: array }
steps:
  - id: hello
    if: size(inputs.names) > 0
    run: echo hello
"

WRONG_ARGUMENTS "E0404" "arguments that a function does not take"
"The function takes another number of arguments, or arguments of another form."
"inputs:
  names: { type: array }
steps:
  - id: hello
    if: size(inputs.names, 1) > 0
    run: echo hello
"
"inputs:
  names: { type: array }
steps:
  - id: hello
    if: size(inputs.names) > 0
    run: echo hello
"

BAD_REGEX "E0405" "no regular expression"
"What stands there is not a regular expression of RE2's kind."
"inputs:
  name: { type: string }
steps:
  - id: hello
    if: inputs.name.matches('[a-z')
    run: echo hello
"
"inputs:
  name: { type: string }
steps:
  - id: hello
    if: inputs.name.matches('[a-z]')
    run: echo hello
"

EXPRESSION_TOO_BIG "E0406" "an expression that is too long or nested too deeply"
"Expressions are bounded in length and nesting, so that evaluating them is quick. Compute parts of it in `vars` or \
in a `set` step, or do the work in a program."
"" ""

UNKNOWN_ROOT "E0407" "an unknown name"
"An expression begins with a name that is not in reach: `inputs`, `vars`, `run`, `steps`, and in iterations the \
element, `index`, `key`, `iteration`, `previous`. A text stands in quotes."
"steps:
  - id: hello
    run: [echo, \"${{ input.name }}\"]
"
"inputs:
  name: { type: string }
steps:
  - id: hello
    run: [echo, \"${{ inputs.name }}\"]
"

UNKNOWN_FIELD "E0408" "an unknown field"
"What the fields of a value are is known here, and the one that is read is none of them. A step has `output`, \
`values`, `status`, `outcome`, `error`, `attempts`, `exit_code` and `instances`; what it gave is in its `output`."
"steps:
  - id: fetch
    run: ./fetch.sh
  - id: show
    run: [echo, \"${{ steps.fetch.ouput }}\"]
"
"steps:
  - id: fetch
    run: ./fetch.sh
  - id: show
    run: [echo, \"${{ steps.fetch.output }}\"]
"

EXPRESSION_TYPE "E0409" "an operation that cannot work"
"The types of the values are known, and the operation does not work on them."
"inputs:
  count: { type: integer }
steps:
  - id: hello
    run: [echo, \"${{ inputs.count + 'x' }}\"]
"
"inputs:
  count: { type: integer }
steps:
  - id: hello
    run: [echo, \"${{ string(inputs.count) + 'x' }}\"]
"

NO_BOOLEAN "E0410" "a condition that is no boolean"
"`if` and `until` need a boolean. Nothing else counts as true or false: neither an empty text nor zero."
"inputs:
  name: { type: string }
steps:
  - id: hello
    if: inputs.name
    run: echo hello
"
"inputs:
  name: { type: string }
steps:
  - id: hello
    if: inputs.name != ''
    run: echo hello
"

WRONG_RESULT "E0411" "an expression that gives the wrong kind of value"
"The place needs a value of another kind than the expression gives."
"inputs:
  name: { type: string }
steps:
  - id: hello
    foreach: { in: \"${{ inputs.name }}\" }
    run: [echo, \"${{ item }}\"]
"
"inputs:
  names: { type: array }
steps:
  - id: hello
    foreach: { in: \"${{ inputs.names }}\" }
    run: [echo, \"${{ item }}\"]
"

SCRIPT_EXPRESSION "E0412" "an expression in a script"
"A script is taken as it stands. If a value were put into its text, whoever chooses the value would choose what runs. \
Hand it over as a variable of the environment, and use that in quotes; or write a program with its arguments as a \
list, where expressions are safe."
"inputs:
  name: { type: string }
steps:
  - id: hello
    run: echo \"hello ${{ inputs.name }}\"
"
"inputs:
  name: { type: string }
steps:
  - id: hello
    run: echo \"hello $NAME\"
    env: { NAME: \"${{ inputs.name }}\" }
"
}
