//! What is run: one definition per construct, and all examples.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::servers::Servers;

/// A definition, and what is particular about its runs.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) file: PathBuf,
    pub(crate) inputs: Vec<String>,
    /// How often a step is performed when nothing is killed, where that is not once.
    pub(crate) times: BTreeMap<&'static str, usize>,
    /// Steps with `effect: once`, and what they print.
    pub(crate) once: Vec<(&'static str, &'static str)>,
    /// Digits in the outputs tell the time.
    pub(crate) tells_time: bool,
}

/// Appends the step's key to a file: how the test counts.
const RAN: &str = r#"echo "$STEAD_KEY" >> ran"#;

/// Fails where another program that says this is under way in the same folder.
const ALONE: &str = "exec 9>alone; flock -n 9 || exit 9";

fn definitions() -> Vec<(&'static str, String)> {
    let inline = |id: &str, line: &str| {
        format!(
            "stead: 1, name: {id}, steps: [ {{ id: {id}_k, run: '{RAN}; {line}' }}, {{ id: {id}_s, set: {{ v: '${{{{ steps.{id}_k.output }}}}' }} }} ]"
        )
    };
    vec![
        (
            "sequence",
            format!(
                r"
steps:
  - {{ id: a, run: '{RAN}; echo 1', parse: json }}
  - {{ id: b, set: {{ v: '${{{{ steps.a.output + 1 }}}}' }} }}
  - {{ id: c, if: steps.b.output.v == 3, run: '{RAN}' }}
  - {{ id: d, run: '{RAN}; echo $V', env: {{ V: '${{{{ steps.b.output.v }}}}' }} }}
  - {{ id: e, needs: [a], run: '{RAN}; echo 3' }}
outputs: {{ d: '${{{{ steps.d.output }}}}', e: '${{{{ steps.e.output }}}}' }}
"
            ),
        ),
        (
            "foreach",
            format!(
                r"
steps:
  - id: each
    foreach: {{ in: '${{{{ [1, 2, 3, 4, 5] }}}}', parallel: 2 }}
    steps:
      - {{ id: one, run: '{RAN}; echo $((N * 2))', env: {{ N: '${{{{ item }}}}' }}, parse: json }}
      - {{ id: two, noop: '${{{{ steps.one.output + 1 }}}}' }}
outputs: {{ all: '${{{{ steps.each.output.map(o, o.two) }}}}' }}
"
            ),
        ),
        (
            "loop",
            format!(
                r"
steps:
  - id: l
    loop: {{ max: 9, until: steps.n.output >= 4 }}
    steps:
      - {{ id: n, run: '{RAN}; echo $N', env: {{ N: '${{{{ iteration }}}}' }}, parse: json }}
      - {{ id: s, noop: '${{{{ steps.n.output * 10 }}}}' }}
outputs: {{ s: '${{{{ steps.l.output.s }}}}' }}
"
            ),
        ),
        (
            "retry",
            format!(
                r#"
steps:
  - id: r
    retry: {{ attempts: 5, wait: 10ms }}
    run: |
      {RAN}
      [ "$(grep -cxF "$STEAD_KEY" ran)" -ge 3 ] && echo there
  - {{ id: bad, on_error: continue, retry: {{ attempts: 2, wait: 10ms }}, run: '{RAN}; exit 3' }}
  - {{ id: after, run: '{RAN}; echo "$M"', env: {{ M: '${{{{ steps.bad.error.kind }}}}' }} }}
outputs: {{ r: '${{{{ steps.r.output }}}}', after: '${{{{ steps.after.output }}}}' }}
"#
            ),
        ),
        (
            "time",
            format!(
                r"
steps:
  - {{ id: first, run: '{RAN}; echo 1' }}
  - {{ id: w, wait: {{ for: 50ms }} }}
  - {{ id: slow, on_error: continue, timeout: 100ms, run: 'sleep 600' }}
  - {{ id: x, needs: [w], wait: {{ for: 20ms }} }}
  - {{ id: last, run: '{RAN}; echo $K', env: {{ K: '${{{{ steps.slow.error.kind }}}}' }} }}
outputs: {{ last: '${{{{ steps.last.output }}}}' }}
"
            ),
        ),
        (
            "children",
            format!(
                r"
steps:
  - {{ id: path, workflow: {{ path: child.yml, inputs: {{ n: 4 }} }} }}
  - id: each
    foreach: {{ in: '${{{{ [1, 2] }}}}', parallel: 2 }}
    workflow: {{ path: child.yml, inputs: {{ n: '${{{{ item }}}}' }} }}
  - id: inline
    workflow: {{ inline: {{ {} }} }}
  - id: bad
    on_error: continue
    workflow: {{ inline: {{ {} }} }}
outputs:
  path: '${{{{ steps.path.output.n }}}}'
  each: '${{{{ steps.each.output.map(o, o.n) }}}}'
  inline: '${{{{ steps.inline.output.i_s.v }}}}'
",
                inline("i", "echo in"),
                inline("b", "exit 1"),
            ),
        ),
        (
            "group",
            format!(
                r"
steps:
  - id: g
    on_error: continue
    steps:
      - {{ id: ok, run: '{RAN}; echo 1' }}
      - {{ id: bad, run: '{RAN}; exit 7' }}
      - {{ id: never, run: '{RAN}' }}
  - id: h
    steps:
      - {{ id: fine, run: '{RAN}; echo 2' }}
    outputs: {{ v: '${{{{ steps.fine.output }}}}' }}
outputs: {{ h: '${{{{ steps.h.output.v }}}}', g: '${{{{ steps.g.status }}}}' }}
"
            ),
        ),
        (
            "effects",
            format!(
                r"
steps:
  - {{ id: none, effect: none, run: '{RAN}; echo 1' }}
  - {{ id: once, effect: once, run: '{RAN}; echo done' }}
  - {{ id: idem, effect: idempotent, run: '{RAN}; echo 2' }}
  - {{ id: twice, effect: once, run: '{RAN}; echo too' }}
outputs: {{ all: '${{{{ [steps.none.output, steps.once.output, steps.idem.output, steps.twice.output] }}}}' }}
"
            ),
        ),
        (
            "large",
            format!(
                r#"
steps:
  - {{ id: big, run: '{RAN}; head -c 40000 /dev/zero | tr "\0" x' }}
  - {{ id: pass, noop: '${{{{ [steps.big.output, steps.big.output] }}}}' }}
  - {{ id: count, run: '{RAN}; wc -c', stdin: '${{{{ steps.pass.output }}}}', parse: json }}
  - {{ id: named, run: '{RAN}; echo "{{\"n\": 7}}" > "$STEAD_OUTPUT"', parse: none }}
outputs: {{ big: '${{{{ steps.pass.output }}}}', n: '${{{{ steps.count.output + steps.named.values.n }}}}' }}
"#
            ),
        ),
        (
            "files",
            format!(
                r#"
steps:
  - {{ id: write, file: {{ write: out/a.json, content: '${{{{ {{"n": [1, 2]}} }}}}' }} }}
  - {{ id: copy, file: {{ copy: out/a.json, to: b.json }} }}
  - {{ id: move, file: {{ move: out/a.json, to: new/a.json }} }}
  - {{ id: cat, run: '{RAN}; cat new/a.json', parse: json }}
  - {{ id: take, file: {{ read: b.json, parse: file }} }}
  - {{ id: out, file: {{ copy: '${{{{ steps.take.output }}}}', to: c.json }} }}
  - {{ id: read, file: {{ read: c.json, parse: json }} }}
  - {{ id: clean, file: {{ delete: [b.json, c.json] }} }}
  - {{ id: left, run: '{RAN}; ls -A out new; ls -A | grep json || true' }}
outputs:
  n: '${{{{ steps.cat.output.n + steps.read.output.n }}}}'
  moved: '${{{{ steps.move.output }}}}'
  left: '${{{{ steps.left.output }}}}'
"#
            ),
        ),
        (
            "http",
            r"
inputs: { server: { type: string } }
steps:
  - { id: here, run: pwd }
  - id: one
    http: { url: '${{ inputs.server }}', method: post, headers: { X-Folder: '${{ steps.here.output }}' }, json: { n: 1 } }
  - id: each
    foreach: { in: '${{ [1, 2, 3] }}', parallel: 2 }
    http:
      url: '${{ inputs.server }}/each'
      method: put
      headers: { X-Folder: '${{ steps.here.output }}' }
      json: { n: '${{ item + steps.one.output.body.n }}' }
outputs: { all: '${{ steps.each.output.map(o, o.body.n) }}', status: '${{ steps.one.output.status }}' }
"
            .to_owned(),
        ),
        (
            "noops",
            r"
steps:
  - { id: l, loop: { max: 25 }, noop: '${{ iteration }}' }
  - { id: f, foreach: { in: '${{ [1, 2, 3, 4, 5, 6] }}', parallel: 3 }, noop: '${{ item }}' }
outputs: { l: '${{ steps.l.output }}', f: '${{ sum(steps.f.output) }}' }
"
            .to_owned(),
        ),
        (
            "states",
            format!(
                r"
states:
  - id: a
    run: '{RAN}; echo $N'
    env: {{ N: '${{{{ iteration }}}}' }}
    parse: json
    next: [ {{ when: steps.a.output >= 3, go: c }}, {{ go: b }} ]
  - {{ id: b, on_error: {{ go: c }}, run: '{RAN}; [ $N -lt 2 ]', env: {{ N: '${{{{ iteration }}}}' }}, next: a }}
  - {{ id: c, set: {{ v: '${{{{ size(steps.a.instances) }}}}' }}, next: d }}
  - {{ id: d, noop: '${{{{ steps.c.output.v }}}}', next: end }}
outputs: {{ v: '${{{{ steps.d.output }}}}' }}
"
            ),
        ),
        (
            "joins",
            format!(
                r"
steps:
  - id: race
    join: first
    steps:
      - id: slow
        needs: []
        steps:
          - {{ id: pure, set: {{ v: 1 }}, undo: {{ run: '{RAN}' }} }}
          - {{ id: sleeps, run: 'sleep 600' }}
        finally:
          - {{ id: tidy, run: '{RAN}' }}
      - {{ id: fast, needs: [], run: '{RAN}; echo won' }}
  - id: each
    foreach: {{ in: '${{{{ [1, 2, 3] }}}}', parallel: 3, join: 2 }}
    run: '[ $N = 2 ] && sleep 600; {RAN}; echo $N'
    env: {{ N: '${{{{ item }}}}' }}
    parse: json
  - {{ id: all, foreach: {{ in: '${{{{ [1, 2] }}}}', join: settled }}, run: '{RAN}; exit $N', env: {{ N: '${{{{ index }}}}' }} }}
outputs: {{ won: '${{{{ steps.race.output.fast }}}}', each: '${{{{ steps.each.output }}}}' }}
"
            ),
        ),
        (
            "budgets",
            format!(
                r"
budget: {{ attempts: 9 }}
steps:
  - id: g
    budget: {{ attempts: 3 }}
    on_error: continue
    loop: {{ max: 9 }}
    steps:
      - {{ id: one, run: '{RAN}; echo 1' }}
      - {{ id: two, on_error: continue, run: '{RAN}; exit 2' }}
  - {{ id: kid, workflow: {{ path: child.yml, inputs: {{ n: 2 }} }} }}
  - {{ id: once, effect: once, run: '{RAN}; echo done' }}
  - {{ id: rest, on_error: continue, loop: {{ max: 9 }}, run: '{RAN}; echo $N', env: {{ N: '${{{{ iteration }}}}' }} }}
finally:
  - {{ id: tidy, run: '{RAN}' }}
"
            ),
        ),
        (
            "lines",
            format!(
                r"
inputs: {{ rows: {{ type: file }} }}
steps:
  - id: each
    foreach: {{ in: '${{{{ inputs.rows }}}}', parse: jsonl, parallel: 2, join: settled }}
    run: '{RAN}; echo $((N * 2))'
    env: {{ N: '${{{{ item.n }}}}' }}
  - {{ id: after, run: '{RAN}; echo $V', env: {{ V: 'counts ${{{{ steps.each.output }}}}' }} }}
outputs: {{ counts: '${{{{ steps.after.output }}}}' }}
"
            ),
        ),
        // Somebody is asked, and a time-out decides while a program keeps the engine there. A rejection in the engine's
        // name leads nowhere.
        (
            "gates",
            format!(
                r"
steps:
  - {{ id: a, run: '{RAN}; echo 1', parse: json }}
  - {{ id: slow, needs: [a], run: '{RAN}; sleep 0.3' }}
  - {{ id: ship, needs: [a], timeout: 40ms, approve: {{ title: Ship it?, show: [a], on_timeout: accept }} }}
  - {{ id: no, needs: [a], timeout: 60ms, approve: {{ title: Really?, on_timeout: reject, on_reject: continue }} }}
  - {{ id: b, needs: [ship, no, slow], run: '{RAN}; echo $V', env: {{ V: '${{{{ steps.ship.output.decision + steps.no.output.decision }}}}' }} }}
outputs: {{ b: '${{{{ steps.b.output }}}}' }}
"
            ),
        ),
        (
            "signals",
            format!(
                r"
steps:
  - {{ id: early, signal: {{ name: kept, data: 1 }} }}
  - {{ id: k, run: '{RAN}; echo 2', parse: json }}
  - {{ id: taken, wait: {{ signal: kept }} }}
  - id: pair
    workflow:
      inline:
        stead: 1
        name: pair
        inputs: {{ up: {{ type: string }}, key: {{ type: string, index: true }} }}
        steps:
          - {{ id: s, signal: {{ run: '${{{{ inputs.up }}}}', name: ready }} }}
          - {{ id: w, wait: {{ signal: go }} }}
          - {{ id: pair_r, run: '{RAN}; echo $N', env: {{ N: '${{{{ steps.w.output }}}}' }}, parse: json }}
      inputs: {{ up: '${{{{ run.id }}}}', key: '${{{{ run.id }}}}' }}
  - {{ id: ready, needs: [taken], wait: {{ signal: ready }} }}
  - {{ id: go, needs: [ready], signal: {{ run: {{ workflow: pair, where: {{ key: '${{{{ run.id }}}}' }} }}, name: go, data: 7 }} }}
  - {{ id: never, needs: [taken], on_error: continue, timeout: 50ms, wait: {{ signal: nobody }} }}
outputs:
  taken: '${{{{ steps.taken.output }}}}'
  pair: '${{{{ steps.pair.output.pair_r }}}}'
  went: '${{{{ size(steps.go.output.runs) }}}}'
  never: '${{{{ steps.never.error.kind }}}}'
"
            ),
        ),
        (
            "undo",
            format!(
                r"
steps:
  - {{ id: a, run: '{RAN}; echo 1', undo: {{ run: '{RAN}' }} }}
  - id: each
    foreach: {{ in: '${{{{ [1, 2] }}}}' }}
    run: '{RAN}; echo $N'
    env: {{ N: '${{{{ item }}}}' }}
    undo: {{ run: '{RAN}; [ $N = 1 ]', env: {{ N: '${{{{ steps.each.output }}}}' }} }}
  - {{ id: bad, run: '{RAN}; exit 1', undo: {{ run: '{RAN}' }} }}
  - {{ id: never, run: '{RAN}' }}
finally:
  - {{ id: tidy, run: '{RAN}; echo $E', env: {{ E: '${{{{ ended.error.step }}}}' }} }}
  - {{ id: wrong, run: '{RAN}; exit 4' }}
  - {{ id: last, run: '{RAN}' }}
"
            ),
        ),
        (
            "finally",
            format!(
                r"
steps:
  - id: g
    on_error: continue
    steps:
      - {{ id: inner, run: '{RAN}; exit 1' }}
    finally:
      - {{ id: gf, run: '{RAN}; echo $E', env: {{ E: '${{{{ ended.status }}}}' }} }}
  - {{ id: after, run: '{RAN}; echo 2' }}
finally:
  - {{ id: one, run: '{RAN}' }}
  - {{ id: two, noop: '${{{{ ended.outcome }}}}' }}
outputs: {{ after: '${{{{ steps.after.output }}}}' }}
"
            ),
        ),
        (
            "verify",
            format!(
                r#"
steps:
  - id: v
    effect: once
    run: '{RAN}; echo out'
    verify: {{ run: 'grep -qxF "$K" ran && echo out', env: {{ K: '${{{{ run.id }}}}/v' }} }}
  - {{ id: after, run: '{RAN}; echo "$O"', env: {{ O: '${{{{ steps.v.output }}}}' }} }}
outputs: {{ after: '${{{{ steps.after.output }}}}' }}
"#
            ),
        ),
        (
            "concurrency",
            format!(
                r"
concurrency: {{}}
steps:
  - id: each
    needs: []
    foreach: {{ in: [1, 2, 3], parallel: 3 }}
    workflow: {{ path: placed.yml, inputs: {{ n: '${{{{ item }}}}' }} }}
  - {{ id: p, needs: [], concurrency: {{ key: shared }}, run: '{ALONE}; {RAN}; echo 1', parse: json }}
  - id: q
    needs: []
    concurrency: {{ key: shared }}
    steps:
      - {{ id: r, run: '{ALONE}; {RAN}; echo 2', parse: json }}
      - {{ id: s, concurrency: {{ key: shared }}, run: '{ALONE}; {RAN}; echo 3', parse: json }}
outputs: {{ all: '${{{{ steps.each.output.map(o, o.n) + [steps.p.output, steps.q.output.r, steps.q.output.s] }}}}' }}
"
            ),
        ),
        (
            "fails",
            format!(
                r"
steps:
  - {{ id: side, run: '{RAN}; echo 1' }}
  - {{ id: l, loop: {{ max: 3, until: 'false' }}, run: '{RAN}; echo $N', env: {{ N: '${{{{ iteration }}}}' }} }}
  - {{ id: never, run: '{RAN}' }}
"
            ),
        ),
    ]
}

/// Writes the definitions into a folder, and what they count on.
pub(crate) fn write(folder: &Path, servers: &Servers) -> Vec<Case> {
    let child = format!(
        "stead: 1\nname: child\ninputs: {{ n: {{ type: integer }} }}\nsteps:\n  - {{ id: c, run: '{RAN}; echo $((N * 3))', env: {{ N: '${{{{ inputs.n }}}}' }}, parse: json }}\noutputs: {{ n: '${{{{ steps.c.output }}}}' }}\n"
    );
    std::fs::write(folder.join("child.yml"), child).unwrap();
    let placed = format!(
        "stead: 1\nname: placed\nconcurrency: {{ key: shared }}\ninputs: {{ n: {{ type: integer }} }}\nsteps:\n  - {{ id: c, run: '{ALONE}; {RAN}; echo $((N * 3))', env: {{ N: '${{{{ inputs.n }}}}' }}, parse: json }}\noutputs: {{ n: '${{{{ steps.c.output }}}}' }}\n"
    );
    std::fs::write(folder.join("placed.yml"), placed).unwrap();
    let rows = folder.join("rows.jsonl");
    std::fs::write(&rows, "{\"n\": 1}\n{\"n\": 2}\nno JSON\n{\"n\": 4}\n").unwrap();
    let mut cases = Vec::new();
    for (name, text) in definitions() {
        let file = folder.join(format!("{name}.yml"));
        std::fs::write(&file, format!("stead: 1\nname: {name}\n{}", text.trim_start())).unwrap();
        let (times, once) = match name {
            "retry" => (BTreeMap::from([("r", 3), ("bad", 2)]), Vec::new()),
            "effects" => (BTreeMap::new(), vec![("once", "done"), ("twice", "too")]),
            "verify" => (BTreeMap::new(), vec![("v", "out")]),
            "budgets" => (BTreeMap::new(), vec![("once", "done")]),
            _ => (BTreeMap::new(), Vec::new()),
        };
        let inputs = match name {
            "http" => vec![format!("server={}", servers.counts)],
            "lines" => vec![format!("rows={}", rows.display())],
            _ => Vec::new(),
        };
        let name = name.to_owned();
        cases.push(Case { name, file, inputs, times, once, tells_time: false });
    }
    cases.extend(examples(folder, servers));
    cases
}

/// All examples, each with inputs under which it is quick and comes to the same every time.
fn examples(folder: &Path, servers: &Servers) -> Vec<Case> {
    let repository = folder.join("repository");
    git_repository(&repository);
    let repository = format!("repository={}", repository.display());
    let inputs: BTreeMap<&str, Vec<String>> = BTreeMap::from([
        ("booking.yml", Vec::new()),
        ("deploy.yml", vec!["takes=0".to_owned()]),
        ("invoice.yml", vec!["customer=any".to_owned(), "price=40".to_owned()]),
        ("shorten.yml", Vec::new()),
        ("hand-over.yml", Vec::new()),
        ("nested.yml", vec![r#"kinds:=["rs", "md"]"#.to_owned()]),
        ("remind.yml", vec!["after=50ms".to_owned()]),
        ("repository-report.yml", vec![repository, "at_least=3".to_owned()]),
        ("ship-orders.yml", vec![format!("server={}", servers.orders)]),
    ]);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let mut found: Vec<PathBuf> =
        std::fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path()).collect();
    // One waits for people all the way; such a run is killed between what they say, beside these.
    let waits = |path: &Path| path.file_name().is_some_and(|name| name == "product.yml");
    found.retain(|path| path.extension().is_some_and(|extension| extension == "yml") && !waits(path));
    found.sort();
    let case = |file: PathBuf| {
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        let inputs =
            inputs.get(&*name).unwrap_or_else(|| panic!("say here which inputs {name} is tested with"));
        let (times, once, tells_time) = (BTreeMap::new(), Vec::new(), name == "remind.yml");
        Case { inputs: inputs.clone(), name, file, times, once, tells_time }
    };
    found.into_iter().map(case).collect()
}

/// Files of a small repository.
const FILES: [(&str, &str); 3] =
    [("crates/a/one.rs", "1\n2\n"), ("crates/b/two.rs", "3\n"), ("README.md", "4\n5\n6\n")];

fn write_file(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// A small repository with a history.
fn git_repository(folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    let git = |args: &[&str]| {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=Ana", "-c", "user.email=ana@example.org"]).args(args);
        let output = command.current_dir(folder).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    git(&["init", "--quiet"]);
    for (name, text) in FILES {
        write_file(folder, name, text);
        git(&["add", "."]);
        git(&["commit", "--quiet", "--message", name]);
    }
}

/// Makes a folder another checkout of the repository beside it.
pub(crate) fn check_out(folder: &Path) {
    let repository = folder.parent().unwrap().join("repository/.git");
    write_file(folder, ".git", &format!("gitdir: {}\n", repository.display()));
    for (name, text) in FILES {
        write_file(folder, name, text);
    }
}
