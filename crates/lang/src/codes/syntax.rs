//! Notation: what makes a text YAML or JSON.

super::codes! {
SYNTAX "E0101" "the text is not YAML"
"The text cannot be read as YAML 1.2, of which JSON is a part. The place is where reading stopped; the cause \
is there or a little before: an indent that does not fit, a bracket or quote that is not closed, a text that \
needs quotes."
"steps:
  - id: hello
    run: [echo, hello
"
"steps:
  - id: hello
    run: [echo, hello]
"

NOT_TEXT "E0102" "the file is not UTF-8"
"Definitions are texts in UTF-8. The place is that of the first byte that does not fit. Save the file as UTF-8."
"" ""

STRAY_CHARACTER "E0103" "a control character in the text"
"Characters that have no shape, such as U+0000, have no place in a definition: they cannot be seen, and tools \
do not agree on them. Where a value needs one, write it as an escape in double quotes."
"" ""

EMPTY "E0104" "the file is empty"
"There is no document in the text, or nothing but comments."
"# nothing here
"
"stead: 1
name: example
steps:
  - id: hello
    run: echo hello
"

SECOND_DOCUMENT "E0105" "more than one document"
"A file holds one definition. YAML lets several documents stand in one text, separated by `---`; only the first \
would count, so a second one is refused. Give it a file of its own."
"stead: 1
name: example
steps:
  - id: hello
    run: echo hello
---
name: another
"
"stead: 1
name: example
steps:
  - id: hello
    run: echo hello
"

DUPLICATE_KEY "E0106" "a key is given twice"
"A map has each key once. Of two with one name, one would be ignored without a word."
"steps:
  - id: hello
    run: echo hello
    run: echo bye
"
"steps:
  - id: hello
    run: echo hello
  - id: bye
    run: echo bye
"

TAG "E0107" "a tag"
"YAML's tags (`!name`, `!!str`) have no meaning here: what a value is follows from the key it stands at. \
To make a text of something that looks like a number, put it in quotes."
"steps:
  - id: hello
    set: { version: !!str 1.0 }
"
"steps:
  - id: hello
    set: { version: \"1.0\" }
"

UNKNOWN_ANCHOR "E0108" "an alias that names nothing"
"An alias (`*name`) stands for a value that was marked above by an anchor (`&name`). A text that begins with \
`*` needs quotes."
"steps:
  - id: list
    run: [ls, *.txt]
"
"steps:
  - id: list
    run: [ls, \"*.txt\"]
"

KEY_NOT_TEXT "E0109" "a key that is no text"
"Keys are texts. YAML would let lists, maps and aliases be keys; nothing here could name them."
"steps:
  - id: hello
    set: { [a, b]: 1 }
"
"steps:
  - id: hello
    set: { a: 1, b: 1 }
"

TOO_BIG "E0110" "the text is too big"
"A definition is bounded in its length, in the number of its values, in how deeply they are nested, and in its \
aliases, so that reading it is quick whoever wrote it. Split it: a child workflow is a definition of its own, and \
data belong into files or inputs."
"" ""

CUT_OFF "E0111" "an expression is cut off by a comment"
"In YAML a `#` behind a space begins a comment, in the midst of a text without quotes too. What was meant as a \
part of the expression is not in it. Put the whole value in quotes."
"steps:
  - id: hello
    run: [echo, hello]
    cwd: ${{ inputs.issue + ' # ' }}
inputs:
  issue: { type: string }
"
"steps:
  - id: hello
    run: [echo, hello]
    cwd: \"${{ inputs.issue + ' # ' }}\"
inputs:
  issue: { type: string }
"

UNQUOTED_EXPRESSION "E0112" "an expression without quotes breaks the notation"
"`{`, `}`, `[`, `]`, `,` and `: ` mean something to YAML. In a map or list in braces or brackets an expression \
needs quotes; elsewhere it needs them when `: ` stands in it."
"inputs:
  name: { type: string }
steps:
  - id: hello
    run: [echo, ${{ inputs.name }}]
"
"inputs:
  name: { type: string }
steps:
  - id: hello
    run: [echo, \"${{ inputs.name }}\"]
"

NOT_JSON "E0113" "a number that JSON does not have"
"Values are JSON: infinity and not-a-number are none, and integers beyond 64 bits lose digits in most programs. \
Put it in quotes to keep it as a text."
"steps:
  - id: hello
    set: { most: .inf }
"
"steps:
  - id: hello
    set: { most: \"infinity\" }
"

MARKDOWN "E0114" "a workflow in Markdown is damaged"
"A workflow of pflow in Markdown that is imported has a heading for each part and for each of its elements, fields as \
`- key: value`, and fenced blocks whose tag ends with the name of the field. What cannot be read so is not guessed."
"" ""

LOST_LOOK "W0101" "a number that may be meant as a text"
"Where any value may stand, what looks like a number is one: `1.10` is the number 1.1, and `010` the number 10. \
If it is a version or a code, put it in quotes. Where text is expected, such as in arguments and `env`, it stays \
as it was written."
"steps:
  - id: hello
    set: { version: 1.10 }
"
"steps:
  - id: hello
    set: { version: \"1.10\" }
"
}
