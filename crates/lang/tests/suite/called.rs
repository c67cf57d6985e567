//! Workflows that are called by name: found, pinned, refused.

use std::collections::BTreeMap;

use stead_lang::bundle::{Called, Missing, Named, Source};
use stead_lang::plan::{ActionKind, Body, Child, Plan, definition_of};
use stead_lang::tree::ReadProblem;
use stead_lang::{Bundle, Checked, check, collect, gather, link};

use crate::common::{codes, finds, shown};

/// A library and the files beside it.
#[derive(Default, Clone)]
struct Shelf {
    /// Texts by name, one for each revision.
    saved: BTreeMap<String, Vec<String>>,
    files: BTreeMap<String, String>,
}

impl Shelf {
    fn save(mut self, name: &str, text: &str) -> Self {
        self.saved.entry(name.to_owned()).or_default().push(text.to_owned());
        self
    }

    fn file(mut self, path: &str, text: &str) -> Self {
        self.files.insert(path.to_owned(), text.to_owned());
        self
    }

    fn bundle(&self, name: &str, number: usize) -> Bundle {
        let text = self.saved[name][number - 1].clone();
        collect(&format!("{name}.yml"), &mut |path| match path == format!("{name}.yml") {
            true => Ok(text.clone()),
            false => self.files.get(path).cloned().ok_or(ReadProblem::NotFound),
        })
        .own()
    }

    fn gather(&self, entry: &str) -> Bundle {
        gather(entry, &mut self.clone())
    }

    fn check(&self, entry: &str) -> Checked {
        check(&self.gather(entry))
    }

    /// A workflow of the library as it would be run.
    fn run(&self, name: &str, number: usize) -> Checked {
        let bundle = Bundle { called: Some(name.to_owned()), ..self.bundle(name, number) };
        check(&link(bundle, &mut self.clone()))
    }
}

impl Source for Shelf {
    fn read(&mut self, path: &str) -> Result<String, ReadProblem> {
        self.files.get(path).cloned().ok_or(ReadProblem::NotFound)
    }

    fn named(&mut self, name: &str, number: Option<u32>) -> Result<Called, Missing> {
        let file = format!("workflows/{name}.yml");
        let Some(saved) = self.saved.get(name) else {
            return match self.files.contains_key(&file) {
                true => Ok(Called::File(file)),
                false => Err(Missing::Unknown { near: None }),
            };
        };
        let newest = u32::try_from(saved.len()).unwrap();
        let number = number.unwrap_or(newest);
        if number > newest {
            return Err(Missing::NoRevision { newest });
        }
        let beside = self.files.contains_key(&file).then_some(file);
        Ok(Called::Saved {
            name: name.to_owned(),
            number,
            bundle: self.bundle(name, number as usize),
            beside,
        })
    }
}

fn leaf(name: &str, word: &str) -> String {
    format!(
        "stead: 1\nname: {name}\ninputs: {{ n: {{ type: integer, default: 1 }} }}\nsteps:\n  - {{ id: say, run: [echo, {word}] }}\noutputs: {{ said: '${{{{ steps.say.output }}}}' }}\n"
    )
}

fn caller(name: &str, workflow: &str) -> String {
    format!("stead: 1\nname: {name}\nsteps:\n  - id: c\n    workflow: {workflow}\n")
}

fn child(plan: &Plan) -> &Child {
    let Body::Action(action) = &plan.steps[0].body else { panic!() };
    let ActionKind::Workflow(child) = &action.kind else { panic!() };
    child
}

fn plan(checked: &Checked) -> &Plan {
    checked.plan.as_ref().unwrap_or_else(|| panic!("{}", shown(checked)))
}

#[test]
fn rule_44_a_child_by_name_is_pinned_beside_the_definition() {
    let parent = caller("parent", "{ name: leaf, inputs: { n: 7 } }");
    let shelf = Shelf::default().save("leaf", &leaf("leaf", "one")).file("p.yml", &parent);
    let first = shelf.check("p.yml");
    let called = child(plan(&first)).clone();
    assert_eq!((called.workflow.as_str(), called.latest), ("leaf", false));
    // The definition is the same, whatever its child is; what a run is pinned to is not.
    let later = shelf.clone().save("leaf", &leaf("leaf", "two")).check("p.yml");
    let (one, two) = (&plan(&first).revision, &plan(&later).revision);
    assert_ne!(one, two);
    assert_eq!(definition_of(one), definition_of(two));
    assert_eq!(definition_of(one).len(), 64);
    assert_ne!(child(plan(&later)).revision, called.revision);
    // A number stays what it is.
    let numbered =
        shelf.clone().save("leaf", &leaf("leaf", "two")).file("p.yml", &parent.replace("leaf,", "leaf@1,"));
    assert_eq!(child(plan(&numbered.check("p.yml"))).revision, called.revision);
    // By themselves they are the same revisions: that is how they are loaded from where they were stored.
    let kept = &first.children[&called.revision];
    assert_eq!(kept.entry, "leaf@1/leaf.yml");
    let stored: Bundle = serde_json::from_value(serde_json::to_value(kept).unwrap()).unwrap();
    assert_eq!(plan(&check(&stored)).revision, called.revision);
    let whole = shelf.gather("p.yml");
    let stored: Bundle = serde_json::from_value(serde_json::to_value(&whole).unwrap()).unwrap();
    assert_eq!(&plan(&check(&stored)).revision, one);
    // A library keeps the definition alone.
    assert_eq!(whole.own(), collect("p.yml", &mut |_| Ok(parent.clone())).own());
    assert_eq!(whole.calls(), ["leaf"]);
}

#[test]
fn rule_44_children_of_children_are_pinned_with_the_top() {
    let shelf = Shelf::default()
        .save("leaf", &leaf("leaf", "one"))
        .save("middle", &caller("middle", "{ name: leaf }"))
        .file("beside.yml", &caller("beside", "{ name: middle }"))
        .file("p.yml", &caller("p", "{ path: beside.yml }"));
    let first = shelf.check("p.yml");
    let pinned = |checked: &Checked| plan(checked).revision.clone();
    assert!(pinned(&first).contains('+'));
    assert_eq!(first.children.len(), 3, "{:?}", first.children.keys());
    for (revision, bundle) in &first.children {
        assert_eq!(&plan(&check(bundle)).revision, revision, "{}", bundle.entry);
    }
    let later = shelf.clone().save("leaf", &leaf("leaf", "two")).check("p.yml");
    assert_ne!(pinned(&later), pinned(&first));
    assert_eq!(definition_of(&pinned(&later)), definition_of(&pinned(&first)));
    assert_eq!(shelf.bundle("middle", 1).calls(), ["leaf"]);
    assert_eq!(shelf.gather("p.yml").calls(), ["middle"]);
}

#[test]
fn a_workflow_of_the_library_runs_under_its_name_there() {
    let shelf = Shelf::default()
        .save("renamed", &leaf("leaf", "one"))
        .save("same", &leaf("same", "one"))
        .file("p.yml", &caller("p", "{ name: renamed }"));
    let run = shelf.run("renamed", 1);
    assert_eq!(plan(&run).name, "renamed");
    let alone = check(&shelf.bundle("renamed", 1));
    assert_eq!(definition_of(&plan(&run).revision), plan(&alone).revision);
    assert_ne!(plan(&run).revision, plan(&alone).revision);
    // Where its text has the same name there is nothing to add.
    assert_eq!(plan(&shelf.run("same", 1)).revision, plan(&check(&shelf.bundle("same", 1))).revision);
    let parent = shelf.check("p.yml");
    assert_eq!(child(plan(&parent)).workflow, "renamed");
    assert_eq!(child(plan(&parent)).revision, plan(&run).revision);
}

#[test]
fn the_library_goes_before_the_files_of_the_project() {
    let shelf = Shelf::default()
        .file("p.yml", &caller("p", "{ name: leaf }"))
        .file("workflows/leaf.yml", &leaf("leaf", "file"));
    let of_file = shelf.check("p.yml");
    assert!(of_file.diagnostics.is_empty(), "{}", shown(&of_file));
    let whole = shelf.gather("p.yml");
    let Named::There { entry, number, .. } = &whole.named["leaf"] else { panic!() };
    assert_eq!((entry.as_str(), number), ("workflows/leaf.yml", &None));
    let both = shelf.clone().save("leaf", &leaf("leaf", "saved")).check("p.yml");
    assert_eq!(codes(&both), ["W0302"], "{}", shown(&both));
    assert!(both.diagnostics[0].message.contains("leaf@1 of the library, and not `workflows/leaf.yml`"));
    assert_ne!(child(plan(&both)).revision, child(plan(&of_file)).revision);
    // A parent in the library calls files too, and none of its own files is taken from the project.
    let parent = shelf.save("parent", &caller("parent", "{ name: leaf }"));
    let run = parent.run("parent", 1);
    assert_eq!(child(plan(&run)).revision, child(plan(&of_file)).revision);
    assert_eq!(run.children.values().next().unwrap().entry, "@project/workflows/leaf.yml");
    let lost = Bundle { entry: "p.yml".into(), ..Bundle::default() };
    assert!(link(lost, &mut { parent }).files.is_empty());
}

/// A name that the library and the project both have.
pub(crate) fn beside() -> Checked {
    let shelf = Shelf::default().save("leaf", &leaf("leaf", "saved")).file("workflows/leaf.yml", "another");
    shelf.file("p.yml", &caller("p", "{ name: leaf }")).check("p.yml")
}

#[test]
fn what_is_not_there_says_why() {
    let shelf = Shelf::default().save("leaf", &leaf("leaf", "one"));
    for (workflow, code, part) in [
        ("{ name: nobody }", "E0328", "there is no workflow `nobody`"),
        ("{ name: leaf@2 }", "E0328", "there is no `leaf@2` in the library: the newest is leaf@1"),
        ("{ name: Leaf }", "E0301", "`Leaf` is no name"),
        ("{ name: ../leaf }", "E0301", "no name"),
        ("{ name: leaf@x }", "E0301", "`x` is no number of a revision"),
        ("{ name: '${{ inputs.x }}' }", "E0218", "no expression"),
        ("{ name: leaf, path: leaf.yml }", "E0217", "`name` or `path`"),
        ("{ name: leaf, revision: newest }", "E0204", "`newest`"),
        ("{ name: leaf@1, revision: latest }", "E0209", "which revision"),
        ("{ path: leaf.yml, revision: latest }", "E0209", "called by its name"),
        ("{ name: leaf, inputs: { m: 1 } }", "E0318", "`leaf` has no input `m`"),
        ("{ name: leaf, inputs: { n: many } }", "E0320", "does not fit"),
    ] {
        let checked = shelf
            .clone()
            .file("leaf.yml", &leaf("leaf", "x"))
            .file("p.yml", &caller("p", workflow))
            .check("p.yml");
        assert_eq!(codes(&checked), [code], "{workflow}\n{}", shown(&checked));
        assert!(checked.diagnostics[0].message.contains(part), "{workflow}\n{}", shown(&checked));
    }
    finds("steps:\n  - id: a\n    workflow: { name: leaf }\n", &[("E0328", 5, "nobody here knows")]);
}

#[test]
fn circles_through_names_and_paths_are_named_whole() {
    // By names alone: the one that is checked is the newest of its name.
    let shelf = Shelf::default()
        .save("b", &leaf("b", "one"))
        .save("a", &caller("a", "{ name: b }"))
        .file("b.yml", &caller("b", "{ name: a }"));
    let checked = shelf.check("b.yml");
    assert_eq!(codes(&checked), ["E0317"], "{}", shown(&checked));
    assert!(checked.diagnostics[0].message.ends_with("`b.yml` → `a@1/a.yml` → `b`"), "{}", shown(&checked));
    // As it is found when it is run, should it have come into the library all the same.
    let saved = shelf.clone().save("b", &caller("b", "{ name: a }"));
    assert_eq!(codes(&saved.run("b", 2)), ["E0317"]);
    assert_eq!(codes(&saved.run("a", 1)), ["E0317"]);
    // An earlier revision does not call back.
    assert!(saved.run("b", 1).plan.is_some());
    let numbered = shelf.save("a", &caller("a", "{ name: b@1 }"));
    assert!(numbered.check("b.yml").plan.is_some(), "{}", shown(&numbered.check("b.yml")));
    // Through a path, an inline child, and a file that is called by its name.
    let mixed = Shelf::default().file("workflows/one.yml", &caller("one", "{ path: ../sub/two.yml }")).file(
        "sub/two.yml",
        &caller("two", "{ inline: { stead: 1, name: three, steps: [{ id: x, workflow: { name: one } }] } }"),
    );
    let checked = mixed.check("workflows/one.yml");
    assert_eq!(codes(&checked), ["E0317"], "{}", shown(&checked));
    assert_eq!(checked.diagnostics[0].file, "sub/two.yml");
    // Itself, at once, and by whatever it is asked for.
    let own = Shelf::default()
        .file("s.yml", &caller("s", "{ name: s, revision: latest }"))
        .save("s", &leaf("s", "x"));
    assert_eq!(codes(&own.check("s.yml")), ["E0317"]);
}

#[test]
fn p11_children_by_name_are_bounded_in_depth_and_number() {
    let mut shelf = Shelf::default().save("n-0", &leaf("n-0", "x"));
    for n in 1..=11 {
        shelf =
            shelf.save(&format!("n-{n}"), &caller(&format!("n-{n}"), &format!("{{ name: n-{} }}", n - 1)));
    }
    assert!(shelf.run("n-10", 1).plan.is_some());
    let deep = shelf.run("n-11", 1);
    assert!(deep.plan.is_none() && shown(&deep).contains("nested too deeply"), "{}", shown(&deep));
    // The same wherever it is called: once in the bundle.
    let many = "stead: 1\nname: p\nsteps:\n".to_owned()
        + &(0..50).map(|n| format!("  - {{ id: s{n}, workflow: {{ name: n-0 }} }}\n")).collect::<String>();
    let whole = shelf.file("p.yml", &many).gather("p.yml");
    assert_eq!((whole.files.len(), whole.named.len()), (2, 1));
    // More than a definition may name.
    let shelf = (0..300)
        .fold(Shelf::default(), |shelf, n| shelf.save(&format!("m-{n}"), &leaf(&format!("m-{n}"), "x")));
    let steps: String =
        (0..300).map(|n| format!("  - {{ id: s{n}, workflow: {{ name: m-{n} }} }}\n")).collect();
    let text = format!("stead: 1\nname: p\nsteps:\n{steps}");
    let checked = shelf.file("p.yml", &text).check("p.yml");
    assert!(checked.plan.is_none() && !checked.diagnostics.is_empty());
}

#[test]
fn a_saved_definition_reaches_nothing_but_what_it_was_saved_with() {
    let evil = "stead: 1\nname: evil\ninputs: { it: { type: object, schema: ../secret.json } }\nsteps:\n  - { id: a, run: ls }\n";
    let shelf = Shelf::default()
        .save("evil", evil)
        .file("secret.json", "{}")
        .file("p.yml", &caller("p", "{ name: evil, inputs: { it: {} } }"));
    let checked = shelf.check("p.yml");
    assert_eq!(codes(&checked), ["E0316"], "{}", shown(&checked));
    let whole = shelf.gather("p.yml");
    assert_eq!(whole.files.keys().collect::<Vec<_>>(), ["evil@1/evil.yml", "p.yml"]);
}
