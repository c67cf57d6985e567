//! Names and order: what is called how, and what comes before what.

super::codes! {
BAD_NAME "E0301" "a name that cannot be one"
"Workflows are named in kebab-case (`fix-issue`); ids, inputs, variables and outputs in snake_case (`open_issue`), \
so that expressions can say `steps.open_issue`. Both have at most 50 characters. Variables of the environment and \
secrets have letters, digits and `_`."
"steps:
  - id: say-hello
    run: echo hello
"
"steps:
  - id: say_hello
    run: echo hello
"

RESERVED_WORD "E0302" "a reserved word as a name"
"`in`, `true`, `false` and `null` mean something in expressions and cannot be names."
"steps:
  - id: \"null\"
    run: echo hello
"
"steps:
  - id: nothing
    run: echo hello
"

DUPLICATE_ID "E0303" "an id is given twice"
"Ids are unique in their block, and differ from those of the blocks around it, so that a name means one step \
wherever it is read. The insides of two groups may have the same ids."
"steps:
  - id: build
    run: make
  - id: build
    run: make install
"
"steps:
  - id: build
    run: make
  - id: install
    run: make install
"

NAME_TAKEN "E0304" "a name that means something else"
"The name that `as` gives to an element would hide another one that expressions can reach, or is a word that \
expressions reserve."
"steps:
  - id: hello
    foreach: { in: [a, b], as: inputs }
    run: [echo, \"${{ inputs }}\"]
"
"steps:
  - id: hello
    foreach: { in: [a, b], as: letter }
    run: [echo, \"${{ letter }}\"]
"

NEEDS_UNKNOWN "E0305" "`needs` names no step of the block"
"`needs` names steps of the block that the step stands in. A step inside a group starts after what the group \
needs, so there is no need to name steps outside."
"steps:
  - id: build
    run: make
  - id: test
    needs: [biuld]
    run: make test
"
"steps:
  - id: build
    run: make
  - id: test
    needs: [build]
    run: make test
"

NEEDS_LATER "E0306" "`needs` names a later step"
"`needs` names steps above. So the order of the text is an order in which everything can run, and there is no \
way to write a circle."
"steps:
  - id: test
    needs: [build]
    run: make test
  - id: build
    run: make
"
"steps:
  - id: build
    run: make
  - id: test
    needs: [build]
    run: make test
"

UNKNOWN_STEP "E0307" "there is no such step"
"An expression reads a step that does not exist. The help has the nearest id, or those that can be read."
"steps:
  - id: fetch
    run: ./fetch.sh
  - id: show
    run: [echo, \"${{ steps.fecth.output }}\"]
"
"steps:
  - id: fetch
    run: ./fetch.sh
  - id: show
    run: [echo, \"${{ steps.fetch.output }}\"]
"

NOT_BEFORE "E0308" "a step is read that need not have run"
"A step reads only what must have run before it: the steps that its `needs` reach, directly or through others, and \
what the steps around it may read. Otherwise the result would depend on which of two was quicker."
"steps:
  - id: left
    run: ./left.sh
  - id: right
    needs: []
    run: [echo, \"${{ steps.left.output }}\"]
"
"steps:
  - id: left
    run: ./left.sh
  - id: right
    needs: [left]
    run: [echo, \"${{ steps.left.output }}\"]
"

READS_INSIDE "E0309" "the inside of a group is read"
"A group shows its outputs and nothing else, so that its inside can change without breaking what reads it."
"steps:
  - id: checks
    steps:
      - id: lint
        run: ./lint.sh
  - id: show
    run: [echo, \"${{ steps.lint.output }}\"]
"
"steps:
  - id: checks
    outputs: { lint: \"${{ steps.lint.output }}\" }
    steps:
      - id: lint
        run: ./lint.sh
  - id: show
    run: [echo, \"${{ steps.checks.output.lint }}\"]
"

READS_ITSELF "E0310" "a step reads itself"
"A step has no output before it is done. Inside a loop, `previous` is to the iteration before what `steps` is to \
this one. A group is not done while something inside of it runs."
"steps:
  - id: count
    set: { n: \"${{ steps.count.output.n + 1 }}\" }
"
"steps:
  - id: count
    loop: { max: 3, until: \"false\", on_exhausted: continue }
    set: { n: \"${{ iteration == 1 ? 1 : previous.count.output.n + 1 }}\" }
"

UNGUARDED "E0311" "a step that may have no output is read without a guard"
"A step with `if` may be skipped. A part of a `join` other than `all` may be left out. In a machine a state is sure to \
have an output only where every way leads through it and on by `next`. In `finally` the block may have ended anywhere. Say what to take then: `steps.x.?output.orValue(…)`, or \
ask first: `has(steps.x.output)` or `steps.x.status == 'completed'`, in the same expression, in the `if` of the \
step that reads, or in that of a group around it."
"inputs:
  deep: { type: boolean }
steps:
  - id: analyse
    if: inputs.deep
    run: ./analyse.sh
  - id: report
    run: [./report.sh, \"${{ steps.analyse.output }}\"]
"
"inputs:
  deep: { type: boolean }
steps:
  - id: analyse
    if: inputs.deep
    run: ./analyse.sh
  - id: report
    run: [./report.sh, \"${{ steps.analyse.?output.orValue('none') }}\"]
"

NOT_HERE "E0312" "a name that means nothing here"
"Some names are known in some places only: `index` and `key` inside a `foreach`, `iteration` and `previous` inside \
a `loop`, `iteration` in a state too, `ended` in a `finally`, `steps` where steps can have run."
"steps:
  - id: hello
    run: [echo, \"${{ iteration }}\"]
"
"steps:
  - id: hello
    loop: { max: 3, until: iteration == 3 }
    run: [echo, \"${{ iteration }}\"]
"

SECRET_PLACE "E0313" "a secret where none may stand"
"A secret stands alone in its `${{ }}`, with or without text beside that, and only in `env` and `stdin` of a step, in the `env` of the document, and in \
`headers`, `auth`, `json` and `body` of `http`. \
Its value is put in at the last moment and never reaches the journal; anywhere else it would."
"secrets: [TOKEN]
steps:
  - id: call
    run: [./call.sh, \"${{ secrets.TOKEN }}\"]
"
"secrets: [TOKEN]
steps:
  - id: call
    run: ./call.sh \"$TOKEN\"
    env: { TOKEN: \"${{ secrets.TOKEN }}\" }
"

UNKNOWN_SECRET "E0314" "a secret that is not declared"
"The document names the secrets that it may use, so that its reader sees them at once."
"steps:
  - id: call
    run: ./call.sh
    env: { TOKEN: \"${{ secrets.TOKEN }}\" }
"
"secrets: [TOKEN]
steps:
  - id: call
    run: ./call.sh
    env: { TOKEN: \"${{ secrets.TOKEN }}\" }
"

FILE_UNREADABLE "E0315" "a file cannot be read"
"A file that the definition names is not there or cannot be read. Paths are relative to the file that names them."
"steps:
  - id: child
    workflow: { path: ./nowhere.yml }
"
"steps:
  - id: child
    run: ./child.sh
"

PATH_OUTSIDE "E0316" "a path that leads out of the project"
"The files that a definition names are stored with it. They stand in the project's folder and are named by relative \
paths, so that a definition means the same on every machine and takes nothing along that is not its own. What `file` \
reads and writes stands in the project's folder as well; for anything else there is `run`."
"steps:
  - id: child
    workflow: { path: ../../child.yml }
"
"steps:
  - id: child
    run: ./child.sh
"

CHILD_CYCLE "E0317" "child runs in a circle"
"A definition starts itself as a child, directly or through others: it would never end. The message names the whole \
circle. To repeat work use `loop` or `foreach`."
"" ""

CHILD_UNKNOWN "E0328" "a workflow that is not there"
"`workflow.name` names a workflow of the library or a file `workflows/NAME.yml` of the project. There is none, it was \
deleted, it has no such revision, or only a draft. A parent is saved after the children that it calls."
"steps:
  - id: child
    workflow: { name: greet }
"
"steps:
  - id: child
    workflow:
      inline:
        stead: 1
        name: greet
        steps:
          - id: hello
            run: echo hello
"

CHILD_INPUT_UNKNOWN "E0318" "an input that the child does not have"
"`workflow.inputs` gives a value to an input that the child's definition does not declare."
"steps:
  - id: child
    workflow:
      inline:
        stead: 1
        name: shout
        inputs: { text: { type: string } }
        steps:
          - id: upper
            run: tr a-z A-Z
            stdin: ${{ inputs.text }}
      inputs: { text: hello, txet: hello }
"
"steps:
  - id: child
    workflow:
      inline:
        stead: 1
        name: shout
        inputs: { text: { type: string } }
        steps:
          - id: upper
            run: tr a-z A-Z
            stdin: ${{ inputs.text }}
      inputs: { text: hello }
"

CHILD_INPUT_MISSING "E0319" "an input of the child is missing"
"The child declares an input without a default, and `workflow.inputs` does not give it."
"steps:
  - id: child
    workflow:
      inline:
        stead: 1
        name: shout
        inputs: { text: { type: string } }
        steps:
          - id: upper
            run: tr a-z A-Z
            stdin: ${{ inputs.text }}
"
"steps:
  - id: child
    workflow:
      inline:
        stead: 1
        name: shout
        inputs: { text: { type: string } }
        steps:
          - id: upper
            run: tr a-z A-Z
            stdin: ${{ inputs.text }}
      inputs: { text: hello }
"

CHILD_INPUT_MISFIT "E0320" "a value that the child's input does not take"
"A value in `workflow.inputs` does not meet what the child declares. Only values that are written out are held \
against it here; computed ones are when the child starts."
"steps:
  - id: child
    workflow:
      inline:
        stead: 1
        name: sleeper
        inputs: { count: { type: integer } }
        steps:
          - id: pause
            wait: { for: 1s }
      inputs: { count: many }
"
"steps:
  - id: child
    workflow:
      inline:
        stead: 1
        name: sleeper
        inputs: { count: { type: integer } }
        steps:
          - id: pause
            wait: { for: 1s }
      inputs: { count: 3 }
"

JOIN_ORDER "E0321" "parts of a join that wait for each other"
"With a `join` other than `all` some of the steps may never run, so none of them can wait for another one: each has \
`needs: []`. What comes in order goes into a group, which is one part then."
"steps:
  - id: quickest
    join: first
    steps:
      - id: left
        run: ./left.sh
      - id: right
        run: ./right.sh
"
"steps:
  - id: quickest
    join: first
    steps:
      - id: left
        needs: []
        run: ./left.sh
      - id: right
        needs: []
        run: ./right.sh
"

UNKNOWN_STATE "E0322" "there is no such state"
"`next` and `go` name a state of the same machine, or `end` or `fail`."
"states:
  - id: write
    run: ./write.sh
    next: reveiw
  - id: review
    run: ./review.sh
    next: end
"
"states:
  - id: write
    run: ./write.sh
    next: review
  - id: review
    run: ./review.sh
    next: end
"

DEAD_WAY "E0323" "an entry of `next` that is never looked at"
"The entries of `next` are taken in order, and one without `when` and `max` is always taken. What stands below it is \
never looked at."
"states:
  - id: build
    run: ./build.sh
    expect: any
    next:
      - { go: end }
      - { when: steps.build.exit_code != 0, go: fail }
"
"states:
  - id: build
    run: ./build.sh
    expect: any
    next:
      - { when: steps.build.exit_code != 0, go: fail }
      - { go: end }
"

UNREACHABLE "E0324" "a state that no way leads to"
"A machine begins with its first state and goes where `next` and `on_error` lead. No way leads to this state, so it \
would never run."
"states:
  - id: write
    run: ./write.sh
    next: end
  - id: review
    run: ./review.sh
    next: end
"
"states:
  - id: write
    run: ./write.sh
    next: review
  - id: review
    run: ./review.sh
    next: end
"

ENDLESS "E0325" "a state from which no way leads to an end"
"From each state a way leads to `end` or `fail`, or to a state that ends by `fail:` or `finish:`. Otherwise the machine \
could only go round until a state was visited too often."
"states:
  - id: poll
    run: ./poll.sh
    parse: json
    next: poll
"
"states:
  - id: poll
    run: ./poll.sh
    parse: json
    next:
      - { when: steps.poll.output.done, go: end }
      - { go: poll, max: 50 }
"

TEMPLATE_USES "E0326" "a template that uses a template"
"A template is taken by steps and takes none itself, so that what a step has can be seen in two places: the step and \
one template."
"templates:
  quick: { timeout: 1m }
  quick_script: { use: quick, shell: sh }
steps:
  - id: hello
    use: quick_script
    run: echo hello
  - id: again
    use: quick
    run: [echo, again]
"
"templates:
  quick: { timeout: 1m }
  quick_script: { timeout: 1m, shell: sh }
steps:
  - id: hello
    use: quick_script
    run: echo hello
  - id: again
    use: quick
    run: [echo, again]
"

UNKNOWN_TEMPLATE "E0327" "there is no such template"
"`use` names a template of the same document. The help has the nearest name."
"templates:
  quick: { timeout: 1m }
steps:
  - id: hello
    use: qiuck
    run: echo hello
  - id: again
    use: quick
    run: echo again
"
"templates:
  quick: { timeout: 1m }
steps:
  - id: hello
    use: quick
    run: echo hello
  - id: again
    use: quick
    run: echo again
"

REDO_UNKNOWN "E0329" "a `redo` that names no step of the block"
"A rejection begins again from a step of the gate's own block. What is inside of a group is begun again with the \
group; for what is around the gate, put the gate there."
"steps:
  - id: write
    run: ./write.sh
  - id: ship
    approve: { on_reject: { redo: wirte } }
"
"steps:
  - id: write
    run: ./write.sh
  - id: ship
    approve: { on_reject: { redo: write } }
"

REDO_BESIDE "E0330" "a `redo` of a step that the gate does not need"
"What starts again leads to the gate again: the step that `redo` names is one that the gate needs, directly or through \
others. A step that the gate does not wait for would run on beside the decision."
"steps:
  - id: write
    run: ./write.sh
  - id: ship
    needs: []
    approve: { on_reject: { redo: write } }
"
"steps:
  - id: write
    run: ./write.sh
  - id: ship
    needs: [write]
    approve: { on_reject: { redo: write } }
"

NOBODY_WORKS "E0331" "the workers of a step that nobody works on"
"`step:ID` stands for the people and agents who worked on a step, `authors` for those who worked on the steps that are \
shown. On a program, a request or a calculation nobody does."
"steps:
  - id: build
    run: ./build.sh
  - id: ship
    approve: { not: [\"step:build\"] }
"
"steps:
  - id: review
    approve: { title: Is it right? }
  - id: ship
    approve: { not: [\"step:review\"] }
"

UNUSED_TEMPLATE "W0301" "a template that nothing uses"
"A template is a part of a step and is checked where a step uses it. This one is used nowhere, so nothing of what \
stands in it was checked."
"templates:
  quick: { timeout: 1m }
steps:
  - id: hello
    run: echo hello
"
"templates:
  quick: { timeout: 1m }
steps:
  - id: hello
    use: quick
    run: echo hello
"

CHILD_BESIDE "W0302" "a file that has the name of a workflow in the library"
"A workflow is called by its name. The library has one of that name, and so has the project's folder `workflows`, with \
another text. The library goes before. Save the file to make it the newest revision, or call it by its path."
"" ""

}
