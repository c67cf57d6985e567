//! Shape: which keys there are, and what they take.

super::codes! {
UNKNOWN_KEY "E0201" "an unknown key"
"The language has no such key in this place. Nothing that is not understood is ignored. The help has the nearest \
name, or the names there are."
"steps:
  - id: hello
    rum: echo hello
"
"steps:
  - id: hello
    run: echo hello
"

MISSING_KEY "E0202" "a key is missing"
"A key that this place cannot do without is not there."
"steps:
  - run: echo hello
"
"steps:
  - id: hello
    run: echo hello
"

WRONG_TYPE "E0203" "a value of another kind"
"The key takes another kind of value: a map where a list stands, a text where a number stands, or nothing is \
written at all. A number or `true` in quotes is a text."
"steps:
  - id: hello
    run: [echo, hello]
    needs: hello
"
"steps:
  - id: hello
    run: [echo, hello]
    needs: []
"

UNKNOWN_WORD "E0204" "a word that the key does not have"
"The key takes one of a few words. The help has the nearest, or all of them."
"steps:
  - id: hello
    run: cat data.json
    parse: jsn
"
"steps:
  - id: hello
    run: cat data.json
    parse: json
"

BAD_DURATION "E0205" "no length of time"
"A length of time is a number with a unit: `500ms`, `30s`, `10m`, `2h`, `1d`, `1w`, or several of them as in \
`1h30m`. A number without a unit would be seconds to one reader and minutes to another."
"steps:
  - id: pause
    wait: { for: 30 }
"
"steps:
  - id: pause
    wait: { for: 30s }
"

OUT_OF_RANGE "E0206" "a number out of range"
"The key takes a number within bounds, which the message names. Some bounds are there since more makes no sense, \
others so that a slip of the hand does not start a million processes."
"steps:
  - id: hello
    loop: { max: 0, until: \"true\" }
    run: echo hello
"
"steps:
  - id: hello
    loop: { max: 3, until: \"true\" }
    run: echo hello
"

NO_ACTION "E0207" "a step that does nothing"
"A step does exactly one thing: it has one action, or it is a group with `steps`."
"steps:
  - id: hello
    name: Says hello
"
"steps:
  - id: hello
    name: Says hello
    run: echo hello
"

TWO_ACTIONS "E0208" "a step that does two things"
"A step does exactly one thing, so that it has one output and one end. Make two steps of it."
"steps:
  - id: hello
    run: echo hello
    wait: { for: 1s }
"
"steps:
  - id: hello
    run: echo hello
  - id: pause
    wait: { for: 1s }
"

MISPLACED_KEY "E0209" "a key in the wrong place"
"The language has the key, but not here. Keys such as `parse` belong to one action; `retry` and `timeout` belong \
to actions and not to groups; keys of steps do not stand in the head."
"steps:
  - id: values
    set: { a: 1 }
    parse: json
"
"steps:
  - id: values
    set: { a: 1 }
"

TWO_ITERATIONS "E0210" "`foreach` and `loop` on one step"
"A step is done once per element, or again until something holds, not both: it would not be clear which goes \
inside the other. Make it a group with the one, and a step in it with the other."
"steps:
  - id: hello
    foreach: { in: [a, b] }
    loop: { max: 2, until: \"true\" }
    run: [echo, \"${{ item }}\"]
"
"steps:
  - id: each
    foreach: { in: [a, b] }
    steps:
      - id: hello
        loop: { max: 2, until: \"true\" }
        run: [echo, \"${{ item }}\"]
"

BAD_VERSION "E0211" "an unknown version of the language"
"`stead` is the version of the language a definition is written in. This program knows version 1."
"stead: 2
name: example
steps:
  - id: hello
    run: echo hello
"
"stead: 1
name: example
steps:
  - id: hello
    run: echo hello
"

BAD_SCHEMA "E0212" "no JSON Schema"
"What stands there is not a JSON Schema (draft 2020-12), or it refers to something outside. Addresses and other \
files are never read for `$ref`; use `$defs` within the schema."
"inputs:
  count: { type: integer, minimum: few }
steps:
  - id: hello
    run: echo hello
"
"inputs:
  count: { type: integer, minimum: 1 }
steps:
  - id: hello
    run: echo hello
"

BAD_DEFAULT "E0213" "a default that does not fit"
"The default of an input has to meet what the input declares."
"inputs:
  effort: { type: string, enum: [quick, deep], default: slow }
steps:
  - id: hello
    run: echo hello
"
"inputs:
  effort: { type: string, enum: [quick, deep], default: quick }
steps:
  - id: hello
    run: echo hello
"

EMPTY_VALUE "E0214" "an empty value"
"There is nothing where something has to be: a block has at least one step, a program a name, a script a text."
"steps: []
"
"steps:
  - id: hello
    run: echo hello
"

TOO_MANY "E0215" "too many or too long"
"Everything is bounded: steps, names, arguments, the length of texts, groups in groups, children in children. \
The message names the bound."
"steps:
  - id: hello
    name: Aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\
aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    run: echo hello
"
"steps:
  - id: hello
    name: A short name
    run: echo hello
"

ONCE_RETRIED "E0216" "retries of a step that may happen only once"
"`effect: once` says that the step must not happen twice. Trying it again after a failure could do that, so such a \
step is never tried again by itself."
"steps:
  - id: pay
    run: ./pay.sh
    effect: once
    retry: 3
"
"steps:
  - id: pay
    run: ./pay.sh
    effect: once
"

NOT_ONE "E0217" "exactly one of several keys"
"Of some keys exactly one is given: `for`, `at` or `signal` of a `wait`, `path` or `inline` of a `workflow`."
"steps:
  - id: pause
    wait: { for: 1h, at: \"2030-01-01T00:00:00Z\" }
"
"steps:
  - id: pause
    wait: { for: 1h }
"

NO_EXPRESSION "E0218" "an expression where none may stand"
"Names, ids, paths of files and a few words are fixed in the text, so that everything about the order and the \
shape of a workflow can be checked before it runs."
"inputs:
  mode: { type: string }
steps:
  - id: hello
    run: echo hello
    parse: ${{ inputs.mode }}
"
"steps:
  - id: hello
    run: echo hello
    parse: json
"

DOUBLED "E0219" "the same thing twice"
"Something is named twice that can be there once: a secret, a step in `needs`, an input for standard input."
"secrets: [TOKEN, TOKEN]
steps:
  - id: hello
    run: echo hello
"
"secrets: [TOKEN]
steps:
  - id: hello
    run: echo hello
"

BAD_TIME "E0220" "no instant"
"An instant is written as in RFC 3339, with its offset from UTC: `2026-11-21T09:00:00Z` or \
`2026-11-21T10:00:00+01:00`."
"steps:
  - id: pause
    wait: { at: \"21.11.2026 9:00\" }
"
"steps:
  - id: pause
    wait: { at: \"2026-11-21T09:00:00Z\" }
"

NOT_AT_THE_END "E0221" "something that may not stand in `finally`"
"The steps of a `finally` run when the block ends, however it ends, and the end has to come by itself: no waits, no \
child runs, nobody to ask, and no `finish`, since there is nothing left to end. The same holds inside of groups there."
"steps:
  - id: work
    run: ./work.sh
finally:
  - id: pause
    wait: { for: 1h }
"
"steps:
  - id: work
    run: ./work.sh
finally:
  - id: clean
    run: ./clean.sh
"

VERIFY_NEVER "E0222" "a `verify` that is never asked"
"`verify` tells after a crash whether a step has happened that must not happen twice. Other steps are just done \
again, so it would never be asked."
"steps:
  - id: deploy
    run: ./deploy.sh
    verify: { run: ./is-deployed.sh }
"
"steps:
  - id: deploy
    run: ./deploy.sh
    effect: once
    verify: { run: ./is-deployed.sh }
"

PATTERN "E0223" "a pattern where a name stands"
"`delete` removes the files that it names, and nothing else: a pattern would remove what its author has never seen. \
A file whose name has a `*` or `?` in it is removed by a program."
"steps:
  - id: clean
    file: { delete: \"build/*.o\" }
"
"steps:
  - id: clean
    file: { delete: [build/main.o, build/util.o] }
"

BAD_ADDRESS "E0224" "an address that cannot be called"
"`http` calls addresses that begin with `https://` or `http://` and name a host. Whoever asks is not said in the \
address, since that is shown in logs and messages, but by `auth`."
"steps:
  - id: look
    http: { url: example.org/status }
"
"steps:
  - id: look
    http: { url: \"https://example.org/status\" }
"

BAD_HEADER "E0225" "a header that a step does not set"
"Names of headers have letters, digits and `-`, and each is given once. Headers that belong to the connection, or \
follow from the address and the body, are not set by hand."
"steps:
  - id: send
    http:
      url: https://example.org/items
      method: post
      headers: { Content-Length: 12 }
      json: { name: x }
"
"steps:
  - id: send
    http:
      url: https://example.org/items
      method: post
      headers: { X-Request-Source: example }
      json: { name: x }
"

NO_BODY "E0226" "a request that has no body"
"A request by `get` or `head` asks for something and carries nothing. Without `method` it is `get`."
"steps:
  - id: send
    http: { url: \"https://example.org/items\", json: { name: x } }
"
"steps:
  - id: send
    http: { url: \"https://example.org/items\", method: post, json: { name: x } }
"

BAD_FORM "E0227" "a form that is no map"
"What people fill in is a map from names to values, so the JSON Schema of a form says `type: object`. What there is to \
fill in stands in its `properties`."
"steps:
  - id: target
    ask: { form: { type: string } }
"
"steps:
  - id: target
    ask: { form: { type: object, required: [target], properties: { target: { type: string } } } }
"

UNKNOWN_WHO "E0228" "nobody who could be told"
"Whoever may act is a user, a group, a role or an agent by name, whoever started the run, any agent, or whoever worked \
on a step: `user:NAME`, `group:NAME`, `role:NAME`, `agent:NAME`, `starter`, `agents`, `step:ID`. Who may \
not is also `authors`, whoever worked on what is shown, and `deciders`, whoever decided an earlier instance of it."
"steps:
  - id: ship
    approve: { by: [maintainers] }
"
"steps:
  - id: ship
    approve: { by: [\"group:maintainers\"] }
"

NEVER "E0229" "something that never comes to pass"
"What happens at the end of the time of a step needs a `timeout`; a reminder and an escalation come before it."
"steps:
  - id: ship
    approve: { on_timeout: reject }
"
"steps:
  - id: ship
    approve: { on_timeout: reject }
    timeout: 3d
"

BAD_CRON "E0230" "times that are no rule"
"A rule of times has five fields: minute (0 to 59), hour (0 to 23), day of the month (1 to 31), month (1 to 12 or `jan`), day \
of the week (0 to 7 or `mon`; 0 and 7 are Sunday). Each is `*`, a number, a range `1-5`, a list `1,15` or steps `*/10`. Where \
days of the month and of the week are both given, each of them is enough."
"triggers:
  - cron: \"0 25 * * *\"
steps:
  - id: hello
    run: [echo, hello]
"
"triggers:
  - cron: \"0 2 * * *\"
steps:
  - id: hello
    run: [echo, hello]
"

UNKNOWN_ZONE "E0231" "a time zone that does not exist"
"Time zones are named as in the IANA database. Which there are is built in, so that a definition means the same on each \
machine."
"triggers:
  - { cron: \"0 2 * * *\", tz: Europe/Berln }
steps:
  - id: hello
    run: [echo, hello]
"
"triggers:
  - { cron: \"0 2 * * *\", tz: Europe/Berlin }
steps:
  - id: hello
    run: [echo, hello]
"

TRIGGER_INPUT "E0232" "inputs of a trigger that the workflow does not take"
"A trigger gives a run its inputs, as somebody would who starts one: each that has no default, none that the workflow does \
not declare, and values that fit. Those that are computed are held against the declaration when a run starts."
"inputs: { day: { type: string } }
triggers:
  - cron: \"0 2 * * *\"
steps:
  - id: hello
    run: [echo, \"${{ inputs.day }}\"]
"
"inputs: { day: { type: string } }
triggers:
  - cron: \"0 2 * * *\"
    inputs: { day: \"${{ event.time }}\" }
steps:
  - id: hello
    run: [echo, \"${{ inputs.day }}\"]
"
}
