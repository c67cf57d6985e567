//! Scopes and documents.

super::codes! {
UNKNOWN_SCOPE "E0332" "a scope that is not declared"
"Scopes are declared in the head, under `scopes`; `foreach.scope`, a document's `scope` and a scope's `parent` name one \
of them."
"scopes: { project: {}, epic: { parent: projekt } }
steps:
  - id: hello
    run: echo hello
"
"scopes: { project: {}, epic: { parent: project } }
steps:
  - id: hello
    run: echo hello
"

SCOPE_TREE "E0333" "scopes that are no tree"
"One scope is that of the whole run and has no parent; every other one is inside of another. A scope that is inside of \
itself would have no keys."
"scopes: { epic: { parent: story }, story: { parent: epic } }
steps:
  - id: hello
    run: echo hello
"
"scopes: { project: {}, epic: { parent: project }, story: { parent: epic } }
steps:
  - id: hello
    run: echo hello
"

UNKNOWN_DOCUMENT "E0334" "a document that is not declared"
"What a step `produces` is declared in the head, under `documents`."
"documents: { plan: {} }
steps:
  - id: plan
    produces: plan
    run: ./plan.sh
  - id: better
    produces: plans
    run: ./better.sh
"
"documents: { plan: {} }
steps:
  - id: plan
    produces: plan
    run: ./plan.sh
  - id: better
    produces: plan
    run: ./better.sh
"

SCOPE_MISMATCH "E0335" "a step that stands in another scope"
"There is one document for each key of its scope, so a step that produces it stands in a `foreach` with that scope, and \
in no further one; and such a `foreach` stands in the scope around. Two steps of a block that produce the same document \
come one after the other, so that it is known which version is the later one."
"scopes: { project: {}, epic: { parent: project } }
documents: { design: { scope: epic } }
steps:
  - id: design
    produces: design
    run: ./design.sh
"
"scopes: { project: {}, epic: { parent: project } }
documents: { design: { scope: epic } }
steps:
  - id: design
    foreach: { in: [E-1, E-2], as: epic, key: \"${{ epic }}\", scope: epic }
    produces: design
    run: ./design.sh
"

UNPRODUCED "W0303" "a document that no step produces"
"The document is declared, and nothing makes it: what is said of it has no effect."
"documents: { plan: {} }
steps:
  - id: hello
    run: echo hello
"
"documents: { plan: {} }
steps:
  - id: plan
    produces: plan
    run: ./plan.sh
"
}
